"""Fits a pair into the available memory, and into less if loading failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from specdec_cli.engine.settings import ModelChoice, ModelRole, PairSettings
from specdec_cli.errors import OutOfMemoryError
from specdec_cli.gguf.header import Header
from specdec_cli.memory.choose import Layers
from specdec_cli.memory.confirm import confirm
from specdec_cli.memory.machine import Machine
from specdec_cli.memory.plan import SHORTEST, PlacementRequest, Plan, Planner
from specdec_cli.models.settings import ContextSettings, GpuLayers, ModelSettings

_STEPS = 8
"""Steps in which a target's layers leave the GPUs when loading them fails."""

_PLENTY = 1 << 30
"""With so many bytes left on a GPU, errors of the plan do not matter."""


class Fitting:
    """Where a pair goes.

    Args:
        draft: the header of the draft model if one is used.
        layout: of the target's context, with the context that is asked for.

    Attributes:
        warnings: for the person, a sentence each.

    Raises:
        OutOfMemoryError: what must be in main memory has no room there.
    """

    def __init__(
        self,
        settings: PairSettings,
        target: Header,
        draft: Header | None,
        layout: ContextSettings,
        machine: Machine,
    ) -> None:
        self._settings = settings
        self._planner = Planner(target, draft, machine)
        draft_load = settings.draft.load if settings.draft else ModelSettings()
        layers = Layers(layers_to_plan(settings.target.load), layers_to_plan(draft_load))
        request = PlacementRequest(layout, layers, fixed=not settings.shrinks)
        self.plan = self._planner.plan(request)
        if self.plan.verdict == "no" and not self._is_for_gpus_to_say():
            raise self._too_large("not enough memory")
        if self._is_tight():
            self.plan = confirm(self._planner, self.plan, self._simulate).plan
        self._layers = self.plan.choice.layers
        self._n_ctx = self.plan.n_ctx
        self.warnings = list(self._of_plan())

    @property
    def n_ctx(self) -> int:
        """Tokens of both contexts."""
        return self._n_ctx

    def settings(self, asked: PairSettings) -> PairSettings:
        """Settings with the layers that were chosen, where the choice was left open."""
        target, draft = asked.target, asked.draft
        return replace(
            asked,
            target=_with_layers(target, self._layers[0]),
            draft=_with_layers(draft, self._layers[1]) if draft else None,
        )

    def retreat(self, error: OutOfMemoryError) -> None:
        """Need less memory after loading failed, and warn about it.

        Layers of the target leave the GPUs first, then the draft, which gains most there. Last, a
        context that nobody asked for becomes shorter. Types of caches are never changed.

        Raises:
            OutOfMemoryError: what was asked for leaves nothing to give up; with the numbers.
        """
        wanted = self.plan.request.layers
        target, draft = self._layers
        if wanted.target == "auto" and target:
            step = -(-self.plan.target.n_layers // _STEPS)
            self._layers = max(target - step, 0), draft
            given_up = f"{target} layers of the target on the GPU; it now has {self._layers[0]}"
        elif wanted.draft == "auto" and draft:
            self._layers = target, 0
            given_up = "the draft model on the GPU; it is in main memory now, and slower"
        elif self._settings.shrinks and self._n_ctx // 2 >= SHORTEST:
            given_up = f"a context of {self._n_ctx:,} tokens; it now has {self._n_ctx // 2:,}"
            self._n_ctx //= 2
        else:
            raise self._too_large(error.message) from error
        self.warnings.append(f"there was no room for {given_up}")

    def _is_tight(self) -> bool:
        """Whether so little is left on a GPU that asking llama.cpp itself is worth the time."""
        plan = self.plan
        placement, machine = plan.choice.placement, plan.machine
        return plan.request.layers.target == "auto" and any(
            placement.target.shares[i].total and machine.usable(i) - placement.needed(i) < _PLENTY
            for i in range(1, len(machine.stores))
        )

    def _simulate(
        self, role: ModelRole, layers: int, context: ContextSettings
    ) -> Mapping[str, int]:
        from specdec_cli.models.simulate import compute_buffers

        choice = self._settings.draft if role == "draft" else self._settings.target
        assert choice
        return compute_buffers(choice.path, replace(choice.load, gpu_layers=layers), context)

    def _is_for_gpus_to_say(self) -> bool:
        """Whether explicitly requested layers have no room; some memory is always kept free."""
        placement, machine = self.plan.choice.placement, self.plan.machine
        gpus = range(1, len(machine.stores))
        return any(placement.needed(i) > machine.usable(i) for i in gpus)

    def _of_plan(self) -> Iterator[str]:
        plan = self.plan
        if plan.shortened:
            yield f"the context is {plan.n_ctx:,} tokens, as there is no room for more"
        if plan.verdict == "slow":
            yield f"weights do not fit into memory, expect it to be slow: {numbers(plan)}"

    def _too_large(self, what: str) -> OutOfMemoryError:
        return OutOfMemoryError(f"{what} ({numbers(self.plan)})", self._way_out())

    def _way_out(self) -> str:
        """What a person can do."""
        if self._is_for_gpus_to_say():
            request = replace(self.plan.request, layers=Layers())
            if self._planner.as_asked(request).verdict != "no":
                return "leave -ngl and -ngld out: as many layers go to a GPU as have room there"
        for other in self._planner.better(self.plan):
            if other.verdict != "no":
                options = other.options_beside(self.plan)
                return f"{options} would fit; more ways: specdec plan"
        return "close other programs, or use smaller models; see: specdec plan"


def numbers(plan: Plan) -> str:
    """What a plan needs and what is available, device by device."""
    placement = plan.choice.placement
    placed = [placement.target, *([placement.draft] if placement.draft else [])]
    found = []
    for i, store in enumerate(plan.machine.stores):
        shares = [each.shares[i] for each in placed]
        if not any(share.total for share in shares):
            continue
        found.append(
            f"{store.name} weights {_mb(sum(share.weights for share in shares))}, cache of "
            f"{plan.n_ctx:,} tokens {_mb(sum(share.cache for share in shares))}, computing "
            f"{_mb(sum(share.compute for share in shares))}, free {_mb(store.free)}"
        )
    if plan.machine.addresses is not None:
        found.append(f"addresses this process may still use {_mb(plan.machine.addresses)}")
    return "; ".join(found)


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _with_layers(choice: ModelChoice, layers: int) -> ModelChoice:
    if choice.load.gpu_layers != "auto":
        return choice
    return replace(choice, load=replace(choice.load, gpu_layers=layers))


def layers_to_plan(load: ModelSettings) -> GpuLayers:
    """The layers to place: all of them if a person set how they are split over devices."""
    by_hand = load.tensor_split or load.main_gpu or load.split_mode != "layer"
    return -1 if by_hand and load.gpu_layers == "auto" else load.gpu_layers
