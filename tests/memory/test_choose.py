"""Where layers go: properties of any model on any machine, and the choices a person expects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.memory.choose import Layers, choose
from specdec_cli.memory.compute import Compute
from specdec_cli.memory.machine import Machine, Store, imagined
from specdec_cli.memory.needs import ModelNeeds
from specdec_cli.memory.placement import place
from specdec_cli.memory.weights import LayerWeights, Weights

MB = 1_000_000
RAM = Store("RAM", "main memory", 64_000 * MB, 64_000 * MB)


def model(n_layers: int, layer: int = 100, *, tied: bool = True) -> ModelNeeds:
    """Equal layers of so many megabytes, with a cache of a tenth of that each."""
    layers = (LayerWeights(layer * MB, layer * MB // 4),) * n_layers
    weights = Weights(layers, 50 * MB, 0 if tied else 50 * MB, 50 * MB if tied else 0)
    caches = (layer * MB // 10,) * n_layers
    return ModelNeeds(weights, caches, Compute(30 * MB, 5 * MB, 2 * MB, 3 * MB))


TARGET, DRAFT = model(32, 120), model(8, 20)


def gpu(*megabytes: int) -> Machine:
    return imagined([size * MB for size in megabytes], RAM)


@given(
    n_layers=st.integers(1, 40),
    wanted=st.integers(0, 50),
    free=st.lists(st.integers(1, 20_000), min_size=0, max_size=4),
    tied=st.booleans(),
)
def test_nothing_is_lost_or_counted_twice(
    n_layers: int, wanted: int, free: list[int], tied: bool
) -> None:
    needs = model(n_layers, tied=tied)
    placed = place(needs, wanted, [size * MB for size in free])
    on_gpus = min(wanted, n_layers + 1) if free else 0
    assert placed.gpu_layers == on_gpus
    assert sum(home > 0 for home in placed.homes) == on_gpus
    assert list(placed.homes) == sorted(placed.homes), "the last layers go to the last GPU"
    copied = needs.weights.embedding if on_gpus else 0
    assert sum(share.weights for share in placed.shares) == needs.weights.total + copied
    assert sum(share.cache for share in placed.shares) == needs.cache
    assert len(placed.shares) == len(free) + 1


def test_without_a_gpu_everything_is_in_main_memory() -> None:
    choice = choose(TARGET, DRAFT, Layers(), Machine(RAM))
    assert (choice.layers, choice.verdict) == ((0, 0), "fits")


def test_the_draft_goes_first_where_both_have_no_room() -> None:
    choice = choose(TARGET, DRAFT, Layers(), gpu(1500))
    target, draft = choice.layers
    assert draft == DRAFT.n_layers
    assert 0 < target < TARGET.n_layers
    assert choice.verdict == "partly"


def test_with_room_all_of_both_is_on_the_gpu() -> None:
    choice = choose(TARGET, DRAFT, Layers(), gpu(8000))
    assert choice.layers == (TARGET.n_layers, DRAFT.n_layers)
    assert choice.verdict == "fits"


@given(sizes=st.lists(st.integers(600, 9000), min_size=2, max_size=2).map(sorted))
def test_a_larger_gpu_gets_no_fewer_layers(sizes: list[int]) -> None:
    small, large = (choose(TARGET, DRAFT, Layers(), gpu(size)).layers for size in sizes)
    assert small <= large or small[1] <= large[1]
    assert sum(small) <= sum(large)


@given(size=st.integers(100, 9000))
def test_what_is_chosen_has_room(size: int) -> None:
    machine = gpu(size)
    choice = choose(TARGET, DRAFT, Layers(), machine)
    assert choice.placement.on_gpus(machine)


def test_layers_that_were_asked_for_are_not_moved() -> None:
    choice = choose(TARGET, DRAFT, Layers(10, 0), gpu(8000))
    assert choice.layers == (10, 0)
    assert choose(TARGET, DRAFT, Layers(-1, -1), gpu(1000)).verdict == "no"


def test_caches_that_have_no_room_are_a_no_and_weights_alone_are_slow() -> None:
    needs = model(10)  # 1,050 MB of weights; 100 MB of caches and 35 MB besides
    for free, verdict in ((2000, "fits"), (500, "slow"), (100, "no")):
        store = Store("RAM", "main memory", free * MB, 8000 * MB)
        assert choose(needs, None, Layers(), Machine(store)).verdict == verdict, free


def test_two_gpus_share_by_what_is_free() -> None:
    choice = choose(TARGET, None, Layers(), gpu(3000, 6000))
    homes = choice.placement.target.homes
    assert choice.layers[0] == TARGET.n_layers
    assert 1.5 < homes.count(2) / homes.count(1) < 2.5
