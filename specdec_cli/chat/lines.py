"""What a person types, entry by entry, where there is no terminal that could be drawn on.

An entry is a line, or a block of lines between two ``\"\"\"``.
"""

from __future__ import annotations

import io
import sys
from typing import BinaryIO, Protocol, TextIO

from specdec_cli.reading import bounded_line
from specdec_cli.terminal.utf8 import decode

QUOTES = '"""'


class Reader(Protocol):
    """Where entries come from."""

    interactive: bool
    """Whether a person types them, who can be asked."""

    def read(self) -> str:
        """The next entry, as typed.

        Raises:
            EOFError: there are no more.
            KeyboardInterrupt: the person pressed Ctrl-C.
            SpecdecError: it cannot be read, or whatever ended the wait for it.
        """

    def offer(self, text: str) -> None:
        """Let the next entry begin as this text, where it can still be changed."""


class LineReader:
    """Reads lines of standard input.

    Args:
        prompt: where to write a prompt before each line; ``None`` for a pipe, where nobody waits.
    """

    def __init__(self, stream: BinaryIO, prompt: TextIO | None) -> None:
        self._stream = stream
        self._prompt = prompt
        self._number = 0
        self.interactive = prompt is not None

    def read(self) -> str:
        line = self._line(">>> ")
        if not is_open(line):
            return line
        lines = [line]
        while is_open("\n".join(lines)):
            try:
                lines.append(self._line("... "))
            except EOFError:
                break
        return "\n".join(lines)

    def offer(self, text: str) -> None:
        """Nothing: a line cannot begin with a text of the program."""

    def _line(self, prompt: str) -> str:
        if self._prompt is not None:
            self._prompt.write(prompt)
            self._prompt.flush()
        data = bounded_line(self._stream)
        if not data:
            if self._prompt is not None:
                self._prompt.write("\n")
            raise EOFError
        self._number += 1
        text = decode(data, f"line {self._number} of standard input")
        return text.removesuffix("\n").removesuffix("\r")


def stdin_reader(prompt: TextIO | None) -> LineReader:
    """Reads the process's own standard input; a closed one has no lines."""
    stream = sys.stdin.buffer if sys.stdin is not None else io.BytesIO()
    return LineReader(stream, prompt)


def is_open(text: str) -> bool:
    """Whether a block has begun and not ended."""
    text = text.lstrip()
    return text.startswith(QUOTES) and not text[len(QUOTES) :].rstrip().endswith(QUOTES)


def unwrapped(text: str) -> tuple[str, bool]:
    """An entry without the marks of a block, and whether it was one."""
    inner = text.strip()
    if not inner.startswith(QUOTES):
        return text, False
    inner = inner.removeprefix(QUOTES).removesuffix(QUOTES)
    return inner.removeprefix("\n").removesuffix("\n"), True
