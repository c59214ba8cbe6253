"""How the contexts of a pair are laid out for what is asked of it."""

from __future__ import annotations

from dataclasses import replace

from specdec_cli.drafters.registry import DrafterSpec, Need
from specdec_cli.engine.settings import PairSettings
from specdec_cli.models.environment import threads_for
from specdec_cli.models.kernels import KernelChoice
from specdec_cli.models.settings import ContextSettings


def of_pair(
    settings: PairSettings, n_ctx: int, kernels: KernelChoice, drafter: DrafterSpec
) -> ContextSettings:
    """The layout of the target's context in a pair.

    Args:
        kernels: how the target is computed.
        drafter: where it drafts, a pass returns a row for each token of a draft.
    """
    laid = replace(
        settings.context,
        n_ctx=n_ctx,
        rows=settings.draft_max + 1 if drafter.drafts else 1,
        hidden=Need.HEAD in drafter.needs,
        threads=threads_for(settings.target.threads),
        threads_batch=threads_for(settings.context.threads_batch),
    )
    return kernels.laid(laid)


def of_draft(settings: PairSettings, target: ContextSettings) -> ContextSettings:
    """The layout of the draft's context beside that of its target."""
    own = settings.draft.threads if settings.draft else 0
    return replace(
        settings.context,
        n_ctx=target.n_ctx,
        threads=own or target.threads,
        threads_batch=target.threads_batch,
    )
