"""The answer's text on its way to stdout: escaped for a terminal, ending with one newline."""

from __future__ import annotations

from specdec_cli.terminal.safe import safe

_DRAFTED = "\x1b[32m"
_RESET = "\x1b[0m"


class AnswerText:
    """Shapes the chunks of an answer; what it returns is written in order.

    Trailing newlines are held back until more text follows, so that an answer ends with exactly
    one whatever the model ended with.

    Args:
        terminal: replace control characters; a file or pipe gets the model's own text.
        show_drafts: colour text that came from accepted draft tokens.
    """

    def __init__(self, *, terminal: bool, show_drafts: bool) -> None:
        self._terminal = terminal
        self._show_drafts = show_drafts
        self._newlines = 0
        self._open = False

    @property
    def open(self) -> bool:
        """Whether an answer has begun and not ended."""
        return self._open

    def begin(self) -> None:
        """Start an answer, perhaps an empty one."""
        self._open = True

    def feed(self, text: str, drafted: bool) -> str:
        """Return what to write for the next chunk."""
        self._open = True
        body = text.rstrip("\n")
        if not body:
            self._newlines += len(text)
            return ""
        held, self._newlines = self._newlines, len(text) - len(body)
        if self._terminal:
            body = safe(body)
        if drafted and self._show_drafts:
            body = f"{_DRAFTED}{body}{_RESET}"
        return "\n" * held + body if held else body

    def end(self) -> str:
        """Return what ends the answer: a newline, or nothing when there is none under way."""
        ending = "\n" if self._open else ""
        self._open = False
        self._newlines = 0
        return ending
