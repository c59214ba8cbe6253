"""A plan as a person reads it: a table of parts by device, then sentences."""

from __future__ import annotations

from collections.abc import Iterator

from specdec_cli.memory.confirm import Confirmed
from specdec_cli.memory.speed import Speed
from specdec_cli.plan.results import PlanReport
from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.errors import warning_line
from specdec_cli.terminal.sizes import size
from specdec_cli.terminal.tables import write_lines, write_table

_PARTS = ("weights", "cache", "compute")
_EQUAL = 1_000_000
"""Bytes of difference that are nothing to speak of."""

_VERDICTS = {
    "fits": "It fits.",
    "partly": "It fits, with layers in main memory, where they are slower than on a GPU.",
    "slow": "It fits badly: weights that have no room are read from the disk again and again.",
    "no": "It does not fit.",
}


def write_plan(streams: Streams, plan: PlanReport, color: ColorChoice) -> None:
    """Write it to stdout, and what to be warned of to stderr."""
    out = streams.out
    rows = [(role, f"{model.model} · {size(model.bytes)}") for role, model in plan.models.items()]
    write_table(out, [*rows, ("context", _context(plan))], width=streams.width)
    out.write("\n")
    devices = plan.devices
    head = ["", *(device.name for device in devices)]
    write_table(out, list(_rows(plan)), head, right=range(1, len(head)))
    out.write("\n")
    write_lines(out, _sentences(plan), streams.width)
    colored = streams.err_color(color)
    streams.err.writelines(warning_line(text, color=colored) for text in plan.warnings)
    streams.err.flush()


def _context(plan: PlanReport) -> str:
    context = plan.context
    text = f"{context.tokens:,} tokens, caches in {' and '.join(plan.cache_types)}"
    if context.longest and context.longest > context.tokens:
        text += f"; there is room for {context.longest:,}"
    return text


def _rows(plan: PlanReport) -> Iterator[list[str]]:
    devices = plan.devices
    for role in plan.models:
        for part in _PARTS:
            sizes = [getattr(device.shares[role], part) for device in devices]
            yield [f"{role} {part}", *(size(each) if each else "-" for each in sizes)]
    yield ["needed", *(size(device.needed) for device in devices)]
    yield ["free", *(size(device.free) for device in devices)]


def _sentences(plan: PlanReport) -> Iterator[str]:
    for device in plan.devices[1:]:
        kept = device.free - device.usable
        yield f"{device.name}: {device.description}, {size(kept)} of it kept free"
    yield from plan.choices
    if plan.speed:
        yield f"expected: {_speed(plan.speed)}"
    yield _VERDICTS[plan.verdict] + _confirmed(plan.confirmed)
    for each in plan.suggestions:
        effect = each.effect
        yield f"  {each.options}: {effect}" if each.options else f"  {effect}"
    if plan.fetched_bytes:
        yield f"fetched for this: {size(plan.fetched_bytes)}"


def _confirmed(found: Confirmed | None) -> str:
    if found is None:
        return ""
    difference = found.difference
    if abs(difference) < _EQUAL:
        return " llama.cpp's own layout says the same."
    more = "more" if difference > 0 else "less"
    return f" llama.cpp's own layout, which is shown, takes {size(abs(difference))} {more}."


def _speed(speed: Speed) -> str:
    text = f"at most {speed.plain_tokens_per_second:.3g} tokens/s plain"
    if speed.draft_step is None:
        return text
    low, high = speed.speedup
    shares = " to ".join(f"{share:.0%}" for share in speed.acceptance)
    gain = f"×{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"×{low:.1f} to ×{high:.1f}"
    return f"{text}, {gain} with drafts if {shares} of them are accepted"
