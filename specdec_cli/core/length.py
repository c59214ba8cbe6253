"""How far to draft."""

from __future__ import annotations

from typing import Protocol

from specdec_cli.core.events import Round


class Length(Protocol):
    """Decides the draft length of each round.

    Attributes:
        minimum: a drafter's own wish to stop early counts only from this length on. It is not a
            filter: to drop a sampled draft for having come out shorter would make keeping it
            depend on its tokens, and bias the output.
    """

    minimum: int

    def next(self, budget: int) -> int:
        """Return how many tokens to draft; at most ``budget``, and 0 for none."""
        ...

    def observe(self, round: Round) -> None:
        """Learn from a round that has ended."""
        ...


class Fixed:
    """Always ``draft_max`` tokens.

    Where the budget leaves room for fewer than ``draft_min``, nothing is drafted.

    Raises:
        ValueError: unless ``0 <= draft_min <= draft_max``.
    """

    def __init__(self, draft_min: int, draft_max: int) -> None:
        if not 0 <= draft_min <= draft_max:
            raise ValueError(
                f"draft lengths must satisfy 0 <= min <= max, not min {draft_min}, max {draft_max}"
            )
        self.minimum = draft_min
        self._maximum = draft_max

    def next(self, budget: int) -> int:
        k = min(self._maximum, max(budget, 0))
        return k if k >= self.minimum else 0

    def observe(self, round: Round) -> None:
        pass
