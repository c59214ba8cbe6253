"""Time that passes as a test says, not as the machine of the moment does."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import pytest

from specdec_cli.engine import loaded_models
from specdec_cli.models.llama_context import LlamaContext
from tests.fakes import QuietMachine

_PLAIN = 0.001
_MORE = 0.1
"""Of a plain pass, what each token more takes."""


def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody be in the way of pairs that are loaded from now on, whoever is."""
    monkeypatch.setattr(loaded_models, "Interruptions", QuietMachine)
    monkeypatch.setattr(loaded_models, "threads_at_start", lambda most: most)


def steady_machine(monkeypatch: pytest.MonkeyPatch, *, step: float = 0.1) -> None:
    """Let passes of both models be all that takes time, always the same, and nothing interrupt.

    The models compute as ever; only the clock that the program reads stands still in between, so
    that what follows measured time is the same however busy the machine is.

    Args:
        step: what a pass of a draft model takes, in plain passes of the target.
    """
    now = 0.0
    drafts: WeakSet[LlamaContext] = WeakSet()
    made, decode = LlamaContext.__init__, LlamaContext.decode

    def make(self: LlamaContext, *arguments: Any, followed: int = 0, **options: Any) -> None:
        made(self, *arguments, followed=followed, **options)
        if followed:
            drafts.add(self)

    def timed(self: LlamaContext, tokens: Sequence[int], rows: int) -> Any:
        nonlocal now
        now += _PLAIN * (step if self in drafts else 1.0) * (1.0 + _MORE * (len(tokens) - 1))
        return decode(self, tokens, rows)

    monkeypatch.setattr(LlamaContext, "__init__", make)
    monkeypatch.setattr(LlamaContext, "decode", timed)
    quiet_machine(monkeypatch)
    for name, module in list(sys.modules.items()):
        if (
            name.startswith("specdec_cli.")
            and vars(module).get("perf_counter") is time.perf_counter
        ):
            monkeypatch.setattr(module, "perf_counter", lambda: now)
