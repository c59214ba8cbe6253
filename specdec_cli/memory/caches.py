"""What a model remembers of the text: keys and values of each layer, or a recurrent state."""

from __future__ import annotations

from collections.abc import Collection

from specdec_cli.gguf import traits
from specdec_cli.gguf.header import Header
from specdec_cli.gguf.types import TENSOR_TYPES
from specdec_cli.memory.values import head_width, layer_count, per_layer, whole
from specdec_cli.models.settings import CacheType, ContextSettings

_BY_NAME = {kind.name.lower(): kind for kind in TENSOR_TYPES.values()}
_CELLS = 256
"""llama.cpp rounds the tokens of a cache up to a multiple of this."""

_FLOAT = 4
"""Bytes of a number of a recurrent state, which is never quantized."""


def cells(context: ContextSettings) -> int:
    """Tokens a cache has room for."""
    return -(-(context.n_ctx + context.pad - 1) // _CELLS) * _CELLS


def cache_bytes(header: Header, context: ContextSettings) -> int:
    """Bytes of the caches of all layers."""
    return sum(layer_caches(header, context))


def layer_caches(header: Header, context: ContextSettings) -> tuple[int, ...]:
    """Bytes of each layer's keys and values, or of its recurrent state and what is kept of it.

    Layers that look back on a window keep the whole context all the same: a rejected draft is
    taken back to positions that a cache of the window's size would have overwritten.
    """
    attends, recurs = _kinds(header)
    width_k, width_v = _widths(header)
    n = cells(context)
    state = _state_bytes(header) * (2 + context.snapshots)  # and the copy made before a draft
    found = []
    for layer, heads in enumerate(_kv_heads(header)):
        size = 0
        if layer in attends:
            size += n * _row_bytes(heads * width_k, context.cache_type_k)
            size += n * _row_bytes(heads * width_v, context.cache_type_v)
        if layer in recurs:
            size += state
        found.append(size)
    return tuple(found)


def head_cache(header: Header, context: ContextSettings) -> int:
    """Bytes of the keys and values of a model's own head."""
    width_k, width_v = _widths(header)
    heads = max(_kv_heads(header), default=0)
    row = _row_bytes(heads * width_k, context.cache_type_k)
    row += _row_bytes(heads * width_v, context.cache_type_v)
    return whole(header, "nextn_predict_layers") * cells(context) * row


def state_bytes(header: Header) -> int:
    """Bytes of the recurrent state of all layers; 0 for a model that has none."""
    _, recurs = _kinds(header)
    return len(recurs) * _state_bytes(header) if recurs else 0


def _row_bytes(numbers: int, cache_type: CacheType) -> int:
    kind = _BY_NAME["f16" if cache_type == "auto" else cache_type]
    return -(-numbers // kind.block) * kind.nbytes


def _widths(header: Header) -> tuple[int, int]:
    """Numbers of a key and of a value of one head.

    Where keys and values are one compressed row (MLA), there are no values of their own.
    """
    width = head_width(header)
    key = whole(header, "attention.key_length") or width
    value = whole(header, "attention.value_length") or width
    return key, 0 if whole(header, "attention.key_length_mla") else value


def _kv_heads(header: Header) -> list[int]:
    """Key and value heads of each layer; a file without them means as many as heads."""
    for key in ("attention.head_count_kv", "attention.head_count"):
        found = per_layer(header, key)
        if found is not None:
            return found
    return [0] * layer_count(header)


def _kinds(header: Header) -> tuple[Collection[int], Collection[int]]:
    """Layers that attend, and layers that have a state."""
    every = range(layer_count(header))
    kind = traits.rollback(header)
    if kind == "attention":
        return every, ()
    if kind == "recurrent":
        return (), every
    heads = _kv_heads(header)
    interval = whole(header, "full_attention_interval")
    if interval:
        attends = {layer for layer in every if (layer + 1) % interval == 0}
    elif 0 in heads:
        attends = {layer for layer in every if heads[layer]}
    else:  # both in every layer
        return every, every
    hidden = per_layer(header, "feed_forward_length") or []
    only_feed_forward = {layer for layer in every if hidden[layer]} if 0 in hidden else set()
    return attends, set(every) - attends - only_feed_forward


def _state_bytes(header: Header) -> int:
    """Bytes of one layer's recurrent state for one sequence."""
    width = whole(header, "embedding_length")
    short = whole(header, "shortconv.l_cache")
    if short:
        return _FLOAT * width * (short - 1)
    head = whole(header, "wkv.head_size")
    if head:
        shifts = whole(header, "token_shift_count") or 2
        return _FLOAT * width * (shifts + head)
    inner, state = whole(header, "ssm.inner_size"), whole(header, "ssm.state_size")
    groups = whole(header, "ssm.group_count")
    kernel = whole(header, "ssm.conv_kernel")
    convolution = max(kernel - 1, 0) * (inner + 2 * groups * state)
    return _FLOAT * (convolution + inner * state)
