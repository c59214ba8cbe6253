"""Who drafts for a pair, and how far: what lives as long as the pair does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from specdec_cli.core.control import Adaptive
from specdec_cli.core.costs import CostModel
from specdec_cli.drafters.model import ModelDrafter
from specdec_cli.drafters.ngram import PATH_MIN, NgramDrafter
from specdec_cli.engine.settings import DrafterName, PairSettings
from specdec_cli.errors import UsageError

_FIRST_ON_GPU = 2
"""Passes of a new size: one loads kernels, one records the graph that the others replay."""


def chosen_drafter(settings: PairSettings) -> DrafterName:
    """The drafter that is meant.

    Raises:
        UsageError: it needs a draft model, and there is none.
    """
    name = settings.drafter
    if name == "auto":
        return "hybrid" if settings.draft else "none"
    if name in ("model", "hybrid") and not settings.draft:
        raise UsageError(
            f"--drafter {name} needs a draft model",
            "give one with -md FILE, or use --drafter ngram",
        )
    return name


def within(settings: PairSettings, n_ctx: int) -> PairSettings:
    """Drafts no longer than what one pass over a context can check."""
    most = n_ctx - 1
    return replace(
        settings,
        draft_min=min(settings.draft_min, most),
        draft_max=min(settings.draft_max, most),
    )


def controller(
    settings: PairSettings, drafter: DrafterName, *, on_gpu: bool = False
) -> Adaptive | None:
    """What chooses the draft lengths of all answers; ``None`` where they are fixed.

    Args:
        on_gpu: some of the target is there.
    """
    if not settings.adaptive or not settings.draft_max or drafter == "none":
        return None
    return Adaptive(
        settings.draft_min,
        settings.draft_max,
        CostModel(
            settings.draft_max + 1, pads=not settings.exact, first=_FIRST_ON_GPU if on_gpu else 0
        ),
        sources=(ModelDrafter.name,) if drafter in ("model", "hybrid") else (),
        free=drafter != "model",
        p_min=settings.draft_p_min,
    )


def repetitions(
    drafter: DrafterName, is_end: Callable[[int], bool], *, adaptive: bool
) -> NgramDrafter | None:
    """The memory of what was said before, where a drafter uses it."""
    if drafter not in ("ngram", "hybrid"):
        return None
    return NgramDrafter(path_min=0.0 if adaptive else PATH_MIN, is_end=is_end)
