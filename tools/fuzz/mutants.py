"""Mutant number so-and-so: the same bytes for the same number, wherever it is made."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from tools.fuzz.anatomy import Anatomy, take_apart
from tools.fuzz.mutations import broken, bytewise

_BYTEWISE = 0.2


class Mutant(NamedTuple):
    """A damaged model, and the sound one it was."""

    number: int
    data: bytes
    sound: Path


class Nursery:
    """Makes mutants of these sound models."""

    def __init__(self, seeds: Sequence[Path]) -> None:
        self._paths = seeds
        self._seeds = [path.read_bytes() for path in seeds]
        self._parts: list[Anatomy] = [take_apart(data) for data in self._seeds]
        self._headers = [_header(parts) for parts in self._parts]

    def mutant(self, number: int) -> Mutant:
        """One damaged model: in its structure mostly, in mere bytes now and then."""
        rng = Random(number)
        # The last seed is the largest, and what is found with it is mostly found with others.
        weights = [4] * (len(self._seeds) - 1) + [1]
        (which,) = rng.choices(range(len(self._seeds)), weights)
        if rng.random() < _BYTEWISE:
            data = bytewise(rng, self._seeds[which], self._headers[which])
            return Mutant(number, data, self._paths[which])
        parts = copy.deepcopy(self._parts[which])
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            broken(rng, parts)
        return Mutant(number, parts.assembled(), self._paths[which])


def _header(parts: Anatomy) -> int:
    return len(parts.assembled()) - sum(-(-len(t.data) // 32) * 32 for t in parts.tensors)
