"""Rows of random pieces that are said again: practice in taking up what was said before.

Text rewards that seldom, three tokens in a hundred, and a small model trained for an hour would not
learn it from text alone. Copying of repeated random sequences is what induction heads do (Olsson
et al., arXiv 2209.11895), and they form quickly where nothing else helps to predict.
"""

from __future__ import annotations

import numpy as np

from tools.tinypair.data import COMMON, SEPARATOR_ID, SPOKEN, Rows

_SHORTEST, _LONGEST = 4, 48


def drills(rng: np.random.Generator, rows: int, length: int, vocab: int) -> Rows:
    """Rows of length + 1 tokens; the repetitions are marked as what the assistant says."""
    return np.array([_drill(rng, length, vocab) for _ in range(rows)], dtype=np.uint16)


def _drill(rng: np.random.Generator, length: int, vocab: int) -> list[int]:
    row: list[int] = []
    while len(row) <= length:
        said = rng.integers(COMMON, vocab, rng.integers(_SHORTEST, _LONGEST)).tolist()
        # A part of it, from somewhere in the middle on, so that the place must be found.
        start = int(rng.integers(0, len(said) - 2))
        row += [*said, *(token | SPOKEN for token in said[start:]), SEPARATOR_ID]
    return row[: length + 1]
