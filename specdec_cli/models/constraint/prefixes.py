"""Which tokens begin with which others, so that a grammar is not asked about each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.intp]

_IN_TIME = 32
"""Places of answers at which they were missing before they are made: to make them takes as long as
60 looks at a whole vocabulary, and short answers need fewer."""


class TokenTexts(Protocol):
    """What is asked of a vocabulary."""

    @property
    def ends(self) -> list[int]: ...

    def texts(self) -> list[bytes]: ...


class PrefixesInTime:
    """Makes the prefixes of a vocabulary once it pays: 0.15 s for 49,000 tokens."""

    def __init__(self, vocab: TokenTexts) -> None:
        self._vocab = vocab
        self._missed = 0
        self._made: Prefixes | None = None

    def __call__(self) -> Prefixes | None:
        """The prefixes, for a place where they help; ``None`` so far."""
        if self._made is None:
            self._missed += 1
            if self._missed > _IN_TIME:
                self._made = Prefixes(self._vocab.texts(), apart=self._vocab.ends)
        return self._made


class Prefixes:
    """The tokens of a vocabulary as a forest: below each token those that begin with its text.

    A grammar that does not allow a text allows no longer text that begins with it. So the roots are
    asked about, then what is directly below those that are allowed, and so on: where few tokens
    are allowed that is a few hundred of all. What is no text of its own, such as a part of a
    character or a token that ends the generation, is a root, and is asked about each time.

    Args:
        pieces: the text of each token as the grammar reads it, in bytes.
        apart: tokens that end the generation: their text says nothing of them.
    """

    def __init__(self, pieces: Sequence[bytes], apart: Sequence[int]) -> None:
        parents = np.full(len(pieces), -1, np.intp)
        alone = set(apart)
        above: list[tuple[bytes, int]] = []  # those the next one may begin with, shortest first
        for token in sorted(range(len(pieces)), key=pieces.__getitem__):
            piece = pieces[token]
            if not piece or token in alone:
                continue
            while above and not piece.startswith(above[-1][0]):
                above.pop()
            if above and _is_text(piece):
                parents[token] = above[-1][1]
            above.append((piece, token))
        self._roots = np.flatnonzero(parents < 0)
        # The tokens below token t are from the t-th place on in _below, up to the next one's.
        self._below = np.argsort(parents, kind="stable")[self._roots.size :]
        self._places = np.searchsorted(parents[self._below], np.arange(len(pieces) + 1))

    def allowed(self, tested: Callable[[Tokens], Tokens], most: int) -> Tokens | None:
        """All tokens that are allowed; ``None`` if more than ``most`` would have to be tested.

        Args:
            tested: which of some tokens are.
        """
        found = []
        ids = self._roots
        asked = ids.size
        while ids.size:
            if asked > most:
                return None
            found.append(tested(ids))
            ids = self._directly_below(found[-1])
            asked += ids.size
        return np.concatenate(found)

    def _directly_below(self, ids: Tokens) -> Tokens:
        begins = self._places[ids]
        counts = self._places[ids + 1] - begins
        ends = counts.cumsum()
        if not ids.size or not ends[-1]:
            return ids[:0]
        shifts = np.repeat(begins - ends + counts, counts)
        below: Tokens = self._below[shifts + np.arange(ends[-1])]
        return below


def _is_text(piece: bytes) -> bool:
    """Whether it is whole characters, each in the only way that UTF-8 writes it."""
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True
