"""What ``specdec tune`` shows: what was measured, what was chosen, and where it is."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.bench.results import Estimate
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.tables import write_table
from specdec_cli.tune.contest import Trial
from specdec_cli.tune.results import Found, TuneReport
from specdec_cli.tune.rig import ThreadTime

_NOTHING = "–"
_MILLI = 1e3


def print_report(report: TuneReport, streams: Streams) -> None:
    """Print it for people, on stdout."""
    out, found = streams.out, report.found
    if found.threads:
        write_table(out, *_threads(found.threads), right=(1, 2, 3))
        out.write("\n")
    if found.trials:
        heading = ("stage", "tried", "prompts", "speed-up", "95 %", "")
        write_table(out, [_trial(each) for each in found.trials], heading, right=(2, 3))
        out.write("\n")
    for line in (*_costs(found), *_conclusion(report), *_whereabouts(report)):
        out.write(safe_line(line) + "\n")
    if report.saved.text:
        out.write("\n")
        out.writelines(safe_line(line) + "\n" for line in report.saved.text.splitlines())
    out.flush()


def _threads(times: Sequence[ThreadTime]) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Rows and heading of the table of threads."""
    found: dict[tuple[str, int], dict[int, float]] = {}
    for each in times:
        found.setdefault((each.role, each.threads), {})[each.rows] = each.seconds
    sizes = sorted({each.rows for each in times})
    heading = ("model", "threads", *(f"pass of {n}" for n in sizes))
    rows = [
        (role, str(threads), *(_ms(seconds.get(n)) for n in sizes))
        for (role, threads), seconds in found.items()
    ]
    return rows, heading


def _trial(trial: Trial) -> tuple[str, ...]:
    return (
        trial.stage,
        trial.name,
        str(trial.prompts),
        f"×{trial.speedup.value:.2f}",
        _interval(trial.speedup),
        ("chosen" if trial.stage == "deciding" else "goes on") if trial.kept else "",
    )


def _costs(found: Found) -> list[str]:
    said = []
    if found.costs:
        told = ", ".join(f"{each.rows}: {_ms(each.seconds)}" for each in found.costs)
        said.append(f"target pass by rows  {told}")
    if found.draft_step:
        said.append(f"draft step           {_ms(found.draft_step)}")
    return said


def _conclusion(report: TuneReport) -> list[str]:
    said = [
        f"not searched         {group}: {reason}" for group, reason in report.not_searched.items()
    ]
    if report.found.speedup is None:
        plain = _over_plain(report.found.default_speedup)
        return [*said, f"no setting measured better than the defaults{plain}"]
    gained = f"{_times(report.found.speedup)} of the defaults ({_interval(report.found.speedup)})"
    plain = _over_plain(report.found.chosen_speedup)
    return [*said, f"chosen               {report.found.name}: {gained}{plain}"]


def _over_plain(estimate: Estimate | None) -> str:
    return f", {_times(estimate)} of plain decoding" if estimate else ""


def _whereabouts(report: TuneReport) -> list[str]:
    if report.saved.file is None:
        flags = " ".join(report.options)
        return [f"to use it: {flags}"] if flags else []
    if report.busy:
        return [f"not written to {report.saved.file}, as the machine was busy"]
    return [
        f"{'written to' if report.saved.written else 'would be written to'} {report.saved.file}"
    ]


def _ms(seconds: float | None) -> str:
    return _NOTHING if seconds is None else f"{seconds * _MILLI:.2f} ms"


def _times(estimate: Estimate) -> str:
    return f"×{estimate.value:.2f}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return _NOTHING
    return f"{estimate.low:.2f}–{estimate.high:.2f}"
