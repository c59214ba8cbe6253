"""What chat shows of an answer while it is made."""

from __future__ import annotations

from collections.abc import Callable

from specdec_cli.chat.view.collapsed_thinking import CollapsedThinking
from specdec_cli.chat.view.markdown import Markdown
from specdec_cli.chat.view.page import Page
from specdec_cli.core.clock import now
from specdec_cli.core.events import Event, Finished, PromptDone, Round, Text, TextPart
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
        marks: show those around thoughts; those that are no text are for programs only.
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
        marks: bool = True,
        clock: Callable[[], float] = now,
    ) -> None:
        drafts = show_drafts and streams.out_color(color)
        self._shown: _Shown
        if streams.shared and streams.can_redraw and streams.out_color(color):
            screen = SharedScreen(streams.out, streams.size, lambda line: f"\x1b[2m{line}\x1b[0m")
            page = Page(screen, streams.size, Markdown() if markdown else None)
            live = Live(page, clock, lambda: safe_line(footer()) if footer else "")
            collapsed = CollapsedThinking(clock) if fold_thinking else None
            self._shown = _Drawn(page, live, collapsed, show_drafts=drafts, marks=marks)
        else:
            self._shown = _Streamed(streams, show_drafts=drafts, marks=marks)

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
    """The text as it comes; thoughts on a terminal only, as what is piped is the answer."""

    def __init__(self, streams: Streams, *, show_drafts: bool, marks: bool) -> None:
        self._answer = AnswerText(terminal=streams.out_tty, show_drafts=show_drafts)
        self._write = Plain(streams.out, streams.wraps).write
        self._thoughts = streams.out_tty
        self._marks = marks
        self._thought = False  # and no answer after it yet

    def feed(self, event: Event) -> None:
        if isinstance(event, Text):
            if text := self._answer.feed(self._wanted(event), event.drafted):
                self._write(text)
        elif isinstance(event, PromptDone):
            self._answer.begin()

    def _wanted(self, event: Text) -> str:
        """What of a text is shown."""
        if event.part != "answer":
            self._thought = True
            shown = self._thoughts and (self._marks or event.part == "thought")
            return event.text if shown else ""
        if not self._thought or (self._thoughts and self._marks):
            return event.text
        text = event.text.lstrip("\n")
        self._thought = not text
        return f"\n\n{text}" if text and self._thoughts else text

    def close(self, *, cancelled: bool) -> None:  # noqa: ARG002 - the text ends the same
        if ending := self._answer.end():
            self._write(ending)


class _Drawn:
    """Styled lines, the folded block and the footer."""

    def __init__(
        self,
        page: Page,
        live: Live,
        collapsed: CollapsedThinking | None,
        *,
        show_drafts: bool,
        marks: bool,
    ) -> None:
        self._page = page
        self._live = live
        self._collapsed = collapsed
        self._marks = marks
        self._inside = False  # a thinking block
        self._answering = False
        self._show_drafts = show_drafts
        self._answer = AnswerText(terminal=True, show_drafts=False)
        self._finished = False
        self._gap: str | None = None  # in place of the newlines between a folded block and text

    def feed(self, event: Event) -> None:
        if isinstance(event, Text):
            text = self._answer.feed(event.text, event.drafted)
            self._write(event.part, text, drafted=event.drafted and self._show_drafts)
        elif isinstance(event, Round):
            if self._collapsed and not self._answering:
                self._collapsed.count(len(event.tokens))
        elif isinstance(event, Finished):
            self._finished = event.reason == "stop"
        self._live.observe(event)

    def close(self, *, cancelled: bool) -> None:
        if self._collapsed and self._collapsed.open:
            self._unfold(finished=self._finished and not cancelled)
        if ending := self._answer.end():
            self._page.write(ending, drafted=False, dim=False)
        self._live.hide()

    def _write(self, part: TextPart, text: str, *, drafted: bool) -> None:
        closes = part == "mark" and self._inside
        self._inside = part == "thought"
        self._answering |= part == "answer"
        if part != "answer" and self._collapsed:
            self._collapse(self._collapsed, part, text, closes=closes)
            return
        if part == "mark" and not self._marks:
            self._gap = "\n\n" if closes else self._gap
            return
        if self._gap is not None:
            text = text.lstrip("\n")
            if not text:
                return
            text = self._gap + text
            self._gap = None
        self._page.write(text, drafted=drafted, dim=part != "answer")

    def _collapse(
        self, collapsed: CollapsedThinking, part: TextPart, text: str, *, closes: bool
    ) -> None:
        self._gap = self._gap or ""
        if part == "thought":
            collapsed.add(text)
            if collapsed.open:
                self._page.note(collapsed.live())
        elif collapsed.open and closes:
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
