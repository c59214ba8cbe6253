"""What a start measures, on machines that are simulated: quiet, with stalls, and busy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.engine import warm_up
from specdec_cli.engine.warm_up import WarmUp

CURVE = {1: 1.0, 2: 1.4, 3: 1.8, 4: 1.3, 5: 1.9, 6: 2.2, 7: 2.25, 8: 2.3, 9: 2.6}


class SimulatedMachine:
    """A model, a clock and a meter in one: passes take simulated time.

    Args:
        share: of the processors' time that other programs take; a pass is left alone, or takes
            this much longer and is known to have been interrupted.
        slow: passes of each size that take a hundred times as long, as on a GPU.
    """

    n_ctx = n_batch = 64

    def __init__(self, *, share: float = 0.0, slow: int = 0, unit: float = 1e-3, seed: int = 1):
        self.now = 0.0
        self.tells = True
        self._share, self._slow, self._unit = share, slow, unit
        self._random = Random(seed)
        self.seen: dict[int, int] = {}
        self._lost = 0.0
        self.passes = 0

    def decode(self, tokens: Sequence[int], rows: int) -> None:
        assert rows in (1, len(tokens))
        n = len(tokens)
        self.passes += 1
        seen = self.seen.get(n, 0)
        self.seen[n] = seen + 1
        usual = self._unit * CURVE.get(n, 4.0) * (100 if seen < self._slow else 1)
        # The longer a pass, the more often it is interrupted.
        if self._random.random() < 1 - (1 - self._share) ** CURVE.get(n, 4.0):
            self._lost += usual * self._random.uniform(2.0, 10.0) + self._unit
        self.now += usual + self._lost

    def truncate(self, length: int) -> None:
        assert length == 0

    def begin(self) -> None:
        self._lost = 0.0

    def happened(self, seconds: float) -> bool:
        lost, self._lost = self._lost, 0.0
        return lost > 0.1 * seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[SimulatedMachine]]:
    """The machine whose clock is used: the last one in the list."""
    machines: list[SimulatedMachine] = []
    monkeypatch.setattr(warm_up, "perf_counter", lambda: machines[-1].now)
    return machines  # type: ignore[return-value]


def started(
    machines: list[SimulatedMachine], simulated: SimulatedMachine, *, first: int = 0
) -> tuple[CostModel, WarmUp]:
    machines.append(simulated)
    costs = CostModel(9, first=first)
    warm = WarmUp(simulated, costs, simulated)  # type: ignore[arg-type]
    warm.plain()
    return costs, warm


@pytest.mark.parametrize(("unit", "reads"), [(1e-3, True), (0.1, False)])
def test_a_quick_draft_model_reads_a_few_tokens_before_it_is_needed(
    unit: float, reads: bool, machine: list[SimulatedMachine]
) -> None:
    _, warm = started(machine, SimulatedMachine())
    machine.append(draft := SimulatedMachine(unit=unit))
    warm.step(draft, "model")  # type: ignore[arg-type]
    assert (16 in draft.seen) == reads


@pytest.mark.parametrize("first", [0, 2])
def test_a_start_measures_what_passes_and_steps_cost(
    first: int, machine: list[SimulatedMachine]
) -> None:
    costs, warm = started(machine, SimulatedMachine(slow=first), first=first)
    assert costs.plain == pytest.approx(1e-3)
    warm.batches()
    assert costs.seconds(4) == pytest.approx(1.3e-3, rel=0.02)
    warm.step(machine[-1], "model")  # type: ignore[arg-type]
    assert costs.step("model") == pytest.approx(1e-3)
    warm.plain_again()
    assert costs.plain == pytest.approx(1e-3)
    assert not costs.stale


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("seed", range(20))
def test_interrupted_passes_do_not_count(
    share: float, seed: int, machine: list[SimulatedMachine]
) -> None:
    costs, warm = started(machine, SimulatedMachine(share=share, seed=seed))
    warm.batches()
    warm.plain_again()
    if costs.plain > 1.01e-3:
        return  # not one of six was left alone: the next test
    for rows in (2, 4, 8):
        assert costs.seconds(rows) <= rows * costs.plain * 1.01
    assert costs.interrupted


@pytest.mark.parametrize("seed", range(20))
def test_where_all_are_interrupted_no_size_is_believed_to_be_dearer_than_its_rows(
    seed: int, machine: list[SimulatedMachine]
) -> None:
    costs, warm = started(machine, SimulatedMachine(share=1.0, seed=seed))
    warm.batches()
    assert costs.plain > 0.0 and costs.interrupted
    for rows in range(2, 10):
        assert costs.plain <= costs.seconds(rows) <= rows * costs.plain * 1.01


def test_a_large_model_pays_for_a_few_passes(machine: list[SimulatedMachine]) -> None:
    costs, warm = started(machine, SimulatedMachine(unit=2.0))
    warm.batches()
    warm.plain_again()
    assert machine[-1].passes == 3
    assert costs.plain == pytest.approx(2.0)
    assert costs.seconds(4) == pytest.approx(2.6)


def test_what_was_kept_is_compared_with_a_few_sizes(machine: list[SimulatedMachine]) -> None:
    ratios = {str(rows): value for rows, value in CURVE.items() if rows > 1}
    costs, warm = started(machine, SimulatedMachine())
    costs.restore({"passes": ratios, "steps": {}})
    assert warm.confirms()
    for rows in ("2", "4", "8"):
        costs.restore({"passes": ratios | {rows: 2.0 * ratios[rows] ** 0.5}, "steps": {}})
        assert warm.confirms() == (0.75 < 2.0 * ratios[rows] ** 0.5 / ratios[rows] < 1.34)
    costs, warm = started(machine, SimulatedMachine(share=1.0))
    costs.restore({"passes": ratios | {"4": 3.5}, "steps": {}})
    assert warm.confirms()  # nobody can tell
