"""Ours and llama.cpp's own programs on the same prompts, one after the other, there and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from specdec_cli.bench.arms import DEFAULT, PLAIN, Arm
from specdec_cli.bench.results import ArmResult
from specdec_cli.bench.runner import Record
from specdec_cli.bench.runner import answer as measured_here
from specdec_cli.bench.samples import Sample
from specdec_cli.bench.summary import Summary
from specdec_cli.bench.workload import Task
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, PairSettings
from specdec_cli.errors import BackendError, NotFoundError, UsageError
from specdec_cli.templates.message import Message
from tools.measure.answers import encode
from tools.measure.llama import program as programs
from tools.measure.llama.program import NAME, SERVER, LlamaProgram
from tools.measure.llama.server import LlamaServers

_NAME = re.compile(r"(llama|llama-server)(?:-k([1-9]\d{0,2}))?")
_ARMS = ("llama", "llama-k8", "llama-server", "llama-server-k8")
_PROGRAMS = {"llama": NAME, "llama-server": SERVER}


@dataclass(frozen=True, slots=True)
class Theirs:
    """One of llama.cpp's programs, with a draft length or its own default."""

    name: str
    program: LlamaProgram
    is_server: bool
    draft_max: int | None


def arms(names: Sequence[str], folder: str | None) -> list[Theirs]:
    """The programs that are to be measured; without names, all that are found.

    Raises:
        UsageError: a name is none of theirs, or nothing was found.
        NotFoundError: a program that is named is not in the folder.
    """
    found: dict[str, LlamaProgram | None] = {}
    chosen = []
    for name in names or _ARMS:
        match = _NAME.fullmatch(name)
        if match is None:
            raise UsageError(f"there is no arm {name}", f"use some of {' '.join(_ARMS)}")
        kind = match[1]
        if kind not in found:
            found[kind] = _found(_PROGRAMS[kind], folder, required=bool(names))
        if (program := found[kind]) is not None:
            length = int(match[2]) if match[2] else None
            chosen.append(Theirs(name, program, kind == "llama-server", length))
    if not chosen:
        raise UsageError("llama.cpp's programs are not found", "name their folder: --llama-bin DIR")
    return chosen


def _found(name: str, folder: str | None, *, required: bool) -> LlamaProgram | None:
    try:
        program = programs.find(folder, name)
    except NotFoundError:
        if required:
            raise
        return None
    if program is None and required:
        raise NotFoundError(f"{name} is not on PATH", "name its folder: --llama-bin DIR")
    return program


def report(
    settings: PairSettings,
    tasks: Sequence[Task],
    answer: AnswerSettings,
    theirs: Sequence[Theirs],
    max_tokens: int,
) -> None:
    """Print speed against our plain decoding, by kind and over all kinds with an interval."""
    summary = Summary(tasks, compare=False)
    with Decoder.load(settings) as decoder, LlamaServers() as servers:
        here = _Here(decoder, answer, max_tokens)
        measures: dict[str, Callable[[Task], Sample]] = {DEFAULT: here.drafted}
        for each in theirs:
            there = _There(decoder, each, servers, answer, max_tokens)
            measures[each.name] = there.measured
        for record in _turns(tasks, here.plain, measures):
            summary.add(record)
        print(f"{'arm':>16} {'prompts':>7} {'tok/s':>8} {'accept':>7}  speed against plain")
        for name in measures:
            found = summary.result(0, Arm(name, settings, answer), decoder.spec.name, "")
            if found:
                print(_row(found))
        print(f"plain is ours; {DEFAULT} is {decoder.spec.name}, {_lengths(settings)}")


def _turns(
    tasks: Sequence[Task],
    plain: Callable[[Task], Sample],
    measures: dict[str, Callable[[Task], Sample]],
) -> Iterator[Record]:
    """Every prompt with every arm, there and back; one that fails is left out from then on."""
    for measure in (plain, measures[DEFAULT]):
        measure(tasks[0])
    for prompt, task in enumerate(tasks):
        order = [PLAIN, *measures]
        for name in order + order[::-1]:
            if name == PLAIN:
                yield Record(0, PLAIN, prompt, 0, plain(task))
            elif name in measures:
                try:
                    yield Record(0, name, prompt, 0, measures[name](task))
                except BackendError as error:
                    if name == DEFAULT:
                        raise
                    print(f"{name} is left out: {error.message}")
                    del measures[name]


class _Here:
    """Our own decoding of a prompt that is read anew."""

    def __init__(self, decoder: Decoder, answer: AnswerSettings, max_tokens: int) -> None:
        self._decoder = decoder
        self._answer = answer
        self._max_tokens = max_tokens

    def plain(self, task: Task) -> Sample:
        return self._measured(task, plain=True)

    def drafted(self, task: Task) -> Sample:
        return self._measured(task, plain=False)

    def _measured(self, task: Task, *, plain: bool) -> Sample:
        prompt = encode(self._decoder, task.prompt)
        return measured_here(
            self._decoder, prompt, self._answer, plain=plain, max_tokens=self._max_tokens
        )


class _There:
    """The same prompt by one of llama.cpp's programs, on the same files and devices."""

    def __init__(
        self,
        decoder: Decoder,
        arm: Theirs,
        servers: LlamaServers,
        answer: AnswerSettings,
        max_tokens: int,
    ) -> None:
        self._decoder = decoder
        self._loaded = decoder.settings
        self._arm = arm
        self._servers = servers
        self._answer = answer
        self._max_tokens = max_tokens

    def measured(self, task: Task) -> Sample:
        arm, decoder = self._arm, self._decoder
        if arm.is_server:
            return self._servers.measure(
                arm.name,
                arm.program,
                self._loaded,
                encode(decoder, task.prompt),
                self._answer,
                n_ctx=decoder.models.n_ctx,
                max_tokens=self._max_tokens,
                draft_max=arm.draft_max,
            )
        options = programs.arguments(
            arm.program,
            self._loaded,
            self._answer,
            n_ctx=decoder.models.n_ctx,
            max_tokens=self._max_tokens,
            draft_max=arm.draft_max,
        )
        return programs.measure(arm.program, options, written(decoder, task.prompt))


def written(decoder: Decoder, prompt: str) -> str:
    """A prompt as text, for a program that adds the beginning of the sequence itself."""
    template = decoder.models.chat_template()
    if template is None:
        return prompt
    text = template.write([Message("user", prompt)])
    return text.removeprefix(decoder.models.vocab.bos) if decoder.models.vocab.adds_bos else text


def _lengths(settings: PairSettings) -> str:
    if settings.adaptive:
        return f"up to {settings.draft_max} tokens as they pay"
    return f"{settings.draft_max} tokens at a time"


def _row(found: ArmResult) -> str:
    overall = found.overall
    accept = "-" if overall.acceptance_rate is None else f"{overall.acceptance_rate:.3f}"
    line = f"{found.name:>16} {overall.prompts:>7} {overall.tokens_per_second:>8.1f} {accept:>7}  "
    if (speed := overall.speedup) is not None:
        interval = "" if speed.low is None else f" ({speed.low:.2f} to {speed.high:.2f})"
        line += f"{speed.value:.2f}{interval}"
    kinds = [
        f"{kind} {figures.speedup.value:.2f}"
        for kind, figures in found.kinds.items()
        if figures.speedup
    ]
    return f"{line}  {'  '.join(kinds)}"
