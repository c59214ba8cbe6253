"""Which of the processor's kernels compute a target, and where they keep a row's bits.

A row of logits that is computed in a batch may differ from the same row computed alone, for four
reasons, each of which has a switch. With all four a row has the same bits in any batch, for the
types of weights listed here; docs/decisions/0009-same-bits.md has the measurements.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from specdec_cli.gguf import traits
from specdec_cli.gguf.values import Header, Tensor
from specdec_cli.models.settings import CacheType, ContextSettings, ModelSettings

Kernels = Literal["auto", "fast"]

MAX_ROWS = 256
"""Rows of a pass up to which same bits were measured."""

_MAX_ROWS_OF_F16 = 60
"""The same with a cache in F16 or F32: from 64 rows on flash attention reads it in another way."""

_TILE = 4
"""Rows that passes are padded to a multiple of: the tile of llama.cpp's kernels."""

SAME_BITS = frozenset(
    {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"}
    | {"IQ4_NL", "IQ4_XS", "IQ3_S", "TQ1_0", "TQ2_0"}
)
"""Types of weights whose rows were measured to have the same bits in any batch."""

_SAME_WHEN_PADDED = SAME_BITS | {"F32", "F16", "BF16"}

_REPACKED_APART = frozenset({"Q2_K", "Q4_K", "Q5_K"})
"""Types whose repacked kernels are others from four rows on."""

_REPACKED_ONLY = frozenset({"IQ4_NL"})
"""Types that keep the bits only when repacked."""

_REPACKED_ROWS = 8
"""What the number of a matrix's rows must be a multiple of, or it is not repacked."""

_NEVER_TILED = frozenset({"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"})
"""Types for which llama.cpp has no tiled kernel."""

_SPLIT = frozenset({"f32", "f16"})
"""Types of a cache that flash attention reads in other ways for one row, and for 64 and more."""

_PROCESSORS = frozenset({"x86_64", "amd64"})
_ELEMENTWISE = re.compile(r"\.(ssm_(conv1d|a|d|norm)|shortconv\.conv)(\.weight)?$")
"""Parts of a recurrent layer: each row of activations goes through them by itself."""

_LOOKED_UP = frozenset({"token_embd.weight", "position_embd.weight", "token_types.weight"})


@dataclass(frozen=True, slots=True)
class KernelChoice:
    """How a target is computed.

    Args:
        tiled: llama.cpp may use its tiled kernels, in this whole process.
        repack: weights may be rearranged for other kernels.
        cache_type: of a cache for which no type was asked.
        flash: flash attention is on where nothing was asked.
        pad: passes that return logits are padded to a multiple of this many rows.
        rows: the most rows of a pass for which bits were compared; 0 for no limit.
        reason: why a row need not have the bits it has alone; empty where it has.
        asked: an option of the cache or the like is the reason, not the file or the machine.
    """

    tiled: bool = True
    repack: bool = True
    cache_type: CacheType = "f16"
    flash: bool = False
    pad: int = 1
    rows: int = 0
    reason: str = ""
    asked: bool = False

    @property
    def same_bits(self) -> bool:
        """Whether a row of a pass has the bits it has alone."""
        return not self.reason

    def laid(self, context: ContextSettings) -> ContextSettings:
        """The layout of the target's context, with what was left open filled in."""
        given = context.cache_type_k, context.cache_type_v
        k, v = (self.cache_type if each == "auto" else each for each in given)
        flash = context.flash_attention
        if self.flash and flash == "auto":
            flash = "on"
        return replace(context, cache_type_k=k, cache_type_v=v, flash_attention=flash, pad=self.pad)

    def loaded(self, load: ModelSettings) -> ModelSettings:
        """How its weights are loaded."""
        return load if self.repack else replace(load, repack=False)


def choose_kernels(
    header: Header,
    context: ContextSettings,
    kernels: Kernels,
    *,
    exact: bool = False,
    on_gpu: bool = False,
    processor: str | None = None,
) -> KernelChoice:
    """The kernels for a file, with the options that were given.

    Args:
        header: of the target, with the tensors of all its parts.
        exact: the same bits, whatever it costs; passes are padded where they must be.
        on_gpu: a GPU computes at least a part of it.
        processor: as :func:`platform.machine` names it; by default this machine's.
    """
    weights = list(multiplied(header))
    types = frozenset(tensor.type.name for tensor in weights)
    given = next(_of_the_pair(weights, processor or platform.machine(), on_gpu=on_gpu), "")
    asked = next(_of_the_options(context), "")
    if exact and (given or asked) and _can_pad(header):
        elsewhere = on_gpu or not _is_x86(processor)
        one_path = not elsewhere and _SPLIT.isdisjoint((context.cache_type_k, context.cache_type_v))
        return KernelChoice(
            tiled=False,
            cache_type="bf16" if one_path else "f16",
            flash=True,
            pad=_TILE,
            rows=MAX_ROWS if one_path else _MAX_ROWS_OF_F16,
            reason=given if elsewhere or not types <= _SAME_WHEN_PADDED else "",
        )
    if kernels == "fast" and not exact:
        return KernelChoice(reason="--kernels fast")
    if given:
        # What no tiled kernel reads must not switch them on for the next model of this process.
        return KernelChoice(tiled=on_gpu or not types <= _NEVER_TILED, reason=given)
    return KernelChoice(
        tiled=False,
        repack=types.isdisjoint(_REPACKED_APART),
        cache_type="bf16",
        flash=True,
        rows=MAX_ROWS,
        reason=asked,
        asked=bool(asked),
    )


def depends_on_threads(context: ContextSettings) -> bool:
    """Whether a row's bits may depend on how many threads compute it."""
    types = {context.cache_type_k, context.cache_type_v}
    return not types.isdisjoint(_SPLIT | {"auto"})


def multiplied(header: Header) -> Iterator[Tensor]:
    """The matrices that activations are multiplied by; others are added, or looked up."""
    tied = all(tensor.name != "output.weight" for tensor in header.tensors)
    for tensor in header.tensors:
        is_matrix = sum(size > 1 for size in tensor.shape) > 1
        if _ELEMENTWISE.search(tensor.name):
            continue
        looked_up = tensor.name in _LOOKED_UP and not (tied and tensor.name == "token_embd.weight")
        if is_matrix and not looked_up:
            yield tensor


def _of_the_pair(weights: Sequence[Tensor], processor: str, *, on_gpu: bool) -> Iterator[str]:
    """What is in the way, of the file and of the machine."""
    types = {tensor.type.name for tensor in weights}
    if on_gpu:
        yield "a GPU computes a part of it"
    if not _is_x86(processor):
        yield f"it was measured on x86 processors, and this is {processor}"
    if others := sorted(types - SAME_BITS):
        yield f"it has {' and '.join(others)} weights"
    if types & _REPACKED_ONLY:
        apart = sorted(types & _REPACKED_APART)
        if apart or any(not _is_repacked(tensor) for tensor in weights):
            yield f"it has {' and '.join([*sorted(types & _REPACKED_ONLY), *apart])} weights"


def _of_the_options(context: ContextSettings) -> Iterator[str]:
    """What is in the way, of the options."""
    for name, given in (("-ctk", context.cache_type_k), ("-ctv", context.cache_type_v)):
        if given in _SPLIT:
            yield f"{name} {given}"
    if context.flash_attention == "off":
        yield "-fa off"


def _can_pad(header: Header) -> bool:
    """Whether rows of padding can be taken back after every pass without computing it again."""
    return traits.rollback(header) == "attention" or traits.keeps_snapshots(header)


def _is_repacked(tensor: Tensor) -> bool:
    return tensor.type.name not in _REPACKED_ONLY or not tensor.shape[1] % _REPACKED_ROWS


def _is_x86(processor: str | None) -> bool:
    return (processor or platform.machine()).lower() in _PROCESSORS
