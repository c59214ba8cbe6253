"""How a target is computed, and how long its passes may be for that."""

from __future__ import annotations

from dataclasses import replace

from specdec_cli.engine.settings import PairSettings
from specdec_cli.gguf.header import Header
from specdec_cli.models.environment import tiled_kernels
from specdec_cli.models.kernels import KernelChoice, choose_kernels

_ROWS_BESIDE_GPU = 31
"""llama.cpp sends batches of 32 rows and more to a GPU, wherever the weights are."""


def of_target(header: Header, settings: PairSettings, *, on_gpu: bool) -> KernelChoice:
    """The kernels for a target, where a GPU computes a part of it or not."""
    return choose_kernels(
        header, settings.context, settings.kernels, exact=settings.exact, on_gpu=on_gpu
    )


def resolved(header: Header, settings: PairSettings, *, on_gpu: bool, gpus: bool) -> KernelChoice:
    """The same when it is known where the target goes; this process keeps to it from then on.

    Args:
        gpus: the machine has some, whatever is computed there.
    """
    kernels = of_target(header, settings, on_gpu=on_gpu)
    tiled = tiled_kernels(kernels.tiled, insist=settings.exact)
    if tiled and not kernels.tiled and kernels.same_bits:
        kernels = replace(kernels, reason="GGML_CPU_TILED_MM=1", asked=True)
    if gpus and kernels.same_bits:
        kernels = replace(kernels, rows=min(kernels.rows, _ROWS_BESIDE_GPU))
    most = kernels.rows - 1
    if not settings.exact and kernels.same_bits and settings.draft_max > most:
        kernels = replace(kernels, reason=f"drafts of more than {most} tokens", asked=True)
    return kernels
