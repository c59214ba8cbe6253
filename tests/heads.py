"""Makes files of heads, which draft from another model's states, and a model with one of its own.

The names of metadata and tensors are those that llama.cpp's converter writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.architectures import ARCHITECTURES, Found, Shape, Weights
from tests.ggufs import CHATML, default_tokens, tokenizer, write_file

KINDS = {
    "mtp": "an MTP head",
    "gemma4-assistant": "an MTP head",
    "eagle3": "an EAGLE-3 head",
    "dflash": "a DFlash head",
    "dspark": "a DSpark head",
}
"""Kinds of heads, and what each is called."""

_ARCHITECTURES = {"mtp": "qwen35", "dspark": "dflash"}
_SHAPE = Shape()


def write_head(path: Path, kind: str) -> Path:
    """Writes a head of one of ``KINDS`` in a file of its own, with the default vocabulary."""
    arch, shape = _ARCHITECTURES.get(kind, kind), _SHAPE
    weights = Weights(shape, seed=0)
    own = {"block_count": 1}
    if kind == "mtp":
        own = {"block_count": shape.layers + 1, "nextn_predict_layers": 1}
    elif kind == "gemma4-assistant":
        own["nextn_predict_layers"] = 1
    else:
        own["target_layers"] = [1, 2, 3]  # type: ignore[assignment]
    of_arch = ARCHITECTURES["qwen35"].values(shape) if kind == "mtp" else {}

    def tensors() -> Found:
        if kind == "mtp":
            yield "token_embd.weight", weights.matrix(len(default_tokens()), shape.width)
            yield "output_norm.weight", weights.ones(shape.width)
            yield from _next_token_layer(weights, shape.layers)
            return
        yield "fc.weight", weights.matrix(shape.width, 3 * shape.width)
        yield "output_norm.weight", weights.ones(shape.width)
        yield from weights.attention("blk.0.")
        yield from weights.feed_forward("blk.0.")
        if kind == "dspark":
            yield "markov_w1.weight", weights.matrix(len(default_tokens()), 32)

    return write_file(path, arch, _metadata(arch, shape, {**own, **of_arch}), tensors())


def write_with_own_head(path: Path, *, left_out: bool = False) -> Path:
    """Writes a Qwen3.5 whose file has a layer that predicts a further token.

    Args:
        left_out: the number of such layers is there and they are not, as in some conversions.
    """
    shape = _SHAPE
    weights = Weights(shape, seed=0)
    own = {"block_count": shape.layers + 1, "nextn_predict_layers": 1}
    arch = ARCHITECTURES["qwen35"]

    def tensors() -> Iterator[tuple[str, np.ndarray]]:
        yield "token_embd.weight", weights.matrix(len(default_tokens()), shape.width, spread=8.0)
        yield "output_norm.weight", weights.ones(shape.width)
        yield "output.weight", weights.matrix(len(default_tokens()), shape.width, spread=3.0)
        for layer in range(shape.layers):
            yield from arch.layer(weights, layer)
        if not left_out:
            yield from _next_token_layer(weights, shape.layers)

    metadata = _metadata("qwen35", shape, {**own, **arch.values(shape)})
    return write_file(path, "qwen35", metadata, tensors())


def _next_token_layer(weights: Weights, layer: int) -> Found:
    prefix, width = f"blk.{layer}.", weights.shape.width
    yield from weights.norms(prefix, "attn_norm", "post_attention_norm")
    yield from weights.attention(prefix, gated=True)
    yield from weights.norms_of_heads(prefix)
    yield from weights.feed_forward(prefix)
    yield f"{prefix}nextn.eh_proj.weight", weights.matrix(width, 2 * width)
    yield from weights.norms(prefix, "nextn.enorm", "nextn.hnorm", "nextn.shared_head_norm")


def _metadata(arch: str, shape: Shape, own: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "context_length": shape.context,
        "embedding_length": shape.width,
        "feed_forward_length": shape.ff,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.kv_heads,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.freq_base": 10000.0,
        "rope.dimension_count": shape.head,
        "vocab_size": len(default_tokens()),
        **own,
    }
    return {
        "general.name": arch,
        "general.base_model.0.name": "The Model",
        **{f"{arch}.{key}": value for key, value in values.items()},
        **tokenizer(default_tokens()),
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": CHATML,
    }
