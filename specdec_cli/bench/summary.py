"""From measured answers to results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from specdec_cli.bench.arms import PLAIN, Arm
from specdec_cli.bench.results import ArmResult, Difference, Estimate, Figures
from specdec_cli.bench.runner import Record
from specdec_cli.bench.samples import Sample, figures, seconds_per_token, usable
from specdec_cli.bench.statistics import (
    geometric_mean,
    kinds_with_interval,
    median_with_interval,
)
from specdec_cli.bench.workload import Task
from specdec_cli.engine.same_bits import first_difference

Key = tuple[int, int]
"""A pair: the number of the prompt, and the seed."""


class Summary:
    """Collects records and sums them up, at the end or before it.

    Args:
        compare: whether equal answers are expected, that is at temperature 0.
        weights_bytes: what one target pass reads.
        bandwidth: bytes per second, where it is known.
    """

    def __init__(self, tasks: Sequence[Task], *, compare: bool) -> None:
        self.weights_bytes = 0
        self.bandwidth: float | None = None
        self._tasks = tasks
        self._compare = compare
        self._samples: dict[tuple[int, str], dict[Key, list[Sample]]] = {}

    def add(self, record: Record) -> None:
        """Take one measured answer."""
        of_arm = self._samples.setdefault((record.group, record.arm), {})
        of_arm.setdefault((record.prompt, record.seed), []).append(record.sample)

    def result(self, group: int, arm: Arm, drafter: str, rule: str) -> ArmResult | None:
        """What an arm came to; ``None`` before a pair was measured both ways."""
        pairs = self._pairs(group, arm.name)
        if not pairs:
            return None
        kinds: dict[str, Figures] = {}
        values: dict[str, list[float]] = {}
        for kind in dict.fromkeys(self._tasks[prompt].kind for prompt, _ in pairs):
            of_kind = {key: both for key, both in pairs.items() if self._kind(key) == kind}
            values[kind] = _by_prompt(of_kind)
            kinds[kind] = self._figures(of_kind, median_with_interval(values[kind]))
        return ArmResult(
            name=arm.name,
            drafter=drafter,
            verify=rule,
            draft_max=arm.draft_max,
            kinds=kinds,
            overall=self._figures(pairs, kinds_with_interval(values)),
            differences=tuple(self._differences(pairs)),
        )

    def _kind(self, key: Key) -> str:
        return self._tasks[key[0]].kind

    def _pairs(self, group: int, name: str) -> dict[Key, tuple[list[Sample], list[Sample]]]:
        """Plain and other samples of each pair that has both."""
        plain = self._samples.get((group, PLAIN), {})
        other = self._samples.get((group, name), {})
        both = {
            key: (list(filter(usable, plain[key])), list(filter(usable, other[key])))
            for key in sorted(plain.keys() & other.keys())
        }
        return {key: (a, b) for key, (a, b) in both.items() if a and b}

    def _figures(
        self, pairs: Mapping[Key, tuple[list[Sample], list[Sample]]], speedup: Estimate | None
    ) -> Figures:
        compared = [same for both in pairs.values() for same in self._compared(both)]
        rates = figures(
            [sample for plain, _ in pairs.values() for sample in plain],
            [sample for _, other in pairs.values() for sample in other],
            weights_bytes=self.weights_bytes,
            bandwidth=self.bandwidth,
        )
        return replace(
            rates,
            prompts=len({prompt for prompt, _ in pairs}),
            pairs=len(pairs),
            speedup=speedup,
            compared=len(compared),
            same=sum(at is None for at in compared),
        )

    def _compared(self, both: tuple[list[Sample], list[Sample]]) -> list[int | None]:
        """For each other answer, where it parts from the first plain one."""
        plain, other = both
        if not self._compare:
            return []
        return [first_difference(plain[0].tokens, sample.tokens) for sample in other]

    def _differences(
        self, pairs: Mapping[Key, tuple[list[Sample], list[Sample]]]
    ) -> list[Difference]:
        found: dict[Key, Difference] = {}
        for key, both in pairs.items():
            for at in self._compared(both):
                if at is not None:
                    found.setdefault(key, Difference(self._kind(key), key[0] + 1, at))
        return list(found.values())


def _by_prompt(pairs: Mapping[Key, tuple[list[Sample], list[Sample]]]) -> list[float]:
    """One speed-up for each prompt: the geometric mean over its seeds."""
    ratios: dict[int, list[float]] = {}
    for (prompt, _), (plain, other) in pairs.items():
        ratio = seconds_per_token(plain) / seconds_per_token(other)
        ratios.setdefault(prompt, []).append(ratio)
    return [geometric_mean(values) for values in ratios.values()]
