"""What chat shows of an answer while it is made."""

from __future__ import annotations

from collections.abc import Callable

from specdec_cli.chat.view.collapsed_thinking import CollapsedThinking
from specdec_cli.chat.view.markdown import Markdown
from specdec_cli.chat.view.page import Page
from specdec_cli.chat.view.thoughts import Piece, Thoughts
from specdec_cli.core.clock import now
from specdec_cli.core.events import Event, Finished, PromptDone, Round, Text
from specdec_cli.terminal.answer import AnswerText
from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.live import Live
from specdec_cli.terminal.plain import Plain
from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.screen import SharedScreen


class AnswerView:
    """One answer on the terminal, from its events.

    On a terminal with colours, finished lines are written once and for good, and only the colours
    of the line under way may still change; the characters are the answer's own, Markdown markers
    included. Elsewhere (a pipe, a dumb terminal, no colour) the text is written as it comes.

    The answer begins on a fresh line and ends with exactly one newline.

    Args:
        markdown: style Markdown and colour the code in fenced blocks.
        show_drafts: colour text that came from accepted draft tokens; of two colours this one wins,
            while bold, italic and dim remain.
        fold_thinking: show one line in place of a thinking block. What a model thought is shown
            after all if it ended without closing the block or answering.
        footer: says what stands below the answer while it streams; asked ten times a second.
        thinking: the prompt has opened a thinking block, so the answer begins inside it.
        clock: seconds, from any start.
    """

    def __init__(
        self,
        streams: Streams,
        color: ColorChoice,
        *,
        markdown: bool,
        show_drafts: bool,
        fold_thinking: bool,
        footer: Callable[[], str] | None = None,
        thinking: bool = False,
        clock: Callable[[], float] = now,
    ) -> None:
        drafts = show_drafts and streams.out_color(color)
        self._shown: _Shown
        if streams.shared and streams.can_redraw and streams.out_color(color):
            screen = SharedScreen(streams.out, streams.size, lambda line: f"\x1b[2m{line}\x1b[0m")
            page = Page(screen, streams.size, Markdown() if markdown else None)
            live = Live(page, clock, lambda: safe_line(footer()) if footer else "")
            collapsed = CollapsedThinking(clock) if fold_thinking else None
            self._shown = _Drawn(
                page, live, Thoughts(inside=thinking), collapsed, show_drafts=drafts
            )
        else:
            self._shown = _Streamed(streams, show_drafts=drafts)

    def feed(self, event: Event) -> None:
        """Show one event; events come in the engine's order.

        Raises:
            BrokenPipeError: nobody reads stdout any more.
        """
        self._shown.feed(event)

    def close(self, *, cancelled: bool = False) -> None:
        """Remove the footer, show what was held back and go to a fresh line; again, do nothing.

        Args:
            cancelled: the answer was stopped before its end.
        """
        self._shown.close(cancelled=cancelled)


class _Streamed:
    """The text as it comes."""

    def __init__(self, streams: Streams, *, show_drafts: bool) -> None:
        self._answer = AnswerText(terminal=streams.out_tty, show_drafts=show_drafts)
        self._write = Plain(streams.out, streams.wraps).write

    def feed(self, event: Event) -> None:
        if isinstance(event, Text):
            if text := self._answer.feed(event.text, event.drafted):
                self._write(text)
        elif isinstance(event, PromptDone):
            self._answer.begin()

    def close(self, *, cancelled: bool) -> None:  # noqa: ARG002 - the text ends the same
        if ending := self._answer.end():
            self._write(ending)


class _Drawn:
    """Styled lines, the folded block and the footer."""

    def __init__(
        self,
        page: Page,
        live: Live,
        thoughts: Thoughts,
        collapsed: CollapsedThinking | None,
        *,
        show_drafts: bool,
    ) -> None:
        self._page = page
        self._live = live
        self._thoughts = thoughts
        self._collapsed = collapsed
        self._show_drafts = show_drafts
        self._answer = AnswerText(terminal=True, show_drafts=False)
        self._finished = False
        self._gap: str | None = None  # in place of the newlines between a folded block and text

    def feed(self, event: Event) -> None:
        if isinstance(event, Text):
            text = self._answer.feed(event.text, event.drafted)
            self._write(self._thoughts.feed(text), drafted=event.drafted and self._show_drafts)
        elif isinstance(event, Round):
            if self._collapsed and not self._thoughts.answering:
                self._collapsed.count(len(event.tokens))
        elif isinstance(event, Finished):
            self._finished = event.reason == "stop"
        self._live.observe(event)

    def close(self, *, cancelled: bool) -> None:
        self._write(self._thoughts.end(), drafted=False)
        if self._collapsed and self._collapsed.open:
            self._unfold(finished=self._finished and not cancelled)
        if ending := self._answer.end():
            self._page.write(ending, drafted=False, dim=False)
        self._live.hide()

    def _write(self, pieces: list[Piece], *, drafted: bool) -> None:
        for kind, text in pieces:
            thought = kind != "answer"
            if thought and self._collapsed:
                self._collapse(self._collapsed, kind == "tag", text)
                continue
            if self._gap is not None:
                text = text.lstrip("\n")
                if not text:
                    continue
                text = self._gap + text
                self._gap = None
            self._page.write(text, drafted=drafted, dim=thought)

    def _collapse(self, collapsed: CollapsedThinking, tag: bool, text: str) -> None:
        self._gap = self._gap or ""
        if not tag:
            collapsed.add(text)
            if collapsed.open:
                self._page.note(collapsed.live())
        elif collapsed.open and not self._thoughts.inside:
            self._settle(collapsed.close())

    def _settle(self, note: str) -> None:
        self._page.note(note, otherwise="\n")
        self._gap = "\n\n"

    def _unfold(self, *, finished: bool) -> None:
        """End a block that the model did not close; if that was all it said, show it."""
        assert self._collapsed is not None
        thought = self._collapsed.text.strip("\n")
        self._settle(self._collapsed.close(unfinished=not finished))
        if finished:
            self._page.write(f"\n\n{thought}", drafted=False, dim=True)


_Shown = _Streamed | _Drawn
