"""What a target's last layer says of each token, for heads that were trained to go on from it."""

from __future__ import annotations

import numpy as np

MOST_TOKENS = 4096
MOST_BYTES = 128 << 20
"""What is kept of a text at most; a head that has missed more begins anew behind it."""


def most_rows(width: int) -> int:
    """How many rows of as many numbers are kept."""
    return max(min(MOST_TOKENS, MOST_BYTES // (4 * width)), 1) if width else 0


class HiddenStates:
    """Rows of the newest tokens, by position.

    They are noted after each decode of the target, over whatever was noted of the same positions
    before: a draft that was rejected, a conversation that was edited.

    Args:
        width: numbers of a row.
        most: rows that are kept.

    Attributes:
        first, end: rows are there of the positions from ``first`` up to ``end``.
    """

    def __init__(self, width: int, most: int = 0) -> None:
        self.width = width
        self.first = self.end = 0
        self._rows = np.empty((most or most_rows(width), width), np.float32)

    def note(self, start: int, rows: np.ndarray) -> None:
        """Keep the rows of the tokens from position ``start`` on, shape (n, width).

        What was noted of later positions is of another text.
        """
        if not self.first <= start <= self.end:
            self.first = start
        self.end = start + len(rows)
        most = len(self._rows)
        if len(rows) > most:
            start, rows = self.end - most, rows[-most:]
        place = start % most
        before_the_turn = rows[: most - place]
        self._rows[place : place + len(before_the_turn)] = before_the_turn
        self._rows[: len(rows) - len(before_the_turn)] = rows[len(before_the_turn) :]
        self.first = max(self.first, self.end - most)

    def before(self, start: int, out: np.ndarray) -> None:
        """Copy what was said one position before each of the tokens from ``start`` on.

        Nothing is before the first of all, which is zeros.

        Raises:
            IndexError: as ``take``.
        """
        if start == 0:
            out[0] = 0.0
            start, out = 1, out[1:]
        self.take(start - 1, out)

    def take(self, start: int, out: np.ndarray) -> None:
        """Copy the rows from position ``start`` on to ``out``, shape (n, width).

        Raises:
            IndexError: not all of them are there.
        """
        if not self.first <= start <= start + len(out) <= self.end:
            raise IndexError(f"{len(out)} rows from {start}, of {self.first} to {self.end}")
        place = start % len(self._rows)
        before_the_turn = self._rows[place : place + len(out)]
        out[: len(before_the_turn)] = before_the_turn
        rest = len(out) - len(before_the_turn)
        out[len(before_the_turn) :] = self._rows[:rest]
