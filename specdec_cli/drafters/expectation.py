"""Following a text that an answer is expected to repeat, through its changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_NEAR = 512  # tokens searched on either side when the expected text has been left
_PATIENCE = 32  # differing tokens after which the search is widened by as much
_SURE = 4  # a match this long shows where in the expected text the answer is
_COMPARED = 16  # tokens compared to choose between places


class Expectation:
    """Where an answer is in the text it is expected to repeat with changes.

    After a token that differs it searches for the longest match near the place it left, the nearest
    one if equal. If there is none, it assumes that one token replaced another, the most common
    edit.

    Attributes:
        at: the position in the expected text that comes next.
        length: how many of the last tokens agree with it up to there.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = list(tokens)
        self._searched: NDArray[np.int64] = np.asarray(tokens, np.int64)
        self._answer: list[int] = []
        self._left = 0  # where the answer was when its place was last known for sure
        self._lost = 0  # tokens that differed since then
        self.at = 0
        self.length = 1  # that both begin counts as one token

    @property
    def is_ahead(self) -> bool:
        """Whether there is anything left to expect."""
        return self.at < len(self._tokens)

    def ahead(self, limit: int) -> list[int]:
        """Return up to ``limit`` expected tokens."""
        return self._tokens[self.at : self.at + limit]

    def follow(self, token: int) -> bool:
        """Follow the next token; return whether it was expected."""
        self._answer.append(token)
        if self.is_ahead and self._tokens[self.at] == token:
            self.at += 1
            self.length += 1
            return True
        self._lost += 1
        if self.length >= _SURE:
            self._left, self._lost = self.at, 0
        at, length = self._search(token)
        if not length:
            at = min(self.at + 1, len(self._tokens))
        self.at, self.length = at, length
        return False

    def _search(self, token: int) -> tuple[int, int]:
        """Find the best place to go on from, and how many tokens before it agree."""
        near = _NEAR * (1 + self._lost // _PATIENCE)
        low = max(self._left - near, 0)
        ends = np.flatnonzero(self._searched[low : self._left + near] == token) + low + 1
        if not len(ends):
            return 0, 0
        length = 1
        while length < min(_COMPARED, len(self._answer)):
            longer = ends[ends > length]
            longer = longer[self._searched[longer - 1 - length] == self._answer[-1 - length]]
            if not len(longer):
                break
            ends = longer
            length += 1
        return int(ends[np.abs(ends - self._left).argmin()]), length
