"""What is said of a pair, from values as a probe would measure them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from specdec_cli.core.draft_length.expected_speedup import expected_speedup
from specdec_cli.tune.diagnosis import Measured, diagnose, verdict

FLAT = {1: 0.1, 2: 0.102, 3: 0.104, 4: 0.106, 5: 0.108, 8: 0.114, 16: 0.13}
STEEP = {1: 0.1, 2: 0.19, 3: 0.28, 4: 0.37, 5: 0.46}
GOOD = Measured(
    "hybrid", speedup=0.99, acceptance=0.8, step=0.008, passes=FLAT, overhead=0.02, threads=4
)


def names(measured: Measured) -> list[str]:
    return [cause.name for cause in diagnose(measured, "mine")]


@pytest.mark.parametrize(
    ("speedup", "expected"),
    [(None, "unknown"), (1.8, "faster"), (1.05, "faster"), (1.0, "same"), (0.8, "slower")],
)
def test_the_verdict(speedup: float | None, expected: str) -> None:
    assert verdict(replace(GOOD, speedup=speedup)) == expected


def test_a_fast_pair_has_nothing_wrong() -> None:
    bad = Measured("hybrid", speedup=1.6, acceptance=0.1, step=0.09, passes=STEEP, overhead=0.5)
    assert names(bad) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"step": 0.05}, "slow draft"),
        ({"step": 0.05, "target_on_gpu": 1.0}, "draft in main memory"),
        ({"step": 0.05, "target_on_gpu": 1.0, "draft_on_gpu": 1.0}, "slow draft"),
        ({"acceptance": 0.2}, "low acceptance"),
        ({"acceptance": 0.2, "temperature": 1.5}, "temperature"),
        ({"acceptance": 0.2, "step": None, "drafter": "ngram"}, "few repetitions"),
        ({"passes": STEEP}, "compute-bound passes"),
        ({"passes": STEEP, "target_on_gpu": 1.0, "draft_on_gpu": 1.0}, "compute-bound passes"),
        ({"passes": STEEP, "experts": True}, "experts"),
        ({"overhead": 0.4}, "small target"),
        ({"busy": 0.9}, "busy machine"),
        ({"quicker_threads": 2}, "threads"),
        ({"drafter": "none", "speedup": None, "step": None}, "no drafter"),
        ({}, "unexplained"),
    ],
)
def test_each_cause_is_named_alone(change: dict[str, object], expected: str) -> None:
    (cause,) = diagnose(replace(GOOD, **change), "mine")  # type: ignore[arg-type]
    assert cause.name == expected
    assert cause.what and cause.fix


def test_commands_name_the_pair() -> None:
    (cause,) = diagnose(replace(GOOD, step=0.05, target_on_gpu=1.0), "-m t.gguf -md d.gguf")
    assert "specdec run -m t.gguf -md d.gguf -ngld all" in cause.fix
    assert "50%" in cause.what


def test_the_cause_that_costs_most_is_first() -> None:
    mild = replace(GOOD, step=0.016, acceptance=0.05)
    assert names(mild) == ["low acceptance", "slow draft"]
    dear = replace(GOOD, step=0.3, acceptance=0.58)
    assert names(dear) == ["slow draft", "low acceptance"]
    gains = [cause.gain or 0.0 for cause in diagnose(dear, "mine")]
    assert gains == sorted(gains, reverse=True) and gains[0] > 1.5


def test_the_machine_is_told_of_even_where_it_is_fast() -> None:
    fast = replace(GOOD, speedup=2.0, busy=3.0, quicker_threads=8)
    assert names(fast) == ["busy machine", "threads"]
    (busy, threads) = diagnose(fast, "mine")
    assert "3 times as many processors as there are" in busy.what
    assert busy.fix == f"close them, or use fewer threads: -t {GOOD.threads - 1}"
    (one, *_) = diagnose(replace(fast, threads=1, quicker_threads=None), "mine")
    assert one.fix == "close them, or wait"
    assert "get in each other's way" not in threads.what
    (fewer,) = diagnose(replace(fast, busy=0.0, quicker_threads=1), "mine")
    assert fewer.what.startswith("1 thread is") and "get in each other's way" in fewer.what
    # Where others compute, fewer threads are quicker for that reason alone.
    assert names(replace(fast, quicker_threads=2)) == ["busy machine"]


def test_nothing_is_said_of_passes_that_were_not_measured() -> None:
    assert names(replace(GOOD, passes=None, acceptance=0.1)) == ["unexplained"]


def test_the_best_length() -> None:
    assert expected_speedup(0.0, 0.01, FLAT) == (1.0, 0)
    speedup, length = expected_speedup(1.0, 0.0, {1: 1.0, 2: 1.0, 3: 1.0})
    assert (speedup, length) == (3.0, 2)
    # Two tokens in the time of one pass and a step that costs as much again: nothing is won.
    assert expected_speedup(1.0, 1.0, {1: 1.0, 2: 1.0}) == (1.0, 0)
    # A size that was not measured costs as much as the next larger one.
    assert expected_speedup(1.0, 0.0, {1: 1.0, 4: 2.0}) == (2.0, 3)
    assert expected_speedup(0.8, 0.008, FLAT)[1] > expected_speedup(0.5, 0.008, FLAT)[1] > 0
