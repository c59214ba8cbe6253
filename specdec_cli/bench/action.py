"""Runs a benchmark with the options of ``specdec bench`` and tells what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specdec_cli.bench import bandwidth, costs, drawing
from specdec_cli.bench.options import BenchOptions
from specdec_cli.bench.plan import for_costs, planned
from specdec_cli.bench.report import Bar, print_result, progress_bar
from specdec_cli.bench.results import BenchResult, CostPoint, Settings
from specdec_cli.bench.runner import Plan, Watch, run
from specdec_cli.bench.summary import Summary
from specdec_cli.drafters import registry
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import Loading, PairSettings
from specdec_cli.errors import Exit, SpecdecError
from specdec_cli.gguf import traits
from specdec_cli.memory import gpus
from specdec_cli.models.environment import busy_warning, prepare, threads_for
from specdec_cli.run.banner import first_lines
from specdec_cli.terminal import logs
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report
from specdec_cli.terminal.keys import show_cursor
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.terminal.view import View, ViewOptions, make_view

_GIGA = 1e9


def measure(options: BenchOptions, streams: Streams) -> int:
    """Measure, print, write the report; the exit code."""
    plan, settings, told = planned(options)
    view = make_view(
        ViewOptions(
            output="json",
            quiet=bool(options.output.quiet),
            verbose=bool(options.output.verbose),
            color=options.output.color,
        ),
        streams,
    )
    first = first_lines(options, settings)
    if options.own.report and not drawing.available():
        first.append(drawing.WITHOUT)
    logs.start(level=options.output.verbose)
    notebook = _Notebook(plan, first, busy_warning())
    curve: list[CostPoint] = []
    with (
        Interrupts(show_cursor) as stop,
        progress_bar(streams, options.output.color, quiet=bool(options.output.quiet)) as bar,
    ):
        watch = notebook.watch(stop, bar)
        notebook.find_bandwidth(options.own.bandwidth, settings)
        bar.start(plan.answers)
        for record in run(plan, watch):
            notebook.summary.add(record)
            bar.advance()
        if options.own.report and watch.finished and settings.draft is not None:
            bar.say("cost curve")
            with Decoder.load(for_costs(settings)) as decoder:
                curve = costs.curve(decoder, stop.asked)
    result = notebook.result(settings, options.profile, told, curve, complete=watch.finished)
    for warning in result.warnings:  # not earlier: the bar was there
        view.warn(warning)
    if options.output.json:
        write_report(streams.out, result)
    elif result.arms:
        print_result(result, streams, options.output.color)
        streams.out.flush()
    if options.own.report and result.arms:
        _write_report(result, Path(options.own.report).expanduser(), view)
    if not watch.finished:
        return Exit.INTERRUPTED
    return _asserted(options, result)


class _Notebook:
    """What is noted while it runs, and what becomes of it."""

    def __init__(self, plan: Plan, first: Sequence[str], warning: str) -> None:
        self._first = first
        self._plan = plan
        greedy = plan.arms[0].answer.sampling.temperature == 0
        self.summary = Summary(plan.tasks, compare=greedy)
        self._source: str | None = None
        self._used: dict[PairSettings, tuple[str, dict[str, str]]] = {}
        self._warnings: list[str] = [warning] if warning else []

    def watch(self, stop: Interrupts, bar: Bar) -> Watch:
        """Callbacks for the runner."""

        def on_loading(progress: Loading) -> None:
            bar.say(f"loading {progress.role} {progress.fraction:.0%}")

        def on_loaded(decoder: Decoder) -> None:
            bar.note(self._first)
            self._first = ()
            self._loaded(decoder)

        return Watch(
            on_loading=on_loading,
            on_loaded=on_loaded,
            on_turn=lambda arm, kind: bar.say(f"{kind} {arm}".strip()),
            on_trouble=self._warn,
            cancelled=stop.asked,
        )

    def find_bandwidth(self, given: float | None, settings: PairSettings) -> None:
        """Take the bandwidth that is given, or measure it where the CPU does the work."""
        if given is not None:
            self.summary.bandwidth, self._source = given * _GIGA, "given"
            return
        prepare()  # the next line loads libraries that read their environment
        from specdec_cli.models.binding import offloads

        if settings.target.load.gpu_layers == 0 or not offloads():
            threads = threads_for(settings.target.threads)
            self.summary.bandwidth, self._source = bandwidth.measured(threads), "measured"

    def result(
        self,
        settings: PairSettings,
        profile: str | None,
        told: Settings,
        curve: Sequence[CostPoint],
        *,
        complete: bool,
    ) -> BenchResult:
        """What came of it all, or of what was measured until a stop."""
        found = []
        for number, (pair, members) in enumerate(self._plan.groups):
            drafter, rules = self._used.get(pair, (registry.NONE.name, {}))
            for arm in members:
                one = self.summary.result(number, arm, drafter, rules.get(arm.name, "match"))
                if one is not None:
                    found.append(one)
        order = {arm.name: i for i, arm in enumerate(self._plan.arms)}
        return BenchResult(
            complete=complete,
            profile=profile,
            target=str(settings.target.path),
            draft=str(settings.draft.path) if settings.draft else None,
            settings=told,
            arms=tuple(sorted(found, key=lambda each: order[each.name])),
            bandwidth=self.summary.bandwidth,
            bandwidth_source=self._source,
            costs=tuple(curve),
            warnings=tuple(self._warnings),
        )

    def _loaded(self, decoder: Decoder) -> None:
        self.summary.weights_bytes = traits.bytes_per_pass(decoder.models.target_header)
        if self.summary.bandwidth is None and (stated := gpus.of_target(decoder.models.plan)):
            self.summary.bandwidth, self._source = stated, "as its maker states"
        own = [arm for arm in self._plan.arms if arm.pair == decoder.asked]
        rules: dict[str, str] = {arm.name: decoder.rule(arm.answer) for arm in own}
        self._used[decoder.asked] = decoder.spec.name, rules
        for warning in decoder.models.warnings:
            self._warn(warning)

    def _warn(self, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)


def _write_report(result: BenchResult, folder: Path, view: View) -> None:
    from specdec_cli.bench.page import write_report

    try:
        first, *_ = write_report(result, folder)
    except OSError as error:
        raise SpecdecError(
            f"the report cannot be written to {folder}: {error.strerror or error}",
            "give a folder that can be written: --report report/",
        ) from error
    view.note(f"report: {first}")


def _asserted(options: BenchOptions, result: BenchResult) -> int:
    """0, or 7 with an error where an assertion does not hold."""
    if not result.arms:
        raise SpecdecError("nothing was measured", "give prompts that fit the context, see -c")
    arm, wanted = result.default, options.own.assert_speedup
    if arm is None:
        return Exit.OK
    reached = arm.overall.speedup.value if arm.overall.speedup else 0.0
    if wanted is not None and reached < wanted:
        raise CheckFailedError(
            f"the speed-up is {reached:.2f}, less than {wanted:g}",
            "see where the time goes in the table; try other settings with --arms all",
        )
    if options.own.assert_equal and arm.overall.same < arm.overall.compared:
        different = arm.overall.compared - arm.overall.same
        raise CheckFailedError(
            f"{different} of {arm.overall.compared} answers differ from the plain ones",
            "near ties may: --exact rules them out, specdec verify tells which they are",
        )
    return Exit.OK


class CheckFailedError(SpecdecError):
    """An assertion about the result does not hold."""

    exit_code = Exit.CHECK_FAILED
