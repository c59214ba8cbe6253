"""Random pairs of chosen agreement, and drafts of no use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader, dequantize

from specdec_cli import paths
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from tools.measure.answers import answer
from tools.measure.guard import randomize
from tools.measure.shapes import PAIRS, SHAPES, Shape, scale_rest, write_pair

SMALL = Shape(256, 512, 6, 4, 2, vocab=2048)


def drafted(folder: Path, rest: float) -> RunStats:
    files = [folder / f"{role}-{rest}.gguf" for role in ("target", "draft")]
    write_pair(*files, "small", rest)
    settings = PairSettings(
        *map(ModelChoice, files), n_ctx=256, drafter="model", draft_max=4, remember=False
    )
    with Decoder.load(settings) as pair:
        runs = [
            answer(pair, range(start, start + 9), AnswerSettings(), plain=False, max_tokens=24)
            for start in (10, 700)
        ]
    return sum((run.stats for run in runs), RunStats())


def test_the_rest_of_the_layers_decides_how_often_a_pair_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHAPES, "small", SMALL)
    monkeypatch.setitem(PAIRS, "small", ("small", 2))
    always, hardly = drafted(tmp_path, 0.0), drafted(tmp_path, 1.0)
    assert always.acceptance_rate == 1.0
    assert hardly.acceptance_rate is not None and hardly.acceptance_rate < 0.7
    rows = next(
        tensor.data
        for tensor in GGUFReader(tmp_path / "target-0.0.gguf").tensors
        if tensor.name == "output.weight"
    )
    assert len(np.unique(rows, axis=0)) == SMALL.vocab  # no token ties with another


def test_a_pair_whose_rest_is_scaled_is_the_one_written_with_that_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHAPES, "small", SMALL)
    monkeypatch.setitem(PAIRS, "small", ("small", 2))
    scaled, written = tmp_path / "scaled.gguf", tmp_path / "written.gguf"
    write_pair(scaled, tmp_path / "draft.gguf", "small", 0.4)
    write_pair(written, tmp_path / "draft.gguf", "small", 0.1)
    scale_rest(scaled, 2, 0.1 / 0.4)
    changed = 0
    tensors = [GGUFReader(path).tensors for path in (scaled, written)]
    for one, other in zip(*tensors, strict=True):
        weights = [dequantize(each.data, each.tensor_type) for each in (one, other)]
        np.testing.assert_allclose(*weights, rtol=2e-3)
        changed += not np.array_equal(one.data, other.data)
    assert changed <= 2 * (SMALL.layers - 2), "rounded once more, and nothing else"
    scale_rest(scaled, 2, 0.0)
    last = {each.name: each for each in GGUFReader(scaled).tensors}["blk.5.ffn_down.weight"]
    assert not dequantize(last.data, last.tensor_type).any()


def test_a_randomized_copy_keeps_all_but_the_weights(tmp_path: Path) -> None:
    source, copy = paths.embedded() / "tiny-draft.gguf", tmp_path / "copy.gguf"
    randomize(source, copy)
    before, after = (GGUFReader(path) for path in (source, copy))
    assert source.stat().st_size == copy.stat().st_size
    for old, new in zip(before.tensors, after.tensors, strict=True):
        same = np.array_equal(old.data, new.data)
        assert same == (old.tensor_type.name == "F32"), old.name
        spread = [dequantize(each.data, each.tensor_type).std() for each in (old, new)]
        assert spread[1] == pytest.approx(spread[0], rel=0.05)
