"""Whether a row of a pass has the bits it would have alone: the promise, and what was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from specdec_cli.core.types import Logits
from specdec_cli.models.base import LanguageModel
from specdec_cli.models.kernels import KernelChoice

_COMPARED = 8
"""Rows of a pass that are compared: at 262,144 tokens a start takes 10 ms for all its passes."""


@dataclass(frozen=True, slots=True)
class SameBitsReport:
    """What is known of it, for reports; the largest difference is in logits."""

    kept: bool
    promised: bool
    reason: str
    rows_compared: tuple[int, ...]
    largest_difference: float


@dataclass(slots=True)
class SameBits:
    """What is promised of a loaded target, and what its first passes showed.

    Args:
        kernels: how it is computed.
        exact: the same bits were asked for.
        seen: by the number of rows of a pass, how far its rows were off, in logits.
    """

    kernels: KernelChoice
    exact: bool = False
    seen: dict[int, float] = field(default_factory=dict)

    @property
    def largest(self) -> float:
        """The largest difference seen, in logits."""
        return max(self.seen.values(), default=0.0)

    @property
    def kept(self) -> bool:
        """Whether it is promised and no pass contradicted it."""
        return self.kernels.same_bits and not self.largest

    def warning(self) -> str:
        """A warning for the person, or nothing.

        Where file or machine cannot keep the bits there is no warning at every start: reports say
        it.
        """
        if self.kernels.same_bits and self.largest:
            return (
                f"passes over several rows are off by up to {self.largest:.2g} logits on this "
                "machine, though they should be equal: greedy answers may part from plain "
                "decoding at near ties"
            )
        if self.kernels.asked:
            return (
                f"with {self.kernels.reason} greedy answers may part from plain decoding's at near "
                "ties; without it they are the same, bit for bit"
            )
        if self.exact and not self.kernels.same_bits:
            return f"equal bits are likely, but --exact cannot promise them: {self.kernels.reason}"
        return ""

    def report(self) -> SameBitsReport:
        """What is known of it now."""
        return SameBitsReport(
            self.kept,
            self.kernels.same_bits,
            self.kernels.reason,
            tuple(sorted(self.seen)),
            self.largest,
        )


class Compared:
    """A model whose passes over its first tokens are compared with one another, row by row.

    These passes are made anyway, to bring the weights into memory and to measure costs. The
    reference of the first row is a pass over one, that of each further row the first pass that had
    it. Each number of rows is compared once, when the cache is emptied, so that no measured time
    includes it.
    """

    def __init__(self, model: LanguageModel, seen: dict[int, float]) -> None:
        self._model = model
        self._seen = seen
        self._rows: list[Logits] = []
        self._last: Logits | None = None

    @property
    def n_ctx(self) -> int:
        return self._model.n_ctx

    @property
    def n_batch(self) -> int:
        return self._model.n_batch

    @property
    def length(self) -> int:
        return self._model.length

    @property
    def busy_seconds(self) -> float:
        return self._model.busy_seconds

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        begins = not self._model.length
        logits = self._model.decode(tokens, rows)
        whole = begins and rows == len(tokens)
        self._last = logits if whole and rows not in self._seen else None
        return logits

    def truncate(self, length: int) -> None:
        if self._last is not None:
            self._compare(self._last)
            self._last = None
        self._model.truncate(length)

    def interrupt_when(self, cancelled: Callable[[], bool] | None) -> None:
        self._model.interrupt_when(cancelled)

    def _compare(self, logits: Logits) -> None:
        known = len(self._rows)
        if known and len(logits) > 1:
            self._seen[len(logits)] = max(map(difference, self._rows, logits))
        self._rows += [row.copy() for row in logits[known:_COMPARED]]


def first_difference(a: Sequence[int], b: Sequence[int]) -> int | None:
    """How many tokens two answers share before they part; ``None`` if they are the same."""
    if tuple(a) == tuple(b):
        return None
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def difference(a: Logits, b: Logits) -> float:
    """The largest difference of any logit; banned tokens, minus infinity in both, do not differ.

    Neither does NaN in both, which is reported elsewhere.
    """
    if np.array_equal(a, b):
        return 0.0
    with np.errstate(invalid="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return float(np.nan_to_num(apart, nan=np.inf).max())
