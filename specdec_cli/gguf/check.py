"""Refuses model files that would end the process inside llama.cpp, and says what is wrong.

llama.cpp reports most damage as an error, but asserts some of it, and an assertion in it ends
this process, with the answer half written. Every check here names what would be asserted, thrown
where nothing catches it, or read out of bounds.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from specdec_cli.errors import DamagedFileError
from specdec_cli.gguf.header import Header, Tensor, read_header
from specdec_cli.gguf.heads import head_of
from specdec_cli.gguf.kind import refuse_other_kinds
from specdec_cli.gguf.parts import join_parts
from specdec_cli.gguf.reader import DOWNLOAD_AGAIN, StringArray, shown
from specdec_cli.gguf.types import NOT_WEIGHTS

# llama.cpp asserts what these need, and reports it of all others.
_EXPERTS_NEEDED = frozenset({"bailingmoe2", "glm4moe", "grovemoe", "lfm2moe", "smallthinker"})
_INNER_IS_TWICE = frozenset({"granitehybrid", "jamba"})
_ROTATE_IN_SECTIONS = frozenset(
    {"paddleocr", "qwen2vl", "qwen3tts", "qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe", "qwen4exp"}
)
_MERGED = frozenset({"gpt2", "gemma4"})  # tokenizers that llama.cpp refuses without merges
# Tokenizers that throw, or never end, at a byte without a token, and how they spell one.
_BYTE_SPELLINGS = {"llama": (b"<0x%02X>",), "rwkv": (b"\\x%02x",)}
_BYTE = 6  # llama.cpp's kind of a token that stands for one byte
_BYTE_NUMBER_AT = 3  # where in such a token's text llama.cpp reads which byte: <0x0A>
_ROPE_SCALINGS = frozenset({"none", "linear", "yarn", "longrope"})
_LAYERS_LIMIT = 512  # LLAMA_MAX_LAYERS
_EXPERTS_LIMIT = 1024  # LLAMA_MAX_EXPERTS
_NO_ID = (1 << 32) - 1  # how some converters write "no such token"
_FUSED = re.compile(r"\.(attn_(q|k|v|qkv|output)|ffn_(gate|up|down)(_exps|_shexp)?)\.weight$")


def validate(path: Path) -> Header:
    """Reads and checks a model file, and all its parts when it is split.

    Returns:
        The header; of a split model, the first part's with the tensors of all parts.

    Raises:
        NotFoundError: the file, or a part of it, is missing.
        DamagedFileError: llama.cpp could not load it, or would end the process trying.
        NotAModelError: it holds something else than a model that writes text.
        UsageError: it is a part of a model but not the first.
    """
    header = read_header(path)
    if header.split is not None:
        header = join_parts(path, header)
    check(header)
    return header


def check(header: Header) -> None:
    """Checks a parsed header; raises as :func:`validate` does."""
    refuse_other_kinds(header)
    _check_architecture(header)
    _check_hyperparameters(header)
    _check_heads(header)
    _check_experts(header)
    _check_tokenizer(header)
    _check_special_ids(header)
    _check_tensors(header)


def _check_architecture(header: Header) -> None:
    arch = header.architecture
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", arch):
        raise _damaged(header, f"is damaged: its architecture is {shown(arch)}")


def _check_hyperparameters(header: Header) -> None:
    _number(header, "context_length", 1, (1 << 31) - 1, required=True)
    layers = _number(header, "block_count", 1, _LAYERS_LIMIT, required=True)
    _number(header, "nextn_predict_layers", 0, layers)
    _number(header, "embedding_length", 1, 1 << 20, required=True)
    _number(header, "attention.sliding_window", 0, (1 << 31) - 1)
    inner = _number(header, "ssm.inner_size", 0, (1 << 31) - 1)
    if header.architecture in _INNER_IS_TWICE and inner != 2 * (header.embedding_length or 0):
        raise _damaged(header, f"is damaged: its state is {inner:,} wide, not twice its embedding")
    scaling = header.text(header.arch_key("rope.scaling.type"))
    if scaling is not None and scaling.split("\0")[0] not in _ROPE_SCALINGS:
        raise _damaged(header, f"is damaged: its RoPE scaling is {shown(scaling)}")
    if header.architecture in _ROTATE_IN_SECTIONS:
        sections = _per_layer(header, "rope.dimension_sections")[:3]
        if not any(sections):
            raise _damaged(header, f"is damaged: it rotates sections of {sections} dimensions")
    for key in ("layer_norm_rms_epsilon", "layer_norm_epsilon", "group_norm_epsilon"):
        value = header.metadata.get(header.arch_key(f"attention.{key}"))
        if isinstance(value, float) and not 0 <= value < math.inf:  # also refuses a NaN
            raise _damaged(header, f"is damaged: its {key} is {value}")


def _check_heads(header: Header) -> None:
    width = header.embedding_length or 0
    heads = _per_layer(header, "attention.head_count")
    key_heads = _per_layer(header, "attention.head_count_kv") or heads
    for n_head, n_head_kv in zip(heads, key_heads * len(heads), strict=False):
        if n_head and n_head_kv and n_head % n_head_kv:
            raise _damaged(
                header, f"is damaged: {n_head:,} attention heads for {n_head_kv:,} key heads"
            )
    n_head = heads[0] if heads else 0
    key = _number(header, "attention.key_length", 1, 1 << 16)
    value = _number(header, "attention.value_length", 1, 1 << 16)
    if n_head and not key:
        if width % n_head:
            raise _damaged(
                header, f"is damaged: {n_head:,} attention heads do not divide {width:,}"
            )
        key = width // n_head
    if header.architecture == "llama" and value and value != key:
        raise _damaged(header, f"is damaged: its heads have {key:,} keys and {value:,} values")
    rope = _number(header, "rope.dimension_count", 0, 1 << 16)
    if n_head and rope and (rope % 2 or rope > key):
        raise _damaged(header, f"is damaged: it rotates {rope:,} of {key:,} dimensions")


def _check_experts(header: Header) -> None:
    experts = _number(header, "expert_count", 0, _EXPERTS_LIMIT)
    used = max(_per_layer(header, "expert_used_count"), default=0)
    groups = _number(header, "expert_group_count", 0, _EXPERTS_LIMIT)
    groups_used = _number(header, "expert_group_used_count", 0, _EXPERTS_LIMIT)
    if header.architecture.startswith("hunyuan") and experts <= 1:
        return  # llama.cpp reads these as dense models
    bad = used > experts or (experts > 0 and used == 0)
    bad |= experts == 0 and header.architecture in _EXPERTS_NEEDED
    bad |= groups > 0 and groups >= experts
    if groups > 1 and not bad:
        bad = experts % groups > 0 or not 0 < groups_used < groups
    if bad:
        raise _damaged(
            header,
            f"is damaged: it uses {used:,} of {experts:,} experts "
            f"({groups_used:,} of {groups:,} groups)",
        )


def _check_tokenizer(header: Header) -> None:
    model, tokens = header.tokenizer_model, header.tokens
    if not tokens and head_of(header):
        return  # it has the target's
    if not model or model in ("none", "no_vocab"):
        raise _damaged(
            header,
            "has no tokenizer",
            "specdec needs the tokenizer inside the model file: download another conversion",
        )
    if not tokens:
        raise _damaged(header, "is damaged: its tokenizer has no tokens")
    for key in ("token_type", "scores"):
        value = header.metadata.get(f"tokenizer.ggml.{key}")
        if value is None:
            continue
        types = ("int32",) if key == "token_type" else ("float32", "int32")
        if not isinstance(value, np.ndarray) or value.dtype.name not in types:
            raise _damaged(header, f"is damaged: tokenizer.ggml.{key} is not a list of {types[0]}")
        if len(value) != len(tokens):
            raise _damaged(
                header,
                f"is damaged: it has {len(tokens):,} tokens but {len(value):,} entries in "
                f"tokenizer.ggml.{key}",
            )
    merges = header.metadata.get("tokenizer.ggml.merges")
    wanted = model in _MERGED and header.tokenizer_pre != "kimi-k2"
    if (merges is not None or wanted) and not isinstance(merges, StringArray):
        raise _damaged(header, "is damaged: its tokenizer has no merges")
    _check_token_texts(header, tokens)
    _check_byte_tokens(header, tokens)


def _check_token_texts(header: Header, tokens: StringArray) -> None:
    """llama.cpp asserts that no two tokens share a text, and needs a token for every byte."""
    texts: dict[bytes, int] = {}
    for index, raw in enumerate(tokens.raws()):
        text = raw.split(b"\0", 1)[0] if b"\0" in raw else raw  # llama.cpp reads up to a zero byte
        first = texts.setdefault(text or b"[EMPTY_%d]" % index, index)
        if first != index:
            raise _damaged(
                header, f"is damaged: tokens {first:,} and {index:,} are both {shown(text)}"
            )
    spellings = _BYTE_SPELLINGS.get(header.tokenizer_model, ())
    for byte in range(256 if spellings else 0):
        if bytes([byte]) not in texts and not any(s % byte in texts for s in spellings):
            # RWKV writes tokens as Python escapes, of which these three are short.
            if byte in b"\t\n\r\\" and header.tokenizer_model == "rwkv":
                continue
            raise _damaged(header, f"is damaged: it has no token for the byte {byte}")


def _check_byte_tokens(header: Header, tokens: StringArray) -> None:
    """llama.cpp ends the process at a byte token that it cannot turn into text."""
    if header.token_types is None or header.tokenizer_model in ("rwkv", "plamo2"):
        return
    for index in np.flatnonzero(header.token_types == _BYTE).tolist():
        text = tokens.raw(index)
        if header.tokenizer_model == "bert" or len(text.split(b"\0")[0]) < _BYTE_NUMBER_AT:
            raise _damaged(
                header, f"is damaged: token {index:,}, {shown(text)}, cannot stand for a byte"
            )


def _check_special_ids(header: Header) -> None:
    for key in ("bos", "eos", "eot", "eom"):
        value = header.integer(f"tokenizer.ggml.{key}_token_id")
        if value is not None and value != _NO_ID and not 0 <= value < header.n_vocab:
            raise _damaged(
                header,
                f"is damaged: its {key.upper()} token {value:,} is outside the vocabulary of "
                f"{header.n_vocab:,}",
            )
    # llama.cpp asserts this when it tokenizes the first prompt.
    for name, wanted, token in (
        ("BOS", header.add_bos, header.bos_id),
        ("EOS", header.add_eos, header.eos_id),
    ):
        if wanted and token is None:
            raise _damaged(header, f"is damaged: it adds a {name} token to prompts but has none")


def _check_tensors(header: Header) -> None:
    tensors = {tensor.name: tensor for tensor in header.tensors}
    embeddings = tensors.get("token_embd.weight")
    if not tensors:
        raise _damaged(header, "is damaged: it has no tensors")
    if embeddings is None:
        if head_of(header):
            return  # it borrows the target's
        raise _damaged(header, "is damaged: it has no tensor 'token_embd.weight'")
    rows = embeddings.shape[1] if len(embeddings.shape) > 1 else 1
    if rows != header.n_vocab:
        raise _damaged(
            header,
            f"is damaged: it has {header.n_vocab:,} tokens but embeddings for {rows:,}",
        )
    for tensor in header.tensors:
        _check_type(header, tensor)


def _check_type(header: Header, tensor: Tensor) -> None:
    kind = tensor.type.name
    core = tensor.name in ("token_embd.weight", "output.weight")
    if kind in NOT_WEIGHTS and (core or _FUSED.search(tensor.name)):
        raise _damaged(header, f"is damaged: tensor {shown(tensor.name)} is of type {kind}")
    if len(tensor.shape) == 1 and kind != "F32" and tensor.name.endswith((".weight", ".bias")):
        raise _damaged(
            header, f"is damaged: tensor {shown(tensor.name)} is of type {kind} instead of F32"
        )


def _number(header: Header, key: str, low: int, high: int, required: bool = False) -> int:
    """A hyperparameter between ``low`` and ``high``; 0 when it is missing, or a list per layer."""
    full = header.arch_key(key)
    value = header.metadata.get(full)
    if value is None and required:
        raise _damaged(header, f"is damaged: {full} is missing")
    if value is None or (isinstance(value, np.ndarray) and not required):
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise _damaged(header, f"is damaged: {full} is not a whole number")
    if not low <= value <= high:
        raise _damaged(header, f"is damaged: {full} is {value:,}")
    return value


def _per_layer(header: Header, key: str) -> list[int]:
    """A hyperparameter that is one number, or one per layer; empty when it is missing."""
    full = header.arch_key(key)
    value = header.metadata.get(full)
    if value is None:
        return []
    values: list[Any] = value.tolist() if isinstance(value, np.ndarray) else [value]
    if not values or any(isinstance(n, bool) or not isinstance(n, int) for n in values):
        raise _damaged(header, f"is damaged: {full} is not a whole number")
    for number in values:
        if not 0 <= number <= 1 << 16:
            raise _damaged(header, f"is damaged: {full} is {number:,}")
    return values


def _damaged(header: Header, problem: str, hint: str = DOWNLOAD_AGAIN) -> DamagedFileError:
    return DamagedFileError(f"{header.filename} {problem}", hint)
