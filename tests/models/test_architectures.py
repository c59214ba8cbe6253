"""Whatever an architecture remembers a text by, drafts and edits leave it as if never made."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, product
from pathlib import Path
from random import Random

import numpy as np
import pytest

from specdec_cli.errors import Cancelled
from specdec_cli.gguf import traits
from specdec_cli.gguf.check import validate
from specdec_cli.memory.caches import cells, state_bytes
from specdec_cli.models import binding
from specdec_cli.models.binding import lib
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.recurrent_context import RecurrentContext
from specdec_cli.models.settings import ModelSettings
from tests.architectures import ARCHITECTURES, write
from tests.models.patterns import LAYOUT, Patterns

RECURRENT = {
    "lfm2", "qwen35", "qwen35moe", "mamba2", "nemotron-h", "granite-hybrid", "falcon-h1"
}  # fmt: skip
SNAPSHOTS = {"lfm2", "qwen35", "qwen35moe", "nemotron-h"}
ROUTED = {"qwen3moe", "qwen35moe", "gpt-oss"}
ON_X86 = platform.machine().lower() in ("x86_64", "amd64")

ROUNDING = 0.1
"""Logits that rows of float weights may differ by; a wrong state makes it whole units."""

ROUTING = 0.5
"""The same where a row may be sent to another expert at a near tie."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("architectures")


def of(folder: Path, name: str, kind: str = "Q8_0") -> Path:
    file = folder / f"{name}-{kind}.gguf"
    return file if file.exists() else write(file, name, tensor_type=kind)


@pytest.fixture
def context(folder: Path) -> Iterator[RecurrentContext]:
    """Of a model that keeps snapshots."""
    weights = LlamaModel(of(folder, "qwen35"), ModelSettings(gpu_layers=0))
    made = RecurrentContext(weights, replace(LAYOUT, snapshots=8))
    yield made
    made.close()
    weights.close()


@pytest.mark.parametrize(
    ("name", "snapshots"),
    [*((name, 0) for name in ARCHITECTURES), *product(sorted(SNAPSHOTS), (3, 8))],
)
@pytest.mark.parametrize("kind", ["F32", "Q8_0"])
def test_logits_are_those_of_a_context_that_saw_nothing_else(
    folder: Path, name: str, kind: str, snapshots: int
) -> None:
    played = Patterns(of(folder, name, kind), snapshots)
    try:
        if name in RECURRENT:
            assert played.cached.model.snapshots == snapshots  # type: ignore[attr-defined]
        for seed in range(3):
            played.play(Random(seed), steps=4)
    finally:
        played.close()
    assert played.found.compared > 20
    if kind == "Q8_0" and ON_X86 and name not in ROUTED:
        assert played.found.largest == 0.0
    else:
        assert played.found.largest < (ROUTING if name in ROUTED else ROUNDING)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_header_says_what_llama_cpp_does(folder: Path, name: str) -> None:
    header = validate(of(folder, name))
    assert (traits.rollback(header) != "attention") == (name in RECURRENT)
    assert traits.keeps_snapshots(header) == (name in SNAPSHOTS)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_state_is_as_large_as_llama_cpp_says(folder: Path, name: str) -> None:
    """What a plan reckons with."""
    file = of(folder, name)
    weights = LlamaModel(file, ModelSettings(gpu_layers=0))
    snapshots = 4 if name in SNAPSHOTS else 0
    with binding.listening() as lines:
        assert cells(LAYOUT) == 512
        lines.clear()
        if name in RECURRENT:
            RecurrentContext(weights, replace(LAYOUT, snapshots=snapshots)).close()
    weights.close()
    found = [line for line in lines if "RS buffer size" in line]
    told = sum(float(line.split("=")[1].split()[0]) for line in found) * (1 << 20)
    reckoned = state_bytes(validate(file)) * (1 + snapshots)
    assert reckoned == pytest.approx(told, abs=0.006 * (1 << 20))


@pytest.mark.parametrize("name", sorted(RECURRENT))
def test_a_prompt_that_was_stopped_goes_on_where_a_state_was_kept(folder: Path, name: str) -> None:
    played = Patterns(of(folder, name), snapshots=8)
    cached, text = played.cached, [7 * i % 200 for i in range(250)]
    stopped = 0
    for polls in (1, 2, 3, 5, 8, 13, 21, 34):
        asked = count(1)
        cached.restart(text[:40])
        for _ in cached.prefill(text[:39]):
            pass
        try:
            for _ in cached.prefill(
                text[:-1], lambda asked=asked, polls=polls: next(asked) >= polls
            ):
                pass
        except Cancelled:
            stopped += 1
        assert cached.restart(text) >= 39
        for _ in cached.prefill(text[:-1]):
            pass
        played.compare(text, [], [cached.score(text)[0].copy()] * 2)
    played.close()
    assert stopped
    assert played.found.largest < ROUNDING if name not in ROUTED else ROUTING


class TestTheTrap:
    """llama.cpp goes back to snapshots that are not there, and says that all is well."""

    TEXT = tuple(range(20, 40))

    def test_it_is_there(self, context: RecurrentContext) -> None:
        """If this fails, llama.cpp has become better, and ``earliest`` may follow it."""
        context.decode(self.TEXT, 1)
        expected = context.decode((1,), 1).copy()
        context.truncate(0)
        context.decode(self.TEXT, 1)
        context.decode((7, 8, 9), 3)
        # Three tokens back is one further than that decode began: there is no state.
        assert lib.llama_memory_seq_rm(context._memory, 0, 20, -1)
        context.length = context._filled = 20
        assert np.abs(context.decode((1,), 1) - expected).max() > 1.0

    def test_beyond_the_last_decode(self, context: RecurrentContext) -> None:
        context.decode(self.TEXT, 1)
        context.decode((7, 8, 9), 3)
        assert context.earliest == 21
        with pytest.raises(ValueError, match="no state is kept behind 20"):
            context.truncate(20)
        context.truncate(21)

    def test_twice(self, context: RecurrentContext) -> None:
        context.decode(self.TEXT, 9)
        context.truncate(18)
        with pytest.raises(ValueError, match="no state"):
            context.truncate(17)

    def test_after_other_decodes(self, context: RecurrentContext) -> None:
        context.decode(self.TEXT, 9)
        context.decode((1,), 1)
        with pytest.raises(ValueError, match="no state"):
            context.truncate(20)

    def test_further_than_snapshots_go(self, context: RecurrentContext) -> None:
        context.decode(self.TEXT, 1)
        assert context.earliest == 12
        with pytest.raises(ValueError, match="no state"):
            context.truncate(11)

    def test_after_a_state_was_restored(self, context: RecurrentContext) -> None:
        context.decode(self.TEXT, 1)
        saved = context.save(near=True)
        context.decode((1, 2, 3), 3)
        assert context.restore(saved)
        with pytest.raises(ValueError, match="no state"):
            context.truncate(19)

    def test_everything_can_always_be_dropped(self, context: RecurrentContext) -> None:
        context.decode(self.TEXT, 1)
        context.truncate(0)
        assert context.length == 0
