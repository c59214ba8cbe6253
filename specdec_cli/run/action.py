"""Loads the pair and answers, one prompt or a file of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from specdec_cli.core.events import Event, PromptDone
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, Loading
from specdec_cli.errors import Cancelled, Exit, SpecdecError, reported
from specdec_cli.options.settings import answer_settings, pair_settings, with_seed
from specdec_cli.options.table import Options
from specdec_cli.run import batch
from specdec_cli.run.answer import Result, answer, cut_short, may_grow, only_thought
from specdec_cli.run.banner import banner
from specdec_cli.run.heads import unused_head
from specdec_cli.run.particulars import particulars
from specdec_cli.templates.encode import encode
from specdec_cli.templates.format_marks import format_of
from specdec_cli.templates.message import Message
from specdec_cli.templates.template import ChatTemplate
from specdec_cli.terminal import logs
from specdec_cli.terminal.jsonl import write_report
from specdec_cli.terminal.keys import show_cursor
from specdec_cli.terminal.same_bits import same_bits
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.terminal.view import View


def answer_one(text: str, options: Options, view: View, out: TextIO) -> int:
    """Answer a prompt; the exit code."""
    settings = answer_settings(options)
    with Interrupts(show_cursor) as stop:
        try:
            with _loaded(options, settings, view, stop.asked) as loaded:
                result = _answered(loaded, text, view)
        except Cancelled:
            return Exit.INTERRUPTED
        view.close()
        if options.output.json:
            write_report(out, result.report())
        if result.reason == "context":
            view.note(loaded.full())
        if result.reason == "cancelled" and not result.stats.rounds:
            view.note("stopped before the first token")
        cut = cut_short(settings.sampling, result.reason, result.stop) or only_thought(result)
        if cut:
            view.warn(cut)
        view.summary(result.stats)
    return Exit.INTERRUPTED if result.reason == "cancelled" else Exit.OK


def _answered(loaded: _Loaded, text: str, view: View) -> Result:
    """Answer a prompt; the pair is named when the answer begins, so that errors stand alone."""

    def observe(event: Event) -> None:
        if isinstance(event, PromptDone):
            loaded.introduce(view)
        view.observe(event)

    try:
        return loaded.answer(loaded.messages(text), observe)
    finally:
        loaded.warn(view)


def answer_many(source: str, options: Options, view: View, out: TextIO) -> int:
    """Answer every line of ``--input``; the exit code."""
    settings = answer_settings(options)
    total = RunStats()
    code = Exit.OK
    with ExitStack() as stack:
        lines = stack.enter_context(batch.open_input(source))
        stop = stack.enter_context(Interrupts(show_cursor))
        try:
            loaded = stack.enter_context(_loaded(options, settings, view, stop.asked))
            for number, line in _stoppable(batch.numbered(lines), stop):
                outcome, stats = _answer_line(loaded, number, line, view)
                write_report(out, outcome)
                if stats is None:
                    code = Exit.FAILURE
                else:
                    total = total + stats
        except (Cancelled, KeyboardInterrupt):
            code = Exit.INTERRUPTED
        view.summary(total)
    return code


class _Loaded:
    """A loaded pair with everything that is the same for all its prompts."""

    def __init__(
        self,
        decoder: Decoder,
        options: Options,
        settings: AnswerSettings,
        cancelled: Callable[[], bool],
    ) -> None:
        self.raw = bool(options.prompt.raw)
        self.system: str | None = None if self.raw else options.prompt.system
        self._decoder = decoder
        self._answer = options.answer
        self.profile = options.profile
        self._settings = settings
        self.sampling = settings.sampling
        self._cancelled = cancelled
        self.name = ""
        self.warnings: list[str] = []
        self.template: ChatTemplate | None = None if self.raw else decoder.models.chat_template()

    def introduce(self, view: View) -> None:
        """Print, once, which pair answers, and the warnings."""
        if self.name:
            view.note(self.name)
            self.name = ""
        self.warn(view)

    def warn(self, view: View) -> None:
        """Say, once, what may disappoint."""
        for warning in self.warnings:
            view.warn(warning)
        self.warnings.clear()

    def messages(self, text: str) -> tuple[Message, ...]:
        """A conversation of one prompt."""
        system = (Message("system", self.system),) if self.system else ()
        return (*system, Message("user", text))

    def full(self) -> str:
        """That an answer ended as the context is full, and what can be done."""
        reason = f"the context of {self._decoder.models.n_ctx} tokens is full"
        return (
            f"{reason}; -c gives more"
            if may_grow(self._decoder)
            else f"{reason}, the model has no more"
        )

    def answer(
        self,
        messages: tuple[Message, ...],
        observe: Callable[[Event], None],
        max_tokens: int | None = None,
        seed: int | None = None,
    ) -> Result:
        """Answer a conversation; what is not given is as the options say."""
        models = self._decoder.models
        prompt = encode(models.vocab, self.template, messages, raw=self.raw)
        return answer(
            self._decoder,
            with_seed(self._settings, seed),
            prompt,
            max_tokens=self._answer.predict if max_tokens is None else max_tokens,
            stops=self._answer.stop,
            observe=observe,
            cancelled=self._cancelled,
            profile=self.profile,
            thoughts=None if self.raw else models.thinking.begin(models.vocab, prompt),
        )


@contextmanager
def _loaded(
    options: Options,
    settings: AnswerSettings,
    view: View,
    cancelled: Callable[[], bool],
) -> Iterator[_Loaded]:
    """Load the pair, warn of what may disappoint, and free it at the end.

    Raises:
        Cancelled: a stop was asked for while it was loading.
    """
    logs.start(level=options.output.verbose)

    def on_loading(progress: Loading) -> bool:
        view.loading(progress.role, str(progress.path), progress.fraction)
        return not cancelled()

    with Decoder.load(pair_settings(options), on_loading) as decoder:
        if cancelled():
            raise Cancelled
        loaded = _Loaded(decoder, options, settings, cancelled)
        if loaded.template is not None:
            loaded.template.warn = view.warn
        loaded.warnings = [*warnings_of(decoder, loaded.profile, loaded.template, raw=loaded.raw)]
        if (
            options.output.json or options.output.jsonl or options.prompt.input
        ):  # which name the models
            loaded.warn(view)
        else:
            loaded.name = banner(decoder.settings, loaded.profile)
        if options.output.verbose:
            for line in particulars(decoder, settings):
                view.note(line)
            view.note(f"same bits: {same_bits(decoder.models.same_bits.report())}")
        yield loaded


def warnings_of(
    decoder: Decoder, profile: str | None, template: ChatTemplate | None, *, raw: bool = False
) -> Iterator[str]:
    """What a person should know of a loaded pair before its first answer."""
    yield from decoder.models.warnings
    yield from unused_head(profile)
    if template is None and not raw:
        name = decoder.settings.target.path.name
        marks = format_of(decoder.models.vocab)
        way = (
            f"its vocabulary has the marks of {marks}: if it was trained to chat, "
            f"--chat-template {marks}"
            if marks
            else "if you know its format, name it, for example: --chat-template chatml"
        )
        yield f"{name} has no chat template, so the prompt is sent as it is, as with --raw; {way}"


def _stoppable(lines: Iterator[tuple[int, bytes]], stop: Interrupts) -> Iterator[tuple[int, bytes]]:
    """The lines, until a stop is asked for.

    Raises:
        KeyboardInterrupt: it was.
    """
    while True:
        with stop.waiting():
            entry = next(lines, None)
        if entry is None:
            return
        yield entry


def _answer_line(
    loaded: _Loaded, number: int, line: bytes, view: View
) -> tuple[batch.Answered | batch.Failed, RunStats | None]:
    """What stands for a line, and its statistics unless it failed."""
    request: batch.Request | None = None
    try:
        request = batch.parse(line, loaded.system)
        if loaded.raw and len(request.messages) > 1:
            raise batch.BadLineError("--raw leaves no room for a system message or several turns")
        result = loaded.answer(request.messages, view.observe, request.max_tokens, request.seed)
    except SpecdecError as error:
        return batch.Failed.by(error, number, request), None
    except ValueError as error:  # what one prompt brings about must not end the others
        return batch.Failed.by(reported(error), number, request), None
    cut = cut_short(loaded.sampling, result.reason, result.stop) or only_thought(result)
    if cut:
        view.warn(f"line {number}: {cut}")
    return batch.Answered(number, request.id, result.report()), result.stats
