"""Hyperparameters of a header as numbers that can be computed with, whatever a file says."""

from __future__ import annotations

import numpy as np

from specdec_cli.gguf.header import Header

_MAX_LAYERS = 512  # LLAMA_MAX_LAYERS
_MAX_COUNT = 1 << 31


def layer_count(header: Header) -> int:
    """Layers that run; those of a head of its own (MTP) are not loaded."""
    heads = whole(header, "nextn_predict_layers")
    return min(max(whole(header, "block_count") - heads, 0), _MAX_LAYERS)


def whole(header: Header, key: str) -> int:
    """A hyperparameter; the largest where a file gives one for each layer, 0 where it is missing.

    Args:
        key: without the architecture in front.
    """
    found = header.metadata.get(header.arch_key(key))
    if isinstance(found, np.ndarray) and found.dtype.kind in "iu":
        found = int(found.max(initial=0))
    if not isinstance(found, int) or isinstance(found, bool):
        return 0
    return min(max(found, 0), _MAX_COUNT)


def per_layer(header: Header, key: str) -> list[int] | None:
    """A hyperparameter of each layer that runs; ``None`` where it is missing."""
    layers = layer_count(header)
    found = header.metadata.get(header.arch_key(key))
    if isinstance(found, np.ndarray) and found.dtype.kind in "iu":
        each = [min(max(int(value), 0), _MAX_COUNT) for value in found[:layers]]
        return each + [each[-1] if each else 0] * (layers - len(each))
    return None if found is None else [whole(header, key)] * layers


def head_width(header: Header) -> int:
    """Numbers of a head where the file names no other: the model's width by its heads."""
    return whole(header, "embedding_length") // (whole(header, "attention.head_count") or 1)
