"""Models that are loaded for a program, and the answers they give it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any, Unpack

from specdec_cli.api.options import (
    ALL,
    AnswerOptions,
    FilePath,
    LoadOptions,
    changed,
    named,
)
from specdec_cli.closable import Closable
from specdec_cli.core.events import Event, Text
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import Loading
from specdec_cli.errors import SpecdecError, UsageError
from specdec_cli.options import chosen
from specdec_cli.options.resolve import Layer, with_profile
from specdec_cli.options.settings import answer_settings, pair_settings
from specdec_cli.options.table import Options
from specdec_cli.run.action import warnings_of
from specdec_cli.run.answer import Result as Answer
from specdec_cli.run.answer import answering
from specdec_cli.templates.encode import encode
from specdec_cli.templates.json_messages import role_and_text
from specdec_cli.templates.message import Message
from specdec_cli.terminal.utf8 import require_text

Prompt = str | Sequence[Message | Mapping[str, Any]]
"""A user's message, or a conversation: messages as chat programs write them in JSON."""


def load(
    pair: FilePath | None = None,
    *,
    on_loading: Callable[[Loading], bool] = lambda _: True,
    **options: Unpack[LoadOptions],
) -> LoadedPair:
    """Load a target model, and the draft model that goes with it.

    Options are those of ``specdec run``, with underscores. What is not given comes from the profile
    and from what ``specdec tune`` found for it; the configuration file and the environment are the
    command line's alone. Nothing is downloaded.

    Args:
        pair: a profile's name, the target's file, or a model of the Hub that is downloaded,
            OWNER/NAME:QUANT; without it and without ``model``, the built-in pair.
        on_loading: called with how far loading is; answers whether to go on.

    Raises:
        NotFoundError: there is no such profile or file, or it is not downloaded.
        UsageError: an option is not valid, or options contradict each other.
        DamagedFileError, NotAModelError, IncompatiblePairError: the files are no pair of models.
        BackendError: llama.cpp refuses, or there is not enough memory.
        TemplateFailedError: the chat template is not valid.
        Cancelled: ``on_loading`` answered False.
    """
    if pair is not None and options.get("model") is not None:
        raise TypeError("load() takes a pair or a model, not both")
    # Without a handler, Python would write warnings of llama.cpp to stderr.
    logging.getLogger("specdec").addHandler(logging.NullHandler())
    warnings: list[str] = []
    words = [] if pair is None else [named({"model": pair})["model"]]
    profile, flags = chosen.pair(list(map(str, words)), named(options), "")
    resolved = with_profile(ALL, profile, [Layer("argument", flags)], warn=warnings.append)
    settings = pair_settings(resolved)
    answer_settings(resolved)  # what is wrong with these is raised before models are loaded
    return LoadedPair(Decoder.load(settings, on_loading), resolved, warnings)


class LoadedPair(Closable):
    """Loaded models; made by :func:`load`. Close it, or use it in ``with``.

    One answer is generated at a time, in whatever thread. The next one reads only what its prompt
    does not share with the last.

    Attributes:
        profile: the name of the profile in use, if there is one.
        warnings: what a person should know of these models, a sentence each.
        stats: of all answers so far.
    """

    def __init__(self, decoder: Decoder, options: Options, warnings: Sequence[str]) -> None:
        self.profile = options.profile
        self.warnings = list(warnings)
        self.stats = RunStats(decoder.models.load_seconds)
        self._decoder = decoder
        self._options = options
        self._step = threading.RLock()  # held while the engine computes a round
        self._under_way: Generator[Event, None, Answer] | None = None
        self._closed = False
        try:
            self._template = decoder.models.chat_template()
        except BaseException:
            decoder.close()
            raise
        if self._template:
            self._template.warn = self.warnings.append
        raw = bool(options.prompt.raw)
        self.warnings += warnings_of(decoder, self.profile, self._template, raw=raw)

    @property
    def context(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        return self._decoder.models.n_ctx

    def generate(
        self,
        prompt: Prompt,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Unpack[AnswerOptions],
    ) -> Answer:
        """Answer a prompt.

        Args:
            prompt: a user's message, or all messages of a conversation.
            cancelled: asked before every round; where it answers True, the answer ends.

        Raises:
            UsageError: an option is not valid, or the prompt is empty.
            ContextFullError: the prompt leaves no room for an answer.
            BackendError: llama.cpp failed.
            TemplateFailedError: the chat template refuses these messages.
            SpecdecError: an answer is under way, or this is closed.
        """
        return _last(self._answer(prompt, cancelled, options))

    def stream(
        self,
        prompt: Prompt,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Unpack[AnswerOptions],
    ) -> Generator[str, None, Answer]:
        """Answer a prompt piece by piece; otherwise as ``generate``.

        Whoever does not read all of it closes the generator before the next answer begins. The
        answer is its return value.
        """
        return _texts(self._answer(prompt, cancelled, options))

    def events(
        self,
        prompt: Prompt,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Unpack[AnswerOptions],
    ) -> Generator[Event, None, Answer]:
        """Answer a prompt event by event, otherwise as ``stream``; the answer is its return value.

        Statistics are folded from events: ``RunStats().observe(event)``.
        """
        return self._answer(prompt, cancelled, options)

    def close(self) -> None:
        """Free the models, and keep what was learnt of them for the next time.

        An answer that is under way ends; if another thread makes it, after its round.

        Raises:
            SpecdecError: it is called from within a round, by ``cancelled`` for instance.
        """
        with self._step:
            if self._closed:
                return
            if self._under_way:
                try:
                    self._under_way.close()
                except ValueError:  # it is running
                    raise SpecdecError(
                        "models cannot be freed while they compute", "close them after the answer"
                    ) from None
            self._closed = True
            self._decoder.close()

    def _answer(
        self, prompt: Prompt, cancelled: Callable[[], bool], given: Mapping[str, Any]
    ) -> Generator[Event, None, Answer]:
        """Look at everything that was given, at once, and return what generates the answer."""
        options = changed(self._options, given)
        raw = bool(options.prompt.raw)
        if raw and options.origins["system"] == "argument" and options.prompt.system:
            raise UsageError(
                "a system message needs the chat template, which raw leaves out",
                "write it into the prompt, or leave raw out",
            )
        messages = _messages(prompt, None if raw else options.prompt.system)
        if raw and len(messages) > 1:
            raise UsageError("raw leaves no room for several messages", "give one text")
        settings = answer_settings(options)
        self._require_open()
        stats = RunStats(self._decoder.models.load_seconds)
        asked = _Asked(cancelled)
        template = None if raw else self._template
        return self._steps(
            stats,
            asked,
            lambda: answering(
                self._decoder,
                settings,
                encode(self._decoder.models.vocab, template, messages, raw=raw),
                max_tokens=options.answer.predict,
                stops=options.answer.stop,
                cancelled=asked,
                profile=self.profile,
                stats=stats,
            ),
        )

    def _steps(
        self, stats: RunStats, asked: _Asked, begin: Callable[[], Generator[Event, None, Answer]]
    ) -> Generator[Event, None, Answer]:
        with self._step:
            self._require_open()
            if self._under_way:
                raise SpecdecError(
                    "another answer is under way",
                    "read it to its end or close it first; or load the models once more",
                )
            events = self._under_way = begin()
        try:
            while True:
                with self._step:
                    self._require_open()
                    try:
                        event = next(events)
                    except StopIteration as end:
                        asked.reraise()
                        answer: Answer = end.value
                        return answer
                yield event
        except (GeneratorExit, SpecdecError):
            raise
        except BaseException:  # Ctrl-C perhaps, in the middle of anything
            if not self._closed:
                self._decoder.forget()
            raise
        finally:
            with self._step:
                events.close()
                self._under_way = None
                self.stats = self.stats + stats

    def _require_open(self) -> None:
        if self._closed:
            raise SpecdecError("the models were freed", "load them once more")


class _Asked:
    """Whether to stop. llama.cpp asks as well, and would lose what is raised meanwhile."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._raised: BaseException | None = None

    def __call__(self) -> bool:
        try:
            return self._raised is not None or self._cancelled()
        except BaseException as error:  # noqa: BLE001 - it is raised when llama.cpp has returned
            self._raised = error
            return True

    def reraise(self) -> None:
        """Raise what was raised while it was asked, if anything was."""
        if self._raised is not None:
            raise self._raised


def _last(events: Generator[Event, None, Answer]) -> Answer:
    with closing(events):
        while True:
            try:
                next(events)
            except StopIteration as end:
                answer: Answer = end.value
                return answer


def _texts(events: Generator[Event, None, Answer]) -> Generator[str, None, Answer]:
    with closing(events):
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                answer: Answer = end.value
                return answer
            if isinstance(event, Text):
                yield event.text


def _messages(prompt: Prompt, system: str | None) -> tuple[Message, ...]:
    """The conversation that a prompt is or belongs to.

    Raises:
        UsageError: a message is none.
    """
    if isinstance(prompt, str):
        require_text(prompt, "the prompt")
        if not prompt.strip():
            raise UsageError("the prompt is empty", "give some text")
        messages = [Message("user", prompt)]
    else:
        messages = [_message(each, number) for number, each in enumerate(prompt)]
    if not messages:
        raise UsageError("there are no messages", "give at least one, of the role user")
    if system and messages[0].role != "system":
        messages.insert(0, Message("system", system))
    return tuple(messages)


def _message(given: object, number: int) -> Message:
    fields: object = given
    if isinstance(given, Message):
        fields = {"role": given.role, "content": given.content}
    elif isinstance(given, Mapping):
        fields = dict(given)
    try:
        return Message(*role_and_text(fields))
    except ValueError as error:
        raise UsageError(
            f"messages[{number}] {error}", 'a message is {"role": "user", "content": "Hello"}'
        ) from None
