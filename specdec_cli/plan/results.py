"""Everything a plan says, for people and for ``--json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from specdec_cli.gguf.values import Header
from specdec_cli.memory.choose import Verdict
from specdec_cli.memory.confirm import Confirmed
from specdec_cli.memory.needs import ModelNeeds
from specdec_cli.memory.placement import Placement, Share
from specdec_cli.memory.plan import Plan, Planner
from specdec_cli.memory.speed import Speed
from specdec_cli.plan import words
from specdec_cli.plan.options import PlanOptions
from specdec_cli.profiles.model_ref import ModelRef, Role
from specdec_cli.terminal.sizes import size


@dataclass(frozen=True, slots=True)
class Model:
    """One model to plan for.

    Args:
        header: with the tensors of all parts.
        fetched: bytes that reading the header took.
    """

    ref: ModelRef
    header: Header
    fetched: int


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What a model needs, in bytes, and how many of its layers go to GPUs."""

    model: str
    bytes: int
    layers: int
    gpu_layers: int
    weights: int
    cache: int
    compute: int


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What goes to a device, in bytes; ``usable`` is less than ``free`` by what is kept free."""

    name: str
    description: str
    total: int
    free: int
    usable: int
    target: Share
    draft: Share | None
    needed: int

    @property
    def shares(self) -> Mapping[Role, Share]:
        """Of each model."""
        found: dict[Role, Share] = {"target": self.target}
        return found | ({"draft": self.draft} if self.draft else {})


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """Tokens of the context, whether they were asked for, and how many there could be."""

    tokens: int
    asked: bool
    trained: int | None
    longest: int | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Options that may do better, ``None`` for another file, and what they bring."""

    options: str | None
    verdict: Verdict
    gpu_layers: int
    effect: str


@dataclass(frozen=True, slots=True)
class PlanReport:
    """The whole of a plan."""

    profile: str | None
    verdict: Verdict
    models: Mapping[Role, ModelPlan]
    devices: tuple[DevicePlan, ...]
    context: ContextPlan
    cache_types: tuple[str, str]
    choices: tuple[str, ...]
    speed: Speed | None
    warnings: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    fetched_bytes: int
    confirmed: Confirmed | None


def report(
    plan: Plan,
    planner: Planner,
    models: Mapping[Role, Model],
    speed: Speed | None,
    options: PlanOptions,
    confirmed: Confirmed | None,
) -> PlanReport:
    """The whole of a plan."""
    target, draft = models["target"].header, models["draft"].header if "draft" in models else None
    layout, trained = plan.request.layout, target.context_length
    placed: dict[Role, tuple[ModelNeeds, Placement]] = {
        "target": (plan.target, plan.choice.placement.target)
    }
    if plan.draft and plan.choice.placement.draft:
        placed["draft"] = plan.draft, plan.choice.placement.draft
    return PlanReport(
        profile=options.profile,
        verdict=plan.verdict,
        models={role: _model(models[role], *place) for role, place in placed.items()},
        devices=tuple(_device(plan, i) for i in range(len(plan.machine.stores))),
        context=ContextPlan(
            plan.n_ctx, plan.request.fixed, trained, _longest(plan, planner, trained)
        ),
        cache_types=(layout.cache_type_k, layout.cache_type_v),
        choices=tuple(words.choices(plan)),
        speed=speed,
        warnings=tuple(words.warnings(plan, speed, options.sampling.temp, target, draft)),
        suggestions=tuple(_suggestions(plan, planner)),
        fetched_bytes=sum(model.fetched for model in models.values()),
        confirmed=confirmed,
    )


def _longest(plan: Plan, planner: Planner, trained: int | None) -> int | None:
    if not trained or plan.verdict not in ("fits", "partly"):
        return None
    return planner.longest_context(plan, trained)


def _model(model: Model, needs: ModelNeeds, placed: Placement) -> ModelPlan:
    return ModelPlan(
        model.ref.label,
        model.ref.size,
        needs.n_layers,
        placed.gpu_layers,
        needs.weights.total,
        needs.cache,
        sum(share.compute for share in placed.shares),
    )


def _device(plan: Plan, index: int) -> DevicePlan:
    store, placement = plan.machine.stores[index], plan.choice.placement
    return DevicePlan(
        store.name,
        store.description,
        store.total,
        store.free,
        plan.machine.usable(index),
        placement.target.shares[index],
        placement.draft.shares[index] if placement.draft else None,
        placement.needed(index),
    )


def _suggestions(plan: Plan, planner: Planner) -> Iterator[Suggestion]:
    for other in planner.better(plan):
        layers = other.choice.layers[0]
        yield Suggestion(other.options_beside(plan), other.verdict, layers, _effect(plan, other))
    lighter = planner.lighter(plan)
    if lighter:
        layers = plan.target.n_layers if plan.machine.gpus else 0
        smaller = f"a smaller file of the target, {lighter.name} of about {size(lighter.size)}"
        yield Suggestion(None, "fits", layers, f"{smaller}: it fits")


def _effect(plan: Plan, other: Plan) -> str:
    if other.verdict == "fits":
        return "it fits"
    if other.verdict == "partly":
        return f"{other.choice.layers[0]} of {plan.target.n_layers} layers of the target on GPUs"
    return "it can be loaded, and is slow"
