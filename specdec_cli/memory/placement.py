"""Which part of a model is where, for a number of layers on GPUs, as llama.cpp deals them out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from specdec_cli.memory.machine import Machine
from specdec_cli.memory.needs import ModelNeeds

_COPIES = 4
"""Of the inputs, which llama.cpp keeps where several GPUs work as a pipeline."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one device holds of one model, in bytes."""

    weights: int = 0
    cache: int = 0
    compute: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.compute


@dataclass(frozen=True, slots=True)
class Placement:
    """One model on the devices of a machine.

    Args:
        gpu_layers: layers on GPUs, the output among them.
        shares: by device, main memory first.
        homes: the device of each layer, then that of the output.
    """

    gpu_layers: int
    shares: tuple[Share, ...]
    homes: tuple[int, ...]

    @property
    def total(self) -> int:
        """Bytes everywhere."""
        return sum(share.total for share in self.shares)


def place(needs: ModelNeeds, gpu_layers: int, free: Sequence[int]) -> Placement:
    """Deal a model's layers out.

    The last layers go to the GPUs, in proportion to the memory that is free on each, and the
    output counts as one; embeddings stay in main memory.

    Args:
        gpu_layers: more than there are count as all.
        free: bytes of each GPU; without one everything is in main memory.
    """
    last = len(needs.weights.layers)
    on_gpus = min(gpu_layers, needs.n_layers) if any(free) else 0
    first = needs.n_layers - on_gpus
    homes = [0] * first + _split(on_gpus, free)
    weights, caches = [0] * (len(free) + 1), [0] * (len(free) + 1)
    weights[0] += needs.weights.input
    for layer, home in enumerate(homes[:last]):
        weights[home] += needs.weights.layers[layer].weights
        caches[home] += needs.caches[layer]
    weights[homes[last]] += needs.weights.output
    if homes[last]:  # the embeddings are copied to where they are the output
        weights[homes[last]] += needs.weights.embedding
    compute = _compute(needs, homes, len(free) + 1)
    shares = tuple(map(Share, weights, caches, compute))
    return Placement(on_gpus, shares, tuple(homes))


def _split(count: int, free: Sequence[int]) -> list[int]:
    """The device of each of the layers that go to GPUs."""
    if not count:
        return []
    ends = [end / sum(free) for end in accumulate(free)]
    most = len(free) - 1
    return [1 + min(bisect_right(ends, i / count), most) for i in range(count)]


def _compute(needs: ModelNeeds, homes: Sequence[int], devices: int) -> list[int]:
    """Buffers of each device: a graph where layers are, and copies of what comes and goes."""
    compute = needs.compute
    found = [0] * devices
    here = [layer for layer, home in enumerate(homes[:-1]) if home == 0]
    for home in set(homes):
        found[home] = compute.graph
    used = set(homes) - {0}
    if used and here:  # prompts are read on the GPU, matrix by matrix
        largest = max(needs.weights.layers[layer].largest for layer in here)
        found[min(used)] += largest
    if len(used) > 1 and 0 not in homes:
        for home in used:
            found[home] += (_COPIES - 1) * compute.inputs
    if 0 not in homes:
        found[0] = compute.inputs
    found[0] += compute.rows + compute.host
    return found


@dataclass(frozen=True, slots=True)
class PairPlacement:
    """Both models on the devices of a machine; ``draft`` is ``None`` for a target alone."""

    target: Placement
    draft: Placement | None = None

    @property
    def total(self) -> int:
        """Bytes everywhere."""
        return self.target.total + (self.draft.total if self.draft else 0)

    def needed(self, index: int) -> int:
        """Bytes a device must have; 0 is main memory."""
        draft = self.draft.shares[index].total if self.draft else 0
        return self.target.shares[index].total + draft

    def on_gpus(self, machine: Machine) -> bool:
        """Whether what goes to the GPUs has room there."""
        gpus = range(1, len(self.target.shares))
        if any(self.needed(i) > machine.usable(i) for i in gpus):
            return False
        return not machine.shared or sum(map(self.needed, gpus)) <= machine.ram.free


def place_pair(
    target: ModelNeeds,
    draft: ModelNeeds | None,
    layers: tuple[int, int],
    machine: Machine,
) -> PairPlacement:
    """Both models, the target first, as they are loaded: the draft finds what it left.

    Args:
        layers: on GPUs, of the target and of the draft.
    """
    free = [gpu.free for gpu in machine.gpus]
    first = place(target, layers[0], free)
    if draft is None:
        return PairPlacement(first)
    left = [max(size - share.total, 0) for size, share in zip(free, first.shares[1:], strict=True)]
    return PairPlacement(first, place(draft, layers[1], left))
