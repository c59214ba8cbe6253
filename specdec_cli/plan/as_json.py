"""Everything a plan says, as ``--json`` has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specdec_cli.memory.needs import ModelNeeds
from specdec_cli.memory.placement import Placement, Share
from specdec_cli.memory.plan import Plan, Planner
from specdec_cli.memory.speed import Speed
from specdec_cli.plan import words as plan_words
from specdec_cli.plan.model import Model
from specdec_cli.plan.options import PlanOptions
from specdec_cli.profiles.model_ref import Role
from specdec_cli.terminal.jsonl import VERSION
from specdec_cli.terminal.sizes import size


def report(
    plan: Plan,
    planner: Planner,
    models: Mapping[Role, Model],
    speed: Speed | None,
    options: PlanOptions,
) -> dict[str, Any]:
    """The whole of a plan."""
    target, draft = models["target"].header, models["draft"].header if "draft" in models else None
    layout = plan.request.layout
    trained = target.context_length
    placement = plan.choice.placement
    placed: dict[Role, tuple[ModelNeeds, Placement]] = {"target": (plan.target, placement.target)}
    if plan.draft and placement.draft:
        placed["draft"] = plan.draft, placement.draft
    return {
        "v": VERSION,
        "profile": options.profile,
        "verdict": plan.verdict,
        "models": {
            role: _model(models[role], needs, place) for role, (needs, place) in placed.items()
        },
        "devices": [_device(plan, i) for i in range(len(plan.machine.stores))],
        "context": {
            "tokens": plan.n_ctx,
            "asked": plan.request.fixed,
            "trained": trained,
            "longest": _longest(plan, planner, trained),
        },
        "cache_types": [layout.cache_type_k, layout.cache_type_v],
        "choices": list(plan_words.choices(plan)),
        "speed": _speed(speed),
        "warnings": list(plan_words.warnings(plan, speed, options.sampling.temp, target, draft)),
        "suggestions": list(_suggestions(plan, planner)),
        "fetched_bytes": sum(model.fetched for model in models.values()),
    }


def _longest(plan: Plan, planner: Planner, trained: int | None) -> int | None:
    if not trained or plan.verdict not in ("fits", "partly"):
        return None
    return planner.longest_context(plan, trained)


def _model(model: Model, needs: ModelNeeds, placed: Placement) -> dict[str, Any]:
    return {
        "model": model.ref.label,
        "bytes": model.ref.size,
        "layers": needs.n_layers,
        "gpu_layers": placed.gpu_layers,
        "weights": needs.weights.total,
        "cache": needs.cache,
        "compute": sum(share.compute for share in placed.shares),
    }


def _device(plan: Plan, index: int) -> dict[str, Any]:
    store, placement = plan.machine.stores[index], plan.choice.placement
    draft = placement.draft
    return {
        "name": store.name,
        "description": store.description,
        "total": store.total,
        "free": store.free,
        "usable": plan.machine.usable(index),
        "target": _share(placement.target.shares[index]),
        "draft": _share(draft.shares[index]) if draft else None,
        "needed": placement.needed(index),
    }


def _share(share: Share) -> dict[str, int]:
    return {"weights": share.weights, "cache": share.cache, "compute": share.compute}


def _speed(speed: Speed | None) -> dict[str, Any] | None:
    if speed is None:
        return None
    return {
        "plain_tokens_per_second": speed.plain,
        "draft_step": speed.draft_step,
        "acceptance": list(speed.acceptance),
        "speedup": list(speed.speedup),
        "draft_length": speed.length,
    }


def _suggestions(plan: Plan, planner: Planner) -> Iterator[dict[str, Any]]:
    for other in planner.better(plan):
        yield {
            "options": other.options_beside(plan),
            "verdict": other.verdict,
            "gpu_layers": other.choice.layers[0],
            "effect": _effect(plan, other),
        }
    lighter = planner.lighter(plan)
    if lighter:
        yield {
            "options": None,
            "verdict": "fits",
            "gpu_layers": plan.target.n_layers if plan.machine.gpus else 0,
            "effect": f"a smaller file of the target, {lighter.name} of about "
            f"{size(lighter.size)}: it fits",
        }


def _effect(plan: Plan, other: Plan) -> str:
    if other.verdict == "fits":
        return "it fits"
    if other.verdict == "partly":
        return f"{other.choice.layers[0]} of {plan.target.n_layers} layers of the target on GPUs"
    return "it can be loaded, and is slow"
