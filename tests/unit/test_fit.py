"""What a pair needs in memory, from headers alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from ggufs import write_gguf

from specdec_cli.models.fit import DEFAULT_CONTEXT, measure
from specdec_cli.models.gguf_header import read_header


@pytest.mark.parametrize(
    ("trained", "wanted", "expected"),
    [(512, None, 512), (1 << 17, None, DEFAULT_CONTEXT), (512, 0, 512), (512, 128, 128)],
)
def test_the_context_is_the_one_run_would_take(
    tmp_path: Path, trained: int, wanted: int | None, expected: int
) -> None:
    header = read_header(write_gguf(tmp_path / "model.gguf", context=trained))
    fit = measure([header, header], 1000, wanted)
    assert fit.n_ctx == expected
    # Two models of one layer, keys and values of two heads of 16, in half precision.
    assert fit.caches == 2 * expected * 2 * 2 * 16 * 2
    assert fit.needed == fit.caches + 1000
    assert 0 < fit.available <= fit.total
