"""Every architecture, with every drafter: answers are those of plain decoding."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from specdec_cli.core.events import PromptDone, Round
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.memory import snapshots
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


@dataclass
class Said:
    """An answer: its tokens, how many of the prompt's were read, and what became of drafts."""

    tokens: list[int] = field(default_factory=list)
    read: int = 0
    drafted: int = 0
    accepted: int = 0


def answer(
    pair: Decoder, prompt: list[int], how: AnswerSettings, plain: bool = False, n: int = 24
) -> Said:
    """On the caches that were left by those before."""
    said = Said()
    for event in generate(pair.session(how, plain=plain), prompt, max_tokens=n):
        if isinstance(event, PromptDone):
            said.read = event.tokens - event.reused
        if isinstance(event, Round):
            said.tokens += event.tokens
            said.drafted += event.drafted
            said.accepted += event.accepted
    return said


def told(pair: Decoder, how: AnswerSettings, *, plain: bool = False) -> list[list[int]]:
    return [answer(pair, prompt, how, plain).tokens for prompt in prompts(pair)]


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
    sample = answer(decoders["model"], prompts(pair)[0], BLOCK)
    assert sample.drafted > sample.accepted > 0


@pytest.mark.parametrize("name", ["lfm2", "qwen35", "nemotron-h"])
def test_answers_on_snapshots(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tiny models the state is large against the weights, so that they would keep none."""
    monkeypatch.setattr(snapshots, "MAX_SHARE_WITH_MODEL", 100.0)
    target = write(tmp_path / "target.gguf", name, tensor_type="Q8_0")
    draft = write(tmp_path / "draft.gguf", name, tensor_type="Q4_0")
    for draft_max in (3, 12):  # with the longer ones copies are made as well
        settings = PairSettings(
            ModelChoice(target, threads=1),
            ModelChoice(draft, threads=1),
            n_ctx=512,
            draft_max=draft_max,
            drafter="model",
        )
        with Decoder.load(settings) as pair:
            assert pair.models.target.cache.covers(min(draft_max, snapshots.MAX_SNAPSHOTS))
            assert not pair.models.target.cache.covers(snapshots.MAX_SNAPSHOTS + 1)
            assert told(pair, GREEDY) == told(pair, GREEDY, plain=True)


@pytest.mark.parametrize("name", [n for n in ARCHITECTURES if not n.startswith("gemma")])
def test_a_text_that_repeats_itself_is_drafted_from_itself(tmp_path: Path, name: str) -> None:
    """Nothing else is given than a model, as in ``specdec run -m hybrid.gguf``."""
    file = write(tmp_path / "model.gguf", name, tensor_type="Q8_0", agreement=0.95)
    settings = PairSettings(ModelChoice(file, threads=1), n_ctx=512, draft_max=6)
    with Decoder.load(settings) as pair:
        found = [answer(pair, [*b"the cat", n], GREEDY, n=64) for n in (60, 61)]
        assert sum(each.accepted for each in found) > 0.4 * sum(each.drafted for each in found) > 4
        if name not in ROUTED:
            plain = [answer(pair, [*b"the cat", n], GREEDY, True, n=64) for n in (60, 61)]
            assert [each.tokens for each in found] == [each.tokens for each in plain]


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
        assert padded == (kept and kind == "F32")
        assert kept == (kind == "Q8_0" or name != "mamba2"), pair.models.same_bits
        if kept:
            assert told(pair, GREEDY) == told(pair, GREEDY, plain=True)


@pytest.mark.parametrize("name", ["llama", "lfm2", "qwen35", "mamba2"])
def test_a_conversation_is_not_read_again(tmp_path: Path, name: str) -> None:
    """What /regen, /undo, /edit and a full context ask for is there, as with attention."""
    file = write(tmp_path / "target.gguf", name, tensor_type="Q8_0")
    random = Random(0)
    settings = PairSettings(ModelChoice(file, threads=1), n_ctx=1024, drafter="ngram", draft_max=6)

    def said(n: int) -> list[int]:
        return [random.randrange(40, 200) for _ in range(n)]

    with Decoder.load(settings) as decoder:

        def turn(prompt: list[int]) -> tuple[list[int], int]:
            """Its answer, and how many of the prompt's tokens had to be read."""
            done = answer(decoder, prompt, GREEDY)
            return done.tokens, done.read

        system = said(60)
        first = system + said(30)
        reply, _ = turn(first)
        second = first + reply + said(30)
        reply, read = turn(second)
        assert read <= 30 + 2
        third = second + reply + said(30)
        reply, read = turn(third)
        assert read <= 30 + 2
        assert turn(third) == (reply, 1)  # /regen
        assert turn(second + said(20))[1] <= 20 + 2  # /edit
        assert turn(first + said(20))[1] <= 20 + 2  # /undo, twice
        # A full context: turns behind the system message are dropped, now and later.
        turn(system + third[90:])
        assert turn(system + said(20))[1] <= 20 + 2
