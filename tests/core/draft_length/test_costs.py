"""What passes cost: as measured, without being smoothed, in spite of noise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from specdec_cli.core.draft_length.costs import CostModel

# A CPU with kernels on tiles of four rows.
TILES = {1: 1.0, 2: 1.45, 3: 1.84, 4: 1.31, 5: 1.94, 6: 2.29, 8: 2.31}


def measured(curve: dict[int, float], *, pads: bool = True, largest: int = 9) -> CostModel:
    costs = CostModel(largest, pads=pads)
    for rows, seconds in curve.items():
        for _ in range(5):
            costs.observe(rows, seconds)
    return costs


def test_the_curve_is_as_measured() -> None:
    costs = measured(TILES)
    assert [costs.seconds(rows) for rows in TILES] == pytest.approx(list(TILES.values()))
    assert costs.plain == 1.0


def test_sizes_never_seen_lie_between_their_neighbours_or_on_the_mean_slope() -> None:
    costs = measured({1: 1.0, 3: 1.2, 5: 2.0}, largest=17)
    assert costs.seconds(2) == pytest.approx(1.1)
    assert costs.seconds(4) == pytest.approx(1.6)
    assert costs.seconds(9) == pytest.approx(3.0)


def test_a_pass_is_padded_to_a_cheaper_size() -> None:
    costs = measured(TILES)
    assert [costs.rows(n) for n in range(1, 10)] == [1, 4, 4, 4, 5, 6, 7, 8, 9]
    assert [costs.effective(n) for n in (2, 3, 4)] == pytest.approx([1.31] * 3)
    assert measured(TILES, pads=False).rows(3) == 3
    assert measured(TILES, pads=False).effective(3) == pytest.approx(1.84)


def test_a_plain_pass_is_never_padded() -> None:
    assert measured({1: 1.0, 4: 0.7}).rows(1) == 1


def test_a_size_is_tried_before_it_is_avoided() -> None:
    costs = CostModel(9, pads=True)
    for rows, seconds in ((1, 1.0), (1, 1.0), (3, 3.0), (4, 1.3)):
        costs.observe(rows, seconds)
    assert costs.rows(3) == 3


def test_a_size_that_was_measured_too_dear_is_found_out() -> None:
    costs = measured({1: 1.0, 2: 2.0, 4: 1.6, 8: 3.0})
    given = []
    for _ in range(120):
        given.append(costs.rows(2))
        costs.observe(given[-1], {2: 1.2, 4: 1.6}[given[-1]])
    assert given[:11] == [4] * 11
    assert given[-20:] == [2] * 20
    assert costs.effective(2) == pytest.approx(1.2)


def test_to_ask_what_a_size_costs_leaves_the_next_pass_alone() -> None:
    costs = measured(TILES)
    for _ in range(100):
        assert costs.effective(3) == pytest.approx(1.31)
    assert costs.rows(3) == 4


def test_when_a_size_moves_plain_passes_are_measured_again() -> None:
    costs = measured(TILES)
    for _ in range(30):
        costs.observe(4, 1.31)
    for _ in range(4):
        costs.observe(4, 1.31 * 0.6)
    assert costs.stale


def test_the_first_plain_pass_after_another_size_is_left_out() -> None:
    costs = CostModel(9)
    assert costs.stale
    costs.observe(1, 9.0)
    assert costs.stale and costs.plain == 0.0
    costs.observe(1, 1.0)
    assert not costs.stale and costs.plain == 1.0
    costs.observe(4, 2.0)
    costs.observe(1, 9.0)
    assert costs.plain == 1.0


def test_plain_passes_are_measured_again_after_a_while() -> None:
    costs = measured(TILES)
    passes = 0
    while not costs.stale:
        costs.observe(4, 1.31)
        passes += 1
    assert 400 < passes < 600
    costs.observe(1, 1.0)
    assert costs.stale
    costs.observe(1, 1.0)
    assert not costs.stale


def test_outliers_move_nothing() -> None:
    random = np.random.default_rng(1)
    costs = measured({1: 1.0, 4: 1.3})
    for _ in range(400):
        stall = 5.0 if random.random() < 0.05 else 1.0
        costs.observe(4, 1.3 * stall * float(np.exp(0.05 * random.standard_normal())))
    assert costs.seconds(4) == pytest.approx(1.3, rel=0.06)
    assert costs.plain == pytest.approx(1.0, rel=0.06)


def test_a_first_measurement_that_was_an_outlier_is_soon_forgotten() -> None:
    costs = CostModel(9)
    for seconds in (9.0, 9.0, 1.0, 1.0, 1.0, 1.0):
        costs.observe(1, seconds)
    assert costs.plain == 1.0


@pytest.mark.parametrize("factor", [0.6, 1.3, 2.0])
def test_a_machine_that_changes_takes_the_whole_curve_along(factor: float) -> None:
    costs = measured(TILES)
    for _ in range(40):
        costs.observe(4, 1.31)
    for _ in range(60):
        rows = 1 if costs.stale else 4
        costs.observe(rows, factor * TILES[rows])
    for rows in (1, 2, 8):
        assert costs.seconds(rows) == pytest.approx(factor * TILES[rows], rel=0.15)


def test_a_size_that_gets_dearer_alone_takes_plain_passes_along_for_a_moment_only() -> None:
    costs = measured(TILES)
    for _ in range(40):
        costs.observe(4, 1.31)
    for _ in range(60):
        rows = 1 if costs.stale else 4
        costs.observe(rows, 1.0 if rows == 1 else 2 * 1.31)
    assert costs.plain == pytest.approx(1.0, rel=0.1)
    assert costs.seconds(4) == pytest.approx(2.62, rel=0.1)


def test_draft_steps_are_counted_by_source() -> None:
    costs = measured(TILES)
    assert costs.step("model") == pytest.approx(0.1)
    costs.observe_draft("model", 4, 1.2)
    costs.observe_draft("model", 0, 5.0)
    assert costs.step("model") == pytest.approx(0.3)
    assert costs.step("other") == pytest.approx(0.1)


def test_a_cache_can_be_written_and_read() -> None:
    costs = measured(TILES)
    costs.observe_draft("model", 2, 0.4)
    again = plain_alone(3.0)
    again.restore(json.loads(json.dumps(costs.as_dict())))
    assert again.as_dict() == {
        part: pytest.approx(values) for part, values in costs.as_dict().items()
    }
    assert not again.stale
    assert again.rows(3) == 4
    assert again.seconds(4) == pytest.approx(3.0 * 1.31)
    assert again.step("model") == pytest.approx(3.0 * 0.2)
    smaller = plain_alone(1.0, largest=4)
    smaller.restore(costs.as_dict())
    assert smaller.seconds(8) == pytest.approx(1.31)


def plain_alone(seconds: float, *, largest: int = 9) -> CostModel:
    costs = CostModel(largest, pads=True)
    for _ in range(3):
        costs.observe(1, seconds)
    return costs


def test_costs_in_plain_passes_say_nothing_without_a_plain_pass() -> None:
    with pytest.raises(ValueError, match="none was measured"):
        CostModel(9).restore(measured(TILES).as_dict())
    assert CostModel(9).as_dict() == {"passes": {}, "steps": {}}


def test_what_is_believed_is_compared_with_what_is_measured() -> None:
    costs = measured(TILES)
    assert costs.agrees(4, 1.31 * 1.2) and costs.agrees(4, 1.31 / 1.2) and costs.agrees(7, 99.0)
    assert not costs.agrees(4, 1.31 * 1.5) and not costs.agrees(4, 1.31 / 1.5)
    costs.forget()
    assert costs.plain == 1.0 and costs.as_dict()["passes"] == {}


def test_an_interrupted_pass_is_no_measurement() -> None:
    costs = measured({1: 1.0, 4: 1.3})
    for _ in range(50):
        costs.observe(4, 9.0, interrupted=True)
        costs.observe(1, 5.0, interrupted=True)
        costs.observe(1, 5.0, interrupted=True)
    assert (costs.plain, costs.seconds(4)) == (1.0, pytest.approx(1.3))
    assert costs.interrupted == 100  # a plain pass after another size is none in any case
    assert costs.passes == 9 + 100


def test_with_other_threads_all_is_measured_against_a_new_plain_pass() -> None:
    costs = measured({1: 1.0, 2: 1.2, 4: 2.0})
    for _ in range(20):
        costs.observe_draft("model", 1, 0.1)
    costs.machine_changed()
    assert costs.stale
    for _ in range(2):
        costs.observe(1, 2.0)  # the first follows another size, and is left out
    assert costs.plain == 2.0
    assert costs.seconds(4) == pytest.approx(4.0)
    assert costs.step("model") == pytest.approx(0.2)
    for _ in range(5):
        costs.observe(1, 2.0)
    assert not costs.stale
    for _ in range(3):
        costs.observe(4, 5.0)
    assert costs.seconds(4) == pytest.approx(5.0, rel=0.08)


def test_what_was_measured_apart_follows_the_first_plain_rounds_of_an_answer() -> None:
    costs = measured({1: 1.0, 2: 1.2, 4: 2.0})
    costs.observe_draft("model", 1, 0.1)
    costs.begin(at=100.0)
    assert costs.stale
    costs.observe(1, 9.0)  # the first follows the prompt's, and is left out
    for _ in range(2):
        assert costs.stale
        costs.observe(1, 1.5)
    assert not costs.stale
    assert costs.plain == 1.5
    assert [costs.seconds(2), costs.seconds(4)] == pytest.approx([1.8, 3.0])
    assert costs.step("model") == pytest.approx(0.15)
    costs.observe(4, 2.4)  # from here on that size is known for itself
    was = costs.seconds(4)
    for _ in range(3):
        costs.observe(1, 2.0)
    assert costs.seconds(4) == was
    assert costs.seconds(2) > 2.0
    costs.end(at=200.0)
    costs.begin(at=200.5)
    assert not costs.stale  # nothing was forgotten in between
    costs.end(at=300.0)
    costs.begin(at=330.0)
    assert costs.stale


def test_a_stall_among_the_first_plain_rounds_makes_no_yardstick() -> None:
    for stalled in ((9.0, 1.5), (1.5, 9.0)):
        costs = measured({1: 1.0, 2: 1.2, 4: 2.0})
        costs.begin(at=100.0)
        for seconds in (1.5, *stalled):  # the first follows the prompt's
            costs.observe(1, seconds)
        assert costs.plain == pytest.approx(1.5, rel=0.2)
        assert costs.seconds(4) == pytest.approx(2 * costs.plain)
    costs.begin(at=300.0)
    for seconds in (1.5, 9.0, 8.0):
        costs.observe(1, seconds)
    costs.observe(4, 3.0)
    assert costs.plain == 3.0
    assert costs.stale


def test_an_interrupted_pass_that_is_much_quicker_is_believed_at_once() -> None:
    """The first passes may have read the weights from the disk."""
    costs = CostModel(8)
    for _ in range(6):
        costs.observe(1, 0.15)
    costs.observe(1, 0.016, interrupted=True)
    assert costs.plain == 0.016
    costs.observe(1, 0.3, interrupted=True)
    assert costs.plain == 0.016


def test_plain_passes_are_not_waited_for_where_all_are_interrupted() -> None:
    costs = measured(TILES)
    while not costs.stale:
        costs.observe(4, 1.31)
    costs.observe(1, 9.0, interrupted=True)
    costs.observe(1, 9.0, interrupted=True)
    assert not costs.stale
    passes = 0
    while not costs.stale:  # but tried again soon
        costs.observe(4, 1.31)
        passes += 1
    assert passes < 100


def test_a_plain_token_takes_a_pass_and_the_loop_around_it() -> None:
    costs = plain_alone(1.0)
    assert costs.token == 1.0
    costs.observe_loop(0.3, plain=False)
    assert costs.token == pytest.approx(1.3)
    costs.observe_loop(0.1, plain=True)
    costs.observe_loop(0.3, plain=False)
    assert costs.token == pytest.approx(1.1)
    assert CostModel(9).token == 0.0


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"passes": {}, "steps": 3},
        {"passes": {"x": 1.0}, "steps": {}},
        {"passes": {"0": 1.0}, "steps": {}},
        {"passes": {"1": 1.0}, "steps": {}},
        {"passes": {"2": -1.0}, "steps": {}},
        {"passes": {"2": float("nan")}, "steps": {}},
        {"passes": {"2": None}, "steps": {}},
        {"passes": {"4": 0.1}, "steps": {}},
        {"passes": {"4": 20.0}, "steps": {}},
        {"passes": {}, "steps": {"model": 1e9}},
    ],
)
def test_a_damaged_cache_is_refused(damaged: dict[str, dict[str, float]]) -> None:
    costs = plain_alone(1.0)
    before = costs.as_dict()
    with pytest.raises(ValueError, match="not a table of costs"):
        costs.restore(damaged)
    assert costs.as_dict() == before


def test_the_first_passes_of_a_size_are_left_out_where_they_say_nothing() -> None:
    costs = CostModel(8, first=2)
    for seconds in (9.0, 9.0, 9.0, 1.0):  # the very first follows no other plain pass
        costs.observe(1, seconds)
    assert costs.plain == 1.0
    for seconds in (30.0, 20.0, 2.0):
        costs.observe(4, seconds)
    assert costs.seconds(4) == 2.0
    again = CostModel(8, first=2)
    for seconds in (9.0, 9.0, 9.0, 1.0):
        again.observe(1, seconds)
    again.restore(costs.as_dict())
    again.observe(4, 30.0)  # another process loads its kernels again
    assert again.seconds(4) == 2.0
