"""An answer on a terminal: what is finished stays, the line under way may change its colours."""

from __future__ import annotations

from typing import Protocol

from specdec_cli.chat.view.styled_spans import DIM, DRAFTED, StyledSpans, cut, draw, merged, over
from specdec_cli.terminal.screen import SharedScreen, Size, shortened

_LONGEST = 2000  # characters; what goes beyond on one line is shown as it is


class Styler(Protocol):
    """Gives the lines of an answer their styles, in order."""

    def partial(self, line: str) -> StyledSpans:
        """Style a line that may go on."""

    def complete(self, line: str) -> StyledSpans:
        """Style a line that has ended; the next one follows."""


class Page:
    """Holds text until the next ``paint``, and styles it then.

    Text is written once, where it stays. Only if what follows changes how the beginning of the
    line under way is to look, as when ``**`` is closed or ``de`` turns into ``def``, that line is
    written over itself: the same characters, so nothing can be lost or appear twice.

    Args:
        size: columns and rows of the terminal.
        styler: of the answer; none for plain text.
    """

    def __init__(self, screen: SharedScreen, size: Size, styler: Styler | None) -> None:
        self._screen = screen
        self._size = size
        self._styler = styler
        self._waiting: list[tuple[str, bool, bool]] = []
        self._line = ""
        self._drafted: StyledSpans = []
        self._dim = 0  # so many characters at the line's beginning are thoughts
        self._shown: StyledSpans = []  # of the line, on the screen
        self._shown_length = 0
        self._flowing = False  # the line has become too long to be looked at as a whole

    def write(self, text: str, *, drafted: bool, dim: bool) -> None:
        """Add to the answer.

        Args:
            drafted: colour it as accepted draft tokens.
            dim: it is a thought; after the first text that is not, nothing is.
        """
        self._waiting.append((text, drafted, dim))

    def note(self, line: str, otherwise: str = "") -> None:
        """Show a line of our own, dimmed, in place of the note under way.

        Args:
            otherwise: what to write where the old note cannot be replaced.
        """
        line = f"\x1b[{DIM}m{shortened(line, self._size()[0])}\x1b[0m\x1b[K"
        self._screen.rewrite(line, f"{otherwise}{line}" if otherwise else "")

    def paint(self, footer: str) -> None:
        """Show what is waiting, and this footer below it."""
        if self._waiting:
            self._take_in()
            self._show(complete=False)
        self._screen.paint(footer)

    def _take_in(self) -> None:
        for text, drafted, dim in self._waiting:
            body, *rest = text.split("\n")
            self._add(body, drafted, dim)
            for body in rest:
                self._end_line()
                self._add(body, drafted, dim)
        self._waiting.clear()

    def _add(self, text: str, drafted: bool, dim: bool) -> None:
        if not text:
            return
        self._line += text
        self._drafted = merged([*self._drafted, (len(text), DRAFTED if drafted else "")])
        if dim:
            self._dim = len(self._line)

    def _end_line(self) -> None:
        self._show(complete=True)
        self._screen.write("\n")
        self._forget()
        self._flowing = False

    def _forget(self) -> None:
        self._line = ""
        self._drafted, self._shown = [], []
        self._dim = self._shown_length = 0

    def _show(self, *, complete: bool) -> None:
        """Bring the line under way to the screen."""
        start, end = self._shown_length, len(self._line)
        if self._flowing or end > _LONGEST:
            self._flowing = True
            plain = [(end - start, DIM if self._dim else "")]
            self._screen.write(
                draw(self._line[start:], over(plain, cut(self._drafted, start, end)))
            )
            self._forget()
            return
        spans = self._spans(complete=complete)
        new = draw(self._line[start:], cut(spans, start, end))
        if cut(spans, 0, start) != self._shown:
            self._screen.rewrite(draw(self._line, spans), new)
        elif new:
            self._screen.write(new)
        self._shown, self._shown_length = spans, end

    def _spans(self, *, complete: bool) -> StyledSpans:
        """Style the line: thoughts dim, the rest as the styler says, drafted tokens on top."""
        text = self._line[self._dim :]
        styled: StyledSpans = [(len(text), "")]
        if self._styler is not None and (text or not self._dim):
            styled = self._styler.complete(text) if complete else self._styler.partial(text)
        return over(merged([(self._dim, DIM), *styled]), self._drafted)
