"""Makes tiny GGUF models with random weights that llama.cpp really loads."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIALS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
MERGES = ("t h", "th e", "i n", "e r", "a n", "Ġ t", "Ġ a", "o n", "r e", "Ġt he", "an d", "Ġa nd")


_NEVER_QUANTIZED = re.compile(r"(conv1d|shortconv\.conv|ssm_norm|ffn_gate_inp)\.|ssm_[ad]$|\.bias$")


def byte_tokens() -> list[str]:
    """The 256 bytes as GPT-2 spells them: printable ones as themselves, others from U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def default_tokens() -> list[str]:
    """The vocabulary of ``write_gguf``: bytes, a few merges, and the special tokens last."""
    return [*byte_tokens(), *(merge.replace(" ", "") for merge in MERGES), *SPECIALS]


def write_gguf(
    path: Path,
    *,
    arch: str = "llama",
    vocab: int | None = None,
    n_layers: int = 1,
    d: int = 32,
    ff: int = 64,
    heads: int = 2,
    kv_heads: int = 2,
    context: int = 256,
    seed: int = 0,
    tensor_type: str = "F32",
    tokens: Sequence[str | bytes] | None = None,
    token_types: Sequence[int] | None = None,
    merges: Sequence[str] = MERGES,
    pre: str = "smollm",
    add_bos: bool | None = False,
    bos: int | None = None,
    eos: int | None = None,
    chat_template: str | None = CHATML,
    extra_metadata: Mapping[str, Any] | None = None,
    tied: bool = True,
    scale: float = 1.0,
    name: str = "random",
) -> Path:
    """Writes a loadable model of random weights with a byte-level BPE tokenizer.

    Args:
        arch: an architecture with llama's tensors and hyperparameters.
        vocab: number of tokens; beyond the default vocabulary "<unused0>", … are added at the
            end, so that the special ids stay where they are.
        tensor_type: of the matrices: "F32", "F16", "Q8_0", "Q4_0" (rows must fill its blocks).
        tokens: the vocabulary instead of the default one; ``<|…|>`` are control tokens.
        token_types: llama.cpp's kind of each token (1 normal, 3 control, 5 unused).
        bos, eos: special ids; by default "<|im_start|>" and "<|im_end|>".
        extra_metadata: more values, or other ones; ``None`` leaves the key out. Integers are
            written as u32.
        tied: whether the output matrix is the embedding matrix.
        scale: spread of the logits; 0 makes all tokens equally likely.

    Returns:
        ``path``.
    """
    texts: list[str | bytes] = list(default_tokens() if tokens is None else tokens)
    if vocab is not None:
        texts = [*texts[:vocab], *(f"<unused{i}>" for i in range(vocab - len(texts)))]
    metadata: dict[str, Any] = {
        "general.name": name,
        f"{arch}.context_length": context,
        f"{arch}.block_count": n_layers,
        f"{arch}.embedding_length": d,
        f"{arch}.feed_forward_length": ff,
        f"{arch}.attention.head_count": heads,
        f"{arch}.attention.head_count_kv": kv_heads,
        f"{arch}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{arch}.rope.freq_base": 10000.0,
        f"{arch}.rope.dimension_count": d // heads,
        f"{arch}.vocab_size": len(texts),
        **tokenizer(texts, pre=pre, merges=merges, token_types=token_types),
        "tokenizer.ggml.add_bos_token": add_bos,
        "tokenizer.chat_template": chat_template,
        **({} if bos is None else {"tokenizer.ggml.bos_token_id": bos}),
        **({} if eos is None else {"tokenizer.ggml.eos_token_id": eos}),
        **(extra_metadata or {}),
    }
    weights = _weights(len(texts), n_layers, d, ff, heads, kv_heads, seed, scale)
    kept = [each for each in weights if each[0] != "output.weight" or not tied]
    return write_file(path, arch, metadata, kept, tensor_type)


def tokenizer(
    texts: Sequence[str | bytes],
    *,
    pre: str = "smollm",
    merges: Sequence[str] = MERGES,
    token_types: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The metadata of a byte-level BPE tokenizer with these tokens."""
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": list(texts),
        "tokenizer.ggml.token_type": list(token_types or map(_token_type, texts)),
        "tokenizer.ggml.merges": list(merges),
        "tokenizer.ggml.bos_token_id": _find(texts, "<|im_start|>"),
        "tokenizer.ggml.eos_token_id": _find(texts, "<|im_end|>"),
    }


def write_file(
    path: Path,
    arch: str,
    metadata: Mapping[str, Any],
    weights: Iterable[tuple[str, np.ndarray]],
    tensor_type: str = "F32",
) -> Path:
    """Writes a file of these values and weights.

    Args:
        tensor_type: of the matrices and of stacks of them; what is not multiplied by rows of
            activations, or decides which expert works, stays as it is.
    """
    writer = gguf.GGUFWriter(path, arch)
    for key, value in metadata.items():
        _add(writer, key, value)
    kind = gguf.GGMLQuantizationType[tensor_type]
    for tensor, array in weights:
        if array.ndim == 1 or _NEVER_QUANTIZED.search(tensor):
            writer.add_tensor(tensor, array)
        else:
            writer.add_tensor(tensor, gguf.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_t5(path: Path, *, d: int = 32, heads: int = 2, seed: int = 0) -> Path:
    """Writes a loadable encoder-decoder model of one layer each, of random weights."""
    rng = np.random.default_rng(seed)
    texts = ["<pad>", "</s>", "<unk>", "\u2581", *(f"<0x{byte:02X}>" for byte in range(256))]
    writer = gguf.GGUFWriter(path, "t5")
    metadata: dict[str, Any] = {
        "t5.context_length": 64,
        "t5.block_count": 1,
        "t5.embedding_length": d,
        "t5.feed_forward_length": 2 * d,
        "t5.attention.head_count": heads,
        "t5.attention.layer_norm_epsilon": 1e-6,
        "t5.attention.layer_norm_rms_epsilon": 1e-6,
        "t5.attention.relative_buckets_count": 32,
        "t5.decoder_start_token_id": 0,
        "tokenizer.ggml.model": "t5",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": texts,
        "tokenizer.ggml.scores": [0.0, 0.0, 0.0, *[-1.0] * 257],
        "tokenizer.ggml.token_type": [3, 3, 2, 1, *[6] * 256],
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.unknown_token_id": 2,
        "tokenizer.ggml.padding_token_id": 0,
    }
    for key, value in metadata.items():
        _add(writer, key, value)

    def add(name: str, *shape: int) -> None:
        weights = np.ones(shape) if len(shape) == 1 else rng.standard_normal(shape) / d
        writer.add_tensor(f"{name}.weight", weights.astype(np.float32))

    add("token_embd", len(texts), d)
    add("output", len(texts), d)
    for side in ("enc", "dec"):
        add(f"{side}.output_norm", d)
        block = f"{side}.blk.0."
        for attention in ("attn", "cross_attn") if side == "dec" else ("attn",):
            add(f"{block}{attention}_norm", d)
            for matrix in "qkvo":
                add(f"{block}{attention}_{matrix}", d, d)
        add(f"{block}attn_rel_b", 32, heads)
        add(f"{block}ffn_norm", d)
        for matrix in ("gate", "up"):
            add(f"{block}ffn_{matrix}", 2 * d, d)
        add(f"{block}ffn_down", d, 2 * d)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(
    vocab: int, n_layers: int, d: int, ff: int, heads: int, kv_heads: int, seed: int, scale: float
) -> list[tuple[str, np.ndarray]]:
    """Names and float32 weights of every tensor, scaled so that logits spread by ``scale``."""
    rng = np.random.default_rng(seed)
    kv = d // heads * kv_heads

    def matrix(rows: int, columns: int, spread: float = 1.0) -> np.ndarray:
        weights = rng.standard_normal((rows, columns)) * spread / np.sqrt(columns)
        return weights.astype(np.float32)

    ones = np.ones(d, dtype=np.float32)
    found = [("token_embd.weight", matrix(vocab, d))]
    for layer in range(n_layers):
        prefix = f"blk.{layer}."
        found += [
            (prefix + "attn_norm.weight", ones),
            (prefix + "attn_q.weight", matrix(d, d, 2.0)),
            (prefix + "attn_k.weight", matrix(kv, d, 2.0)),
            (prefix + "attn_v.weight", matrix(kv, d)),
            (prefix + "attn_output.weight", matrix(d, d)),
            (prefix + "ffn_norm.weight", ones),
            (prefix + "ffn_gate.weight", matrix(ff, d)),
            (prefix + "ffn_up.weight", matrix(ff, d)),
            (prefix + "ffn_down.weight", matrix(d, ff)),
        ]
    # After the last norm a row has d entries of size 1, so logits have this norm's spread.
    found.append(("output_norm.weight", ones * np.float32(3.0 * scale)))
    found.append(("output.weight", matrix(vocab, d)))
    return found


def _token_type(text: str | bytes) -> int:
    if isinstance(text, str) and text.startswith("<|"):
        return 3
    return 5 if isinstance(text, str) and text.startswith("<unused") else 1


def _find(texts: Sequence[str | bytes], text: str) -> int | None:
    return texts.index(text) if text in texts else None


def _add(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, value)


FILE_TYPES = {
    "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_M": 12,
    "Q4_K_M": 15, "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30,
}  # fmt: skip
"""llama.cpp's numbers of kinds of quantized files."""


def quantize(source: Path, path: Path, kind: str) -> Path:
    """Quantizes a file as ``llama-quantize`` does; ``kind`` is one of ``FILE_TYPES``."""
    from specdec_cli.models.binding import lib, start

    start()
    params = lib.llama_model_quantize_default_params()
    params.ftype = FILE_TYPES[kind]
    params.allow_requantize = True
    params.nthread = 1
    code = lib.llama_model_quantize(str(source).encode(), str(path).encode(), ctypes.byref(params))
    assert code == 0
    return path
