"""Runs the probe of ``specdec doctor`` on a pair, and says what came of it."""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from dataclasses import replace

from specdec_cli.bench import workload
from specdec_cli.bench.plan import prompts_of, tasks_of
from specdec_cli.bench.results import CostPoint
from specdec_cli.doctor.options import DoctorOptions
from specdec_cli.doctor.results import PairReport
from specdec_cli.engine.settings import PairSettings
from specdec_cli.options.settings import answer_settings, pair_settings
from specdec_cli.options.table import length_asked
from specdec_cli.run.banner import first_lines
from specdec_cli.run.used import Models
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.keys import show_cursor
from specdec_cli.terminal.progress import Progress
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.tune.candidates import DEFAULT, Candidate
from specdec_cli.tune.diagnosis import diagnose, verdict
from specdec_cli.tune.probe import Job, Probed, probe
from specdec_cli.tune.search import Watch

_TOKENS = 32


def probe_pair(options: DoctorOptions, busy: float, streams: Streams) -> PairReport:
    """Probe; the report on the pair.

    Raises:
        Cancelled: it was interrupted.
        SpecdecError: the pair cannot be loaded or fails.
    """
    settings = pair_settings(options)
    # Draft lengths may follow the clock here: nobody asks for the same answers twice.
    answer = replace(answer_settings(options), repeatable=False)
    job = Job(
        default=Candidate(DEFAULT, settings, answer),
        tasks=workload.select(
            tasks_of(options.own.input, options.profile), per_kind=options.own.per_kind
        ),
        prompts=prompts_of(options.prompt),
        max_tokens=length_asked(options, options.own.predict) or _TOKENS,
        seed=1 if options.sampling.seed is None else options.sampling.seed,
        busy=busy,
    )
    progress = Progress(streams, quiet=bool(options.output.quiet), color=options.output.color)
    with ExitStack() as stack:
        stack.callback(progress.close)
        stop = stack.enter_context(Interrupts(show_cursor))

        def on_loaded() -> None:
            progress.note(first_lines(options, settings))

        found = probe(job, Watch(progress.loading, on_loaded, progress, stop.asked))
    return _report(found, options, settings)


def _report(found: Probed, options: DoctorOptions, settings: PairSettings) -> PairReport:
    measured = found.measured
    return PairReport(
        profile=options.profile,
        models=Models.of(settings),
        tuned="tuned" in options.origins.values(),
        verdict=verdict(measured),
        prompts=found.prompts,
        tokens_per_second=found.tokens_per_second,
        plain_tokens_per_second=found.plain_tokens_per_second,
        measured=measured,
        passes=tuple(CostPoint(*each) for each in (measured.passes or {}).items()),
        same_bits=found.same_bits.report(),
        causes=tuple(diagnose(measured, _named(options.profile, settings))),
        warnings=found.warnings,
    )


def _named(profile: str | None, settings: PairSettings) -> str:
    """The pair as a command line names it."""
    if profile:
        return profile
    words = ["-m", str(settings.target.path)]
    return shlex.join([*words, "-md", str(settings.draft.path)] if settings.draft else words)
