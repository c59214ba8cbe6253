"""How many snapshots a context keeps: as a model can, and as they cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from specdec_cli.gguf.header import Header, read_header
from specdec_cli.memory.caches import state_bytes
from specdec_cli.memory.needs import needs_of
from specdec_cli.memory.snapshots import MAX_SNAPSHOTS, copies, snapshot_share, with_snapshots
from specdec_cli.models.rewind import MAX_BYTES, MAX_KEPT
from specdec_cli.models.settings import ContextSettings
from tests.architectures import Shape, write

DRAFTS = ContextSettings(n_ctx=1024, rows=17)


def header(folder: Path, name: str, shape: Shape | None = None) -> Header:
    return read_header(write(folder / f"{name}.gguf", name, shape or Shape()))


def test_where_they_cost_next_to_nothing(tmp_path: Path) -> None:
    short = header(tmp_path, "lfm2", Shape(width=256, ff=512))
    assert snapshot_share(short) < 0.02
    assert with_snapshots(short, DRAFTS, model=False).snapshots == MAX_SNAPSHOTS
    for rows, padding, expected in ((1, 1, 0), (1, 4, 3), (4, 1, 3), (4, 4, 6)):
        laid = ContextSettings(n_ctx=1024, rows=rows, pad=padding)
        assert with_snapshots(short, laid, model=False).snapshots == expected
    small = ContextSettings(n_ctx=1024, rows=9, n_ubatch=4)
    assert with_snapshots(short, small, model=True).snapshots == 3


def test_where_they_would_slow_plain_decoding_down(tmp_path: Path) -> None:
    large = header(tmp_path, "qwen35")
    assert snapshot_share(large) > 0.05
    assert with_snapshots(large, DRAFTS, model=True).snapshots == 0
    # Rows of padding have no other way.
    assert with_snapshots(large, ContextSettings(1024, rows=5, pad=4), model=True).snapshots == 3


def test_a_model_that_drafts_is_worth_more(tmp_path: Path) -> None:
    between = header(tmp_path, "qwen35", Shape(width=512, ff=1024, heads=2, state=128, vocab=4096))
    assert 0.02 < snapshot_share(between) < 0.05
    assert with_snapshots(between, DRAFTS, model=False).snapshots == 0
    assert with_snapshots(between, DRAFTS, model=True).snapshots == MAX_SNAPSHOTS


@pytest.mark.parametrize("name", ["llama", "mamba2", "granite-hybrid"])
def test_where_there_are_none(tmp_path: Path, name: str) -> None:
    assert with_snapshots(header(tmp_path, name), DRAFTS, model=True) == DRAFTS


def test_a_plan_counts_states_and_their_copies(tmp_path: Path) -> None:
    found = header(tmp_path, "nemotron-h")
    state = state_bytes(found)
    plain = needs_of(found, ContextSettings(n_ctx=256))
    more = needs_of(found, ContextSettings(n_ctx=256, snapshots=5))
    assert more.cache - plain.cache == 5 * state > 0
    assert copies(found) == MAX_KEPT * state < MAX_BYTES
    assert copies(header(tmp_path, "llama")) == 0
