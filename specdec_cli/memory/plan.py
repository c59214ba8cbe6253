"""A pair's memory on a machine: what each model needs, where it goes, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from specdec_cli.core.limits import DEFAULT_CONTEXT
from specdec_cli.gguf.header import Header
from specdec_cli.memory.choose import Choice, Layers, Verdict, choose
from specdec_cli.memory.machine import Machine
from specdec_cli.memory.needs import ModelNeeds, needs_of
from specdec_cli.models.settings import CacheType, ContextSettings

SHORTEST = 512
"""Tokens below which a context is not shortened to make room."""

_BETTER: tuple[Verdict, ...] = ("no", "slow", "partly", "fits")
_STEP = 256
"""Tokens by which caches grow."""

_FELT = 0.05
"""Fraction of the target's layers that a smaller cache must bring onto GPUs to be suggested."""

_SMALL: CacheType = "q8_0"
_QUANTIZATIONS = (("Q8_0", 8.5), ("Q6_K", 6.6), ("Q5_K_M", 5.7), ("Q4_K_M", 4.9), ("IQ3_M", 3.7))
"""Bits per weight of usual ones, the best first; with fewer, answers become useless."""

_LIGHTER = 0.95
"""A file must be smaller than this fraction of the present one to be suggested."""


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """What a person asked for.

    Args:
        layout: of both contexts; ``rows`` and ``pad`` are the target's, a draft returns one row.
        layers: on GPUs.
        fixed: the context is as it was asked for, and must not become shorter.
    """

    layout: ContextSettings
    layers: Layers = field(default_factory=Layers)
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A pair on a machine.

    Args:
        request: with the context that was chosen.
        shortened: the context is shorter than it was to be.
    """

    request: PlacementRequest
    machine: Machine
    target: ModelNeeds
    draft: ModelNeeds | None
    choice: Choice
    shortened: bool = False

    @property
    def n_ctx(self) -> int:
        """Tokens of both contexts."""
        return self.request.layout.n_ctx

    @property
    def verdict(self) -> Verdict:
        """Whether it fits as it should."""
        return self.choice.verdict

    def options_beside(self, other: Plan) -> str:
        """The options that make this plan of another one with larger caches."""
        layout, first = self.request.layout, other.request.layout
        flags = [f"-c {layout.n_ctx}"] if layout.n_ctx != first.n_ctx else []
        if layout.cache_type_k != first.cache_type_k:
            flags.append(f"-ctk {layout.cache_type_k} -ctv {layout.cache_type_v}")
        return " ".join(flags)


def default_context(target: Header) -> int:
    """Tokens of context where nobody asked for more or less.

    What many models were trained for would fill the memory with caches.
    """
    trained = target.context_length
    return min(trained, DEFAULT_CONTEXT) if trained else DEFAULT_CONTEXT


@dataclass(frozen=True, slots=True)
class Lighter:
    """Another file of the same model: its quantization, and about how many bytes it has."""

    name: str
    size: int


class Planner:
    """Plans for one pair on one machine.

    Args:
        target, draft: headers with the tensors of all parts.
    """

    def __init__(self, target: Header, draft: Header | None, machine: Machine) -> None:
        self._target = target
        self._draft = draft
        self._machine = machine

    def plan(self, request: PlacementRequest) -> Plan:
        """What was asked for; a context nobody asked for is halved until it has room."""
        first = plan = self.as_asked(request)
        while plan.verdict == "no" and not request.fixed and plan.n_ctx // 2 >= SHORTEST:
            shorter = replace(
                plan.request, layout=replace(plan.request.layout, n_ctx=plan.n_ctx // 2)
            )
            plan = self.as_asked(shorter)
        if plan.verdict == "no":
            return first
        return replace(plan, shortened=plan is not first)

    def as_asked(self, request: PlacementRequest) -> Plan:
        """Exactly what was asked for."""
        target = needs_of(self._target, request.layout)
        draft = None
        if self._draft is not None:
            draft = needs_of(self._draft, replace(request.layout, rows=1, pad=1, snapshots=0))
        choice = choose(target, draft, request.layers, self._machine)
        return Plan(request, self._machine, target, draft, choice)

    def better(self, plan: Plan) -> Iterator[Plan]:
        """Plans with smaller caches that fit better than this one, the least change first."""
        best = plan
        for request in _smaller(plan.request):
            if best.verdict == "fits":
                return
            other = self.as_asked(request)
            if _is_better(other, best):
                best = other
                yield other

    def lighter(self, plan: Plan) -> Lighter | None:
        """The best quantization of the target, smaller than this file, that fits as it should."""
        parameters = self._target.parameter_count
        if plan.verdict == "fits" or not parameters:
            return None
        bits = 8 * plan.target.weights.total / parameters
        for name, each in _QUANTIZATIONS:
            if each < _LIGHTER * bits:
                target = replace(plan.target, weights=plan.target.weights.scaled(each / bits))
                choice = choose(target, plan.draft, plan.request.layers, self._machine)
                if choice.verdict == "fits":
                    return Lighter(name, target.weights.total)
        return None

    def longest_context(self, plan: Plan, most: int) -> int:
        """The longest context with which the same layers have room, up to ``most`` tokens."""
        layers = Layers(*plan.choice.layers)

        def has_room(n_ctx: int) -> bool:
            layout = replace(plan.request.layout, n_ctx=n_ctx)
            request = replace(plan.request, layout=layout, layers=layers)
            return self.as_asked(request).verdict == plan.verdict

        if most <= plan.n_ctx or has_room(most):
            return max(most, plan.n_ctx)
        low, high = plan.n_ctx // _STEP, most // _STEP  # there is room for the low one only
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if has_room(middle * _STEP) else (low, middle)
        return max(low * _STEP, plan.n_ctx)


def _smaller(request: PlacementRequest) -> Iterator[PlacementRequest]:
    """Smaller types for the caches, then shorter contexts, then both."""
    layout = request.layout
    halved = replace(layout, cache_type_k=_SMALL, cache_type_v=_SMALL)
    can_halve = layout.flash_attention != "off" and _is_large(layout)
    if can_halve:
        yield replace(request, layout=halved)
    n = layout.n_ctx // 2
    while n >= SHORTEST:
        yield replace(request, layout=replace(layout, n_ctx=n))
        if can_halve:
            yield replace(request, layout=replace(halved, n_ctx=n))
        n //= 2


def _is_large(layout: ContextSettings) -> bool:
    return {layout.cache_type_k, layout.cache_type_v} <= {"auto", "f32", "f16", "bf16"}


def _is_better(plan: Plan, other: Plan) -> bool:
    """Whether the verdict is better, or noticeably more layers are on GPUs."""
    if plan.verdict != other.verdict:
        return _BETTER.index(plan.verdict) > _BETTER.index(other.verdict)
    return plan.choice.layers[0] - other.choice.layers[0] > _FELT * plan.target.n_layers
