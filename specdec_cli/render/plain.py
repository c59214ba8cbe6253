"""Answer text straight to stdout."""

from __future__ import annotations

from typing import TextIO


class Plain:
    """Writes at once, so that a reader at the other end of a pipe sees text as it is made.

    A ``BrokenPipeError`` reaches the caller.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        """Write a chunk of the answer."""
        self._out.write(text)
        self._out.flush()
