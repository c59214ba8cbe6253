"""Whether a pair fits into this machine's memory, judged from headers and file sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from specdec_cli.models.gguf_header import Header
from specdec_cli.models.memory import cache_bytes
from specdec_cli.models.settings import ContextSettings

DEFAULT_CONTEXT = 4096
"""Tokens, where neither the profile nor the model wants less."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What a pair needs and what there is, all in bytes.

    Args:
        available: free now, in main memory; devices are not counted.
        total: main memory altogether.
    """

    weights: int
    caches: int
    n_ctx: int
    available: int
    total: int

    @property
    def needed(self) -> int:
        """Weights and caches; what computing takes beside them is small."""
        return self.weights + self.caches


def measure(headers: Sequence[Header], weights: int, n_ctx: int | None) -> Fit:
    """What a pair needs here.

    Args:
        headers: the target's first.
        weights: bytes of all files.
        n_ctx: tokens of context; 0 for all the target was trained for, ``None`` for as many as
            ``run`` would take.
    """
    trained = headers[0].context_length or DEFAULT_CONTEXT
    length = min(trained, DEFAULT_CONTEXT) if n_ctx is None else n_ctx or trained
    context = ContextSettings(n_ctx=length)
    memory = psutil.virtual_memory()
    caches = sum(cache_bytes(header, context) for header in headers)
    return Fit(weights, caches, length, memory.available, memory.total)
