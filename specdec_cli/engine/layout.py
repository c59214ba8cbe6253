"""How the contexts of a pair are laid out for what is asked of it."""

from __future__ import annotations

from dataclasses import replace

from specdec_cli.engine.settings import PairSettings
from specdec_cli.models.environment import default_threads
from specdec_cli.models.settings import ContextSettings

_EXACT_ROWS = 4
"""Rows every batch is padded to a multiple of in exact mode: the tile of llama.cpp's kernels."""


def of_target(layout: ContextSettings, rows: int, *, exact: bool) -> ContextSettings:
    """The layout of a target's context, where a pass returns at most so many rows of logits."""
    laid = replace(layout, rows=rows)
    return replace(laid, pad=_EXACT_ROWS, flash_attention="on") if exact else laid


def of_pair(settings: PairSettings, n_ctx: int, *, drafts: bool) -> ContextSettings:
    """The layout of the target's context in a pair.

    Args:
        drafts: whether anything drafts, so that a pass returns a row for each token of a draft.
    """
    laid = replace(
        settings.context,
        n_ctx=n_ctx,
        threads=settings.target.threads or default_threads(),
        threads_batch=settings.context.threads_batch or default_threads(),
    )
    return of_target(laid, settings.draft_max + 1 if drafts else 1, exact=settings.exact)


def of_draft(settings: PairSettings, target: ContextSettings) -> ContextSettings:
    """The layout of the draft's context beside that of its target."""
    own = settings.draft.threads if settings.draft else 0
    return replace(
        settings.context,
        n_ctx=target.n_ctx,
        threads=own or target.threads,
        threads_batch=target.threads_batch,
    )
