"""Tables on stdout: columns of plain text, which pipes and screen readers take as they are."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TextIO

from specdec_cli.terminal.safe import safe_line

_GAP = "  "


_MIN_WIDTH = 24
"""Columns that are enough to wrap a text in; with fewer it stands below its row."""
_INDENT = 2


def write_table(
    out: TextIO,
    rows: Sequence[Sequence[str]],
    head: Sequence[str] = (),
    right: Sequence[int] = (),
    width: int | None = None,
) -> None:
    """Write rows in columns; the last one is as long as it is, or wrapped.

    Args:
        head: names of the columns, if they have names.
        right: columns that are aligned to the right.
        width: of the terminal, so that the last column is wrapped between words; ``None`` for what
            is no terminal.
    """
    table = [[safe_line(cell) for cell in row] for row in ([head, *rows] if head else rows)]
    if not table:
        return
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        out.write(_GAP.join(cells).rstrip() + "\n" if width is None else _wrapped(cells, width))
    out.flush()


def table_width(rows: Sequence[Sequence[str]]) -> int:
    """Columns that a table takes where nothing is wrapped."""
    widths = [max(len(safe_line(cell)) for cell in column) for column in zip(*rows, strict=True)]
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def write_lines(out: TextIO, lines: Iterable[str], width: int | None = None) -> None:
    """Write lines, wrapped between words where they are longer than a terminal is wide.

    What goes on stands below the words, a step further in.
    """
    for line in map(safe_line, lines):
        if width is None or len(line) < width:
            out.write(line + "\n")
            continue
        indent = " " * (len(line) - len(line.lstrip()))
        out.writelines(part + "\n" for part in _broken(line.strip(), width, indent, indent + "  "))
    out.flush()


def _broken(text: str, width: int, first: str, then: str) -> list[str]:
    """Lines with nothing broken but between words, so that paths can be copied."""
    return textwrap.wrap(
        text,
        max(width - 1, len(then) + 1),
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _wrapped(cells: Sequence[str], width: int) -> str:
    """A row as lines, of which only a single word may be longer than the terminal is wide."""
    *before, last = cells
    row = _GAP.join([*before, last.rstrip()]).rstrip()
    if len(row) < width:
        return row + "\n"
    start = _GAP.join([*before, ""])
    room = width - len(start)
    below = room < _MIN_WIDTH or max(map(len, last.split()), default=0) >= room
    indent = " " * (_INDENT if below else len(start))
    text = "\n".join(_broken(last.rstrip(), width, indent, indent))
    return f"{start.rstrip()}\n{text}\n" if below else f"{start}{text.lstrip()}\n"
