"""Whether a pair and its caches fit into memory, from the headers alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import psutil

from specdec_cli.errors import BackendError
from specdec_cli.models.gguf_header import Header
from specdec_cli.models.settings import ContextSettings

_BITS = {
    "f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5, "q5_1": 6.0, "q5_0": 5.5, "q4_1": 5.0,
    "q4_0": 4.5, "iq4_nl": 4.5,
}  # fmt: skip
"""Bits per element of a cache type, scales included."""


def cache_bytes(header: Header, context: ContextSettings) -> int:
    """Bytes of the key and value cache of one context; 0 for a header that does not say.

    Layers with a sliding window or a recurrent state are counted like full attention, so this is
    an upper bound.
    """
    layers = header.n_layers or 0
    heads = header.integer(header.arch_key("attention.head_count")) or 1
    width = (header.embedding_length or 0) // heads
    key = header.integer(header.arch_key("attention.key_length")) or width
    value = header.integer(header.arch_key("attention.value_length")) or width
    kv_heads = _kv_heads(header, layers) or layers * heads
    bits = key * _BITS[context.cache_type_k] + value * _BITS[context.cache_type_v]
    return int(context.n_ctx * kv_heads * bits / 8)


def _kv_heads(header: Header, layers: int) -> int:
    """Key and value heads of all layers; a file gives one number, or one for each layer."""
    found = header.metadata.get(header.arch_key("attention.head_count_kv"))
    if isinstance(found, np.ndarray):
        return int(found.sum())
    return layers * found if isinstance(found, int) else 0


def require_memory(headers: Sequence[Header], context: ContextSettings) -> str:
    """Refuse caches that cannot fit before they are allocated.

    Systems that overcommit grant any allocation and kill the process when it is used, so asking
    llama.cpp to try is no test. Weights are mapped from their files and can be dropped from
    memory, so that they do not fit is slow, not fatal.

    Returns:
        A warning where weights and caches together do not fit, else nothing.

    Raises:
        BackendError: the caches alone exceed the memory that is free.
    """
    weights = sum(header.weights_bytes for header in headers)
    caches = sum(cache_bytes(header, context) for header in headers)
    free = psutil.virtual_memory().available
    if weights + caches <= free:
        return ""
    need = (
        f"weights {_mb(weights)}, cache of {context.n_ctx} tokens {_mb(caches)}, free {_mb(free)}"
    )
    if caches <= free:
        return f"weights and cache do not fit into memory, expect it to be slow: {need}"
    fitting = int(context.n_ctx * max(free - weights, 0) / caches * 0.9)
    raise BackendError(
        f"not enough memory: {need}",
        f"a context that fits: -c {fitting // 256 * 256}"
        if fitting >= 256
        else "close other programs, or use smaller models",
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
