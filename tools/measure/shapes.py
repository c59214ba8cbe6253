"""Random-weight pairs of real shapes: real cost per pass, without downloading anything.

A draft is its target's first layers. The less the target's other layers add, the more often the
two agree, so that speed can be measured at any acceptance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, quantize
from numpy.typing import NDArray

from specdec_cli.gguf.header import read_header

_BLOCK_ROWS = 256
_BLOCK_BYTES = 18  # of Q4_0, for 32 weights
_ADDING = re.compile(r"blk\.(\d+)\.(?:attn_output|ffn_down)\.weight")
_PEAKED = 6.0
"""The output's weights are this much larger: some tokens are far more likely than others."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A llama-architecture transformer."""

    width: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    vocab: int = 32000


SHAPES = {
    "0.1b": Shape(768, 2048, 12, 12, 12),
    "0.5b": Shape(896, 4864, 24, 14, 2, vocab=151936),  # Qwen2.5
    "1b": Shape(2048, 5632, 22, 32, 4),  # TinyLlama 1.1B
    "8b": Shape(4096, 14336, 32, 32, 8, vocab=128256),  # Llama 3.1
    "32b": Shape(5120, 27648, 64, 40, 8, vocab=151936),  # Qwen2.5
}

PAIRS = {"1b+0.1b": ("1b", 2), "8b+1b": ("8b", 3), "32b+0.5b": ("32b", 1)}
"""Shape of the target, and of how many of its layers the draft is made."""


def write_pair(target: Path, draft: Path, name: str, rest: float) -> None:
    """Write one of ``PAIRS``.

    Args:
        rest: what the layers the draft lacks add to the target, 0 for nothing: the models agree
            always; 1 for as much as the others: they hardly ever do.
    """
    shape, kept = SHAPES[PAIRS[name][0]], PAIRS[name][1]
    write(target, shape, whole=kept, rest=rest)
    write(draft, replace(shape, layers=kept))


def scale_rest(target: Path, whole: int, ratio: float) -> None:
    """Let the layers from ``whole`` on add ``ratio`` times what they add now; the file is changed.

    A tenth of the time of writing it anew.
    """
    header = read_header(target)
    data = np.memmap(target, np.uint8, "r+")
    for tensor in header.tensors:
        found = _ADDING.fullmatch(tensor.name)
        if found and int(found[1]) >= whole:
            start = header.data_offset + tensor.offset
            blocks = data[start : start + tensor.nbytes].reshape(-1, _BLOCK_BYTES)
            scales = blocks[:, :2].view(np.float16)
            scales *= np.float16(ratio)
    data.flush()


def write(
    path: Path, shape: Shape, seed: int = 0, *, whole: int | None = None, rest: float = 1.0
) -> None:
    """Write a Q4_0 model. Layers are made of the same rows again and again, which costs a pass
    nothing less.

    Args:
        whole: layers from this one on add ``rest`` of what they would.
    """
    writer = GGUFWriter(path, "llama")
    width = shape.width
    kv_width = width // shape.heads * shape.kv_heads
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // shape.heads)
    writer.add_vocab_size(shape.vocab)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([f"t{i}" for i in range(shape.vocab)])
    writer.add_token_types([1] * shape.vocab)
    writer.add_token_merges(["t 1"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(True)

    rng = np.random.default_rng(seed)

    def weights(name: str, rows: int, columns: int, scale: float = 1.0) -> None:
        block = rng.normal(0, 0.02, (_BLOCK_ROWS, columns)).astype(np.float32)
        packed = quantize(block * np.float32(scale), GGMLQuantizationType.Q4_0)
        whole = _tiled(packed, rows, rng)
        writer.add_tensor(f"{name}.weight", whole, raw_dtype=GGMLQuantizationType.Q4_0)

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))

    weights("token_embd", shape.vocab, width, 1 / 0.02)
    weights("output", shape.vocab, width, _PEAKED)
    norm("output_norm")
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        added = 1.0 if whole is None or layer < whole else rest
        norm(block + "attn_norm")
        norm(block + "ffn_norm")
        weights(block + "attn_q", width, width)
        weights(block + "attn_k", kv_width, width)
        weights(block + "attn_v", kv_width, width)
        weights(block + "attn_output", width, width, added)
        weights(block + "ffn_gate", shape.hidden, width)
        weights(block + "ffn_up", shape.hidden, width)
        weights(block + "ffn_down", width, shape.hidden, added)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tiled(packed: NDArray[np.uint8], rows: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """As many rows, made of a few whose blocks change places, so that no two are the same."""
    blocks = packed.reshape(len(packed), -1, _BLOCK_BYTES)
    tiles = [
        blocks[: rows - start, rng.permutation(blocks.shape[1])]
        for start in range(0, rows, len(packed))
    ]
    return np.concatenate(tiles).reshape(rows, -1)
