"""Runs a tuning with the options of ``specdec tune``, saves the result, and reports it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import Any

from specdec_cli.bench import workload
from specdec_cli.bench.plan import is_tiny, prompts_of, tasks_of
from specdec_cli.errors import Cancelled, Exit
from specdec_cli.models.environment import busy_warning, prepare
from specdec_cli.options.settings import answer_settings, pair_settings
from specdec_cli.options.table import length_asked
from specdec_cli.options.tuned import decided, fingerprint
from specdec_cli.profiles import store, tuned
from specdec_cli.profiles.tuned import TunedEntry, TunedSettings
from specdec_cli.run.banner import first_lines
from specdec_cli.run.used import Models
from specdec_cli.terminal import logs
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report
from specdec_cli.terminal.keys import show_cursor
from specdec_cli.terminal.progress import Progress
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.tune import search
from specdec_cli.tune.candidates import DEFAULT, Candidate
from specdec_cli.tune.options import TuneOptions
from specdec_cli.tune.report import print_report
from specdec_cli.tune.results import Found, Saved, Settings, TuneReport
from specdec_cli.tune.search import GROUPS, QUICK, Effort, Job, Watch


def tune_pair(options: TuneOptions, streams: Streams) -> int:
    """Tune, save, report; the exit code."""
    began = perf_counter()
    profile = options.profile
    own = profile is not None and store.is_own(profile)
    kept_out = decided(options, own_profile=own)
    job = _job(options, frozenset(GROUPS) - kept_out.keys())
    progress = Progress(streams, quiet=bool(options.output.quiet), color=options.output.color)
    logs.start(level=options.output.verbose)
    busy = busy_warning()
    with ExitStack() as stack:
        stack.callback(progress.close)
        stop = stack.enter_context(Interrupts(show_cursor))

        def on_loaded() -> None:
            progress.note(first_lines(options, job.default.pair))
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
    report = TuneReport(
        profile=profile,
        models=Models.of(job.default.pair),
        settings=_settings(options, job),
        searched=tuple(group for group in GROUPS if group in job.groups),
        not_searched=kept_out,
        found=found,
        options=tuple(_flags(found.changes)),
        saved=_saved(found, fingerprint(options), profile, dry=options.own.dry_run or bool(busy)),
        busy=bool(busy),
        seconds=perf_counter() - began,
    )
    if options.output.json:
        write_report(streams.out, report)
    else:
        print_report(report, streams)
    return Exit.OK


def _job(options: TuneOptions, groups: frozenset[str]) -> Job:
    settings = pair_settings(options)
    prepare()
    # Draft lengths may follow the clock here: nobody asks for the same answers twice.
    answer = replace(answer_settings(options), repeatable=False)
    effort = QUICK if options.own.quick else Effort()
    tokens = length_asked(options, options.own.predict)
    if tokens is not None:
        effort = replace(effort, tokens=tokens)
    return Job(
        default=Candidate(DEFAULT, settings, answer),
        groups=groups,
        tasks=workload.select(
            tasks_of(options.own.input, options.profile), per_kind=options.own.per_kind
        ),
        prompts=prompts_of(options.prompt),
        effort=effort,
        seed=1 if options.sampling.seed is None else options.sampling.seed,
    )


def _saved(
    found: Found, held: Mapping[str, Any] | None, profile: str | None, *, dry: bool
) -> Saved:
    """Write the file, unless it is not wanted or there is no profile; tell what is in it."""
    if profile is None or held is None:
        return Saved()
    entry = TunedEntry(
        measured_on=datetime.now().astimezone().date().isoformat(),
        fingerprint=dict(held),
        settings=TunedSettings.model_validate(
            {name.replace("-", "_"): value for name, value in found.changes.items()}
        ),
        measured=found.figures(),
    )
    text = tuned.text_with(profile, entry)
    file = tuned.file_of(profile) if dry else tuned.save(profile, text)
    return Saved(str(file), not dry, text if dry else None)


def _flags(changes: Mapping[str, object]) -> list[str]:
    """The same settings as words of a command line."""
    flags = []
    for name, value in changes.items():
        if name == "adaptive":
            flags.append("--adaptive" if value else "--fixed")
        else:
            flags += [f"--{name}", f"{value}"]
    return flags


def _settings(options: TuneOptions, job: Job) -> Settings:
    return Settings(
        workload=options.own.input
        or ("built-in, tiny" if is_tiny(options.profile) else "built-in"),
        max_tokens=job.effort.tokens,
        temperature=job.default.answer.sampling.temperature,
        exact=job.default.pair.exact,
        kernels=job.default.pair.kernels,
        quick=options.own.quick,
        seed=job.seed,
    )
