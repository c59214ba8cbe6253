"""Candidates against each other: in turn, there and back, on the same prompts.

What is compared are seconds per token of the same prompt with the same seed. The intervals are
those of the benchmark (``bench.statistics``): prompts are drawn again, within each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from specdec_cli.bench.results import Estimate
from specdec_cli.bench.samples import Sample, seconds_per_token, usable
from specdec_cli.bench.statistics import geometric_mean, kinds_with_interval
from specdec_cli.bench.workload import Task
from specdec_cli.tune.candidates import Candidate

PLAIN = "plain"
DECIDING = "deciding"
_STILL_IN = 0.97
"""A candidate below this share of the present speed is not tried again."""

_ENOUGH = 2
_HOPELESS = 0.75
"""Below this after two prompts a candidate leaves a round of the halving early."""

_WORTH_IT = 1.01
"""The least speed-up in the halving with which a candidate comes to the last comparison."""

Measure = Callable[[Candidate, Task, int, bool], Sample]
"""Answers a prompt: with which settings, which task, which seed, and whether plainly."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a candidate did in one round.

    Args:
        prompts: that it answered.
        speedup: over what it was to replace; at the end, over the default.
        kept: it was tried again, or chosen.
    """

    stage: str
    name: str
    prompts: int
    speedup: Estimate
    kept: bool


class Scores:
    """Measured answers by who gave them."""

    def __init__(self, tasks: Mapping[int, Task]) -> None:
        self._tasks = tasks
        self._samples: dict[str, dict[tuple[int, int], list[Sample]]] = {}

    def add(self, name: str, prompt: int, seed: int, sample: Sample) -> None:
        """Take one answer."""
        if usable(sample):
            of_name = self._samples.setdefault(name, {})
            of_name.setdefault((prompt, seed), []).append(sample)

    def speedup(self, name: str, over: str) -> Estimate | None:
        """How much faster one is than another; ``None`` before both answered a prompt."""
        mine, other = self._samples.get(name, {}), self._samples.get(over, {})
        ratios: dict[int, list[float]] = {}
        for key in sorted(mine.keys() & other.keys()):
            ratio = seconds_per_token(other[key]) / seconds_per_token(mine[key])
            ratios.setdefault(key[0], []).append(ratio)
        kinds: dict[str, list[float]] = {}
        for prompt, values in ratios.items():
            kinds.setdefault(self._tasks[prompt].kind, []).append(geometric_mean(values))
        return kinds_with_interval(kinds)

    def prompts(self, name: str) -> int:
        """How many prompts it answered."""
        return len({prompt for prompt, _ in self._samples.get(name, {})})

    def tokens_per_second(self, name: str) -> float | None:
        """Over all its answers together."""
        every = [each for samples in self._samples.get(name, {}).values() for each in samples]
        return 1.0 / seconds_per_token(every) if every else None


def meet(
    candidates: Sequence[Candidate],
    tasks: Mapping[int, Task],
    seeds: Iterable[int],
    measure: Measure,
    *,
    plain: bool = False,
    hopeless: float = 0.0,
) -> Scores:
    """Let candidates answer the same prompts in turn, there and back.

    Args:
        plain: plain decoding takes part, with the first one's settings.
        hopeless: who is below this share of the first one's speed after two prompts drops out.
    """
    scores = Scores(tasks)
    there = [(each.name, each, False) for each in candidates]
    if plain:
        there.insert(0, (PLAIN, candidates[0], True))
    for seed in seeds:
        for prompt, task in tasks.items():
            for name, each, plainly in (*there, *reversed(there)):
                scores.add(name, prompt, seed, measure(each, task, seed, plainly))
            if hopeless:
                first = candidates[0].name
                there = [entry for entry in there if not _lost(scores, entry[0], first, hopeless)]
    return scores


def _lost(scores: Scores, name: str, first: str, hopeless: float) -> bool:
    if scores.prompts(name) < _ENOUGH:
        return False
    speedup = scores.speedup(name, first)
    return speedup is not None and speedup.value < hopeless


def halve(
    present: Candidate,
    challengers: Sequence[Candidate],
    rounds: Sequence[Mapping[int, Task]],
    seed: int,
    measure: Measure,
    stage: str,
) -> tuple[Candidate | None, list[Trial]]:
    """The fastest challenger, if one seems faster than the present settings.

    Successive halving (Jamieson and Talwalkar, arXiv 1502.07943): all are tried briefly, and the
    better half goes on. The winner of many looks faster than it is, so this only chooses what to
    compare on fresh prompts.

    Args:
        rounds: the prompts of each round.
    """
    left, trials = list(challengers), list[Trial]()
    for number, tasks in enumerate(rounds):
        if not left:
            break
        scores = meet([present, *left], tasks, (seed,), measure, hopeless=_HOPELESS)
        found = [(each, scores.speedup(each.name, present.name)) for each in left]
        ranked = sorted(
            ((each, speedup) for each, speedup in found if speedup), key=lambda pair: -pair[1].value
        )
        last = number == len(rounds) - 1
        most = 1 if last else ceil(len(left) / 2)
        least = _WORTH_IT if last else _STILL_IN
        left = [each for each, speedup in ranked[:most] if speedup.value >= least]
        trials += [
            Trial(stage, each.name, scores.prompts(each.name), speedup, each in left)
            for each, speedup in ranked
        ]
    return (left[0] if left else None), trials


def decided(steps: Sequence[Candidate], scores: Scores, chosen: Candidate) -> list[Trial]:
    """How the steps did against the first of them."""
    return [
        Trial(DECIDING, step.name, scores.prompts(step.name), speedup, step is chosen)
        for step in steps[1:]
        if (speedup := scores.speedup(step.name, steps[0].name))
    ]


def judge(steps: Sequence[Candidate], scores: Scores) -> Candidate:
    """The last of successive steps that is faster than the one chosen before it beyond doubt."""
    chosen = steps[0]
    for step in steps[1:]:
        speedup = scores.speedup(step.name, chosen.name)
        if speedup is not None and speedup.low is not None and speedup.low > 1.0:
            chosen = step
    return chosen
