"""How a model is loaded and how its context is laid out, checked before llama.cpp sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FlashAttention = Literal["on", "off", "auto"]
SplitMode = Literal["none", "layer", "row", "tensor"]
GpuLayers = int | Literal["auto"]
CacheType = Literal["auto", "f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Loading of the weights.

    Args:
        gpu_layers: layers to offload; -1 for all, 0 for none, ``auto`` for as many as have room,
            which the engine decides; a model by itself takes it as all.
        repack: let the CPU backend rearrange quantized weights for its faster kernels.
        devices: names of those that layers may go to, in this order; ``None`` for all that
            llama.cpp finds, nothing for the processor alone.
        split_mode: how a model is spread over several devices; ``none`` uses one of them.
        main_gpu: which one that is, by its place among the devices; with ``row`` the one for what
            is not split.
        tensor_split: shares of the devices, in their order; equal to their free memory if empty.
        servers: other machines, ``HOST:PORT``, whose devices count among this one's.
        stays_local: do not use those, unless ``devices`` names them.
        head: load the layers that were trained to guess further tokens too, if the file has some.
    """

    gpu_layers: GpuLayers = "auto"
    repack: bool = True
    devices: tuple[str, ...] | None = None
    split_mode: SplitMode = "layer"
    main_gpu: int = 0
    tensor_split: tuple[float, ...] = ()
    servers: tuple[str, ...] = ()
    stays_local: bool = False
    head: bool = False


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """Layout of one context.

    Args:
        n_ctx: tokens the cache holds.
        n_batch: tokens of a prompt read between two looks at Ctrl-C.
        n_ubatch: tokens of one pass of the compute graph.
        rows: the largest number of logit rows one decode returns. llama.cpp aborts the process
            when more are asked for, so ``decode`` checks.
        threads: CPU threads, for single tokens and for batches.
        cache_type_k, cache_type_v: of keys and of values; ``auto`` is f16, unless
            ``models.kernels`` chooses another.
        pad: decode batches that return logits are padded to a multiple of this many rows, so
            that every row comes from the same kernels whatever the batch (``--exact``).
        snapshots: of a recurrent state, kept behind the last tokens of a decode, so that as many
            can be taken back; models that cannot keep them do without.
        hidden: keep what the last layer says of each token, for the model's own head.
    """

    n_ctx: int
    n_batch: int = 512
    n_ubatch: int = 512
    rows: int = 1
    threads: int = 0
    threads_batch: int = 0
    flash_attention: FlashAttention = "auto"
    cache_type_k: CacheType = "auto"
    cache_type_v: CacheType = "auto"
    pad: int = 1
    snapshots: int = 0
    hidden: bool = False
