"""What is known of GPUs by their names."""

from __future__ import annotations

import pytest

from specdec_cli.memory import gpus
from specdec_cli.memory.choose import Layers, choose
from specdec_cli.memory.machine import MEBIBYTE, Machine, Store
from specdec_cli.memory.plan import PlacementRequest, Plan
from specdec_cli.models.settings import ContextSettings
from tests.memory.test_choose import DRAFT, RAM, TARGET


@pytest.mark.parametrize(
    ("description", "gigabytes"),
    [
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 672),
        ("NVIDIA GeForce RTX 4070", 504),
        ("NVIDIA H100 80GB HBM3", 3350),
        ("NVIDIA H100 PCIe", 2000),
        ("NVIDIA L40S", 864),
        ("Apple M2 Max", 400),
        ("a card of tomorrow", None),
    ],
)
def test_the_longest_name_in_a_description_counts(
    description: str, gigabytes: float | None
) -> None:
    assert gpus.bandwidth(description) == (gigabytes and gigabytes * 1e9)


def test_a_target_has_the_bandwidth_of_the_one_gpu_that_holds_all_of_it() -> None:
    def found(layers: Layers, *descriptions: str) -> float | None:
        size = 64_000 * MEBIBYTE
        stores = [Store(f"CUDA{i}", each, size, size) for i, each in enumerate(descriptions)]
        machine = Machine(RAM, tuple(stores))
        choice = choose(TARGET, DRAFT, layers, machine)
        request = PlacementRequest(ContextSettings(n_ctx=2048), layers)
        return gpus.of_target(Plan(request, machine, TARGET, DRAFT, choice))

    assert found(Layers(), "NVIDIA H100 80GB HBM3") == 3350e9
    assert found(Layers(1), "NVIDIA H100 80GB HBM3") is None, "the rest is in main memory"
    assert found(Layers(), "NVIDIA L4", "NVIDIA L4") is None, "it is spread over two"
    assert found(Layers(), "a card of tomorrow") is None
    assert found(Layers()) is None
