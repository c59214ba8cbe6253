"""A plan in words: what was chosen and why, what would help, what to be warned of."""

from __future__ import annotations

from collections.abc import Iterator

from specdec_cli.gguf import traits
from specdec_cli.gguf.header import Header
from specdec_cli.memory.needs import ModelNeeds
from specdec_cli.memory.placement import Placement
from specdec_cli.memory.plan import Plan
from specdec_cli.memory.speed import Speed

_LARGE_STEP = 0.3
_SHORT_PASS = 2e-3
_HOT = 1.0


def choices(plan: Plan) -> Iterator[str]:
    """Where the layers are and why, a sentence for each model."""
    if not plan.machine.gpus:
        yield "no GPU that llama.cpp can use: everything is in main memory"
        return
    placement = plan.choice.placement
    if plan.draft and placement.draft:
        said = _where(plan, plan.draft, placement.draft)
        yield f"draft: {said}; it comes first on a GPU, as it runs several times for each pass"
    said = _where(plan, plan.target, placement.target)
    if plan.verdict == "partly" and plan.request.layers.target == "auto":
        said += ", as many as have room"
    yield f"target: {said}"


def _where(plan: Plan, needs: ModelNeeds, placed: Placement) -> str:
    if not placed.gpu_layers:
        return "in main memory"
    each = [
        (placed.homes.count(i + 1), gpu.name)
        for i, gpu in enumerate(plan.machine.gpus)
        if i + 1 in placed.homes
    ]
    if len(each) == 1:
        count, name = each[0]
        return (
            f"all {count} layers on {name}"
            if count == needs.n_layers
            else (f"{count} of {needs.n_layers} layers on {name}")
        )
    listed = " and ".join(f"{count} on {name}" for count, name in each)
    return f"of {needs.n_layers} layers {listed}"


def warnings(
    plan: Plan, speed: Speed | None, temperature: float, target: Header, draft: Header | None
) -> Iterator[str]:
    """Why drafts may not pay, or the plan may not hold."""
    if plan.shortened:
        yield f"the context was shortened to {plan.n_ctx:,} tokens to make room"
    placement = plan.choice.placement
    experts = traits.experts(target)
    if draft is None or placement.draft is None:
        return
    if experts and 0 in placement.target.homes[:-1]:
        yield (
            "the target is a mixture of experts in main memory: each drafted token reads other "
            "experts, so that checking many costs nearly as much as decoding them"
        )
    if 0 in placement.draft.homes[:-1] and 0 not in placement.target.homes[:-1]:
        yield "the draft is in main memory, on a slower device than its target"
    if temperature > _HOT:
        yield f"at temperature {temperature:g} few drafts are accepted"
    if speed is None:
        return
    if speed.draft_step and speed.draft_step > _LARGE_STEP:
        yield (
            f"a step of the draft takes {speed.draft_step:.0%} of a pass of the target; a draft of "
            "a tenth or less pays best"
        )
    if placement.target.gpu_layers and 1 / speed.plain_tokens_per_second < _SHORT_PASS:
        yield "the target is so small that a pass is over before a draft could save much"
    if speed.draft_length == 0:
        yield "drafts of this model are not expected to pay here; --drafter ngram needs none"
