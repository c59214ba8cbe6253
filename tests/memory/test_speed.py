"""What speed is expected: reading weights decides, and drafts pay by what they cost."""

from __future__ import annotations

import pytest

from specdec_cli.memory.choose import Layers, choose
from specdec_cli.memory.machine import Machine
from specdec_cli.memory.needs import ModelNeeds
from specdec_cli.memory.plan import PlacementRequest, Plan
from specdec_cli.memory.speed import acceptance, estimate
from specdec_cli.models.settings import ContextSettings
from tests.memory.test_choose import DRAFT, RAM, TARGET, gpu, model

GB = 1e9


def plan(target: ModelNeeds, draft: ModelNeeds | None, machine: Machine) -> Plan:
    choice = choose(target, draft, Layers(), machine)
    return Plan(PlacementRequest(ContextSettings(n_ctx=2048)), machine, target, draft, choice)


def test_plain_decoding_reads_all_weights_and_half_the_cache() -> None:
    speed = estimate(plan(TARGET, None, Machine(RAM)), [20 * GB], 0.0)
    assert speed is not None
    read = TARGET.weights.total + TARGET.cache // 2
    assert speed.plain_tokens_per_second == pytest.approx(20 * GB / read, rel=1e-3)
    assert speed.speedup == (1.0, 1.0)


def test_a_smaller_draft_gains_more_and_one_as_large_nothing() -> None:
    gains = []
    for draft in (model(4, 5), DRAFT, TARGET):
        speed = estimate(plan(TARGET, draft, Machine(RAM)), [20 * GB], 0.0)
        assert speed is not None
        low, high = speed.speedup
        assert 1.0 <= low <= high
        gains.append(high)
    assert gains[0] > gains[1] > gains[2] == 1.0


def test_a_gpu_gains_more_of_drafts_than_a_processor() -> None:
    here = estimate(plan(TARGET, DRAFT, Machine(RAM)), [20 * GB], 0.0)
    there = estimate(plan(TARGET, DRAFT, gpu(16000)), [20 * GB, 900 * GB], 0.0)
    assert here and there
    assert there.plain_tokens_per_second > 10 * here.plain_tokens_per_second
    assert there.speedup > here.speedup


def test_hot_sampling_is_expected_to_accept_less() -> None:
    assert acceptance(0.0) >= acceptance(0.8) >= acceptance(1.5)
    cold, hot = (estimate(plan(TARGET, DRAFT, Machine(RAM)), [20 * GB], t) for t in (0.0, 1.5))
    assert cold and hot and cold.speedup > hot.speedup


@pytest.mark.parametrize("bandwidths", [[None], [0.0]])
def test_nothing_is_estimated_of_what_is_not_known(bandwidths: list[float | None]) -> None:
    assert estimate(plan(TARGET, DRAFT, Machine(RAM)), bandwidths, 0.0) is None
    assert estimate(plan(model(2, 5), None, Machine(RAM)), [20 * GB], 0.0) is None, "in caches"
