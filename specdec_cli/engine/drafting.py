"""Who drafts for a pair, and how far: what lives as long as the pair does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from specdec_cli.core.draft_length.adaptive import AdaptiveLength
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.drafters import registry
from specdec_cli.drafters.ngram import PATH_MIN, NgramDrafter
from specdec_cli.drafters.registry import DrafterSpec, Need
from specdec_cli.engine.settings import PairSettings

_FIRST_ON_GPU = 2
"""Passes of a new size: one loads kernels, one records the graph that the others replay."""


def chosen_drafter(settings: PairSettings) -> DrafterSpec:
    """The drafter that is meant.

    Raises:
        UsageError: it needs a draft model, and there is none.
    """
    return registry.resolve(settings.drafter, draft_model=settings.draft is not None)


def within(settings: PairSettings, n_ctx: int) -> PairSettings:
    """Drafts no longer than what one pass over a context can check."""
    most = n_ctx - 1
    return replace(
        settings,
        draft_min=min(settings.draft_min, most),
        draft_max=min(settings.draft_max, most),
    )


def controller(
    settings: PairSettings, drafter: DrafterSpec, *, on_gpu: bool = False
) -> AdaptiveLength | None:
    """What chooses the draft lengths of all answers; ``None`` where they are fixed.

    Args:
        on_gpu: some of the target is there.
    """
    if not settings.adaptive or not settings.draft_max or not drafter.drafts:
        return None
    return AdaptiveLength(
        settings.draft_min,
        settings.draft_max,
        CostModel(
            settings.draft_max + 1, pads=not settings.exact, first=_FIRST_ON_GPU if on_gpu else 0
        ),
        sources=(drafter.stepped,) if drafter.stepped else (),
        free=drafter.free,
        p_min=settings.draft_p_min,
    )


def repetitions(
    drafter: DrafterSpec, is_end: Callable[[int], bool], *, adaptive: bool
) -> NgramDrafter | None:
    """The memory of what was said before, where a drafter uses it."""
    if Need.HISTORY not in drafter.needs:
        return None
    return NgramDrafter(path_min=0.0 if adaptive else PATH_MIN, is_end=is_end)
