"""The n-gram drafter: lossless in the loop, calibrated, and not lost by an edit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.events import Round
from specdec_cli.core.verify import Rule
from specdec_cli.drafters.base import Drafter
from specdec_cli.drafters.expectation import Expectation
from specdec_cli.drafters.matches import MatchCalibration
from specdec_cli.drafters.ngram import NgramDrafter
from specdec_cli.engine.loop import generate
from specdec_cli.engine.session import Session
from specdec_cli.errors import Cancelled
from tests.fakes import PIECES, make_session

PROMPT = [1, 2, 3]
EAGER = {"min_match": 1, "path_min": 0.0}

tokens_of = st.lists(st.integers(1, len(PIECES) - 1), max_size=30)


def with_ngram(session: Session, **options: object) -> Session:
    drafter: Drafter = NgramDrafter(**options)  # type: ignore[arg-type]
    return replace(session, drafter=drafter)


def rounds(session: Session, prompt: Sequence[int] = PROMPT, max_tokens: int = 40) -> list[Round]:
    return [e for e in generate(session, prompt, max_tokens=max_tokens) if isinstance(e, Round)]


def answer(session: Session, prompt: Sequence[int] = PROMPT, max_tokens: int = 40) -> list[int]:
    return [token for r in rounds(session, prompt, max_tokens) for token in r.tokens]


def decode(
    drafter: NgramDrafter, prompt: Sequence[int], text: Sequence[int], limit: int = 16
) -> list[Round]:
    """Answer ``prompt`` with ``text``, whatever is drafted: a target that knows what it wants."""
    drafter.start(prompt, lambda: False)
    committed = list(prompt)
    done: list[Round] = []
    while (at := len(committed) - len(prompt)) < len(text):
        draft = drafter.draft(committed, min(limit, len(text) - at - 1))
        assert draft.q is None
        assert len(draft.confidence) == len(draft)
        kept = 0
        while kept < len(draft) and draft.tokens[kept] == text[at + kept]:
            kept += 1
        tokens = tuple(text[at : at + kept + 1])
        committed += tokens
        outcome = Round(tokens, len(draft), kept, draft.source, 0.0, 0.0)
        drafter.observe(outcome)
        done.append(outcome)
    return done


def never() -> bool:
    return False


@given(
    k=st.integers(1, 6),
    penalty=st.sampled_from([0.0, 3.0]),
    expect=tokens_of,
    memory=st.sampled_from([0, 30, 1000]),
    model_seed=st.integers(0, 1000),
)
def test_greedy_answers_are_those_of_plain_decoding(
    k: int, penalty: float, expect: list[int], memory: int, model_seed: int
) -> None:
    plain = make_session(k=0, penalty=penalty, model_seed=model_seed)
    session = with_ngram(
        make_session(k=k, penalty=penalty, model_seed=model_seed),
        expect=expect,
        memory=memory,
        **EAGER,
    )
    for prompt in (PROMPT, [*PROMPT, 4, 5], PROMPT, [1, 2]):
        assert answer(session, prompt) == answer(plain, prompt)


@given(
    k=st.integers(1, 6),
    temperature=st.sampled_from([0.3, 1.0]),
    seed=st.integers(0, 1000),
    expect=tokens_of,
)
def test_match_gives_the_tokens_of_plain_decoding_for_a_seed(
    k: int, temperature: float, seed: int, expect: list[int]
) -> None:
    plain = make_session(k=0, temperature=temperature, seed=seed)
    session = make_session(k=k, temperature=temperature, seed=seed)
    assert answer(with_ngram(session, expect=expect, **EAGER)) == answer(plain)


@pytest.mark.parametrize("rule", ["rejection", "block"])
def test_the_other_rules_take_its_drafts(rule: Rule) -> None:
    for seed in range(10):
        session = make_session(k=4, temperature=0.3, rule=rule, seed=seed)
        done = rounds(with_ngram(session, **EAGER))
        assert sum(len(r.tokens) for r in done) == 40 or 0 in done[-1].tokens


def test_an_answer_that_was_given_before_is_drafted_whole() -> None:
    session = with_ngram(make_session(k=6, model_seed=4), path_min=0.1)
    first = rounds(session)
    again = rounds(session)
    assert [t for r in again for t in r.tokens] == [t for r in first for t in r.tokens]
    assert len(again) < len(first)
    assert sum(r.accepted for r in again) >= 0.9 * sum(r.drafted for r in again) > 0
    assert {r.source for r in again if r.drafted} == {"ngram"}


def test_a_text_that_repeats_itself_is_mostly_drafted() -> None:
    text = [10 + i % 20 for i in range(400)]
    done = decode(NgramDrafter(), [1, 2], text)
    drafted, accepted = sum(r.drafted for r in done), sum(r.accepted for r in done)
    assert accepted >= 0.95 * drafted
    assert len(done) < 20 + 400 / 8


def test_random_text_is_hardly_drafted() -> None:
    rng = random.Random(3)
    done = decode(NgramDrafter(), [1, 2], [rng.randrange(30) for _ in range(1000)])
    later = done[len(done) // 2 :]
    assert sum(r.drafted for r in later) < 0.05 * len(later)


def test_what_was_wrong_for_long_is_drafted_again_once_it_would_be_right() -> None:
    rng = random.Random(3)
    drafter = NgramDrafter()
    decode(drafter, [1, 2], [rng.randrange(30) for _ in range(2000)])
    done = decode(drafter, [3, 4], [100 + i % 20 for i in range(400)])
    assert len(done) < 200
    assert done[-2].accepted == 16


def test_drafts_keep_to_the_limit_and_to_the_shortest_match() -> None:
    drafter = NgramDrafter(min_match=3, path_min=0.0)
    drafter.start([1, 2, 3, 4, 5, 6, 9, 2, 3], never)
    assert drafter.draft([1, 2, 3, 4, 5, 6, 9, 2, 3], 4).tokens == ()
    assert drafter.draft([1, 2, 3, 4, 5, 6, 9, 2, 3, 4], 2).tokens == (5, 6)
    assert drafter.draft([1, 2, 3, 4, 5, 6, 9, 2, 3, 4], 0).tokens == ()


def test_confidence_rises_along_the_draft_and_stops_it() -> None:
    prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]
    loose = NgramDrafter(path_min=0.0)
    loose.start(prompt, never)
    whole = loose.draft(prompt, 6)
    assert whole.tokens == (4, 5, 6, 7, 8, 9)
    assert list(whole.confidence) == sorted(whole.confidence)
    strict = NgramDrafter(path_min=0.25)
    strict.start(prompt, never)
    kept = strict.draft(prompt, 6)
    assert kept.tokens == (4, 5)  # .50 * .60, but not .67 as well


def test_nothing_is_drafted_behind_an_end() -> None:
    for tokens in ([1, 2, 3, 4, 9, 5, 6, 1, 2, 3], [1, 2, 3, 9, 4, 5, 6, 1, 2, 3]):
        drafter = NgramDrafter(path_min=0.0, is_end=lambda token: token == 9)
        drafter.start(tokens, lambda: False)
        drafted = drafter.draft(tokens, 8)
        assert drafted.tokens[-1] == 9
        assert len(drafted.confidence) == len(drafted.tokens) == tokens.index(9) - 2
    expecting = NgramDrafter(expect=[7, 9, 8, 8], is_end=lambda token: token == 9)
    expecting.start([1, 2], lambda: False)
    assert expecting.draft([1, 2], 4).tokens in ((7, 9), (7,))


def test_an_edited_conversation_is_followed_and_the_old_one_kept_as_a_source() -> None:
    drafter = NgramDrafter(path_min=0.0)
    decode(drafter, [1, 2, 3, 4], [5, 6, 7, 8, 9, 10])
    edited = [1, 2, 11, 3, 4]
    drafter.start(edited, never)
    assert drafter.draft(edited, 4).tokens == (5, 6, 7, 8)
    forgetful = NgramDrafter(path_min=0.0, memory=0)
    decode(forgetful, [1, 2, 3, 4], [5, 6, 7, 8, 9, 10])
    forgetful.start(edited, never)
    assert forgetful.draft(edited, 4).tokens == ()


def test_memory_is_bounded() -> None:
    drafter = NgramDrafter(expect=[5] * 10, memory=500)
    rng = random.Random(1)
    for _ in range(60):
        decode(drafter, [rng.randrange(50) for _ in range(20)], [1] * 10)
        assert len(drafter._texts) <= 10 + 1 + 500 + 30


def test_tokens_no_round_told_of_are_followed() -> None:
    drafter = NgramDrafter(path_min=0.0)
    text = [1, 2, 3, 4, 5, 1, 2, 3]
    assert drafter.draft(text, 2).tokens == (4, 5)
    drafter.start(text[:1], never)
    assert drafter.draft(text, 2).tokens == (4, 5)
    assert drafter.draft([*text, 4], 2).tokens == (5, 1)


def test_reading_a_prompt_can_be_cancelled_and_taken_up_again() -> None:
    prompt = [i % 97 for i in range(5000)]
    answers = iter([False, False, True])
    drafter = NgramDrafter(path_min=0.0)
    with pytest.raises(Cancelled):
        drafter.start(prompt, lambda: next(answers))
    drafter.start(prompt, never)
    assert drafter._texts.tokens == prompt
    assert drafter.draft(prompt, 3).tokens == tuple((5000 + i) % 97 for i in range(3))


def test_calibration_follows_what_happens() -> None:
    calibration = MatchCalibration([0.1, 0.2, 0.4, *[0.5] * 8])
    before = calibration.confidence(2)
    calibration.learn([(2, True)] * 200)
    high = calibration.confidence(2)
    calibration.learn([(2, False)] * 800)
    low = calibration.confidence(2)
    assert before == 0.4
    assert high > 0.75
    assert low < 0.1


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=200))
def test_a_longer_match_never_counts_for_less(scores: list[tuple[int, bool]]) -> None:
    calibration = MatchCalibration([0.05 + 0.09 * i for i in range(11)])
    calibration.learn(scores)
    table = [calibration.confidence(length) for length in range(60)]
    assert all(a <= b + 1e-12 for a, b in pairwise(table))
    assert table[0] > 0
    assert table[-1] < 1
    assert calibration.confidences(3, 50) == table[3:53]


def learnt(drafter: NgramDrafter) -> tuple[float, float]:
    """Predictions that something was learnt of, and those of them that came true."""
    drafter.observe(Round((), 0, 0, drafter.name, 0.0, 0.0))
    known = drafter.as_dict()["match"]
    return sum(known["seen"]), sum(known["right"])


def test_tokens_behind_a_rejection_and_of_a_cut_round_are_not_counted() -> None:
    prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]
    drafter = NgramDrafter(path_min=0.0)
    drafter.start(prompt, never)
    assert len(drafter.draft(prompt, 6)) == 6
    drafter.draft([*prompt, 4, 5, 20], 6)
    assert learnt(drafter) == (3, 2)
    drafter.start(prompt, never)
    drafter.draft(prompt, 6)
    seen, _ = learnt(drafter)
    drafter.draft([*prompt, 4], 6)  # the answer ended inside the draft
    assert learnt(drafter)[0] == pytest.approx(seen + 1, abs=0.02)


def test_it_learns_when_a_round_is_over_and_not_while_it_drafts() -> None:
    prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2]
    drafter = NgramDrafter(expect=[3, 4, 5], path_min=0.0)
    drafter.start(prompt, never)
    before = drafter.as_dict()
    first = drafter.draft([*prompt, 3, 4], 3)
    assert drafter.as_dict() == before
    assert drafter.draft([*prompt, 3, 4], 3) == first
    drafter.observe(Round((5, 6, 7), 2, 2, drafter.name, 0.0, 0.0))
    after = drafter.as_dict()
    assert sum(after["match"]["seen"]) == sum(after["expectation"]["seen"]) == 2


OLD = [10 + (i * 7919 + i * i) % 300 for i in range(600)]


def edits() -> dict[str, list[int]]:
    return {
        "none": OLD,
        "one for another": [*OLD[:200], 999, *OLD[201:]],
        "inserted": [*OLD[:200], *range(1000, 1030), *OLD[200:]],
        "deleted": [*OLD[:200], *OLD[260:]],
        "moved": [*OLD[300:500], *OLD[:300], *OLD[500:]],
        "renamed all over": [998 if token == OLD[7] else token for token in OLD],
        "prefaced": [1, 2, 3, *OLD],
    }


@pytest.mark.parametrize("kind", edits())
def test_an_edit_of_what_was_expected_is_followed(kind: str) -> None:
    text = edits()[kind]
    done = decode(NgramDrafter(expect=OLD), [1, 2, 3], text)
    missing = len(text) - sum(r.accepted for r in done) - len(done)
    assert missing == 0
    inserted = len(set(text) - set(OLD)) if kind != "renamed all over" else text.count(998)
    assert len(done) <= len(text) / 17 + 2 * inserted + 16
    drafted, accepted = sum(r.drafted for r in done), sum(r.accepted for r in done)
    assert accepted >= 0.75 * drafted


def test_an_ambiguous_match_stays_where_the_expectation_is() -> None:
    # The same three tokens again and again; what follows them tells the places apart.
    expect = [token for i in range(40) for token in (1, 2, 3, 100 + i)]
    drafter = NgramDrafter(expect=expect)
    done = decode(drafter, [9], expect)
    assert len(done) <= len(expect) / 17 + 6
    changed = list(expect)
    changed[83] = 999
    done = decode(NgramDrafter(expect=expect), [9], changed)
    assert len(done) <= len(expect) / 17 + 12


def test_an_expectation_that_fails_is_left_alone() -> None:
    rng = random.Random(5)
    text = [rng.randrange(2000, 2050) for _ in range(500)]
    done = decode(NgramDrafter(expect=OLD), [1, 2], text)
    assert sum(r.drafted for r in done) < 0.1 * len(text)


def test_an_expectation_is_found_again_after_its_end_was_reached() -> None:
    expectation = Expectation(range(20))
    for token in [*range(15), *[77] * 10]:
        expectation.follow(token)
    assert not expectation.is_ahead
    for token in (15, 16):
        expectation.follow(token)
    assert expectation.ahead(5) == [17, 18, 19]


@pytest.mark.parametrize("expect", [(), OLD])
def test_an_edit_four_times_over_is_drafted_whole(expect: Sequence[int]) -> None:
    text = edits()["one for another"] * 4
    done = decode(NgramDrafter(expect=expect, path_min=0.0), [1, 2, 3], text)
    assert [token for r in done for token in r.tokens] == text
    assert len(done) < len(text) / 4


def test_after_an_edit_the_expectation_goes_before_a_match_as_long_elsewhere() -> None:
    drafter = NgramDrafter(expect=[10, 11, 12, 13, 14, 1, 2, 8, 15], path_min=0.0)
    prompt = [1, 2, 7, 9]
    decode(drafter, prompt, [10, 11, 12, 13, 99, 1, 2])
    assert drafter.draft([*prompt, 10, 11, 12, 13, 99, 1, 2], 2).tokens == (8, 15)


def test_of_equal_places_the_one_nearest_to_where_it_was_left_is_taken() -> None:
    text = [*range(10, 200), 1, 2, *range(200, 390), 1, 2, *range(400, 500)]
    expectation = Expectation(text)
    for token in [*text[:370], 999, 998, 1, 2]:
        expectation.follow(token)
    assert expectation.ahead(2) == [400, 401]
