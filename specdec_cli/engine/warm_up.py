"""The first passes of a loaded pair: weights come into memory, and costs are measured."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from statistics import median
from time import perf_counter

from specdec_cli.core.costs import CostModel
from specdec_cli.engine.baseline import Baseline
from specdec_cli.models.base import LanguageModel

_PASSES = 6
_SECONDS = 0.25
_STEPS = 5
_ROUNDS = 3
_SIZES = (4, 2, 8, 3, 5, 16, 6, 12, 7, 9)
"""Rows of the passes that are timed, the most telling ones first, should time run out."""


def measure_plain(model: LanguageModel, baseline: Baseline) -> list[float]:
    """Measure what a one-token pass costs; the seconds of all passes made, the first included.

    The first pass is not measured, as the weights may still be on disk. After a quarter of a
    second no more are made, so that a large model pays for two.
    """
    began = perf_counter()
    made: list[float] = []
    for number in range(_PASSES):
        made.append(_time(model, 1))
        baseline.observe(1, made[-1])
        if number and perf_counter() - began > _SECONDS:
            break
    return made


def measure_plain_again(model: LanguageModel, baseline: Baseline, costs: CostModel | None) -> None:
    """Measure it once more, at another moment of a machine that may be busy, if that is quick."""
    if baseline.seconds is None or baseline.seconds * _PASSES > _SECONDS:
        return
    for seconds in measure_plain(model, baseline):
        if costs is not None:
            costs.observe(1, seconds)


def measure_step(model: LanguageModel, costs: CostModel | None, source: str) -> None:
    """Measure what a step of a draft model costs, after passes that may read the disk."""
    for _ in range(1 + (costs.first if costs else 0)):
        _time(model, 1)
    if costs is None:
        return
    began = perf_counter()
    for _ in range(_STEPS):
        costs.observe_draft(source, 1, _time(model, 1))
        if perf_counter() - began > _SECONDS / 2:
            break


def measure_batches(model: LanguageModel, costs: CostModel) -> None:
    """Measure passes over several rows, each size after another one, as rounds will have them.

    What there is no time for is learnt in use: a large model pays for two or three. Where the first
    passes of a size are left out there is twice the time. Of each size the median counts: one that
    seemed dear for a stall of the machine would not be used again, and so not be measured again.
    """
    began = perf_counter()
    made: dict[int, list[float]] = {}
    for rows in _sizes(min(costs.largest, model.n_ctx), costs.first):
        made.setdefault(rows, []).append(_time(model, rows))
        if perf_counter() - began > (2 * _SECONDS if costs.first else _SECONDS):
            break
    for rows, seconds in made.items():
        telling = seconds[costs.first :]
        usual = [median(telling)] * len(telling) if telling else []
        for each in seconds[: costs.first] + usual:
            costs.observe(rows, each)


def run_once(model: LanguageModel, rows: int) -> None:
    """Make a pass over as many rows, or what there is room for."""
    _time(model, min(rows, model.n_batch, model.n_ctx))


def _sizes(largest: int, first: int) -> Iterator[int]:
    sizes = [rows for rows in dict.fromkeys((*_SIZES, largest)) if 1 < rows <= largest]
    once = chain.from_iterable([rows] * (first + 1) for rows in sizes)
    return chain(once, chain.from_iterable([sizes] * (_ROUNDS - 1)))


def _time(model: LanguageModel, rows: int) -> float:
    start = perf_counter()
    model.decode((0,) * rows, rows)
    seconds = perf_counter() - start
    model.truncate(0)
    return seconds
