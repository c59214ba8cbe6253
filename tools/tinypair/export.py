"""Writes a model as GGUF: weights, tokenizer, chat template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Quantization
from numpy.typing import NDArray

from tools.tinypair.config import SPECIALS, TURN_END, ModelConfig
from tools.tinypair.model import Block, Model
from tools.tinypair.tokenizer import Codec

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
FILE_TYPES = {
    Quantization.F16: gguf.LlamaFileType.MOSTLY_F16,
    Quantization.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
    Quantization.Q4_0: gguf.LlamaFileType.MOSTLY_Q4_0,
}


def export(
    model: Model,
    codec: Codec,
    path: Path,
    kind: Quantization,
    embedding: Quantization | None = None,
) -> None:
    """One file; the embedding, which is the output as well, may have a type of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, model.config, FILE_TYPES[kind])
    _add_tokenizer(writer, codec)
    _add(writer, "token_embd.weight", _array(model.embedding), embedding or kind)
    _add(writer, "output_norm.weight", _array(model.norm), Quantization.F32)
    for index, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        _add_block(writer, f"blk.{index}", block, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, config: ModelConfig, file_type: gguf.LlamaFileType) -> None:
    writer.add_name(f"specdec tiny {config.name}")
    writer.add_description(
        f"The {config.name} of specdec's embedded pair: {config.parameters / 1e6:.1f} million "
        "parameters, trained from nothing on text written by a program. "
        "For trying and testing speculative decoding."
    )
    writer.add_license("MIT")
    writer.add_languages(["en"])
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(config.vocab)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.dim)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ff)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.norm_eps)


def _add_tokenizer(writer: gguf.GGUFWriter, codec: Codec) -> None:
    bpe: dict[str, Any] = json.loads(codec.tokenizer.to_str())["model"]
    pieces = [piece for piece, _ in sorted(bpe["vocab"].items(), key=lambda item: int(item[1]))]
    kinds = [
        gguf.TokenType.CONTROL if piece in SPECIALS else gguf.TokenType.NORMAL for piece in pieces
    ]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in bpe["merges"]]
    end = pieces.index(TURN_END)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(pieces)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(pieces.index(SPECIALS[0]))
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_pad_token_id(pieces.index(SPECIALS[0]))
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _add_block(writer: gguf.GGUFWriter, name: str, block: Block, kind: Quantization) -> None:
    query, key, value = np.split(_array(block.qkv), 3)
    gate, up = np.split(_array(block.gate_up), 2)
    matrices = {
        "attn_q": _interleave(query, block.heads),
        "attn_k": _interleave(key, block.heads),
        "attn_v": value,
        "attn_output": _array(block.out),
        "ffn_gate": gate,
        "ffn_up": up,
        "ffn_down": _array(block.down),
    }
    _add(writer, f"{name}.attn_norm.weight", _array(block.attention_norm), Quantization.F32)
    _add(writer, f"{name}.ffn_norm.weight", _array(block.ff_norm), Quantization.F32)
    for part, matrix in matrices.items():
        _add(writer, f"{name}.{part}.weight", matrix, kind)


def _interleave(matrix: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Training turns the halves of a head against each other, llama.cpp neighbouring pairs."""
    rows, columns = matrix.shape
    halves = matrix.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def _array(parameter: Any) -> NDArray[np.float32]:
    values: NDArray[np.float32] = parameter.detach().float().numpy()
    return values


def _add(
    writer: gguf.GGUFWriter, name: str, values: NDArray[np.float32], kind: Quantization
) -> None:
    if kind == Quantization.F32:
        writer.add_tensor(name, np.ascontiguousarray(values))
    elif kind == Quantization.F16:
        writer.add_tensor(name, values.astype(np.float16))
    else:
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
