"""How a target's context is laid out for what is asked of it."""

from __future__ import annotations

from dataclasses import replace

from specdec_cli.models.settings import ContextSettings

_EXACT_ROWS = 4
"""Rows every batch is padded to a multiple of in exact mode: the tile of llama.cpp's kernels."""


def of_target(layout: ContextSettings, rows: int, *, exact: bool) -> ContextSettings:
    """The layout of a target's context, where a pass returns at most so many rows of logits."""
    laid = replace(layout, rows=rows)
    return replace(laid, pad=_EXACT_ROWS, flash_attention="on") if exact else laid
