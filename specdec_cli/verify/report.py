"""What ``specdec verify`` shows: its report as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.same_bits import same_bits

if TYPE_CHECKING:
    from rich.console import Console

    from specdec_cli.verify.check import Findings
    from specdec_cli.verify.greedy import Difference, GreedyReport, Token
    from specdec_cli.verify.results import VerifyReport
    from specdec_cli.verify.sampling import SamplingReport

_FEW = 0.25
"""Draft tokens per draw below which a test says little about drafts."""

_NAME = 32
_WIDTH_OF_FILES = 110
_MAX_SHOWN = 20

_STYLES = {
    "defect": "bold red",
    "near tie": "yellow",
    "not judged": "yellow",
    "suspected": "yellow",
}


def print_report(report: VerifyReport, streams: Streams, color: ColorChoice = "auto") -> None:
    """Print it for people, on stdout."""
    console = streams.rich_out(color, _WIDTH_OF_FILES)
    found = report.found
    if found.compared:
        _greedy(found.greedy, console, promise=same_bits(report.same_bits))
        if found.sampling.tests:
            console.print()
            _sampling(found.sampling, console)
        console.print()
    text, style = _conclusion(found)
    console.print(text, style=style, soft_wrap=True)
    streams.out.flush()


def _greedy(found: GreedyReport, console: Console, *, promise: str) -> None:
    noise, differences = found.noise, found.differences
    console.print("Greedy: with drafts against plain, token by token", style="bold")
    console.print(
        f"{found.prompts} prompts · {found.positions} equal tokens · "
        f"{found.drafted} drafted, {found.accepted} kept · "
        f"{_count(len(differences), 'difference')}",
        soft_wrap=True,
    )
    if noise.contexts:
        rows = ", ".join(map(str, noise.by_rows))
        told = "the same bits" if not noise.largest else f"up to {noise.largest:.2g} logits off"
        console.print(
            f"passes over {rows} rows against one: {told}, in {noise.contexts} contexts "
            f"(logits spread by {noise.spread:.2g})",
            soft_wrap=True,
        )
        if promise:
            console.print(f"same bits: {promise}", soft_wrap=True)
        if noise.broken:
            console.print("That is more than rounding: they compute something else", style="red")
        elif found.exact and noise.largest:
            console.print("--exact promises the same bits", style="red")
    if differences:
        _differences(differences, console)


def _differences(differences: Sequence[Difference], console: Console) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("prompt")
    for name in ("answer", "at", "plain", "other"):
        table.add_column(name, justify="right" if name == "at" else "left")
    for name in ("rows", "margin", "in batch", "explained up to"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    serious_first = sorted(differences, key=lambda item: item.verdict != "defect")
    for item in serious_first[:_MAX_SHOWN]:
        table.add_row(
            _short(item.prompt),
            item.kind,
            str(item.position),
            _token(item.plain),
            _token(item.other),
            str(item.rows),
            *map(_number, (item.margin, item.margin_in_batch, item.tolerance)),
            _verdict(item.verdict),
            style=_STYLES.get(item.verdict),
        )
    console.print(table)
    if len(differences) > _MAX_SHOWN:
        console.print(f"and {len(differences) - _MAX_SHOWN} more; --json has them all")


def _sampling(found: SamplingReport, console: Console) -> None:
    from rich.table import Table

    console.print(
        f"Sampled at temperature {found.temperature:g}: two tokens, counted against the "
        "target's distribution",
        style="bold",
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule")
    table.add_column("context")
    for name in ("n", "cells", "kept", "p-value", "would find"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for test in found.tests:
        table.add_row(
            test.rule,
            f"{_short(test.prompt)} +{test.position}",
            str(test.first.draws),
            str(test.first.cells),
            f"{test.accepted}/{test.drafted}",
            f"{test.first.p_value:.2g}",
            "nothing" if test.detectable_distance is None else f"{test.detectable_distance:.3f}",
            test.verdict,
            style=_STYLES.get(test.verdict),
        )
        again = test.retest
        if again:
            table.add_row(
                "", "a second look, with fresh seeds", str(again.draws), str(again.cells),
                "", f"{again.p_value:.2g}",
            )  # fmt: skip
    console.print(table)
    console.print(
        f"would find: the distance (total variation) from the target's distribution that "
        f"is found with probability {found.power:g}",
        style="dim",
        soft_wrap=True,
    )
    idle = sum(test.drafted < _FEW * test.first.draws for test in found.tests)
    if idle:
        console.print(
            f"{_count(idle, 'test')} saw hardly any drafts, so plain decoding was tested: "
            "leave --adaptive out, or raise --draft-min",
            style="yellow",
        )


def _conclusion(report: Findings) -> tuple[str, str]:
    if report.interrupted:
        return f"Interrupted; {_count(report.defects, 'defect')} until then", "yellow"
    if not report.compared:
        return "Nothing is drafted, so there is nothing to compare: this is plain decoding", ""
    if report.defects:
        return f"{_count(report.defects, 'defect')}: the output is not the target's own", "red"
    ties = sum(item.verdict == "near tie" for item in report.greedy.differences)
    excepted = f", but for {_count(ties, 'near tie')} that rounding explains" if ties else ""
    return f"The output is the target's own{excepted}", "green"


def _count(number: int, name: str) -> str:
    return f"{number or 'no'} {name}{'' if number == 1 else 's'}"


def _verdict(verdict: str) -> str:
    return "near tie (batch-size arithmetic)" if verdict == "near tie" else verdict


def _token(token: Token | None) -> str:
    if token is None:
        return "(ended)"
    return f"{token.id} {safe_line(repr(token.text))}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _short(name: str) -> str:
    line = safe_line(name)
    return line if len(line) <= _NAME else line[: _NAME - 1] + "…"
