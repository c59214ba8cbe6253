"""The first passes of loaded models: weights come into memory, and costs are measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from statistics import median
from time import perf_counter
from typing import Protocol

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.engine.interruptions import Meter
from specdec_cli.engine.same_bits import Compared, SameBits
from specdec_cli.models.base import LanguageModel

_PASSES = 6
_SECONDS = 0.25
_STEPS = 5
_ROUNDS = 3
_SIZES = (4, 2, 8, 3, 5, 16, 6, 12, 7, 9)
"""Rows of the passes that are timed; the most important ones come first, as time may run out."""
_CHECKED = (4, 2, 8)
_READ = 16
"""Tokens that a draft model reads at once before it is needed: the first time loads kernels."""
_STEEPEST, _DEAREST_STEP = 0.4, 0.3
"""Upper bounds, in plain passes, of each further row and of a draft step where all passes were
interrupted: a size believed too cheap is tried and corrected, one believed too expensive never
is."""


@dataclass(slots=True)
class _Passes:
    """Seconds of passes over as many rows, those that were interrupted apart."""

    clean: list[float] = field(default_factory=list)
    interrupted: list[float] = field(default_factory=list)

    @property
    def all(self) -> list[float]:
        return self.clean + self.interrupted

    def add(self, others: _Passes) -> None:
        """Take in others over as many rows."""
        self.clean += others.clean
        self.interrupted += others.interrupted


class Measured(Protocol):
    """What passes are made of."""

    @property
    def n_ctx(self) -> int: ...

    @property
    def n_batch(self) -> int: ...

    def decode(self, tokens: Sequence[int], rows: int) -> object: ...

    def truncate(self, length: int) -> None: ...


class WarmUp:
    """Measures a target, and its draft model, before the first answer.

    Each kind of pass gets a quarter of a second at most, so that a large model makes two or three;
    the rest is learnt in use. Interrupted passes count only where there are no others, and then
    relative to interrupted plain passes: on a busy machine both take many times as long, and their
    ratio still says something. A pass over n rows is never believed to take more than n plain ones.
    """

    def __init__(self, target: LanguageModel, costs: CostModel, meter: Meter) -> None:
        self._target = target
        self._costs = costs
        self._meter = meter
        self._plain = _Passes()

    def plain(self) -> None:
        """Measure a one-token pass; the first does not count, as weights may be on disk."""
        skipped = 1 if self._plain.all else 1 + self._costs.first
        for _ in range(skipped):
            self._costs.observe(1, _time(self._target, 1))
        self._meter.begin()  # now all threads are there
        passes = _Passes()
        began = perf_counter()
        for _ in range(_PASSES - 1):
            self._pass(passes, 1)
            if perf_counter() - began > _SECONDS:
                break
        self._plain.add(passes)
        self._tell(1, passes)

    def plain_again(self) -> None:
        """Measure it again a moment later, as the machine may be busy; only if passes are quick."""
        if self._costs.plain * _PASSES <= _SECONDS:
            self.plain()

    def batches(self) -> None:
        """Measure passes over several rows, each size after another one, as rounds have them.

        Where the first passes of a size are left out there is twice the time. The median of each
        size counts: a size that looked expensive because of a stall would not be used again, and so
        not be measured again.
        """
        made = self._batches(_SIZES, _ROUNDS)
        if made and not self._plain.clean:
            # No plain pass was left alone; none takes longer than a pass over more rows.
            self._costs.limit_plain(min(min(passes.all) for passes in made.values()))
        for rows, passes in made.items():
            self._tell(rows, passes)

    def confirms(self) -> bool:
        """Whether the known costs of a few sizes are still right.

        Assumed where all passes are interrupted.
        """
        return all(
            self._costs.agrees(rows, median(passes.clean))
            for rows, passes in self._batches(_CHECKED, 2, whole=False).items()
            if passes.clean
        )

    def step(self, model: Measured, source: str) -> None:
        """Measure what a step of drafting costs, after passes that may read the disk."""
        for _ in range(1 + self._costs.first):
            _time(model, 1)
        self._meter.happened(0.0)
        steps = _Passes()
        began = perf_counter()
        for _ in range(_STEPS):
            self._pass(steps, 1, model)
            if perf_counter() - began > _SECONDS / 2:
                break
        if steps.clean:
            for seconds in steps.clean:
                self._costs.observe_draft(source, 1, seconds)
        else:
            ratio = min(median(steps.all) / median(self._plain.all), _DEAREST_STEP)
            usual = ratio * self._costs.plain
            self._costs.observe_draft(source, 1, usual)
        if self._costs.step(source) * _READ <= _SECONDS / 2:
            model.decode((0,) * min(_READ, model.n_batch, model.n_ctx), 1)
            model.truncate(0)

    def run_once(self, rows: int) -> None:
        """Make a pass over as many rows, or what there is room for."""
        _time(self._target, min(rows, self._target.n_batch, self._target.n_ctx))

    def _batches(
        self, sizes: tuple[int, ...], rounds: int, *, whole: bool = True
    ) -> dict[int, _Passes]:
        """Passes over each size, without those that do not count.

        Args:
            whole: the largest size too.
        """
        first = self._costs.first
        largest = min(self._costs.largest, self._target.n_ctx)
        more = (largest,) if whole else ()
        known = [rows for rows in dict.fromkeys((*sizes, *more)) if 1 < rows <= largest]
        began = perf_counter()
        made: dict[int, _Passes] = {}
        left_out: dict[int, int] = {}
        for rows in _in_turn(known, rounds, first):
            passes = made.setdefault(rows, _Passes())
            if left_out.get(rows, 0) < first:
                left_out[rows] = left_out.get(rows, 0) + 1
                self._costs.observe(rows, _time(self._target, rows))
                self._meter.happened(0.0)
            else:
                self._pass(passes, rows)
            if perf_counter() - began > (2 * _SECONDS if first else _SECONDS):
                break
        return {rows: passes for rows, passes in made.items() if passes.all}

    def _pass(self, passes: _Passes, rows: int, model: Measured | None = None) -> None:
        seconds = _time(model or self._target, rows)
        interrupted = self._meter.happened(seconds)
        (passes.interrupted if interrupted else passes.clean).append(seconds)

    def _tell(self, rows: int, passes: _Passes) -> None:
        """Report the median to the costs, as often as it was measured, or once if unreliable."""
        for seconds in passes.interrupted:
            self._costs.observe(rows, seconds, interrupted=True)
        for _ in passes.clean:
            self._costs.observe(rows, median(passes.clean))
        if not passes.clean:
            usual = median(passes.interrupted)
            self._costs.observe(
                rows, usual if rows == 1 else self._against_plain(usual, 1 + _STEEPEST * (rows - 1))
            )

    def _against_plain(self, seconds: float, most: float) -> float:
        """Scale what was measured among interruptions to the plain pass that is believed.

        Args:
            most: upper bound in plain passes, as this is a poor measurement.
        """
        return min(max(seconds / median(self._plain.all), 1.0), most) * self._costs.plain


def first_passes(model: LanguageModel, most: int, same_bits: SameBits | None = None) -> None:
    """Bring a model's weights into memory: one pass over one token, and one over the most.

    Args:
        same_bits: told how far rows of the second are off, for a target.
    """
    model = Compared(model, same_bits.seen) if same_bits else model
    for rows in sorted({1, min(most, model.n_batch, model.n_ctx)}):
        _time(model, rows)


def _in_turn(sizes: list[int], rounds: int, first: int) -> Iterator[int]:
    once = chain.from_iterable([rows] * (first + 1) for rows in sizes)
    return chain(once, chain.from_iterable([sizes] * (rounds - 1)))


def _time(model: Measured, rows: int) -> float:
    start = perf_counter()
    model.decode((0,) * rows, rows)
    seconds = perf_counter() - start
    model.truncate(0)
    return seconds
