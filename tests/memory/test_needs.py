"""What a model needs, worked out by hand and against llama.cpp's own layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from specdec_cli.gguf.header import read_header
from specdec_cli.memory.caches import cells, layer_caches
from specdec_cli.memory.needs import needs_of
from specdec_cli.models.settings import ContextSettings, ModelSettings
from specdec_cli.models.simulate import compute_buffers
from tests import architectures
from tests.ggufs import write_gguf

CONTEXT = ContextSettings(n_ctx=256, rows=17, threads=2, threads_batch=2)
LAYERS = 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four layers with two heads of keys, 32 numbers wide each."""
    file = tmp_path_factory.mktemp("needs") / "model.gguf"
    return write_gguf(
        file, n_layers=LAYERS, d=128, ff=256, heads=4, kv_heads=2, context=4096, tensor_type="F16"
    )


@pytest.mark.parametrize(
    ("kind", "row"),
    [("f32", 2 * 32 * 4), ("f16", 2 * 32 * 2), ("q8_0", 2 * 34), ("q4_0", 2 * 18)],
)
def test_a_cache_has_a_row_for_each_token_and_layer(model: Path, kind: str, row: int) -> None:
    context = replace(CONTEXT, cache_type_k=kind, cache_type_v="f16")
    of_value = 2 * 32 * 2
    assert layer_caches(read_header(model), context) == (256 * (row + of_value),) * LAYERS


def test_the_tokens_of_a_cache_are_rounded_up() -> None:
    sizes = [(1, 256), (256, 256), (257, 512), (4096, 4096)]
    assert [cells(replace(CONTEXT, n_ctx=n)) for n, _ in sizes] == [size for _, size in sizes]
    assert cells(replace(CONTEXT, n_ctx=256, pad=4)) == 512, "padding behind the last token"


def test_all_weights_are_counted_once(model: Path) -> None:
    header = read_header(model)
    weights = needs_of(header, CONTEXT).weights
    assert weights.total == sum(tensor.nbytes for tensor in header.tensors)
    assert len(weights.layers) == LAYERS
    assert weights.embedding == weights.input > 0, "the output is the embedding matrix"


@pytest.mark.parametrize("flash", ["on", "off"])
@pytest.mark.parametrize(("n_ctx", "n_ubatch"), [(512, 512), (4096, 512), (2048, 64)])
def test_buffers_are_those_of_llama_cpp(model: Path, flash: str, n_ctx: int, n_ubatch: int) -> None:
    context = replace(CONTEXT, n_ctx=n_ctx, n_ubatch=n_ubatch, flash_attention=flash)
    planned = needs_of(read_header(model), context).compute.graph
    (told,) = compute_buffers(model, ModelSettings(gpu_layers=0), context).values()
    assert planned == pytest.approx(told, rel=0.1, abs=200_000)


@pytest.mark.parametrize("name", architectures.ARCHITECTURES)
def test_buffers_of_every_architecture_are_those_of_llama_cpp(tmp_path: Path, name: str) -> None:
    shape = architectures.Shape(512, 8, ff=1024, heads=8, vocab=512, context=4096)
    file = architectures.write(tmp_path / "m.gguf", name, shape, tensor_type="F16")
    context = replace(CONTEXT, n_ctx=4096, n_ubatch=512, n_batch=512)
    planned = needs_of(read_header(file), context).compute.graph
    (told,) = compute_buffers(file, ModelSettings(gpu_layers=0), context).values()
    assert planned == pytest.approx(told, rel=0.08)


def test_more_of_anything_needs_no_less(model: Path) -> None:
    header = read_header(model)
    first = needs_of(header, CONTEXT).in_memory
    for more in ({"n_ctx": 1024}, {"rows": 65}, {"n_ubatch": 1024, "n_batch": 2048}):
        assert needs_of(header, replace(CONTEXT, **more)).in_memory > first - 1, more
