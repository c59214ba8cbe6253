"""Random-weight pairs of real shapes: real cost per pass, without downloading anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, quantize

_BLOCK_ROWS = 256


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
    "1b": Shape(2048, 5632, 22, 32, 4),  # TinyLlama 1.1B
    "0.1b": Shape(768, 2048, 12, 12, 12),
}


def write(path: Path, shape: Shape, seed: int = 0) -> None:
    """Write a Q4_0 model. Rows of weights repeat, which costs a pass nothing less."""
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

    def weights(name: str, rows: int, columns: int) -> None:
        block = rng.normal(0, 0.02, (_BLOCK_ROWS, columns)).astype(np.float32)
        packed = quantize(block, GGMLQuantizationType.Q4_0)
        whole = np.tile(packed, (-(-rows // _BLOCK_ROWS), 1))[:rows]
        writer.add_tensor(f"{name}.weight", whole, raw_dtype=GGMLQuantizationType.Q4_0)

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))

    weights("token_embd", shape.vocab, width)
    weights("output", shape.vocab, width)
    norm("output_norm")
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        norm(block + "attn_norm")
        norm(block + "ffn_norm")
        weights(block + "attn_q", width, width)
        weights(block + "attn_k", kv_width, width)
        weights(block + "attn_v", kv_width, width)
        weights(block + "attn_output", width, width)
        weights(block + "ffn_gate", shape.hidden, width)
        weights(block + "ffn_up", shape.hidden, width)
        weights(block + "ffn_down", width, shape.hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
