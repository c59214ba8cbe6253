"""Compares a plan with llama.cpp's own layout of the two models, and reduces it if needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from specdec_cli.memory.choose import Layers
from specdec_cli.memory.placement import PairPlacement, Placement
from specdec_cli.memory.plan import Plan, Planner
from specdec_cli.models.settings import ContextSettings

_TRIES = 6

Simulate = Callable[[Literal["target", "draft"], int, ContextSettings], Mapping[str, int]]
"""Bytes of compute buffers by device name, for a model with so many layers on GPUs."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A plan with llama.cpp's compute buffers in the place of ours.

    Args:
        difference: bytes of them that llama.cpp has more than was planned, less if negative.
    """

    JSON: ClassVar = ("difference",)
    plan: Plan
    difference: int


def confirm(planner: Planner, plan: Plan, simulate: Simulate) -> Confirmed:
    """The plan, or one with fewer layers of the target on GPUs where its buffers have no room.

    Raises:
        BackendError: llama.cpp refuses a model or its context.
    """
    for _ in range(_TRIES):
        found = _held_against(plan, simulate)
        layers = plan.choice.layers[0]
        if found.plan.choice.placement.on_gpus(plan.machine) or not layers:
            break
        request = replace(plan.request, layers=Layers(layers - 1, plan.choice.layers[1]))
        plan = replace(planner.as_asked(request), shortened=plan.shortened)
    return found


def _held_against(plan: Plan, simulate: Simulate) -> Confirmed:
    placement, layout = plan.choice.placement, plan.request.layout
    target = _with(plan, placement.target, simulate("target", placement.target.gpu_layers, layout))
    draft = placement.draft
    if draft:
        own = replace(layout, rows=1, pad=1)
        draft = _with(plan, draft, simulate("draft", draft.gpu_layers, own))
    reported = PairPlacement(target, draft)
    choice = replace(plan.choice, placement=reported)
    return Confirmed(replace(plan, choice=choice), reported.total - placement.total)


def _with(plan: Plan, placed: Placement, buffers: Mapping[str, int]) -> Placement:
    """A placement with the buffers that llama.cpp told; logits and the vocabulary stay ours."""
    needs = plan.target if placed is plan.choice.placement.target else plan.draft
    assert needs
    names = [store.name for store in plan.machine.stores]
    compute = [0] * len(names)
    compute[0] = needs.compute.rows + needs.compute.host
    for name, size in buffers.items():
        compute[names.index(name) if name in names else 0] += size
    shares = tuple(
        replace(share, compute=size) for share, size in zip(placed.shares, compute, strict=True)
    )
    return replace(placed, shares=shares)
