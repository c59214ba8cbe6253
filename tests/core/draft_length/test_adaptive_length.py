"""Draft lengths that follow text and machine, on simulated time."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specdec_cli.core.draft_length.adaptive import AdaptiveLength, Parked
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.draft_length.stopping import solve
from specdec_cli.core.events import Round
from tests import simulate
from tests.simulate import LONGEST, MACHINES, REGIMES, Machine, Text, calibrated

SOME = [MACHINES[name] for name in ("GPU c.1", "Orin", "CPU .3", "1.1B Q4, 2")]


MODEL = ("model",)


def adaptive(machine: Machine, **options: float) -> AdaptiveLength:
    return AdaptiveLength(0, LONGEST, calibrated(machine), sources=MODEL, **options)


# --- the plan -------------------------------------------------------------------------------------


def exact_value(
    k: int,
    together: float,
    passes: list[float],
    step: float,
    rate: float,
    outcomes: list[tuple[float, float]],
) -> float:
    """V_k(S) by recursion, without a grid."""
    if k == len(passes) - 1:
        return 0.0
    row = rate * (passes[k + 1] - passes[k])
    value = -rate * step
    for chance, weight in outcomes:
        s = together * chance
        value += weight * max(0.0, s - row + exact_value(k + 1, s, passes, step, rate, outcomes))
    return max(0.0, value)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-0.3, 1.0), min_size=1, max_size=5),
    st.floats(0.0, 0.4),
    st.floats(0.3, 3.0),
    st.lists(st.floats(0.05, 0.98), min_size=2, max_size=3),
)
def test_the_plan_is_optimal_stopping(
    slopes: list[float], step: float, rate: float, acceptance: list[float]
) -> None:
    passes = [1.0, *(1.0 + np.cumsum(slopes))]
    outcomes = [(chance, 1 / len(acceptance)) for chance in acceptance]
    plan = solve(passes, step, rate, acceptance, np.full(len(acceptance), 1 / len(acceptance)))
    best = exact_value(0, 1.0, passes, step, rate, outcomes)
    assert max(plan.gain, 0.0) == pytest.approx(best, abs=0.02 * (1 + best))


def test_with_constant_slope_the_plan_is_a_threshold() -> None:
    passes = [1.0 + 0.3 * i for i in range(17)]
    plan = solve(passes, 0.0, 1.0, [0.2, 0.9], np.array([0.3, 0.7]))
    assert plan.keep[:10] == pytest.approx([0.3] * 10, rel=0.05)


def test_the_plan_crosses_a_dear_size_to_reach_a_cheap_one() -> None:
    passes = [1.0, 1.45, 1.84, 1.31, 1.94, 2.5]
    plan = solve(passes, 0.02, 1.0, [0.6], np.array([1.0]))
    assert plan.gain > 0.5
    assert plan.keep[0] < 0.6 and plan.keep[1] < 0.36 and plan.keep[2] == 0.0
    assert plan.keep[3] > 0.6


def test_a_begun_draft_reaches_the_minimum() -> None:
    plan = solve([1.0, 1.1, 2.0, 3.0, 4.0], 0.1, 1.0, [0.6], np.array([1.0]), minimum=3)
    assert plan.gain < 0.0
    assert plan.go[1] == plan.go[2] == plan.keep[1] == plan.keep[2] == 0.0


# --- as a Length ----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    low=st.integers(0, 5),
    more=st.integers(0, 12),
    seed=st.integers(0, 100),
    pads=st.booleans(),
)
def test_drafts_stay_in_their_bounds(low: int, more: int, seed: int, pads: bool) -> None:
    random = np.random.default_rng(seed)
    length = AdaptiveLength(low, low + more, CostModel(low + more + 1, pads=pads), sources=MODEL)
    as_length: DraftLengthPolicy = length
    assert as_length.minimum == low
    for _ in range(60):
        budget = int(random.integers(-1, 25))
        limit = as_length.next(budget)
        assert limit == 0 or max(low, 1) <= limit <= min(low + more, budget)
        steps = length.begin("model")
        confidence = steps.confidences
        drafted = 0
        while limit:
            if not steps.accepts_token(float(random.random())):
                break
            drafted += 1
            if drafted == limit or not steps.should_continue():
                break
        assert drafted in (0, limit) or low <= drafted < limit
        assert drafted + 1 <= length.rows(drafted + 1) <= low + more + 1
        kept = int(random.integers(0, drafted + 1))
        step = 0.1 * float(random.random())
        seconds = (1 + 0.2 * drafted) * (0.5 + float(random.random()))
        length.observe(
            Round((1,) * (kept + 1), drafted, kept, "model", step * len(confidence), seconds),
            confidence,
        )


@pytest.mark.parametrize(("low", "high"), [(-1, 4), (5, 4)])
def test_impossible_bounds_are_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="min"):
        AdaptiveLength(low, high, sources=MODEL)


def test_plain_decoding_is_measured_first() -> None:
    length = AdaptiveLength(0, 4, sources=MODEL)
    for _ in range(2):
        assert length.next(100) == 0
        length.observe(Round((1,), 0, 0, "none", 0.0, 0.05))
    assert length.next(100) == 4


# --- speed ----------------------------------------------------------------------------------------


@functools.cache
def cells() -> tuple[dict[str, float | str], ...]:
    return tuple(simulate.table(800, (1,)))


def ratio(cell: dict[str, float | str]) -> float:
    return float(cell["ours"]) / float(cell["best"])


def test_as_fast_as_the_best_fixed_length_in_hindsight_and_faster_overall() -> None:
    ratios = sorted(ratio(cell) for cell in cells())
    assert ratios[0] > 0.97
    assert math.exp(float(np.mean(np.log(ratios)))) > 1.015


def test_never_materially_slower_than_plain_decoding() -> None:
    assert min(float(cell["ours"]) for cell in cells()) > 0.98


@pytest.mark.parametrize("machine", SOME, ids=lambda machine: machine.name)
def test_a_useless_draft_costs_less_than_two_percent(machine: Machine) -> None:
    nothing = simulate.adversarial(1500, 7, turns=0)
    assert simulate.run(nothing, machine, adaptive(machine)).speed > 0.98


@pytest.mark.parametrize("machine", SOME, ids=lambda machine: machine.name)
def test_a_few_hundred_tokens_are_enough_to_learn(machine: Machine) -> None:
    chat = simulate.text("chat", 700, 3)
    best = max(700 / simulate.fixed(chat, machine, k) for k in range(LONGEST + 1))
    learnt = simulate.run(chat, machine, adaptive(machine)).speed_from(200)
    unmeasured = AdaptiveLength(0, LONGEST, CostModel(LONGEST + 1, pads=True), sources=MODEL)
    assert learnt > 0.95 * best
    assert simulate.run(chat, machine, unmeasured).speed_from(200) > 0.93 * best


@pytest.mark.parametrize("regime", REGIMES)
def test_noisy_clocks_do_not_break_it(regime: str) -> None:
    logs = []
    for i, machine in enumerate(SOME):
        the_text = simulate.text(regime, 800, 5)
        best = min(simulate.fixed(the_text, machine, k) for k in range(LONGEST + 1))
        noisy = simulate.run(the_text, machine, adaptive(machine), jitter=simulate.clock(i))
        logs.append(math.log(noisy.speed * best / 800))
        assert noisy.speed > 0.95
    assert math.exp(float(np.mean(logs))) > 0.95


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_a_machine_that_changes_speed_is_followed(factor: float) -> None:
    machine = MACHINES["GPU c.1"]
    chat = simulate.text("chat", 1000, 11)
    steady = simulate.run(chat, machine, adaptive(machine))
    length = adaptive(machine)
    changed = simulate.run(
        chat,
        machine,
        length,
        slower=lambda position: factor if position > 300 else 1.0,
        jitter=simulate.clock(3, 0.05, 0.01),
    )
    assert changed.speed_from(300) * factor > 0.93 * steady.speed_from(300)
    assert length.costs.plain == pytest.approx(factor, rel=0.15)


@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize("slower", [1.5, 2.0])
def test_a_start_under_load_is_got_over(slower: float, seed: int) -> None:
    machine = MACHINES["GPU c.1"]
    length = AdaptiveLength(0, LONGEST, calibrated(machine, slower=slower), sources=MODEL)
    text = simulate.bursts(2000, seed)
    trace = simulate.run(text, machine, length, jitter=simulate.clock(seed, 0.05, 0.0))
    assert trace.speed > 0.98
    assert trace.speed_from(1000) > 0.99


@pytest.mark.parametrize(
    ("name", "smallest"),
    [("GPU c.1", 2), ("GPU c.1", 3), ("CPU .3", 2), ("CPU .3", 3), ("30M Q4", 2)],
)
def test_sizes_believed_too_dear_are_found_out(name: str, smallest: int) -> None:
    """All passes over that many rows or more were once measured at eight times their time."""
    machine = MACHINES[name]
    costs = CostModel(simulate.BEYOND, pads=True)
    for rows in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16):
        for _ in range(5):
            costs.observe(rows, machine.curve[rows] * (8 if rows >= smallest else 1))
    for _ in range(3):
        costs.observe_draft("model", 1, machine.step)
    the_text = simulate.text("code", 6000, 1)
    right = simulate.run(the_text, machine, adaptive(machine))
    wrong = simulate.run(the_text, machine, AdaptiveLength(0, LONGEST, costs, sources=MODEL))
    assert wrong.speed_from(4000) > 0.9 * right.speed_from(4000)


def test_a_drafter_without_confidences_gets_a_length() -> None:
    for machine in SOME:
        for regime in ("code", "bad"):
            the_text = simulate.text(regime, 1000, 3)
            best = max(1000 / simulate.fixed(the_text, machine, k) for k in range(LONGEST + 1))
            assert simulate.run(the_text, machine, adaptive(machine), asks=False).speed > (
                0.93 * best
            )


def test_expected_acceptance_is_taken_where_it_is_known() -> None:
    machine = MACHINES["GPU c.1"]
    prose = simulate.text("prose", 1000, 3)
    best = max(1000 / simulate.fixed(prose, machine, k) for k in range(LONGEST + 1))
    assert simulate.run(prose, machine, adaptive(machine), expected=True).speed > 0.98 * best


# --- the slowdown budget --------------------------------------------------------------------------


def _hostile(turns: int) -> Callable[[int], Text]:
    return lambda seed: simulate.adversarial(2500, seed, turns)


def _flickering(seed: int) -> Text:
    """Good for 80 tokens, wrong for 80, and always sure."""
    good = simulate.text("code", 2500, seed)
    accepted = good.accepted & (np.arange(len(good.accepted)) // 80 % 2 == 0)
    return Text(accepted, good.confidence, good.chance, good.length)


TEXTS: dict[str, Callable[[int], Text]] = {
    "wrong from the start": _hostile(0),
    "wrong after 1000": _hostile(1000),
    "flickering": _flickering,
    "bad": lambda seed: simulate.text("bad", 2500, seed),
}


def share_of(machine: Machine, length: AdaptiveLength) -> float:
    """What a token adds to the budget, in plain passes."""
    risk = machine.step + max(length.costs.effective(2) - 1.0, 0.0)
    return min(max(0.01 * risk, 0.005), 0.008)


@pytest.mark.parametrize("machine", SOME, ids=lambda machine: machine.name)
@pytest.mark.parametrize("kind", TEXTS)
def test_no_text_costs_more_than_the_bound(kind: str, machine: Machine) -> None:
    max_loss, max_savings = 8.0, 20.0
    length = adaptive(machine, max_loss=max_loss, max_savings=max_savings)
    trace = simulate.run(TEXTS[kind](9), machine, length)
    tokens = np.array([0, *trace.tokens])
    seconds = np.array([0.0, *trace.seconds])
    late = seconds - tokens * (1 + share_of(machine, length))
    # A pass that is left unpadded to see what it costs may cost more than the padded one.
    look = max(machine.curve[k] - length.costs.effective(k) for k in range(2, LONGEST + 2)) + 1e-6
    # After any number of tokens, however few.
    assert (
        late - np.minimum(np.maximum(1.25 + tokens / 200, 0.015 * tokens), max_loss)
    ).max() <= look
    # Of every stretch: how late it is now, against the least late it was before.
    assert (late - np.minimum.accumulate(late)).max() <= max_savings + max_loss + look


@pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda machine: machine.name)
def test_a_short_answer_is_hardly_slower_than_plain_decoding(machine: Machine) -> None:
    for length, least in ((32, 0.95), (128, 0.98)):
        texts = [simulate.text(regime, length, seed) for regime in REGIMES for seed in range(4)]
        texts.append(simulate.adversarial(length, 1, turns=0))
        for the_text in texts:
            trace = simulate.run(the_text, machine, adaptive(machine))
            assert trace.speed > least - 0.001


@pytest.mark.parametrize("machine", SOME, ids=lambda machine: machine.name)
def test_a_run_loses_no_more_than_its_own_bound_and_what_the_one_before_saved(
    machine: Machine,
) -> None:
    before = adaptive(machine)
    simulate.run(simulate.text("code", 300, 1), machine, before)
    saved = before.as_dict()["credit"]["steps"]
    assert saved == 3.0
    length = adaptive(machine)
    length.restore(before.as_dict())
    trace = simulate.run(simulate.adversarial(128, 1, turns=0), machine, length)
    tokens, seconds = np.array(trace.tokens), np.array(trace.seconds)
    late = seconds - tokens * (1 + share_of(machine, length))
    look = max(machine.curve[k] - length.costs.effective(k) for k in range(2, LONGEST + 2)) + 1e-6
    assert (late - np.maximum(1.25 + tokens / 200, 0.015 * tokens)).max() <= saved + look


@pytest.mark.parametrize(
    ("name", "least"), [("CPU .3", 1.5), ("1.1B Q4, 2", 1.8), ("GPU c.1", 2.7)]
)
@pytest.mark.parametrize("slower", [0.4, 0.6])
def test_a_start_that_measured_passes_in_a_row_does_not_stop_good_drafts(
    name: str, least: float, slower: float
) -> None:
    """In an answer everything takes longer than at the start, plain passes too."""
    machine = MACHINES[name]
    runs = []
    for seed in range(8):
        costs = simulate.calibrated(machine, slower=slower)
        costs.begin(at=0.0)
        length = AdaptiveLength(0, LONGEST, costs, sources=MODEL)
        length.start(20, 0.01)
        runs.append(simulate.run(simulate.text("code", 64, seed), machine, length))
    assert sum(run.tokens[-1] for run in runs) / sum(run.seconds[-1] for run in runs) > least


def test_a_pair_that_was_chosen_by_somebody_begins_with_credit() -> None:
    length = adaptive(MACHINES["CPU .3"])
    length.trust()
    assert length.as_dict()["credit"]["steps"] == 3.0


def test_what_a_draft_costs_the_plain_pass_after_it_is_charged() -> None:
    """A graph is built anew there: half a pass on a small model."""
    machine = MACHINES["1.1B Q4, 1"]
    for seed in range(3):
        the_text = simulate.text("prose", 2000, seed)
        assert simulate.run(the_text, machine, adaptive(machine), switch=0.5).speed > 0.99


@pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda machine: machine.name)
def test_what_it_takes_to_take_drafts_back_is_charged(machine: Machine) -> None:
    """A copy of a state before each draft, and tokens computed again after a rejected one."""
    for regime in ("bad", "prose", "chat"):
        the_text = simulate.text(regime, 2500, 5)
        assert simulate.run(the_text, machine, adaptive(machine), copy=0.1).speed > 0.98
    code = simulate.text("code", 2500, 5)
    assert simulate.run(code, machine, adaptive(machine), copy=0.1).speed > 0.985


def test_short_answers_gain_where_drafts_are_good() -> None:
    for name, least in (("GPU c.1", 2.5), ("CPU .3", 1.3), ("1.1B Q4, 2", 1.7)):
        runs = [
            simulate.run(simulate.text("code", 64, seed), MACHINES[name], adaptive(MACHINES[name]))
            for seed in range(6)
        ]
        assert sum(run.tokens[-1] for run in runs) / sum(run.seconds[-1] for run in runs) > least


def test_a_long_draft_that_fails_twice_is_no_reason_to_stop() -> None:
    machine = MACHINES["1.1B Q4, 1"]
    trace = simulate.run(simulate.text("shift", 1000, 1), machine, adaptive(machine))
    assert not any(trace.parked)


def test_parking_says_why_and_ends_when_the_draft_is_good_again() -> None:
    machine = MACHINES["GPU c.1"]
    length = adaptive(machine)
    wrong = simulate.adversarial(600, 5, turns=0)
    trace = simulate.run(wrong, machine, length)
    assert trace.parked[-1]
    assert length.parked is not None
    assert length.parked.accepted == 0.0 and str(length.parked) == "0 % accepted"
    assert 0.05 < length.parked.needed < 0.3
    again = simulate.run(simulate.text("code", 2000, 5), machine, length)
    assert not again.parked[-1]
    assert again.speed_from(1500) > 2.0


# --- drafts that cost nothing to find -------------------------------------------------------------


def free_rounds(machine: Machine, rounds: int, *, promised: float, kept: bool) -> list[int]:
    """Offer four tokens in every round."""
    length, curve = free(machine=machine), machine.curve
    taken = []
    for _ in range(rounds):
        length.next(100)
        confidence = [promised] * length.trim([promised] * 4)
        drafted = len(confidence)
        accepted = drafted if kept else 0
        source = "ngram" if drafted else "none"
        seconds = curve[drafted + 1]
        outcome = Round((1,) * (accepted + 1), drafted, accepted, source, 0.001, seconds)
        length.observe(outcome, confidence)
        taken.append(drafted)
    return taken


def free(sources: tuple[str, ...] = (), machine: Machine = MACHINES["GPU c.1"]) -> AdaptiveLength:
    return AdaptiveLength(0, LONGEST, calibrated(machine), sources=sources, free=True)


def test_a_free_draft_is_cut_where_a_row_costs_more_than_it_brings() -> None:
    length = AdaptiveLength(0, 16, calibrated(MACHINES["CPU .3"]), sources=(), free=True)
    assert length.next(100) == 4  # four rows may lose 1.2 plain passes, five more than 1.25
    assert length.trim([0.9, 0.8, 0.5, 0.5]) == 3  # 0.36 pays 0.3, 0.18 does not
    assert length.trim([0.2]) == 0
    assert length.next(2) == 2
    assert length.trim([0.99] * 9) == 2


def test_free_drafts_are_taken_while_they_keep_what_they_promise() -> None:
    good = free_rounds(MACHINES["GPU c.1"], 60, promised=0.8, kept=True)
    assert min(good[4:]) == 4
    bad = free_rounds(MACHINES["CPU .3"], 400, promised=0.8, kept=False)
    assert 0 < sum(each > 0 for each in bad) < 20


def test_rounds_in_which_nothing_is_found_are_part_of_what_is_usual() -> None:
    length, curve = free(), MACHINES["GPU c.1"].curve

    def rounds(number: int, drafted: int) -> None:
        for _ in range(number):
            length.next(100)
            confidence = [0.99] * length.trim([0.99] * drafted)
            tokens, seconds = (1,) * (len(confidence) + 1), curve[len(confidence) + 1]
            outcome = Round(tokens, len(confidence), len(confidence), "ngram", 0.0, seconds)
            length.observe(outcome, confidence)

    row = curve[2] - curve[1]
    rounds(200, drafted=8)
    length.next(100)
    assert length.trim([3 * row]) == 0  # a row has to earn what rounds of late did
    rounds(400, drafted=0)
    length.next(100)
    assert length.trim([3 * row]) == 1


def test_of_two_drafters_the_one_that_is_expected_to_add_more_is_asked() -> None:
    length = free(("model",))
    simulate.run(simulate.text("code", 400, 3), MACHINES["GPU c.1"], length)
    assert length.next(100) == 16
    assert length.limit_for("model") == 16
    assert length.trim([0.6]) == 0
    assert length.trim([0.99] * 16) > 8


def test_where_a_draft_model_does_not_pay_free_drafts_still_do() -> None:
    length = free(("model",))
    simulate.run(simulate.adversarial(600, 5, turns=0), MACHINES["GPU c.1"], length)
    assert length.parked is not None
    while length.next(100) and length.limit_for("model"):  # a probe
        length.observe(Round((1,), 1, 0, "model", 0.1, 1.02), [0.5])
    assert length.parked is not None
    assert length.next(100) == 16
    assert length.limit_for("model") == 0
    assert length.trim([0.95] * 4) == 4


@pytest.mark.parametrize("sources", [(), ("model",)])
def test_free_drafts_cost_no_more_than_their_bound(sources: tuple[str, ...]) -> None:
    length, machine = free(sources), MACHINES["GPU c.1"]
    part = 0.5 if sources else 1.0
    late, losses = [0.0], []
    for number in range(4000):
        length.next(100)
        # Promising and never kept, but now and then, so that it is believed again.
        confidence = [0.99] * length.trim([0.99] * 16)
        drafted = len(confidence)
        accepted = drafted if number % 200 < 20 else 0
        lookup = 0.03 if length.limit_for("ngram") else 0.0
        source = "ngram" if drafted else "none"
        seconds = machine.curve[drafted + 1]
        tokens = accepted + 1
        length.observe(Round((1,) * tokens, drafted, accepted, source, lookup, seconds), confidence)
        late.append(late[-1] + lookup + seconds - tokens * (1 + 2 * share_of(machine, length)))
        losses.append(late[-1] - min(late))
    assert max(losses) > 2
    assert max(losses) <= part * (40 + 8) + 0.03


def test_a_least_probability_of_the_person_s_own_is_kept_to() -> None:
    length = AdaptiveLength(1, 8, calibrated(MACHINES["GPU c.05"]), sources=MODEL, p_min=0.7)
    assert length.next(100)
    assert length.begin("model").accepts_token(0.9) and not length.begin("model").accepts_token(0.6)


def test_probes_become_rare() -> None:
    machine = MACHINES["CPU .3"]
    trace = simulate.run(simulate.text("bad", 1500, 5), machine, adaptive(machine))
    first = sum(d > 0 for t, d in zip(trace.tokens, trace.drafted, strict=True) if t <= 200)
    last = sum(d > 0 for t, d in zip(trace.tokens, trace.drafted, strict=True) if t > 500)
    assert last / 1000 < first / 200 and last / 1000 < 0.06


def test_parked_it_looks_at_one_plain_round_of_eight_and_resumes_all_the_same() -> None:
    machine = MACHINES["CPU .3"]
    length = adaptive(machine)
    simulate.run(simulate.text("bad", 600, 5), machine, length)
    assert length.parked is not None
    plain = Round((1,), 0, 0, "none", 0.0, 1.0)
    passes, probes = length.costs.passes, 0
    for _ in range(512):
        probes += length.next(100) > 0
        length.observe(plain, (), (), 1)
    assert length.costs.passes - passes <= 512 / 8 + probes + 1
    assert probes >= 512 // 128, "the rounds it did not look at count for the next probe"


def test_a_rest_ends_where_plain_passes_are_to_be_measured_anew() -> None:
    machine = MACHINES["CPU .3"]
    length = adaptive(machine)
    simulate.run(simulate.text("bad", 600, 5), machine, length)
    plain = Round((1,), 0, 0, "none", 0.0, 1.0)
    for _ in range(20):
        length.next(100)
        length.observe(plain, (), (), 1)
    passes = length.costs.passes
    length.costs.machine_changed()
    for _ in range(5):
        assert length.next(100) == 0
        length.observe(plain, (), (), 1)
    assert length.costs.passes == passes + 5 and not length.costs.stale


def test_a_reason_reads_well() -> None:
    assert str(Parked("no gain", 0.123, 0.35)) == "12 % accepted"
    assert str(Parked("no gain", None, 0.35)) == "no draft is expected to pay"
    assert str(Parked("losing", 0.1, 0.35)) == "10 % accepted"
    assert str(Parked("losing", 0.9, 0.35)) == "drafts cost more than they saved"


def test_without_a_look_nothing_is_said_of_what_is_accepted() -> None:
    machine = replace(MACHINES["CPU .3"], step=3.0)
    length = adaptive(machine)
    for _ in range(40):
        length.next(100)
        length.observe(Round((1,), 0, 0, "none", 0.0, machine.curve[1]))
    assert length.parked is not None and length.parked.accepted is None


def test_a_stall_of_the_machine_is_no_reason_to_stop() -> None:
    machine = MACHINES["30M Q4"]
    stalls = iter([1.0] * 30 + [20.0] + [1.0] * 5000)
    trace = simulate.run(
        simulate.text("code", 600, 3),
        machine,
        adaptive(machine),
        jitter=lambda seconds: seconds * next(stalls),
        true_time=False,
    )
    assert not any(trace.parked)


@pytest.mark.parametrize(("often", "times"), [(0.15, 4.0), (0.08, 6.0)])
@pytest.mark.parametrize("machine", SOME, ids=lambda machine: machine.name)
def test_stalls_that_only_drafted_rounds_have_are_charged(
    machine: Machine, often: float, times: float
) -> None:
    for regime in REGIMES:
        stall = simulate.stalls(3, often, times, plain=False)
        trace = simulate.run(
            simulate.text(regime, 1500, 3), machine, adaptive(machine), stall=stall
        )
        assert trace.speed > 0.965


def test_stalls_that_plain_decoding_has_too_are_not() -> None:
    for machine in SOME:
        stall = simulate.stalls(3, 0.08, 6.0, plain=True)
        code = simulate.text("code", 1500, 3)
        plain = 1500 * (1 + 0.08 * 5)
        quiet = simulate.run(code, machine, adaptive(machine)).speed
        assert plain / simulate.run(code, machine, adaptive(machine), stall=stall).seconds[-1] > (
            0.88 * quiet
        )


def _in_turns(length: int, seed: int, turns: int) -> Text:
    """Good and bad in turns; how sure the drafter is says nothing."""
    random = np.random.default_rng([seed, turns])
    n = length + 2 * LONGEST + 2
    logit = np.where(np.arange(n) // turns % 2 == 0, 4.0, -5.0)
    chance = 1 / (1 + np.exp(-logit))
    return Text(random.random(n) < chance, np.full(n, 0.93), chance, length)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cheap_drafts_are_tried_again_soon_after_a_bad_passage(seed: int) -> None:
    machine = replace(MACHINES["GPU c.05"], step=0.02)
    the_text = _in_turns(3000, seed, 300)
    best = min(simulate.fixed(the_text, machine, k) for k in range(LONGEST + 1))
    assert simulate.run(the_text, machine, adaptive(machine)).seconds[-1] < 1.02 * best
