"""From the options of ``specdec bench`` to what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from specdec_cli.bench import loaders, workload
from specdec_cli.bench.arms import DEFAULT, FIXED, arms
from specdec_cli.bench.options import BenchOptions
from specdec_cli.bench.results import Settings
from specdec_cli.bench.runner import Plan, Prompts
from specdec_cli.bench.workload import Task
from specdec_cli.core.limits import SPARE_ROWS
from specdec_cli.drafters import registry
from specdec_cli.engine.loaded_models import LoadedModels
from specdec_cli.engine.settings import PairSettings
from specdec_cli.errors import UsageError
from specdec_cli.models.environment import threads_for
from specdec_cli.options.settings import answer_settings, pair_settings
from specdec_cli.options.table import PromptOptions
from specdec_cli.profiles import store
from specdec_cli.run.used import drafting
from specdec_cli.templates.encode import encode
from specdec_cli.templates.message import Message
from specdec_cli.templates.template import ChatTemplate

_TOKENS = 256
_QUICK_TOKENS = 96
_QUICK_PROMPTS = 6
_LONGEST_PASS = 32


def planned(options: BenchOptions) -> tuple[Plan, PairSettings, Settings]:
    """What to run, with what, and how the result tells of it.

    Raises:
        SpecdecError: the options contradict each other, or a file is missing or not right.
    """
    quick = options.own.quick
    settings = pair_settings(options)
    # Draft lengths may follow the clock here: nobody asks for the same answers twice.
    answer = replace(answer_settings(options), repeatable=False)
    greedy = answer.sampling.temperature == 0
    if options.own.assert_equal and not greedy:
        raise UsageError(
            "--assert-equal compares greedy answers, and the temperature is not 0",
            "leave --temp out, or check the distribution instead: specdec verify",
        )
    tasks = _tasks(options, quick=quick)
    names = _names(options, settings)
    _require_drafts(settings, names)
    chosen = arms(names, settings, answer)
    asserts = options.own.assert_equal or options.own.assert_speedup is not None
    if asserts and DEFAULT not in [arm.name for arm in chosen]:
        raise UsageError(
            "the assertions are about the default arm, which --arms leaves out",
            f"add it: --arms {DEFAULT},{','.join(names)}",
        )
    first = options.sampling.seed if options.sampling.seed is not None else 1
    seeds = 1 if greedy or (quick and options.origins["seeds"] == "built-in") else options.own.seeds
    tokens = _QUICK_TOKENS if quick else _TOKENS
    if options.origins["predict"] not in ("built-in", "profile") and options.answer.predict >= 0:
        tokens = options.answer.predict
    if tokens == 0:
        raise UsageError("answers of no tokens have no speed", "use -n 1 or more")
    plan = Plan(
        arms=chosen,
        tasks=tasks,
        seeds=range(first, first + seeds),
        repeats=options.own.repeats,
        max_tokens=tokens,
        prompts=prompts_of(options.prompt),
    )
    reported = Settings(
        *drafting(settings, adaptive=settings.adaptive),
        workload=options.own.input
        or ("built-in, tiny" if is_tiny(options.profile) else "built-in"),
        max_tokens=tokens,
        seeds=tuple(plan.seeds),
        repeats=plan.repeats,
        temperature=answer.sampling.temperature,
        threads=threads_for(settings.target.threads),
    )
    return plan, settings, reported


def _require_drafts(settings: PairSettings, names: Sequence[str]) -> None:
    """Insist that plain decoding has something beside it.

    Raises:
        UsageError: nothing is to draft.
    """
    if DEFAULT not in names and "all" not in names:
        return
    free = registry.NGRAM.name
    never = not registry.may_draft(settings.drafter)
    if never or not settings.draft_max:
        option = f"--drafter {settings.drafter}" if never else "--draft-max 0"
        raise UsageError(
            f"with {option} plain decoding would be compared with itself",
            f"leave {option} out, or name what to compare with it: --arms {free}",
        )


def _tasks(options: BenchOptions, *, quick: bool) -> list[Task]:
    tasks = tasks_of(options.own.input, options.profile)
    kinds = _listed(options.own.kinds)
    known = list(dict.fromkeys(task.kind for task in tasks))
    for kind in kinds:
        if kind not in known:
            raise UsageError(f"there is no kind {kind!r}", f"there are: {', '.join(known)}")
    return workload.select(
        tasks, kinds, options.own.per_kind or (_QUICK_PROMPTS if quick else None)
    )


def _names(options: BenchOptions, settings: PairSettings) -> list[str]:
    names = _listed(options.own.arms)
    if names:
        return names
    swept = options.own.report and settings.draft is not None
    return [DEFAULT, *(f"k{k}" for k in FIXED if swept)]


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def tasks_of(file: str | None, profile: str | None) -> list[Task]:
    """The prompts of a person's file, or those that suit the pair.

    Raises:
        SpecdecError: the file cannot be read, or is not of a known form.
    """
    if file:
        return loaders.read_tasks(Path(file).expanduser())
    return workload.tiny() if is_tiny(profile) else workload.general()


def is_tiny(profile: str | None) -> bool:
    """The embedded pair knows its own kinds of task only."""
    return profile == store.DEFAULT


def prompts_of(prompt: PromptOptions) -> Prompts:
    """Prompts as ``run`` writes them."""
    raw = bool(prompt.raw)
    templates: dict[int, ChatTemplate | None] = {}

    def template(models: LoadedModels) -> ChatTemplate | None:
        if id(models) not in templates:
            templates.clear()
            templates[id(models)] = None if raw else models.chat_template()
        return templates[id(models)]

    def messages(task: Task) -> list[Message]:
        system = prompt.system if not raw else None
        first = [Message("system", system)] if system else []
        return [*first, Message("user", task.prompt)]

    def tokens(models: LoadedModels, task: Task) -> list[int]:
        return encode(models.vocab, template(models), messages(task), raw=raw)

    return tokens


def for_costs(settings: PairSettings) -> PairSettings:
    """A pair that may decode batches as long as the cost curve."""
    longest = min(_LONGEST_PASS - 1, settings.context.n_batch - SPARE_ROWS)
    return replace(settings, draft_min=0, draft_max=max(longest, 0), adaptive=False)
