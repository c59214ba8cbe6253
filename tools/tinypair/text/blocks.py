"""The data files: lines with a one-character mark, grouped into blocks by '@' lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_DATA = Path(__file__).with_name("data")


@dataclass
class Block:
    """A title and, for every mark, the lines that carry it, in order."""

    title: str
    lines: dict[str, list[str]] = field(default_factory=dict)

    def get(self, mark: str) -> tuple[str, ...]:
        return tuple(self.lines.get(mark, ()))


def read_blocks(name: str) -> list[Block]:
    """Blocks of a data file; a line that starts with four spaces has the mark ' '."""
    blocks: list[Block] = []
    for line in _lines(name):
        if line.startswith("@ "):
            blocks.append(Block(line[2:]))
        else:
            mark = line[0]
            text = line if mark == " " else line[1:].removeprefix(" ")
            blocks[-1].lines.setdefault(mark, []).append(text)
    return blocks


def read_rows(name: str) -> list[tuple[str, ...]]:
    """Rows of a data file with '|' between the cells."""
    return [tuple(cell.strip() for cell in line.split("|")) for line in _lines(name)]


def _lines(name: str) -> Iterator[str]:
    for line in (_DATA / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("//"):
            yield line.rstrip()
