"""Whether a pair fits into this machine, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specdec_cli.gguf.header import Header
from specdec_cli.memory.machine import Machine, ram, this_machine
from specdec_cli.memory.plan import PlacementRequest, Plan, Planner, default_context
from specdec_cli.models.environment import prepare
from specdec_cli.models.settings import ContextSettings
from specdec_cli.terminal.sizes import size

_ROWS = 17
"""Rows of logits that ``run`` keeps, unless it is told otherwise."""


def memory_line(headers: Sequence[Header], n_ctx: int | None) -> str:
    """What a pair needs here and whether there is so much.

    Args:
        headers: the target's first, with the tensors of all parts.
        n_ctx: tokens of context; 0 for all the target was trained for, ``None`` for as many as
            ``run`` would take.
    """
    target = headers[0]
    length = n_ctx or (n_ctx is not None and target.context_length) or None
    layout = ContextSettings(n_ctx=length or default_context(target), rows=_ROWS)
    request = PlacementRequest(layout, fixed=True)
    draft = headers[1] if len(headers) > 1 else None
    machine = _machine()
    plan = Planner(target, draft, machine).as_asked(request)
    pair = [needs for needs in (plan.target, plan.draft) if needs]
    needs = (
        f"weights {size(sum(each.weights.total for each in pair))}, caches of {plan.n_ctx:,} "
        f"tokens {size(sum(each.cache for each in pair))}"
    )
    free = ", ".join(f"{size(store.free)} in {store.name}" for store in machine.stores)
    emptied = replace(machine, ram=replace(machine.ram, free=machine.ram.total))
    if plan.verdict in ("slow", "no"):
        if Planner(target, draft, emptied).as_asked(request).verdict in ("fits", "partly"):
            verdict = f"fits when other programs are closed, {size(machine.ram.total)} in all"
        else:
            verdict = "more than this machine has: only very slowly, or not at all"
    else:
        verdict = _verdict(plan)
    return f"{needs}; free are {free}: {verdict}"


def _verdict(plan: Plan) -> str:
    if plan.verdict == "partly":
        return (
            f"fits, with {plan.choice.layers[0]} of {plan.target.n_layers} layers of the target "
            "on GPUs"
        )
    return "fits"


def _machine() -> Machine:
    """This machine; without GPUs where llama.cpp cannot be loaded, as fetching works without."""
    prepare()
    try:
        return this_machine()
    except (ImportError, OSError):
        return Machine(ram())
