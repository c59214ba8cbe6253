"""Answer text straight to stdout."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO


class Plain:
    """Writes at once, so that a reader at the other end of a pipe sees text as it is made.

    A ``BrokenPipeError`` reaches the caller.

    Args:
        columns: says how wide a terminal is whose lines are to be broken between words.
    """

    def __init__(self, out: TextIO, columns: Callable[[], int] | None = None) -> None:
        self._out = out
        self._lay_out: Callable[[str], str] = str
        if columns is not None:  # rich.cells is only needed, and only imported, for a terminal
            from specdec_cli.terminal.wrap import Wrap, shown

            wrap = Wrap(columns)
            self._lay_out = lambda text: shown(wrap.feed(text))

    def write(self, text: str) -> None:
        """Write a chunk of the answer."""
        self._out.write(self._lay_out(text))
        self._out.flush()
