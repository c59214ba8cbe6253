"""How much the logits of one context differ with the number of rows computed together.

Kernels add in another order for another number of rows, so the last bits differ. This is the one
thing that may make a greedy answer part from the plain one, so it is measured, on this model and
this machine, instead of assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from specdec_cli.core.types import Logits
from specdec_cli.engine.same_bits import difference
from specdec_cli.models.cached import CachedModel

_BROKEN = 0.25
"""Share of the logits' standard deviation from which on a difference is no arithmetic noise.

Rounding in half precision moves logits by a hundredth of their spread. Kernels that differ by
this much compute something else, and would make every difference look like a near tie.
"""


@dataclass(slots=True)
class Noise:
    """Differences between passes over one row and over several, of the same contexts.

    Args:
        by_rows: the largest difference of any logit, by the number of rows, in order.
        contexts: how many were compared.
        spread: standard deviation of the logits over the vocabulary, the largest of any context.
    """

    JSON: ClassVar = ("largest", "by_rows", "contexts", "spread", "broken")
    by_rows: dict[int, float] = field(default_factory=dict)
    contexts: int = 0
    spread: float = 0.0

    @property
    def largest(self) -> float:
        """In logits."""
        return max(self.by_rows.values(), default=0.0)

    @property
    def broken(self) -> bool:
        """Whether the passes disagree by more than arithmetic can explain."""
        return self.largest > _BROKEN * self.spread and self.contexts > 0

    def compare(self, rows: int, single: Logits, several: Logits) -> None:
        """Take in the logits of some contexts, shape (n, n_vocab), from both kinds of pass."""
        most = max(self.by_rows.get(rows, 0.0), difference(single, several))
        self.by_rows = dict(sorted({**self.by_rows, rows: most}.items()))

    def spread_of(self, single: Logits) -> None:
        """Take in the contexts themselves."""
        self.contexts += len(single)
        self.spread = max(self.spread, float(np.ma.masked_invalid(single).std(axis=1).max()))


def logits_along(
    target: CachedModel,
    tokens: Sequence[int],
    first: int,
    rows: int,
    each: Callable[[], None] = lambda: None,
) -> Logits:
    """Logits after ``tokens[:first]`` and every longer prefix but the whole, from a fresh cache.

    Args:
        rows: how many are computed in one pass; the cache is filled by such passes too.
        each: called before every pass.

    Returns:
        Shape (len(tokens) - first, n_vocab), the caller's own.
    """
    fresh(target, tokens, first - 1)
    found: list[Logits] = []
    for begin in range(first, len(tokens), rows):
        each()
        tail = tokens[begin : min(begin + rows, len(tokens)) - 1]
        found.append(target.score(tokens[:begin], tail).copy())
    return np.concatenate(found)


def fresh(target: CachedModel, tokens: Sequence[int], filled: int) -> None:
    """Empty the cache and read the first ``filled`` tokens, as a prompt is read."""
    target.restart(tokens)
    target.forget()
    for _ in target.prefill(tokens[:filled]):
        pass
