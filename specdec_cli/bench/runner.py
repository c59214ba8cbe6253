"""Runs a benchmark: every prompt with every arm, cold, in turn, in one process.

Arms that load the same are measured together. For a prompt and a seed they take turns there and
back, plain A B … B A plain, so that a machine that slows down or speeds up slowly does so for all
of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import product

from specdec_cli.bench.arms import PLAIN, Arm
from specdec_cli.bench.samples import Sample
from specdec_cli.bench.workload import Task
from specdec_cli.core.events import Finished, Round
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loaded_models import LoadedModels
from specdec_cli.engine.loop import generate
from specdec_cli.engine.settings import AnswerSettings, Loading, PairSettings
from specdec_cli.errors import Cancelled, SpecdecError

WARM_UP_TOKENS = 32
"""Tokens of an answer that is given before any is measured."""

MIN_ROOM = 8
"""Tokens of context that a prompt must leave."""


Prompts = Callable[[LoadedModels, Task], list[int]]
"""How a task's prompt is written for a pair; the command line knows."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run.

    Args:
        seeds: each prompt is decoded with each; at temperature 0 one is enough.
        repeats: how often each pair of prompt and seed takes its turn there and back.
    """

    arms: Sequence[Arm]
    tasks: Sequence[Task]
    seeds: Sequence[int]
    repeats: int
    max_tokens: int
    prompts: Prompts

    @property
    def groups(self) -> list[tuple[PairSettings, list[Arm]]]:
        """Arms that load the same, in the order of their first."""
        found: dict[PairSettings, list[Arm]] = {}
        for arm in self.arms:
            found.setdefault(arm.pair, []).append(arm)
        return list(found.items())

    @property
    def answers(self) -> int:
        """How many answers will be measured."""
        turns = sum(2 * (len(arms) + 1) for _, arms in self.groups)
        return turns * len(self.tasks) * len(self.seeds) * self.repeats


@dataclass(frozen=True, slots=True)
class Record:
    """One measured answer.

    Args:
        group: which arms it was measured along with.
        arm: its name, ``plain`` for the yardstick of the group.
        prompt: number of the task, from 0.
    """

    group: int
    arm: str
    prompt: int
    seed: int
    sample: Sample


@dataclass(slots=True)
class Watch:
    """Who looks on while it runs.

    Args:
        on_loading: told how far loading is.
        on_loaded: handed each loaded pair before it is measured.
        on_turn: told what is measured next: an arm's name and the kind of task.
        on_trouble: told what had to be left out, and why.
        cancelled: polled; True ends the run after the token under way.
    """

    on_loading: Callable[[Loading], None] = lambda _: None
    on_loaded: Callable[[Decoder], None] = lambda _: None
    on_turn: Callable[[str, str], None] = lambda _arm, _kind: None
    on_trouble: Callable[[str], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    finished: bool = field(default=False, init=False)


def run(plan: Plan, watch: Watch) -> Iterator[Record]:
    """Measure everything; a cancellation ends it early, which ``watch.finished`` tells.

    Raises:
        SpecdecError: the first pair cannot be loaded, or fails.
    """

    def on_loading(progress: Loading) -> bool:
        watch.on_loading(progress)
        return not watch.cancelled()

    try:
        for number, (settings, arms) in enumerate(plan.groups):
            try:
                with Decoder.load(settings, on_loading) as decoder:
                    watch.on_loaded(decoder)
                    yield from _group(number, decoder, arms, plan, watch)
            except SpecdecError as error:
                if number == 0:
                    raise
                # What was measured until then is not thrown away.
                watch.on_trouble(f"{', '.join(arm.name for arm in arms)}: {error.message}")
    except Cancelled:
        return
    watch.finished = True


def answer(
    decoder: Decoder,
    prompt: Sequence[int],
    settings: AnswerSettings,
    *,
    plain: bool,
    max_tokens: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> Sample:
    """Answer a prompt that is read again, so that no answer profits from the one before.

    Raises:
        Cancelled: ``cancelled`` answered True; a part of an answer is no measurement.
    """
    decoder.forget()
    stats, tokens, lengths = RunStats(), list[int](), list[tuple[int, int]]()
    session = decoder.session(settings, plain=plain)
    with closing(generate(session, prompt, max_tokens=max_tokens, cancelled=cancelled)) as events:
        for event in events:
            stats.observe(event)
            if isinstance(event, Round):
                tokens += event.tokens
                if event.drafted:
                    lengths.append((event.drafted, event.accepted))
            elif isinstance(event, Finished) and event.reason == "cancelled":
                raise Cancelled
    return Sample(
        count=stats.completion_tokens,
        seconds=stats.decode_seconds,
        stats=stats,
        tokens=tuple(tokens),
        lengths=tuple(lengths),
        drafted=stats.drafted,
        accepted=stats.accepted,
    )


def there_and_back(arms: Sequence[Arm]) -> list[Arm | None]:
    """The order of one turn; ``None`` is plain decoding."""
    there: list[Arm | None] = [None, *arms]
    return there + there[::-1]


def _group(
    number: int, decoder: Decoder, arms: Sequence[Arm], plan: Plan, watch: Watch
) -> Iterator[Record]:
    def measured(arm: Arm | None, task: Task, settings: AnswerSettings, limit: int) -> Sample:
        return answer(
            decoder,
            plan.prompts(decoder.models, task),
            replace(settings, expect=task.expect or settings.expect),
            plain=arm is None,
            max_tokens=limit,
            cancelled=watch.cancelled,
        )

    tasks = _fitting(decoder, plan, watch)
    for arm in [None, *arms]:
        watch.on_turn("warm-up", "")
        for task in list(tasks.values())[:1]:
            limit = min(plan.max_tokens, WARM_UP_TOKENS)
            measured(arm, task, (arm or arms[0]).answer, limit)
    turns = product(range(plan.repeats), tasks.items(), plan.seeds)
    for _, (prompt, task), seed in turns:
        for arm in there_and_back(arms):
            name = arm.name if arm else PLAIN
            if watch.cancelled():
                raise Cancelled
            watch.on_turn(name, task.kind)
            settings = replace((arm or arms[0]).answer, seed=seed)
            sample = measured(arm, task, settings, plan.max_tokens)
            yield Record(number, name, prompt, seed, sample)


def _fitting(decoder: Decoder, plan: Plan, watch: Watch) -> dict[int, Task]:
    """The tasks whose prompt leaves room for an answer, by number."""
    found = {}
    for prompt, task in enumerate(plan.tasks):
        length = len(plan.prompts(decoder.models, task))
        if 0 < length <= decoder.models.n_ctx - MIN_ROOM:
            found[prompt] = task
        else:
            watch.on_trouble(
                f"prompt {prompt + 1} ({task.kind}) has {length} tokens and is left out: the "
                f"context holds {decoder.models.n_ctx}; see -c"
            )
    return found
