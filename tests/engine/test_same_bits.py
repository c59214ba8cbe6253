"""Rows of passes have the bits they have alone, on quantized models that llama.cpp really loads."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.types import Logits
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.same_bits import Compared, SameBits, difference
from specdec_cli.engine.settings import ModelChoice, PairSettings
from specdec_cli.models.environment import of_others
from specdec_cli.models.kernels import KernelChoice
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.models.settings import ContextSettings
from tests.conftest import TinyPair
from tests.fakes import FakeModel
from tests.ggufs import quantize, write_gguf

ROOT = Path(__file__).parents[2]
on_x86 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="it was measured on x86"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in F32 with rows that fill the blocks of every type."""
    file = tmp_path_factory.mktemp("models") / "f32.gguf"
    return write_gguf(file, n_layers=2, d=256, ff=512, heads=4, context=1024, vocab=512)


def rows_of(file: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.rows", str(file), *words],
        cwd=ROOT,
        env=of_others(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@on_x86
@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q5_0", "Q8_0", "Q2_K", "Q4_K_M", "Q6_K"])
def test_every_row_of_a_pass_has_the_bits_it_has_alone(
    whole: Path, tmp_path: Path, kind: str
) -> None:
    found = rows_of(quantize(whole, tmp_path / "model.gguf", kind), "auto")
    assert found["promised"]
    assert found["kept"]
    assert found["sizes"][-1] == 128
    assert found["off"] == {}
    assert found["rows_compared"]


@on_x86
def test_fast_kernels_do_not_keep_them(whole: Path, tmp_path: Path) -> None:
    found = rows_of(quantize(whole, tmp_path / "model.gguf", "Q4_K_M"), "fast")
    assert not found["promised"]
    assert found["off"]
    assert found["largest_difference"] > 0


@on_x86
def test_exact_pads_where_it_must_and_drafts_no_further_than_was_measured(
    whole: Path, tmp_path: Path
) -> None:
    padded = rows_of(whole, "auto", "exact")
    assert padded["kept"]
    assert padded["sizes"][-1] == 128
    assert padded["off"] == {}
    capped = rows_of(whole, "auto", "exact", "f16")
    assert capped["kept"]
    assert capped["sizes"][-1] == 60
    assert capped["off"] == {}
    quantized = rows_of(quantize(whole, tmp_path / "model.gguf", "Q8_0"), "auto", "exact")
    assert quantized["kept"]
    assert quantized["sizes"][-1] == 128
    assert quantized["off"] == {}


@on_x86
def test_weights_that_cannot_keep_them_are_named(whole: Path) -> None:
    with Decoder.load(
        PairSettings(ModelChoice(whole), n_ctx=64, drafter="ngram", remember=False)
    ) as pair:
        found = pair.models.same_bits
        assert not found.kernels.same_bits
        assert found.kernels.reason == "it has F32 weights"
        assert pair.models.warnings == []
        assert found.seen  # what was measured is there for those who ask


@on_x86
def test_an_option_that_gives_them_up_is_told(whole: Path, tmp_path: Path) -> None:
    file = quantize(whole, tmp_path / "model.gguf", "Q8_0")
    context = ContextSettings(n_ctx=0, cache_type_k="f16")
    settings = PairSettings(
        ModelChoice(file), n_ctx=64, drafter="ngram", context=context, remember=False
    )
    with Decoder.load(settings) as pair:
        assert not pair.models.same_bits.kept
        assert any("-ctk f16" in warning for warning in pair.models.warnings)


class Shaky(FakeModel):
    """Rows of passes over eight and more are off by half a logit."""

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        logits = super().decode(tokens, rows)
        return logits + np.float32(0.5) if rows > 4 else logits


def test_a_model_whose_rows_differ_is_found_out_by_the_first_passes() -> None:
    seen: dict[int, float] = {}
    model = Compared(Shaky(), seen)
    for rows in (1, 1, 4, 2, 4, 8):
        model.decode((0,) * rows, rows)
        model.truncate(0)
    assert seen == {4: 0.0, 2: 0.0, 8: 0.5}
    warning = SameBits(KernelChoice(rows=128), seen=seen).warning()
    assert "0.5 logits" in warning


@on_x86
@pytest.mark.parametrize("off", [0.0, 0.5])
def test_each_start_compares_also_where_costs_are_taken_over(
    tiny_pair: TinyPair, home: Path, monkeypatch: pytest.MonkeyPatch, off: float
) -> None:
    """What an earlier start saw is not kept: the machine may be another one, in another mood."""
    settings = PairSettings(
        ModelChoice(tiny_pair.target), n_ctx=64, drafter="ngram", draft_max=16, adaptive=True
    )
    with Decoder.load(settings) as first:
        assert first.models.same_bits.kept
        assert first.length is not None
        monkeypatch.setattr(Decoder, "is_worth_keeping", True)

    sizes: set[int] = set()
    decode = LlamaContext.decode

    def shaky(model: LlamaContext, tokens: Sequence[int], rows: int) -> Logits:
        logits = decode(model, tokens, rows)
        sizes.add(rows)
        if rows > 1:
            logits[0] += np.float32(off)  # the first row is the one that has a pass of its own
        return logits

    monkeypatch.setattr(LlamaContext, "decode", shaky)
    monkeypatch.setattr(CostModel, "agrees", lambda *_: True)
    with Decoder.load(settings) as again:
        assert sizes <= {0, 1, 2, 4, 8}, "costs were measured anew"
        seen = again.models.same_bits.seen
        assert seen
        assert list(seen.values()) == pytest.approx([off] * len(seen))
        assert again.models.same_bits.kept == (not off)
        assert any("0.5 logits" in warning for warning in again.models.warnings) == bool(off)


def test_differences_are_found_beside_banned_tokens_and_what_is_no_number() -> None:
    inf, nan = np.inf, np.nan
    assert difference(np.array([1.0, -inf]), np.array([1.0, -inf])) == 0.0
    assert difference(np.array([1.0, -inf]), np.array([1.25, -inf])) == 0.25
    assert difference(np.array([1.0, 2.0]), np.array([1.0, nan])) > 1e300
    assert difference(np.array([1.0, nan]), np.array([2.0, nan])) == 1.0
