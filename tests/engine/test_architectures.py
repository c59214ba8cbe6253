"""Every architecture, with every drafter: answers are those of plain decoding."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from specdec_cli.bench.runner import answer
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.models.rewind import Checkpoints
from tests.architectures import ARCHITECTURES, write

pytestmark = [
    pytest.mark.usefixtures("home"),
    pytest.mark.skipif(
        platform.machine().lower() not in ("x86_64", "amd64"), reason="same bits are of x86"
    ),
]

ROUTED = {"qwen3moe", "qwen35moe", "gpt-oss"}
"""At a near tie another expert may be asked, so that even greedy answers may part."""

GREEDY = AnswerSettings(Sampling(temperature=0.0))
SAMPLED = AnswerSettings(Sampling(temperature=1.0), verify="match", seed=3)
BLOCK = AnswerSettings(Sampling(temperature=1.0), verify="block", seed=3)


@pytest.fixture(params=[name for name in ARCHITECTURES if name not in ROUTED])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Decoder]:
    """A model, and itself with fewer bits as its draft, which is right now and then."""
    name = request.param
    target = write(tmp_path / "target.gguf", name, tensor_type="Q8_0")
    draft = write(tmp_path / "draft.gguf", name, tensor_type="Q4_0")
    settings = PairSettings(
        ModelChoice(target, threads=1), ModelChoice(draft, threads=1), n_ctx=512, draft_max=6
    )
    with Decoder.load(settings) as loaded:
        yield loaded


def prompts(pair: Decoder) -> list[list[int]]:
    """A conversation that grows, is edited in the middle, and begins anew."""
    first = list(b"the cat and the dog and the cat and the dog and ")
    return [first, [*first, *range(40, 80)], [*first, *range(60, 90)], list(b"one two three")]


def told(pair: Decoder, how: AnswerSettings, *, plain: bool = False) -> list[tuple[int, ...]]:
    return [
        tuple(answer(pair, prompt, how, max_tokens=24, plain=plain).tokens)
        for prompt in prompts(pair)
    ]


def test_answers_are_those_of_plain_decoding(pair: Decoder) -> None:
    changes: dict[str, dict[str, object]] = {
        "model": {"drafter": "model"},
        "ngram": {"drafter": "ngram"},
        "hybrid": {"drafter": "hybrid", "adaptive": True},
        "long": {"drafter": "model", "draft_max": 3},
    }
    decoders = {
        name: Decoder(pair.models, replace(pair.asked, **given), fresh=True)  # type: ignore[arg-type]
        for name, given in changes.items()
    }
    for how in (GREEDY, SAMPLED):
        expected = told(pair, how, plain=True)
        for name, decoder in decoders.items():
            assert told(decoder, how) == expected, name
    sample = answer(decoders["model"], prompts(pair)[0], BLOCK, max_tokens=24, plain=False)
    assert sample.drafted > sample.accepted > 0


def test_a_draft_of_another_architecture(tmp_path: Path) -> None:
    """Attention and states draft for one another."""
    files = {name: write(tmp_path / f"{name}.gguf", name, tensor_type="Q8_0")
             for name in ("llama", "mamba2", "lfm2")}  # fmt: skip
    for target, draft in (("llama", "mamba2"), ("mamba2", "llama"), ("lfm2", "mamba2")):
        settings = PairSettings(
            ModelChoice(files[target], threads=1), ModelChoice(files[draft], threads=1), n_ctx=512
        )
        with Decoder.load(settings) as pair:
            assert told(pair, GREEDY) == told(pair, GREEDY, plain=True)


@pytest.mark.parametrize("name", ["lfm2", "qwen35", "nemotron-h", "mamba2"])
@pytest.mark.parametrize("kind", ["F32", "Q8_0"])
def test_exact_mode(tmp_path: Path, name: str, kind: str) -> None:
    """Float weights are padded, where that can be taken back; then it is promised."""
    target = write(tmp_path / "target.gguf", name, tensor_type=kind)
    draft = write(tmp_path / "draft.gguf", name, tensor_type="Q4_0")
    settings = PairSettings(
        ModelChoice(target, threads=1), ModelChoice(draft, threads=1), n_ctx=512, exact=True
    )
    with Decoder.load(settings) as pair:
        kept = pair.models.same_bits.kept
        padded = pair.models.layout.pad > 1
        # The F32 matrix that decides how much a delta net forgets is multiplied as well.
        assert padded == (kept and (kind == "F32" or name == "qwen35"))
        assert kept == (kind == "Q8_0" or name != "mamba2"), pair.models.same_bits
        if kept:
            assert told(pair, GREEDY) == told(pair, GREEDY, plain=True)


def test_states_are_kept_within_bounds_and_used(tmp_path: Path) -> None:
    file = write(tmp_path / "mamba2.gguf", "mamba2", tensor_type="Q8_0")
    settings = PairSettings(ModelChoice(file, threads=1), n_ctx=512, drafter="none")
    prompt = list(range(32, 120)) * 3
    with Decoder.load(settings) as alone:
        answer(alone, prompt, GREEDY, max_tokens=24, plain=True)
        cache = alone.models.target.cache
        assert isinstance(cache._rewind, Checkpoints)
        assert cache.restart(prompt) == len(prompt) - 1
