"""What ``specdec tune`` shows: what was measured, what was chosen, and where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.tables import write_table

_NOTHING = "–"
_MILLI = 1e3


def print_report(report: Mapping[str, Any], streams: Streams) -> None:
    """Print the object of ``--json`` for people, on stdout."""
    out = streams.out
    if report["threads"]:
        write_table(out, *_threads(report["threads"]), right=(1, 2, 3))
        out.write("\n")
    if report["trials"]:
        heading = ("stage", "tried", "prompts", "speed-up", "95 %", "")
        write_table(out, [_trial(each) for each in report["trials"]], heading, right=(2, 3))
        out.write("\n")
    for line in (*_costs(report), *_conclusion(report), *_whereabouts(report)):
        out.write(safe_line(line) + "\n")
    if report["text"]:
        out.write("\n")
        out.writelines(safe_line(line) + "\n" for line in report["text"].splitlines())
    out.flush()


def _threads(times: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Rows and heading of the table of threads."""
    found: dict[tuple[str, int], dict[int, float]] = {}
    for each in times:
        found.setdefault((each["role"], each["threads"]), {})[each["rows"]] = each["seconds"]
    sizes = sorted({each["rows"] for each in times})
    heading = ("model", "threads", *(f"pass of {n}" for n in sizes))
    rows = [
        (role, str(threads), *(_ms(seconds.get(n)) for n in sizes))
        for (role, threads), seconds in found.items()
    ]
    return rows, heading


def _trial(trial: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        trial["stage"],
        trial["name"],
        str(trial["prompts"]),
        f"×{trial['speedup']['value']:.2f}",
        _interval(trial["speedup"]),
        ("chosen" if trial["stage"] == "deciding" else "goes on") if trial["kept"] else "",
    )


def _costs(report: Mapping[str, Any]) -> list[str]:
    said = []
    if report["costs"]:
        told = ", ".join(f"{each['rows']}: {_ms(each['seconds'])}" for each in report["costs"])
        said.append(f"target pass by rows  {told}")
    if report["draft_step"]:
        said.append(f"draft step           {_ms(report['draft_step'])}")
    return said


def _conclusion(report: Mapping[str, Any]) -> list[str]:
    said = [
        f"not searched         {group}: {reason}"
        for group, reason in report["not_searched"].items()
    ]
    if report["speedup"] is None:
        plain = _over_plain(report["over_plain"]["default"])
        return [*said, f"no setting measured better than the defaults{plain}"]
    gained = f"{_times(report['speedup'])} of the defaults ({_interval(report['speedup'])})"
    plain = _over_plain(report["over_plain"]["chosen"])
    return [*said, f"chosen               {report['chosen']['name']}: {gained}{plain}"]


def _over_plain(estimate: Mapping[str, float] | None) -> str:
    return f", {_times(estimate)} of plain decoding" if estimate else ""


def _whereabouts(report: Mapping[str, Any]) -> list[str]:
    if report["file"] is None:
        flags = " ".join(report["options"])
        return [f"to use it: {flags}"] if flags else []
    if report["busy"]:
        return [f"not written to {report['file']}, as the machine was busy"]
    return [f"{'written to' if report['written'] else 'would be written to'} {report['file']}"]


def _ms(seconds: float | None) -> str:
    return _NOTHING if seconds is None else f"{seconds * _MILLI:.2f} ms"


def _times(estimate: Mapping[str, float]) -> str:
    return f"×{estimate['value']:.2f}"


def _interval(estimate: Mapping[str, float | None]) -> str:
    if estimate["low"] is None or estimate["high"] is None:
        return _NOTHING
    return f"{estimate['low']:.2f}–{estimate['high']:.2f}"
