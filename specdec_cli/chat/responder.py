"""Answers the last message of a conversation, reusing the caches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from specdec_cli.chat.conversation import Conversation
from specdec_cli.chat.loading import Loaded
from specdec_cli.chat.transcript import Transcript
from specdec_cli.chat.window import first_turn
from specdec_cli.core.events import (
    Event,
    Finished,
    FinishReason,
    PromptDone,
    PromptProgress,
    Round,
    Text,
)
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.run.answer import answer, may_grow
from specdec_cli.templates.encode import Part, layout
from specdec_cli.templates.thinking import Thoughts

Announce = Callable[[str], None]


@dataclass(slots=True)
class Response:
    """An answer, while it is made and afterwards."""

    text: str = ""
    reason: FinishReason | None = None
    stats: RunStats = field(default_factory=RunStats)
    prompt_tokens: int = 0
    tokens: list[int] = field(default_factory=list)
    finished: Finished | None = None

    @property
    def in_context(self) -> int:
        """Tokens of the context that prompt and answer take."""
        return self.prompt_tokens + len(self.tokens)


class Responder:
    """A loaded pair with the transcript of the conversation it holds.

    Args:
        announce: called when turns are dropped from the context.
    """

    def __init__(self, loaded: Loaded, announce: Announce) -> None:
        self._announce = announce
        self.use(loaded)

    def use(self, loaded: Loaded) -> None:
        """Speak with this pair from now on."""
        self.loaded = loaded
        if loaded.template is not None:
            loaded.template.warn = self._announce
        self._transcript = Transcript(loaded.decoder.models.vocab)
        self._answers = 0

    def answer(
        self,
        conversation: Conversation,
        observe: Callable[[Response, Event], None],
        cancelled: Callable[[], bool],
    ) -> Response:
        """Answer the last message; the conversation gets the answer's text from the caller.

        When the context fills up in the middle of it, turns are dropped and the answer goes on,
        unless that is not wanted or a grammar would have to begin again.

        Raises:
            SpecdecError: as ``generate``, or the template fails.
        """
        response = Response()
        options = self.loaded.options
        self._make_room(conversation)
        tokens = self._transcript.follow(self._parts(conversation))
        self._answers += 1
        models = self.loaded.decoder.models
        thoughts = models.thinking.begin(models.vocab, tokens)
        while True:
            self._generate(response, [*tokens, *response.tokens], observe, cancelled, thoughts)
            shifts = options.own.context_shift and not self.loaded.settings.sampling.constrains
            if response.reason != "context" or not shifts or not self._drop_one(conversation):
                break
            tokens = self._transcript.follow(self._parts(conversation))
        if response.finished is not None:
            observe(response, response.finished)
        self._transcript.answered(response.text, response.tokens)
        return response

    def compare(
        self,
        conversation: Conversation,
        observe: Callable[[Response, Event], None],
        cancelled: Callable[[], bool],
    ) -> tuple[Response, Response]:
        """Answer the last message twice, with drafts and plainly; neither is remembered.

        Both read the prompt again and use the same seed. Earlier answers are forgotten for both,
        since a repetition of the last one could be drafted from it.
        """
        tokens = self._transcript.encode(self._parts(conversation))
        models = self.loaded.decoder.models
        self._answers += 1
        both = Response(), Response()
        for response in both:
            self.loaded.decoder.forget()
            thoughts = models.thinking.begin(models.vocab, tokens)
            plain = response is both[1]
            self._generate(response, tokens, observe, cancelled, thoughts, plain=plain)
            if response.finished is not None:
                observe(response, response.finished)
        return both

    def _generate(
        self,
        response: Response,
        prompt: list[int],
        observe: Callable[[Response, Event], None],
        cancelled: Callable[[], bool],
        thoughts: Thoughts,
        *,
        plain: bool = False,
    ) -> None:
        already, loaded = len(response.tokens), self.loaded
        # The bottom line shows these while the answer is made.
        stats = RunStats(self.loaded.decoder.models.load_seconds)
        response.prompt_tokens = len(prompt) - already
        if not already:
            response.stats = stats

        def keep(event: Event) -> None:
            if isinstance(event, Round):
                response.tokens += event.tokens
            elif isinstance(event, Text):
                if event.part == "answer" or loaded.decoder.models.thinking.in_text:
                    response.text += event.text
            elif isinstance(event, Finished):
                response.finished = event
                return
            elif already and isinstance(event, PromptDone | PromptProgress):
                return
            observe(response, event)

        limit: int = loaded.options.answer.predict
        result = answer(
            loaded.decoder,
            self._with_seed(),
            prompt,
            max_tokens=limit if limit < 0 else limit - already,
            stops=loaded.options.answer.stop,
            observe=keep,
            cancelled=cancelled,
            profile=loaded.options.profile,
            plain=plain,
            stats=stats,
            thoughts=thoughts,
        )
        response.reason = result.reason
        if already:
            response.stats = response.stats + stats

    def _with_seed(self) -> AnswerSettings:
        """Another seed for each answer, so that a message can be answered again."""
        settings = self.loaded.settings
        return replace(settings, seed=(settings.seed + self._answers) % (1 << 63))

    def _make_room(self, conversation: Conversation) -> None:
        if not self.loaded.options.own.context_shift:
            return
        before = conversation.first
        conversation.first = first_turn(
            lambda first: len(self._transcript.encode(self._parts(conversation, first))),
            before,
            len(conversation) - 1,
            self.loaded.decoder.models.n_ctx,
        )
        self._tell(conversation.first - before)

    def _drop_one(self, conversation: Conversation) -> bool:
        """Drop half of the turns before the last one; whether there were any."""
        dropped = (len(conversation) - conversation.first) // 2
        conversation.first += dropped
        self._tell(dropped)
        return dropped > 0

    def _tell(self, dropped: int) -> None:
        if dropped:
            turns = "the oldest turn was" if dropped == 1 else f"the {dropped} oldest turns were"
            more = "; a larger -c keeps more" if may_grow(self.loaded.decoder) else ""
            self._announce(f"context full: {turns} dropped{more}")

    def _parts(self, conversation: Conversation, first: int | None = None) -> list[Part]:
        messages = conversation.messages(first)
        if messages and messages[-1].role == "assistant":
            messages = messages[:-1]
        return layout(self.loaded.decoder.models.vocab, self.loaded.template, messages)
