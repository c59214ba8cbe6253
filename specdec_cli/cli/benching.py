"""Runs a benchmark with the options of ``specdec bench`` and tells what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from specdec_cli.bench import bandwidth, costs, llama_program, loaders, workload
from specdec_cli.bench.arms import DEFAULT, FIXED, LLAMA, Arm, arms
from specdec_cli.bench.results import BenchResult, CostPoint
from specdec_cli.bench.runner import Plan, Prompts, Watch, run
from specdec_cli.bench.summary import Summary
from specdec_cli.bench.workload import Task
from specdec_cli.cli import logs
from specdec_cli.cli.answer import encode
from specdec_cli.cli.assemble import answer_settings, pair_settings
from specdec_cli.cli.config import Origin, Resolved
from specdec_cli.cli.options import RUN, options_of
from specdec_cli.cli.signals import Interrupts, show_cursor
from specdec_cli.engine.build import Loading, Pair, PairSettings
from specdec_cli.engine.chat import ChatTemplate, Message
from specdec_cli.errors import Exit, SpecdecError, UsageError
from specdec_cli.models.environment import default_threads
from specdec_cli.profiles import store
from specdec_cli.render.bench import Bar, print_result, progress_bar
from specdec_cli.render.console import Streams
from specdec_cli.render.jsonl import write_object
from specdec_cli.render.view import View, ViewOptions, make_view

_TOKENS = 256
_QUICK_TOKENS = 96
_QUICK_PROMPTS = 6
_LONGEST_PASS = 32
_GIGA = 1e9


def measure(options: Resolved, profile: str | None, streams: Streams) -> int:
    """Measure, print, write the report; the exit code."""
    plan, settings, told = _prepare(options, profile)
    view = make_view(
        ViewOptions(
            output="json",
            quiet=bool(options["quiet"]),
            verbose=bool(options["verbose"]),
            color=options["color"],
        ),
        streams,
    )
    logs.start(verbose=bool(options["verbose"]))
    notebook = _Notebook(plan, view)
    curve: list[CostPoint] = []
    with (
        Interrupts(show_cursor) as stop,
        progress_bar(streams, options["color"], quiet=bool(options["quiet"])) as bar,
    ):
        watch = notebook.watch(stop, bar)
        notebook.find_bandwidth(options["bandwidth"], settings)
        bar.start(plan.answers)
        for record in run(plan, watch):
            notebook.summary.add(record)
            bar.advance()
        if options["report"] and watch.finished and settings.draft is not None:
            bar.say("cost curve")
            with Pair(_for_costs(settings)) as pair:
                curve = costs.curve(pair, stop.asked)
    result = notebook.result(settings, profile, told, curve, complete=watch.finished)
    if options["json"]:
        write_object(streams.out, result.as_dict())
    elif result.arms:
        print_result(result, streams, options["color"])
        streams.out.flush()
    if options["report"] and result.arms:
        _write_report(result, Path(options["report"]).expanduser(), view)
    if not watch.finished:
        return Exit.INTERRUPTED
    return _asserted(options, result)


def _prepare(options: Resolved, profile: str | None) -> tuple[Plan, PairSettings, dict[str, Any]]:
    """What to run, with what, and how the result tells of it.

    Raises:
        SpecdecError: the options contradict each other, or a file is missing or not right.
    """
    quick = bool(options["quick"])
    missing = {option.name: option.default for option in options_of(RUN)}
    unset: dict[str, Origin] = dict.fromkeys(missing, "built-in")
    given = Resolved({**missing, **options}, {**unset, **options.origins})
    settings = pair_settings(given)
    # Draft lengths may follow the clock here: nobody asks for the same answers twice.
    answer = replace(answer_settings(given), repeatable=False)
    greedy = answer.sampling.temperature == 0
    if options["assert-equal"] and not greedy:
        raise UsageError(
            "--assert-equal compares greedy answers, and the temperature is not 0",
            "leave --temp out, or check the distribution instead: specdec verify",
        )
    tasks = _tasks(options, profile, quick=quick)
    names = _names(options, settings)
    looks = any(name == "all" or name.startswith(LLAMA) for name in names)
    program = llama_program.find(options["llama-bin"]) if looks else None
    chosen = arms(names, settings, answer, llama=program is not None)
    asserts = options["assert-equal"] or options["assert-speedup"] is not None
    if asserts and DEFAULT not in [arm.name for arm in chosen]:
        raise UsageError(
            "the assertions are about the default arm, which --arms leaves out",
            f"add it: --arms {DEFAULT},{','.join(names)}",
        )
    first = options["seed"] if options["seed"] is not None else 1
    seeds = 1 if greedy or (quick and options.origins["seeds"] == "built-in") else options["seeds"]
    tokens = _QUICK_TOKENS if quick else _TOKENS
    if options.origins["predict"] not in ("built-in", "profile") and options["predict"] >= 0:
        tokens = options["predict"]
    if tokens == 0:
        raise UsageError("answers of no tokens have no speed", "use -n 1 or more")
    plan = Plan(
        arms=chosen,
        tasks=tasks,
        seeds=range(first, first + seeds),
        repeats=options["repeats"],
        max_tokens=tokens,
        prompts=_prompts(options),
        program=program,
    )
    told = {
        "workload": options["input"] or ("built-in, tiny" if _is_tiny(profile) else "built-in"),
        "max_tokens": tokens,
        "seeds": list(plan.seeds),
        "repeats": plan.repeats,
        "temperature": answer.sampling.temperature,
        "draft_min": settings.draft_min,
        "draft_max": settings.draft_max,
        "draft_p_min": settings.draft_p_min,
        "adaptive": settings.adaptive,
        "exact": settings.exact,
        "threads": settings.target.threads or default_threads(),
    }
    return plan, settings, told


def _tasks(options: Mapping[str, Any], profile: str | None, *, quick: bool) -> list[Task]:
    if options["input"]:
        tasks = loaders.read_tasks(Path(options["input"]).expanduser())
    else:
        tasks = workload.tiny() if _is_tiny(profile) else workload.general()
    kinds = _listed(options["kinds"])
    known = list(dict.fromkeys(task.kind for task in tasks))
    for kind in kinds:
        if kind not in known:
            raise UsageError(f"there is no kind {kind!r}", f"there are: {', '.join(known)}")
    return workload.select(tasks, kinds, options["per-kind"] or (_QUICK_PROMPTS if quick else None))


def _names(options: Mapping[str, Any], settings: PairSettings) -> list[str]:
    names = _listed(options["arms"])
    if names:
        return names
    swept = options["report"] and settings.draft is not None
    return [DEFAULT, *(f"k{k}" for k in FIXED if swept)]


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _is_tiny(profile: str | None) -> bool:
    """The embedded pair knows its own kinds of task only."""
    return profile == store.DEFAULT


def _prompts(options: Mapping[str, Any]) -> Prompts:
    """Prompts as ``run`` writes them."""
    raw = bool(options["raw"])
    templates: dict[int, ChatTemplate | None] = {}

    def template(pair: Pair) -> ChatTemplate | None:
        if id(pair) not in templates:
            templates.clear()
            templates[id(pair)] = None if raw else pair.chat_template()
        return templates[id(pair)]

    def messages(task: Task) -> list[Message]:
        system = options["system"] if not raw else None
        first = [Message("system", system)] if system else []
        return [*first, Message("user", task.prompt)]

    def tokens(pair: Pair, task: Task) -> list[int]:
        return encode(pair, template(pair), messages(task), raw=raw)

    def text(pair: Pair, task: Task) -> str:
        written = template(pair)
        if written is None:
            return "\n\n".join(message.content for message in messages(task))
        rendered = written.render(messages(task))
        return rendered.removeprefix(pair.vocab.bos) if pair.vocab.adds_bos else rendered

    return Prompts(tokens, text)


def _for_costs(settings: PairSettings) -> PairSettings:
    """A pair that may decode batches as long as the cost curve."""
    rows = min(_LONGEST_PASS, settings.context.n_batch)
    return replace(settings, draft_min=0, draft_max=max(rows - 1, 0), adaptive=False)


class _Notebook:
    """What is noted while it runs, and what becomes of it."""

    def __init__(self, plan: Plan, view: View) -> None:
        self._plan = plan
        self._view = view
        greedy = plan.arms[0].answer.sampling.temperature == 0
        self.summary = Summary(plan.tasks, compare=greedy)
        self._source: str | None = None
        self._used: dict[PairSettings, tuple[str, dict[str, str]]] = {}
        self._warnings: list[str] = []

    def watch(self, stop: Interrupts, bar: Bar) -> Watch:
        """Callbacks for the runner."""

        def on_loading(progress: Loading) -> None:
            bar.say(f"loading {progress.role} {progress.fraction:.0%}")

        return Watch(
            on_loading=on_loading,
            on_loaded=self._loaded,
            on_turn=lambda arm, kind: bar.say(f"{kind} {arm}".strip()),
            on_trouble=self._warn,
            cancelled=stop.asked,
        )

    def find_bandwidth(self, given: float | None, settings: PairSettings) -> None:
        """Take the bandwidth that is given, or measure it where the CPU does the work."""
        if given is not None:
            self.summary.bandwidth, self._source = given * _GIGA, "given"
            return
        from specdec_cli.models.binding import offloads

        if settings.target.load.gpu_layers == 0 or not offloads():
            threads = settings.target.threads or default_threads()
            self.summary.bandwidth, self._source = bandwidth.measured(threads), "measured"

    def result(
        self,
        settings: PairSettings,
        profile: str | None,
        told: Mapping[str, Any],
        curve: Sequence[CostPoint],
        *,
        complete: bool,
    ) -> BenchResult:
        """What came of it all, or of what was measured until a stop."""
        found = []
        for number, (pair, members) in enumerate(self._plan.groups):
            drafter, rules = self._used.get(pair, ("none", {}))
            for arm in members:
                name = "llama.cpp" if arm.llama else drafter
                one = self.summary.result(number, arm, name, rules.get(arm.name, "match"))
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

    def _loaded(self, pair: Pair) -> None:
        self.summary.weights_bytes = bandwidth.bytes_per_pass(pair.target_header)
        own = [arm for arm in self._plan.arms if arm.pair == pair.settings]
        rules = {arm.name: self._rule(pair, arm) for arm in own}
        self._used[pair.settings] = pair.drafter, rules
        for warning in pair.warnings:
            self._warn(warning)

    def _rule(self, pair: Pair, arm: Arm) -> str:
        return "match" if arm.llama else pair.rule(arm.answer)

    def _warn(self, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)
            self._view.warn(message)


def _write_report(result: BenchResult, folder: Path, view: View) -> None:
    from specdec_cli.render.bench_page import write_report

    try:
        first, *_ = write_report(result, folder)
    except OSError as error:
        raise SpecdecError(
            f"the report cannot be written to {folder}: {error.strerror or error}",
            "give a folder that can be written: --report report/",
        ) from error
    view.note(f"report: {first}")


def _asserted(options: Mapping[str, Any], result: BenchResult) -> int:
    """0, or 7 with an error where an assertion does not hold."""
    if not result.arms:
        raise SpecdecError("nothing was measured", "give prompts that fit the context, see -c")
    arm, wanted = result.default, options["assert-speedup"]
    if arm is None:
        return Exit.OK
    reached = arm.overall.speedup.value if arm.overall.speedup else 0.0
    if wanted is not None and reached < wanted:
        raise CheckFailedError(
            f"the speed-up is {reached:.2f}, less than {wanted:g}",
            "see where the time goes in the table; try other settings with --arms all",
        )
    if options["assert-equal"] and arm.overall.same < arm.overall.compared:
        different = arm.overall.compared - arm.overall.same
        raise CheckFailedError(
            f"{different} of {arm.overall.compared} answers differ from the plain ones",
            "near ties may: --exact rules them out, specdec verify tells which they are",
        )
    return Exit.OK


class CheckFailedError(SpecdecError):
    """An assertion about the result does not hold."""

    exit_code = Exit.CHECK_FAILED
