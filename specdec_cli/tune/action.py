"""Runs a tuning with the options of ``specdec tune``, saves the result, and reports it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from specdec_cli.bench import loaders, workload
from specdec_cli.bench.plan import completed, is_tiny, prompts_of
from specdec_cli.bench.workload import Task
from specdec_cli.errors import Cancelled, Exit
from specdec_cli.models.environment import busy_warning, prepare
from specdec_cli.options import logs
from specdec_cli.options.banner import first_lines
from specdec_cli.options.resolved import Resolved
from specdec_cli.options.settings import answer_settings, pair_settings
from specdec_cli.options.tuned import fingerprint, settled
from specdec_cli.profiles import store, tuned
from specdec_cli.profiles.tuned import TunedEntry, TunedSettings
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import VERSION, write_object
from specdec_cli.terminal.keys import show_cursor
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.tune import search
from specdec_cli.tune.candidates import DEFAULT, Candidate
from specdec_cli.tune.report import print_report
from specdec_cli.tune.results import Found
from specdec_cli.tune.search import GROUPS, QUICK, Effort, Job, Watch
from specdec_cli.verify.report import Progress


def tune_pair(options: Resolved, profile: str | None, streams: Streams) -> int:
    """Tune, save, report; the exit code."""
    began = perf_counter()
    given = completed(options)
    own = profile is not None and store.is_own(profile)
    kept_out = settled(given, own_profile=own)
    job = _job(given, profile, frozenset(GROUPS) - kept_out.keys())
    progress = Progress(streams, quiet=bool(options["quiet"]), color=options["color"])
    logs.start(level=options["verbose"])
    busy = busy_warning()
    with ExitStack() as stack:
        stack.callback(progress.close)
        stop = stack.enter_context(Interrupts(show_cursor))

        def on_loaded() -> None:
            progress.note(first_lines(options, job.default.pair, profile))
            if busy:
                progress.warn(busy)

        try:
            found = search.tune(job, Watch(progress.loading, on_loaded, progress, stop.asked))
        except Cancelled:
            progress.close()
            streams.err.write("interrupted: nothing was written\n")
            return Exit.INTERRUPTED
        for warning in found.warnings:
            progress.warn(warning)
        # Programs that start in the middle spoil it as much.
        busy = busy or busy_warning()
    report = {
        "v": VERSION,
        "profile": profile,
        "models": {"target": str(job.default.pair.target.path), "draft": _draft(job)},
        "settings": _settings(options, profile, job),
        "searched": [group for group in GROUPS if group in job.groups],
        "not_searched": kept_out,
        **found.as_dict(),
        "options": _flags(found.changes),
        **_saved(found, fingerprint(given), profile, dry=bool(options["dry-run"] or busy)),
        "busy": bool(busy),
        "seconds": perf_counter() - began,
    }
    if options["json"]:
        write_object(streams.out, report)
    else:
        print_report(report, streams)
    return Exit.OK


def _job(options: Resolved, profile: str | None, groups: frozenset[str]) -> Job:
    settings = pair_settings(options)
    prepare()
    # Draft lengths may follow the clock here: nobody asks for the same answers twice.
    answer = replace(answer_settings(options), repeatable=False)
    effort = QUICK if options["quick"] else Effort()
    # A profile, or the configuration of all commands, means the answers of ``run``.
    if options.origins["predict"] in ("flag", "environment"):
        effort = replace(effort, tokens=options["predict"])
    return Job(
        default=Candidate(DEFAULT, settings, answer),
        groups=groups,
        tasks=_tasks(options, profile),
        prompts=prompts_of(options),
        effort=effort,
        seed=1 if options["seed"] is None else options["seed"],
    )


def _tasks(options: Mapping[str, Any], profile: str | None) -> list[Task]:
    if options["input"]:
        tasks = loaders.read_tasks(Path(options["input"]).expanduser())
    else:
        tasks = workload.tiny() if is_tiny(profile) else workload.general()
    return workload.select(tasks, per_kind=options["per-kind"])


def _saved(
    found: Found, held: Mapping[str, Any] | None, profile: str | None, *, dry: bool
) -> dict[str, Any]:
    """Write the file, unless it is not wanted or there is no profile; tell what is in it."""
    if profile is None or held is None:
        return {"file": None, "written": False, "text": None}
    entry = TunedEntry(
        measured_on=datetime.now().astimezone().date().isoformat(),
        fingerprint=dict(held),
        settings=TunedSettings.model_validate(
            {name.replace("-", "_"): value for name, value in found.changes.items()}
        ),
        measured=found.measured(),
    )
    text = tuned.text_with(profile, entry)
    file = tuned.file_of(profile) if dry else tuned.save(profile, text)
    return {"file": str(file), "written": not dry, "text": text if dry else None}


def _flags(changes: Mapping[str, object]) -> list[str]:
    """The same settings as words of a command line."""
    flags = []
    for name, value in changes.items():
        if name == "adaptive":
            flags.append("--adaptive" if value else "--fixed")
        else:
            flags += [f"--{name}", f"{value}"]
    return flags


def _draft(job: Job) -> str | None:
    draft = job.default.pair.draft
    return str(draft.path) if draft else None


def _settings(options: Resolved, profile: str | None, job: Job) -> dict[str, Any]:
    built_in = "built-in, tiny" if is_tiny(profile) else "built-in"
    return {
        "workload": options["input"] or built_in,
        "max_tokens": job.effort.tokens,
        "temperature": job.default.answer.sampling.temperature,
        "exact": job.default.pair.exact,
        "kernels": job.default.pair.kernels,
        "quick": bool(options["quick"]),
        "seed": job.seed,
    }
