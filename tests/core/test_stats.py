"""Statistics are a fold: counters rise, rates follow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specdec_cli.core.events import (
    Baseline,
    Event,
    Finished,
    Parked,
    PromptDone,
    PromptProgress,
    Resumed,
    Round,
    Text,
)
from specdec_cli.core.stats import RunStats

EXAMPLE: list[Event] = [
    PromptProgress(6, 12),
    PromptDone(12, 4, 0.5),
    Round((1, 2, 3), 3, 2, "model", 0.25, 0.5),
    Text("ab", True),
    Round((4,), 2, 0, "ngram", 0.0, 0.5),
    Parked("no gain", 0.12, 0.35),
    Round((5,), 0, 0, "none", 0.0, 0.25, parked=True),
    Resumed(),
    Round((6, 7), 1, 1, "model", 0.25, 0.25),
    Finished("length", 2.25),
]


def fold(events: list[Event], **given: float) -> RunStats:
    stats = RunStats(**given)
    for event in events:
        stats.observe(event)
    return stats


def test_the_stats_block_of_a_run() -> None:
    stats = fold(EXAMPLE, load_seconds=0.4, baseline_token_seconds=0.5)
    assert stats.as_dict() == {
        "rounds": 4,
        "drafted": 6,
        "accepted": 3,
        "acceptance_rate": 0.5,
        "mean_accepted_length": 7 / 4,
        "accepted_by_position": [2, 1, 0],
        "by_source": {
            "model": {"drafted": 4, "accepted": 3},
            "ngram": {"drafted": 2, "accepted": 0},
        },
        "load_seconds": 0.4,
        "prompt_seconds": 0.5,
        "time_to_first_token": 1.25,
        "decode_seconds": 2.25,
        "draft_seconds": 0.5,
        "draft_prompt_seconds": 0.0,
        "verify_seconds": 1.5,
        "overhead_seconds": 0.25,
        "tokens_per_second": 7 / 2.25,
        "baseline_tokens_per_second": 2.0,
        # Of the first round what drafting took; between rounds only what a round says.
        "speedup": 4 * 0.5 / 1.5,
        "interrupted_seconds": 0.0,
        "too_busy": False,
        "parked_rounds": 1,
        "parked": {"reason": "no gain", "accepted": 0.12, "needed": 0.35},
    }
    assert (stats.prompt_tokens, stats.reused_tokens, stats.completion_tokens) == (12, 4, 7)
    assert json.loads(json.dumps(stats.as_dict())) == stats.as_dict()


def test_what_is_undefined() -> None:
    empty = RunStats().as_dict()
    for name in ("acceptance_rate", "mean_accepted_length", "tokens_per_second"):
        assert empty[name] == 0.0
    for name in ("time_to_first_token", "baseline_tokens_per_second", "speedup"):
        assert empty[name] is None
    assert empty["accepted_by_position"] == []
    assert empty["by_source"] == {}
    assert RunStats(baseline_token_seconds=0.5).speedup is None


def test_plain_decoding() -> None:
    stats = fold([Round((t,), 0, 0, "none", 0.0, 0.5) for t in range(4)])
    assert stats.mean_accepted_length == 1.0
    assert stats.acceptance_rate == 0.0
    assert stats.tokens_per_second == 2.0
    assert stats.by_source == {}


def test_rates_while_the_answer_is_under_way() -> None:
    stats = fold(EXAMPLE[:4])
    assert stats.time_to_first_token == 1.25
    assert stats.decode_seconds == 0.75
    assert stats.overhead_seconds == 0.0
    assert stats.tokens_per_second == 4.0


def test_two_answers_folded_into_one() -> None:
    twice = fold(EXAMPLE * 2)
    assert twice.as_dict() == (fold(EXAMPLE) + fold(EXAMPLE)).as_dict()
    assert twice.time_to_first_token == 1.25
    assert twice.decode_seconds == 4.5


def drafted(verify: float, **more: Any) -> Round:
    return Round((1, 2), 2, 1, "model", 0.0, verify, **more)


def test_rounds_are_compared_with_plain_decoding_as_it_was_then() -> None:
    events = [Baseline(1.0), drafted(1.0), drafted(0.9, other_seconds=0.1), Baseline(3.0)]
    assert fold(events).speedup == pytest.approx(2.0)
    # The machine is a third as fast, and so would plain decoding be.
    assert fold([*events, drafted(3.0)]).speedup == pytest.approx(2.0)


def test_the_pass_after_a_prompt_is_left_out_but_not_what_drafting_took() -> None:
    first = Round((1, 2), 2, 1, "model", 0.5, 9.0)
    assert fold([Baseline(1.0), first]).speedup is None
    assert fold([Baseline(1.0), first, drafted(1.0)]).speedup == pytest.approx(2 / 1.5)


def test_interrupted_rounds_and_slow_readers_do_not_count() -> None:
    usual = [Baseline(1.0), *[drafted(1.0)] * 10]
    stats = fold([*usual, drafted(3.0, interrupted=True), drafted(1.0, other_seconds=60.0)])
    assert stats.speedup == pytest.approx(2.0)
    assert stats.interrupted_seconds == 3.0 and not stats.too_busy
    stats.observe(drafted(3.0, interrupted=True))
    assert stats.too_busy and stats.speedup is None
    told = stats.as_dict()
    assert told["speedup"] is None
    assert told["baseline_tokens_per_second"] is None  # beside the speed it would be a comparison
    assert (fold(usual) + stats).interrupted_seconds == 6.0


def test_plain_decoding_is_not_compared_with_itself() -> None:
    plain = fold([Baseline(1.0), Round((1,), 0, 0, "none", 0.0, 0.9)])
    assert plain.speedup is None and not plain.could_draft
    parked = fold([Baseline(1.0), *[Round((1,), 0, 0, "none", 0.0, 0.9, parked=True)] * 2])
    assert parked.speedup == pytest.approx(1 / 0.9)


def test_two_answers_are_compared_by_rounds_that_were_left_alone() -> None:
    plain = fold([Baseline(1.0), *[Round((1,), 0, 0, "none", 0.0, 1.0)] * 10])
    fast = fold([Baseline(1.0), *[drafted(1.0)] * 10, drafted(4.0, interrupted=True)])
    assert fast.speedup_over(plain) == pytest.approx(2.0)
    busy = fold([Baseline(1.0), drafted(4.0, interrupted=True)])
    assert busy.speedup_over(plain) is None and fast.speedup_over(busy) is None
    assert fast.speedup_over(RunStats()) is None


def test_a_sum_weighs_the_baseline_and_keeps_the_load() -> None:
    long = fold(EXAMPLE, load_seconds=0.4, baseline_token_seconds=0.5)
    short = fold([Round((1,), 0, 0, "none", 0.0, 0.5)], baseline_token_seconds=0.1)
    unmeasured = fold(EXAMPLE, load_seconds=0.3)
    assert (long + short).baseline_token_seconds == pytest.approx((7 * 0.5 + 0.1) / 8)
    assert (long + unmeasured).baseline_token_seconds == 0.5
    assert (unmeasured + unmeasured).baseline_token_seconds is None
    assert (RunStats() + RunStats(baseline_token_seconds=0.2)).baseline_token_seconds == 0.2
    assert (long + unmeasured).load_seconds == 0.4


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    drafted = draw(st.integers(0, 6))
    accepted = draw(st.integers(0, drafted))
    source = draw(st.sampled_from(["model", "ngram"]))
    # Quarters add without rounding, so that sums may be compared exactly.
    quarter = st.integers(0, 8).map(lambda n: n / 4)
    tokens = tuple(range(accepted + draw(st.integers(0, 1))))
    return Round(tokens, drafted, accepted, source, draw(quarter), draw(quarter))


answers = st.lists(rounds(), max_size=8).map(
    lambda played: [
        PromptDone(3, 1, 0.5),
        *played,
        Finished("stop", 0.25 + sum(r.draft_seconds + r.verify_seconds for r in played)),
    ]
)


@settings(max_examples=60, deadline=None)
@given(one=answers, other=answers)
def test_adding_is_folding_on(one: list[Event], other: list[Event]) -> None:
    first, second = fold(one), fold(other)
    before = first.as_dict()
    assert (first + second).as_dict() == fold(one + other).as_dict()
    assert first.as_dict() == before
    assert sum([first, second], RunStats()).as_dict() == (first + second).as_dict()


@settings(max_examples=60, deadline=None)
@given(events=answers)
def test_counters_agree(events: list[Event]) -> None:
    stats = fold(events)
    played = [event for event in events if isinstance(event, Round)]
    longest = max((r.drafted for r in played), default=0)
    assert stats.accepted_by_position == [
        sum(r.accepted > i for r in played) for i in range(longest)
    ]
    assert sum(stats.accepted_by_position) == stats.accepted
    assert sum(source.drafted for source in stats.by_source.values()) == stats.drafted
    assert stats.decode_seconds == events[-1].seconds  # type: ignore[union-attr]
    assert stats.overhead_seconds == 0.25
