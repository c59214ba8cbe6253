"""Fewer threads while others have the processors, and all of them again afterwards."""

from __future__ import annotations

import os

import pytest

from specdec_cli.engine.fewer_threads import FewerThreads, free_processors
from specdec_cli.engine.interruptions import Interruptions


class Machine(Interruptions):
    """Processors of which others use some: our threads wait if they are too many for the rest."""

    def __init__(self, processors: int, most: int, *, at_first: int | None = None) -> None:
        super().__init__()
        self.processors = processors
        self.others = 0
        self.seen = True  # whether looks at what others do find them
        self.looks = 0
        self.limits: list[int] = []
        self.changes = 0
        self.threads = FewerThreads(
            self, most, self.limits.append, at_first=at_first, free=self._free
        )
        self.threads.on_change(self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def _free(self, ours: int) -> int:
        self.looks += 1
        return self.processors - ours - self.others * self.seen

    def happened(self, seconds: float) -> bool:
        too_many = max(self.threads.threads + self.others - self.processors, 0)
        self.lost = min(too_many, self.threads.threads) * seconds * 0.9
        return too_many > 0

    def rounds(self, n: int) -> int:
        """How many of so many rounds were interrupted."""
        return sum(self.threads.happened(0.001) for _ in range(n))


def test_a_quiet_machine_uses_all_threads_and_looks_at_nothing() -> None:
    machine = Machine(4, 4)
    assert machine.rounds(1000) == 0
    assert machine.threads.threads == 4
    assert not machine.threads.reduced
    assert not machine.limits
    assert not machine.looks


def test_one_interruption_changes_nothing() -> None:
    machine = Machine(2, 2)
    for _ in range(20):
        machine.others = 1
        machine.rounds(1)
        machine.others = 0
        machine.rounds(9)
    assert not machine.threads.reduced


@pytest.mark.parametrize(("processors", "others", "left"), [(2, 1, 1), (8, 3, 4), (2, 8, 1)])
def test_threads_make_room_and_come_back(processors: int, others: int, left: int) -> None:
    machine = Machine(processors, processors)
    machine.others = others
    machine.rounds(40)
    assert machine.threads.threads == left
    assert machine.limits[-1] == left
    assert machine.threads.reduced
    machine.others = 0
    assert machine.rounds(2000) == 0
    assert machine.threads.threads == processors
    assert machine.changes == len(machine.limits)


def test_with_one_thread_left_nothing_more_is_taken_away() -> None:
    machine = Machine(2, 2)
    machine.others = 2
    machine.rounds(500)
    assert machine.limits == [1]


def test_to_try_in_vain_gets_rare() -> None:
    machine = Machine(2, 2)
    machine.others, machine.seen = 1, False  # in another container, say
    assert machine.rounds(400) >= 6
    assert machine.rounds(8000) < 50


def test_a_start_among_others_begins_with_fewer() -> None:
    machine = Machine(4, 4, at_first=2)
    assert machine.limits == [2]
    machine.rounds(1000)
    assert machine.threads.threads == 4


def test_processors_are_free_where_nobody_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 10_000)
    assert free_processors(1) > 0
    assert free_processors(10_000) == 0
