"""Drafting with a model's own head, against llama.cpp's own program and plain decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.core.events import Round
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.types import Draft
from specdec_cli.drafters.base import Drafter
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import UsageError
from specdec_cli.gguf.driven_heads import drafts_itself
from specdec_cli.gguf.header import read_header
from specdec_cli.models.hidden_states import HiddenStates
from specdec_cli.models.settings import ModelSettings
from tests.architectures import write
from tests.drafters.golden import CASES, PROMPT, Case, Drafted, files_of, recorded

WITH_HEAD = ("qwen35", "qwen35moe", "glm4moe", "step35")
TOKENS = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], PairSettings]:
    """Settings that draft with a head, always as far."""
    folder = tmp_path_factory.mktemp("heads")

    @cache
    def of(case: Case) -> PairSettings:
        target, head = files_of(case, folder)
        on_cpu = ModelSettings(gpu_layers=0)
        return PairSettings(
            ModelChoice(target, on_cpu, threads=1),
            ModelChoice(head, on_cpu) if head else None,
            n_ctx=512,
            drafter="mtp",
            draft_min=case.length,
            draft_max=case.length,
            remember=False,
        )

    return of


class Recorder:
    """A drafter that keeps its drafts."""

    def __init__(self, inner: Drafter) -> None:
        self._inner = inner
        self.name = inner.name
        self.drafts: list[Draft] = []

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        self._inner.start(prompt, cancelled)

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        self.drafts.append(self._inner.draft(tokens, limit))
        return self.drafts[-1]

    def observe(self, outcome: Round) -> None:
        self._inner.observe(outcome)

    def close(self) -> None:
        self._inner.close()


def encode(decoder: Decoder, text: str) -> list[int]:
    return decoder.models.vocab.tokenize(text, add_special=True, parse_special=True)


def rounds_of(decoder: Decoder, text: str, tokens: int = TOKENS) -> Iterator[Drafted]:
    session = decoder.session(AnswerSettings())
    recorder = Recorder(session.drafter)
    session = replace(session, drafter=recorder)
    for event in generate(session, encode(decoder, text), max_tokens=tokens):
        if isinstance(event, Round):
            yield list(recorder.drafts[-1].tokens), event.accepted, event.tokens[-1]


def answer(decoder: Decoder, text: str, settings: AnswerSettings) -> tuple[list[int], int]:
    """An answer's tokens, and how many were drafted."""
    tokens: list[int] = []
    drafted = 0
    for event in generate(decoder.session(settings), encode(decoder, text), max_tokens=TOKENS):
        if isinstance(event, Round):
            tokens += event.tokens
            drafted += event.drafted
    return tokens, drafted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_drafts_are_those_of_llama_cpp(made: Callable[[Case], PairSettings], case: Case) -> None:
    theirs = recorded(case)
    with Decoder.load(made(case)) as decoder:
        is_end = decoder.models.vocab.is_end
        ours = list(rounds_of(decoder, PROMPT, 2 * TOKENS))[: len(theirs)]
    assert len(theirs) > 10
    # Nothing is drafted here behind the end of an answer.
    assert ours == [(until_end(draft, is_end), *verdict) for draft, *verdict in theirs]


def until_end(draft: list[int], is_end: Callable[[int], bool]) -> list[int]:
    ends = (i for i, token in enumerate(draft, 1) if is_end(token))
    return draft[: next(ends, len(draft))]


@pytest.mark.parametrize("architecture", WITH_HEAD)
@pytest.mark.parametrize("drafter", ["mtp", "mtp-hybrid"])
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_the_answer_is_plain_decoding_s(
    tmp_path: Path, architecture: str, drafter: str, temperature: float
) -> None:
    heads = 3 if architecture == "step35" else 1
    file = tmp_path / "model.gguf"
    write(file, architecture, heads=heads, agreement=0.8, tensor_type="Q8_0", seed=2)
    drawn = AnswerSettings(Sampling(temperature=temperature), seed=5, repeatable=True)
    settings = PairSettings(
        # With one thread, as some weights are of floats, and rows would depend on their number.
        ModelChoice(file, ModelSettings(gpu_layers=0), threads=1),
        n_ctx=1024,
        drafter=drafter,
        draft_max=5,
        remember=False,
    )
    # A prompt of several batches, one that shares its beginning, and another one.
    texts = [PROMPT * 12, PROMPT * 11 + " and rests", "Something else"]
    settings = replace(settings, context=replace(settings.context, n_batch=128, n_ubatch=64))
    with Decoder.load(replace(settings, drafter="none")) as plain:
        expected = [answer(plain, text, drawn)[0] for text in texts]
    with Decoder.load(settings) as decoder:
        found = [answer(decoder, text, drawn) for text in texts]
    assert [tokens for tokens, _ in found] == expected
    assert all(drafted for _, drafted in found)


def test_a_head_reads_on_where_texts_part(made: Callable[[Case], PairSettings]) -> None:
    """What it drafts does not depend on what it read before."""
    case = Case("qwen35moe", 1, 0.9)
    with Decoder.load(made(case)) as decoder:
        fresh = list(rounds_of(decoder, PROMPT))
        for other in (PROMPT[:20], PROMPT + " again", "No"):
            list(rounds_of(decoder, other, 12))
            assert list(rounds_of(decoder, PROMPT)) == fresh
        decoder.forget()
        assert list(rounds_of(decoder, PROMPT)) == fresh


# --- which files have a head ----------------------------------------------------------------------


@pytest.mark.parametrize("architecture", WITH_HEAD)
def test_a_head_is_found(tmp_path: Path, architecture: str) -> None:
    file = tmp_path / "model.gguf"
    write(file, architecture, heads=1)
    assert drafts_itself(read_header(file))
    write(file, architecture)
    assert not drafts_itself(read_header(file))


def test_several_heads_are_used_only_where_llama_cpp_can(tmp_path: Path) -> None:
    """It ends the process where it cannot."""
    file = tmp_path / "model.gguf"
    write(file, "qwen35", heads=2)
    assert not drafts_itself(read_header(file))
    write(file, "step35", heads=2)
    assert drafts_itself(read_header(file))


def test_a_head_that_cannot_be_computed_is_told_of(tmp_path: Path) -> None:
    file = write(tmp_path / "model.gguf", "qwen35", heads=2)
    with Decoder.load(PairSettings(ModelChoice(file), n_ctx=256, remember=False)) as decoder:
        assert decoder.spec.name == "ngram"
        (warning,) = decoder.models.warnings
        assert "a head of its own (MTP) that this llama.cpp cannot compute" in warning


def test_a_target_without_a_head_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    write(file, "qwen35")
    with pytest.raises(UsageError, match="needs a model with a head of its own"):
        Decoder.load(PairSettings(ModelChoice(file), drafter="mtp"))


# --- what the target said -------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9)), max_size=12), st.integers(1, 7))
def test_the_newest_states_are_kept_by_position(decodes: list[tuple[int, int]], most: int) -> None:
    """Against a list: decodes go on from any earlier position."""
    hidden, expected, number = HiddenStates(2, most), list[int](), 0
    for back, count in decodes:
        start = max(len(expected) - back, 0)
        del expected[start:]
        rows = np.arange(number, number + count, dtype=np.float32)
        number += count
        expected += [int(row) for row in rows]
        hidden.note(start, np.stack([rows, -rows], axis=1))
        kept = hidden.end - hidden.first
        assert hidden.end == len(expected) and 0 < kept <= most
        out = np.empty((kept, 2), np.float32)
        hidden.take(hidden.first, out)
        assert out[:, 0].tolist() == expected[hidden.first :]
        assert (out[:, 1] == -out[:, 0]).all()
        with pytest.raises(IndexError):
            hidden.take(hidden.first - 1, out)
