"""The loop on a fake model: whatever is drafted, the answer is the target's own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.events import Finished, PromptDone, PromptProgress, Round, Text
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.loop import generate
from specdec_cli.engine.session import Session
from specdec_cli.errors import ContextFullError, UsageError
from specdec_cli.models.cached import CachedModel
from tests.fakes import END, PIECES, FakeModel, make_session

PROMPT = [1, 2, 3]


def answer(session: Session, prompt: Sequence[int] = PROMPT, **options: object) -> list[int]:
    options.setdefault("max_tokens", 40)
    events = generate(session, prompt, **options)  # type: ignore[arg-type]
    return [token for event in events if isinstance(event, Round) for token in event.tokens]


def finished(session: Session, **options: object) -> Finished:
    options.setdefault("max_tokens", 40)
    *_, last = generate(session, PROMPT, **options)  # type: ignore[arg-type]
    assert isinstance(last, Finished)
    return last


@given(
    k=st.integers(1, 6),
    noise=st.sampled_from([0.0, 0.5, 2.0, 50.0]),
    p_min=st.sampled_from([0.0, 0.4, 0.9, 1.0]),
    draft_min=st.integers(0, 6),
    penalty=st.sampled_from([0.0, 3.0]),
    model_seed=st.integers(0, 1000),
)
def test_greedy_answer_is_that_of_plain_decoding(
    k: int, noise: float, p_min: float, draft_min: int, penalty: float, model_seed: int
) -> None:
    plain = answer(make_session(k=0, penalty=penalty, model_seed=model_seed))
    speculative = answer(
        make_session(
            k=k,
            noise=noise,
            p_min=p_min,
            draft_min=min(draft_min, k),
            penalty=penalty,
            model_seed=model_seed,
        )
    )
    assert speculative == plain


@given(
    k=st.integers(1, 6),
    temperature=st.sampled_from([0.3, 1.0]),
    penalty=st.sampled_from([0.0, 3.0]),
    seed=st.integers(0, 1000),
)
def test_match_gives_the_tokens_of_plain_decoding_for_a_seed(
    k: int, temperature: float, penalty: float, seed: int
) -> None:
    plain = answer(make_session(k=0, temperature=temperature, penalty=penalty, seed=seed))
    speculative = answer(make_session(k=k, temperature=temperature, penalty=penalty, seed=seed))
    assert speculative == plain


@given(
    rule=st.sampled_from(["rejection", "block"]),
    k=st.integers(1, 5),
    seed=st.integers(0, 200),
    p_min=st.sampled_from([0.0, 0.5]),
)
def test_drafts_sampled_from_the_target_s_own_distribution_are_always_accepted(
    rule: str, k: int, seed: int, p_min: float
) -> None:
    session = make_session(k=k, temperature=1.0, rule=rule, noise=0.0, seed=seed, p_min=p_min)  # type: ignore[arg-type]
    rounds = [
        event for event in generate(session, PROMPT, max_tokens=20) if isinstance(event, Round)
    ]
    assert all(event.accepted == min(event.drafted, len(event.tokens)) for event in rounds)


def test_a_perfect_draft_is_accepted_whole_every_round() -> None:
    session = make_session(k=4, noise=0.0)
    rounds = [
        event for event in generate(session, PROMPT, max_tokens=20) if isinstance(event, Round)
    ]
    assert all(event.accepted == event.drafted for event in rounds[:-1])
    assert {event.drafted for event in rounds[:-1]} == {4}


def test_nothing_is_decoded_twice_by_the_draft_model() -> None:
    draft = CachedModel(FakeModel(size=len(PIECES), n_ctx=64, n_batch=5))
    model = draft.model
    assert isinstance(model, FakeModel)
    tokens = answer(make_session(k=4, draft=draft), max_tokens=21)
    # A perfect draft: each token is decoded once, only the last committed ones never.
    assert model.decoded == (PROMPT + tokens)[: len(model.decoded)]


def test_the_end_of_generation_inside_a_draft_ends_the_answer() -> None:
    for seed in range(200):
        session = make_session(k=6, noise=0.0, model_seed=seed)
        rounds = [e for e in generate(session, PROMPT, max_tokens=40) if isinstance(e, Round)]
        last = rounds[-1]
        if END in last.tokens and last.drafted and len(last.tokens) <= last.drafted:
            assert last.tokens[-1] == END
            assert last.tokens.count(END) == 1
            assert last.accepted == len(last.tokens)
            return
    pytest.fail("no seed ended inside a draft")


def test_max_tokens_is_never_exceeded_and_always_reached() -> None:
    for max_tokens in range(12):
        session = make_session(k=4, model_seed=3)
        tokens = answer(session, max_tokens=max_tokens)
        assert len(tokens) == max_tokens or tokens[-1] == END


@pytest.mark.parametrize("k", [0, 1, 4, 6])
def test_a_full_context_ends_the_answer(k: int) -> None:
    reasons = set()
    for seed in range(12):
        session = make_session(k=k, n_ctx=16, model_seed=seed)
        end = finished(session, max_tokens=1000)
        plain = make_session(k=0, n_ctx=16, model_seed=seed)
        assert answer(session, max_tokens=1000) == answer(plain, max_tokens=1000)
        reasons.add(end.reason)
    assert "context" in reasons


def test_a_prompt_that_fills_the_context_is_refused_with_the_option_that_helps() -> None:
    with pytest.raises(ContextFullError, match="20 tokens, the context holds 16") as caught:
        answer(make_session(n_ctx=16), [1] * 20)
    assert "-c" in caught.value.hint


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(UsageError, match="empty"):
        answer(make_session(), [])


@pytest.mark.parametrize("stop", ["a", "ab", "b ", "ca", "xx", "é"])
def test_stop_strings_cut_the_text_wherever_rounds_fall(stop: str) -> None:
    found = 0
    for seed in range(40):
        plain = texts(make_session(k=0, model_seed=seed))
        for k in (0, 1, 3, 6):
            session = make_session(k=k, noise=0.5, model_seed=seed)
            text = texts(session, stops=[stop])
            end = finished(make_session(k=k, noise=0.5, model_seed=seed), stops=[stop])
            at = plain.find(stop)
            assert text == (plain if at < 0 else plain[:at])
            assert (end.stop == stop) == (at >= 0)
            found += at >= 0
    assert found


def texts(session: Session, **options: object) -> str:
    options.setdefault("max_tokens", 40)
    events = generate(session, PROMPT, **options)  # type: ignore[arg-type]
    return "".join(event.text for event in events if isinstance(event, Text))


@given(model_seed=st.integers(0, 500), k=st.integers(0, 6))
def test_text_is_the_decoding_of_all_tokens(model_seed: int, k: int) -> None:
    tokens = answer(make_session(k=k, model_seed=model_seed))
    whole = b"".join(PIECES[token] for token in tokens).decode("utf-8", "replace")
    assert texts(make_session(k=k, model_seed=model_seed)) == whole


def test_cancelling_at_any_round_leaves_a_session_that_can_go_on() -> None:
    whole = answer(make_session(k=3, model_seed=5), max_tokens=20)
    for after in range(6):
        session = make_session(k=3, model_seed=5)
        asked = 0

        def cancelled(after: int = after) -> bool:
            nonlocal asked
            asked += 1
            return asked > after

        part: list[int] = []
        reason = None
        for event in generate(session, PROMPT, max_tokens=20, cancelled=cancelled):
            if isinstance(event, Round):
                part += event.tokens
            if isinstance(event, Finished):
                reason = event.reason
        assert reason == "cancelled"
        rest = answer(session, PROMPT + part, max_tokens=20 - len(part))
        assert part + rest == whole


@given(stop_after=st.integers(1, 12), model_seed=st.integers(0, 50))
def test_walking_away_at_any_event_leaves_a_session_that_can_go_on(
    stop_after: int, model_seed: int
) -> None:
    session = make_session(k=3, model_seed=model_seed)
    events = generate(session, PROMPT, max_tokens=20)
    for _ in range(stop_after):
        next(events, None)
    events.close()
    assert answer(session) == answer(make_session(k=0, model_seed=model_seed))


def test_a_new_prompt_decodes_only_what_it_does_not_share() -> None:
    target = CachedModel(FakeModel(size=len(PIECES), n_ctx=64))
    model = target.model
    assert isinstance(model, FakeModel)
    first = answer(make_session(target=target), max_tokens=10)
    held = (PROMPT + first)[:-1]
    model.decoded.clear()
    prompt = [*held, 4, 5, 6, 7]
    *_, done = (
        event
        for event in generate(make_session(target=target), prompt, max_tokens=1)
        if isinstance(event, PromptDone)
    )
    assert done.reused >= len(held) - 1
    assert model.decoded[: len(prompt) - done.reused] == prompt[done.reused :]


def test_the_prompt_is_read_in_batches_with_progress() -> None:
    prompt = [1 + i % 11 for i in range(30)]
    progress = [
        event.done
        for event in generate(make_session(), prompt, max_tokens=1)
        if isinstance(event, PromptProgress)
    ]
    assert progress == [0, 8, 16, 24, 29]  # a first batch may take long


def test_statistics_add_up() -> None:
    stats = RunStats()
    tokens: list[int] = []
    for event in generate(make_session(k=4, model_seed=7), PROMPT, max_tokens=30):
        stats.observe(event)
        if isinstance(event, Round):
            tokens += event.tokens
    assert stats.completion_tokens == len(tokens)
    assert stats.accepted == sum(stats.accepted_by_position)
    assert stats.accepted <= stats.drafted
    parts = stats.draft_seconds + stats.verify_seconds + stats.overhead_seconds
    assert parts == pytest.approx(stats.decode_seconds)
    assert stats.overhead_seconds >= 0
