"""Chooses how many layers of each model go to the GPUs. Pure: the same numbers, the same choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from specdec_cli.memory.machine import Machine
from specdec_cli.memory.needs import ModelNeeds
from specdec_cli.memory.placement import PairPlacement, place_pair
from specdec_cli.models.settings import GpuLayers

Verdict = Literal["fits", "partly", "slow", "no"]
"""Whether it fits as it should.

``partly``: layers that were to be on a GPU stay in main memory. ``slow``: weights are read from
the disk again and again. ``no``: what must be in memory has no room.
"""


_ADDRESSES = 256 << 20
"""Of a limited address space, what threads' stacks and allocators reserve without using it."""


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers wanted on GPUs, of each model; -1 for all."""

    target: GpuLayers = "auto"
    draft: GpuLayers = "auto"


@dataclass(frozen=True, slots=True)
class Choice:
    """A placement of a pair, and whether it fits."""

    placement: PairPlacement
    verdict: Verdict

    @property
    def layers(self) -> tuple[int, int]:
        """Layers on GPUs, of the target and of the draft."""
        draft = self.placement.draft
        return self.placement.target.gpu_layers, draft.gpu_layers if draft else 0


def choose(
    target: ModelNeeds, draft: ModelNeeds | None, layers: Layers, machine: Machine
) -> Choice:
    """As many layers on the GPUs as have room, the draft's before the target's.

    The draft runs several times for each pass of the target, so that a byte of it on a GPU saves
    several times what a byte of the target saves.
    """
    for n_draft in _candidates(layers.draft, draft, machine):
        for n_target in _candidates(layers.target, target, machine):
            placement = place_pair(target, draft, (n_target, n_draft), machine)
            if placement.on_gpus(machine):
                return Choice(placement, _verdict(target, draft, placement, machine))
    wanted = (_fixed(layers.target), _fixed(layers.draft))
    return Choice(place_pair(target, draft, wanted, machine), "no")


def _candidates(wanted: GpuLayers, needs: ModelNeeds | None, machine: Machine) -> Iterable[int]:
    """Numbers of layers to try, the best first."""
    if needs is None or not machine.gpus:
        return (0,)
    if wanted == "auto":
        return range(needs.n_layers, -1, -1)
    return (needs.n_layers if wanted < 0 else min(wanted, needs.n_layers),)


def _fixed(wanted: GpuLayers) -> int:
    """What was asked for, where that is why nothing fits."""
    if wanted == "auto":
        return 0
    return 1 << 20 if wanted < 0 else wanted


def _verdict(
    target: ModelNeeds, draft: ModelNeeds | None, placement: PairPlacement, machine: Machine
) -> Verdict:
    shared = sum(map(placement.needed, range(1, len(machine.stores)))) if machine.shared else 0
    free = machine.usable(0) - shared
    weights = placement.target.shares[0].weights
    weights += placement.draft.shares[0].weights if placement.draft else 0
    needed = placement.needed(0)
    if needed - weights > free:
        return "no"
    # Weights are mapped from their files and may be copied besides, into another order.
    if machine.addresses is not None and needed + weights + _ADDRESSES > machine.addresses:
        return "no"
    if needed > free:
        return "slow"
    on_gpus = (placement.target, target), (placement.draft, draft)
    complete = all(
        placed is None or needs is None or placed.gpu_layers == needs.n_layers
        for placed, needs in on_gpus
    )
    return "fits" if complete or not machine.gpus else "partly"
