"""A conversation under way: what commands work on, and how a message is answered."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from specdec_cli.chat.conversation import Conversation, Turn
from specdec_cli.chat.lines import Reader
from specdec_cli.chat.loading import Gather
from specdec_cli.chat.options import ChatOptions
from specdec_cli.chat.pair_holder import PairHolder
from specdec_cli.chat.store import Autosave
from specdec_cli.chat.view.status import loading_status, status_line, turn_line
from specdec_cli.core.events import Event
from specdec_cli.core.stats import RunStats
from specdec_cli.errors import Cancelled, ContextFullError, Exit, SpecdecError
from specdec_cli.run.answer import cut_short
from specdec_cli.terminal import keys
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.errors import print_error
from specdec_cli.terminal.signals import Interrupts

if TYPE_CHECKING:
    from specdec_cli.chat.responder import Response
    from specdec_cli.chat.view.view import AnswerView

_SAVED_EVERY = 1.0
"""Seconds of an answer that a crash may take."""
_PATIENCE = 3
"""So many Ctrl-C in one answer leave the program, in case the backend hangs."""


class TurnStats(NamedTuple):
    """What is remembered of an answer besides its text."""

    stats: RunStats
    in_context: int


class Leave(Exception):  # noqa: N818 - not an error
    """The person leaves."""


class Chat(PairHolder):
    """A conversation, its pair, and the screen it is on.

    Args:
        options: those known before the pair; the loaded pair's replace them.
        gather: how to come to all of them.

    Attributes:
        turns: statistics of the answers that this run gave.
        total: of all answers of this run.
        attached: texts that go with the next message.
        code: the exit code, of the first thing that failed where nobody can react.
    """

    def __init__(
        self,
        options: ChatOptions,
        gather: Gather,
        streams: Streams,
        conversation: Conversation,
        autosave: Autosave,
    ) -> None:
        super().__init__(options, gather, streams)
        self.conversation = conversation
        self.autosave = autosave
        self.reader: Reader | None = None
        self.turns: list[TurnStats] = []
        self.total = RunStats()
        self.attached: list[str] = []
        self.code = int(Exit.OK)
        self._reported_failure = False
        self._response: Response | None = None
        self._saved_at = 0.0

    @property
    def interactive(self) -> bool:
        """Whether a person types, who can be asked."""
        return self.reader is not None and self.reader.interactive

    def status(self) -> str:
        """The bottom line."""
        if self.loaded is None:
            return loading_status(dict(self.loader.progress))
        decoder = self.loaded.decoder
        names = [name for name in self.models.values() if name]
        last = self.turns[-1] if self.turns else None
        if self._response is not None:
            last = TurnStats(self._response.stats, self._response.in_context)
        stats, used = last or (None, 0)
        return status_line(
            names, decoder.spec.name, stats, (used, decoder.models.n_ctx), self.width
        )

    def ask(self, text: str) -> None:
        """Send a message, with what was attached, and answer it."""
        attached, self.attached = self.attached, []
        self.conversation.ask("\n\n".join([*attached, text]))
        self.keep()
        try:
            self.answer()
        except BaseException as error:
            if self.conversation.waiting:
                self.conversation.undo()
                self.keep()
                if not isinstance(error, ContextFullError):  # with them it would be full again
                    self.attached = attached
                if self.reader is not None:
                    self.reader.offer(text)
            raise

    def answer(self) -> None:
        """Answer the last message.

        Raises:
            Cancelled: the person stopped it before anything was said.
            SpecdecError: it cannot be answered; what was said until then is kept.
        """
        responder = self.ready()
        if self.total.rounds and not self.streams.out_tty:
            self.streams.out.write("\n")  # between answers, in a file
        view = self._view(marks=responder.loaded.decoder.models.thinking.in_text)
        with keys.unseen() as restore, Interrupts(restore, leaves_at=_PATIENCE) as stop:

            def observe(response: Response, event: Event) -> None:
                self._response = response
                view.feed(event)
                if monotonic() - self._saved_at > _SAVED_EVERY and response.text:
                    self.conversation.answer(response.text)
                    self.keep()

            try:
                response = responder.answer(self.conversation, observe, stop.asked)
            except ContextFullError as error:
                from specdec_cli.run.answer import may_grow

                more = "; -c at the start makes more" if may_grow(responder.loaded.decoder) else ""
                way = "/clear or /undo makes room"
                if len(self.conversation) == 1:
                    way = "send a shorter message"
                raise ContextFullError(error.message, f"{way}{more}") from error
            finally:
                said = self._response
                self._response = None
                if said is not None and said.text:
                    self.conversation.answer(said.text, said.reason)
                view.close(cancelled=stop.asked())
        if not response.text and response.reason == "cancelled":
            raise Cancelled
        self.conversation.answer(response.text, response.reason)
        self.turns.append(TurnStats(response.stats, response.in_context))
        self.total = self.total + response.stats
        self.keep()
        self._tell_end(response)

    def replace(self, conversation: Conversation) -> None:
        """Begin another conversation; the one until now stays among those that were kept."""
        self.autosave.end(self.conversation, self.models)
        self.conversation = conversation
        self.turns.clear()
        self.attached.clear()
        self.keep()

    def take_back(self) -> Turn | None:
        """Take the last turn away; returns it, if there was one."""
        turn = self.conversation.undo()
        del self.turns[-1:]
        self.keep()
        return turn

    def keep(self) -> None:
        """Keep the conversation on disk."""
        self._saved_at = monotonic()
        self.autosave.keep(self.conversation, self.models)
        if self.autosave.failure and not self._reported_failure:
            self._reported_failure = True
            self.warn(self.autosave.failure)

    def fail(self, error: SpecdecError) -> None:
        """Print an error; where nobody can react, the program's exit code tells it too."""
        print_error(error, self.streams, self.options.output.color)
        if not self.interactive and self.code == Exit.OK:
            self.code = error.exit_code

    def close(self) -> None:
        """End the conversation, and free the pair."""
        self.autosave.end(self.conversation, self.models)
        self.loader.close()

    def _adopted(self) -> None:
        if not self.conversation.system and not len(self.conversation):
            self.conversation.system = self.options.prompt.system or ""

    def _view(self, *, marks: bool) -> AnswerView:
        from specdec_cli.chat.view.view import AnswerView

        options = self.options
        return AnswerView(
            self.streams,
            options.output.color,
            markdown=options.own.markdown,
            show_drafts=bool(options.output.show_drafts),
            fold_thinking=options.own.fold_thinking,
            marks=marks,
            footer=None if options.output.quiet else self.status,
        )

    def _tell_end(self, response: Response) -> None:
        if response.reason == "context" and self.responder is not None:
            from specdec_cli.run.answer import may_grow

            decoder = self.responder.loaded.decoder
            more = ", /undo, or a larger -c" if may_grow(decoder) else " or /undo makes room"
            self.note(f"the context of {decoder.models.n_ctx} tokens is full; /clear{more}")
        elif response.reason == "cancelled":
            self.note("stopped; what was said is kept")
        if self.responder is not None:
            stop = response.finished.stop if response.finished else None
            cut = cut_short(self.responder.loaded.settings.sampling, response.reason, stop)
            if cut:
                self.note(cut)
        if self.options.output.stats is not False and response.stats.rounds:
            self.note(turn_line(response.stats, self.width))
