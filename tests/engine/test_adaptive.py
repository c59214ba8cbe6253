"""Adaptive lengths, n-grams and their mixture: the answer stays the target's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli import paths
from specdec_cli.core.events import Parked, Resumed, Round
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.stats import RunStats
from specdec_cli.engine import decoder as decoder_module
from specdec_cli.engine import loaded_models
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.session import Session
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from tests.conftest import TinyPair
from tests.fakes import EveryPlan, QuietMachine, make_session
from tests.ggufs import write_gguf
from tests.steady import steady_machine

PROMPT = [1, 2, 3]
DRAFTERS = ["model", "hybrid", "ngram"]


def tokens_of(session: Session, prompt: Sequence[int] = PROMPT, max_tokens: int = 40) -> list[int]:
    events = generate(session, prompt, max_tokens=max_tokens)
    return [token for event in events if isinstance(event, Round) for token in event.tokens]


@given(
    drafter=st.sampled_from(DRAFTERS),
    k=st.integers(1, 6),
    noise=st.sampled_from([0.0, 0.5, 50.0]),
    penalty=st.sampled_from([0.0, 3.0]),
    temperature=st.sampled_from([0.0, 1.0]),
    plan=st.integers(0, 10_000),
    model_seed=st.integers(0, 300),
)
def test_whatever_is_decided_the_answer_is_that_of_plain_decoding(
    drafter: str,
    k: int,
    noise: float,
    penalty: float,
    temperature: float,
    plan: int,
    model_seed: int,
) -> None:
    world: dict[str, Any] = {
        "penalty": penalty, "temperature": temperature, "model_seed": model_seed,
    }  # fmt: skip
    length = EveryPlan(k, plan, steps=drafter != "ngram", free=drafter != "model")
    session = make_session(k=k, noise=noise, drafter=drafter, length=length, **world)
    plain = make_session(k=0, **world)
    for prompt in (PROMPT, [*PROMPT, 4], PROMPT):
        assert tokens_of(session, prompt) == tokens_of(plain, prompt)


def test_a_padded_batch_never_outgrows_the_context() -> None:
    for plan in range(30):
        length = EveryPlan(6, plan, steps=True, free=False)
        session = make_session(k=6, n_ctx=16, drafter="model", length=length, model_seed=plan)
        plain = make_session(k=0, n_ctx=16, model_seed=plan)
        assert tokens_of(session, max_tokens=99) == tokens_of(plain, max_tokens=99)


def settings_of(pair: TinyPair, drafter: str, **more: Any) -> PairSettings:
    draft = ModelChoice(pair.draft) if drafter in ("model", "hybrid") else None
    return PairSettings(
        ModelChoice(pair.target),
        draft,
        **{"n_ctx": 512, "draft_max": 8, "adaptive": True, "drafter": drafter, **more},
    )


QUESTIONS = (
    "Write a Python function that returns the sum of a list.",
    "Tell me a short story about a fox.",
)


def encoded(pair: Decoder, question: str) -> list[int]:
    text = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    return pair.models.vocab.tokenize(text, add_special=True, parse_special=True)


def answer(
    pair: Decoder, prompt: Sequence[int], settings: AnswerSettings | None = None, length: int = 80
) -> tuple[list[int], RunStats]:
    stats = RunStats()
    tokens: list[int] = []
    for event in generate(pair.session(settings or AnswerSettings()), prompt, max_tokens=length):
        stats.observe(event)
        if isinstance(event, Round):
            tokens += event.tokens
    return tokens, stats


@pytest.fixture(scope="module")
def exact_answers(tiny_pair: TinyPair) -> Iterator[dict[tuple[str, float], list[int]]]:
    with Decoder.load(settings_of(tiny_pair, "none", exact=True)) as pair:
        yield {
            (question, temperature): answer(
                pair, encoded(pair, question), AnswerSettings(Sampling(temperature), seed=5)
            )[0]
            for question in QUESTIONS
            for temperature in (0.0, 0.8)
        }


@pytest.mark.parametrize("drafter", DRAFTERS)
def test_exact_mode_gives_plain_decoding_s_answer(
    tiny_pair: TinyPair, drafter: str, exact_answers: dict[tuple[str, float], list[int]]
) -> None:
    with Decoder.load(settings_of(tiny_pair, drafter, exact=True)) as pair:
        for (question, temperature), expected in exact_answers.items():
            settings = AnswerSettings(Sampling(temperature), seed=5)
            assert answer(pair, encoded(pair, question), settings)[0] == expected


def test_a_context_of_a_few_tokens_is_loaded_all_the_same(tiny_pair: TinyPair) -> None:
    with Decoder.load(replace(settings_of(tiny_pair, "hybrid"), n_ctx=3)) as pair:
        assert pair.models.n_ctx == 3
        assert len(answer(pair, [5, 6], AnswerSettings())[0]) <= 1


def test_a_repeatable_answer_does_not_hang_on_the_clock(
    tiny_pair: TinyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = AnswerSettings(Sampling(0.8), seed=5)
    with Decoder.load(settings_of(tiny_pair, "hybrid")) as pair:
        assert pair.rule(timed) == "match", "a small target, however slow the machine is"
    monkeypatch.setattr(decoder_module, "_SMALL", 0)
    with Decoder.load(settings_of(tiny_pair, "hybrid")) as pair:
        assert pair.rule(timed) == "block"
        assert pair.rule(replace(timed, repeatable=True)) == "match"
        assert pair.rule(replace(timed, repeatable=True, verify="rejection")) == "rejection"
    with Decoder.load(settings_of(tiny_pair, "hybrid", adaptive=False)) as pair:
        assert pair.rule(timed) == "block"
        assert pair.rule(replace(timed, repeatable=True)) == "match"


def test_a_useless_draft_is_parked_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady_machine(monkeypatch, step=0.5)
    target = write_gguf(tmp_path / "target.gguf", seed=1, context=512, eos=0, n_layers=2, d=64)
    draft = write_gguf(tmp_path / "draft.gguf", seed=2, context=512, eos=0)
    settings = PairSettings(
        ModelChoice(target), ModelChoice(draft), n_ctx=512, draft_max=8, adaptive=True,
        drafter="model",
    )  # fmt: skip
    with Decoder.load(settings) as pair:
        stats, events = RunStats(), []
        for first in range(70, 76):
            told = list(generate(pair.session(AnswerSettings()), [first, 71], max_tokens=150))
            events += [event for event in told if isinstance(event, Parked | Resumed)]
            for event in told:
                stats.observe(event)
    assert stats.parked_rounds > 0
    assert isinstance(events[0], Parked)
    assert stats.parked is not None
    assert stats.as_dict()["parked"]["reason"] in ("no gain", "losing")
    assert re.search(r"\d % accepted|no draft is expected to pay|cost more", str(stats.parked))


# --- n-grams and expected outputs -----------------------------------------------------------------


def test_n_grams_need_no_draft_model(tiny_pair: TinyPair) -> None:
    with Decoder.load(settings_of(tiny_pair, "ngram", adaptive=False)) as pair:
        assert not pair.settings.draft
        prompt = encoded(pair, QUESTIONS[0])
        first, _ = answer(pair, prompt)
        again, stats = answer(pair, prompt)
        pair.forget()
        _, cold = answer(pair, prompt)
    assert again == first
    assert stats.accepted > len(first) / 2
    assert stats.as_dict()["by_source"].keys() == {"ngram"}
    assert cold.accepted < stats.accepted
    assert cold.reused_tokens == 0


def test_an_expected_output_is_drafted(tiny_pair: TinyPair) -> None:
    with Decoder.load(settings_of(tiny_pair, "ngram", adaptive=False)) as pair:
        prompt = encoded(pair, QUESTIONS[1])
        told, _ = answer(pair, prompt)
        text = b"".join(map(pair.models.vocab.piece, told)).decode()
        pair.forget()
        _, without = answer(pair, prompt)
        pair.forget()
        again, stats = answer(pair, prompt, AnswerSettings(expect=text))
        assert again == told
        assert stats.accepted > max(2 * without.accepted, len(told) / 2)


def test_a_mixture_names_its_sources(tiny_pair: TinyPair) -> None:
    with Decoder.load(settings_of(tiny_pair, "hybrid", adaptive=False, draft_max=3)) as pair:
        prompt = encoded(pair, QUESTIONS[0])
        told, _ = answer(pair, prompt)
        half = b"".join(map(pair.models.vocab.piece, told[: len(told) // 2])).decode()
        pair.forget()
        again, stats = answer(pair, prompt, AnswerSettings(expect=half))
    assert again == told
    sources = stats.as_dict()["by_source"]
    assert sources.keys() == {"model", "ngram"}
    assert all(source["accepted"] for source in sources.values())


# --- what is kept for the next run ----------------------------------------------------------------


@pytest.mark.usefixtures("home")
def test_the_next_run_begins_with_what_this_one_learnt(
    tiny_pair: TinyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady_machine(monkeypatch)
    with Decoder.load(settings_of(tiny_pair, "hybrid")) as pair:
        for question in QUESTIONS:
            answer(pair, encoded(pair, question))
        assert pair.length is not None
        learnt = pair.length.as_dict()
    (file,) = paths.cost_cache().iterdir()
    assert json.loads(file.read_text())["learnt"] == learnt
    assert "fox" not in file.read_text()
    with Decoder.load(settings_of(tiny_pair, "hybrid")) as pair:
        assert pair.length is not None
        assert pair.length.costs.as_dict()["passes"].keys() == learnt["costs"]["passes"].keys()
        seen = pair.length.as_dict()["calibration"]["model"]["seen"]
    assert sum(seen) == pytest.approx(min(sum(learnt["calibration"]["model"]["seen"]), 60.0))


@pytest.mark.usefixtures("home")
def test_nothing_is_kept_from_a_time_when_others_had_the_processors(
    tiny_pair: TinyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BusyMachine(QuietMachine):
        def happened(self, seconds: float) -> bool:
            return seconds > 0.0

    monkeypatch.setattr(loaded_models, "Interruptions", BusyMachine)
    with Decoder.load(settings_of(tiny_pair, "hybrid")) as pair:
        for question in QUESTIONS:
            told, stats = answer(pair, encoded(pair, question))
        assert stats.too_busy and stats.speedup is None
        assert pair.costs.interrupted and not pair.is_worth_keeping
    assert told
    assert not paths.cost_cache().exists()


@pytest.mark.usefixtures("home")
def test_a_run_that_is_not_to_remember_keeps_nothing(tiny_pair: TinyPair) -> None:
    with Decoder.load(replace(settings_of(tiny_pair, "hybrid"), remember=False)) as pair:
        for question in QUESTIONS:
            answer(pair, encoded(pair, question))
    assert not paths.cost_cache().exists()
