"""Source code coloured line by line, as it streams."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Protocol

from specdec_cli.chat.view.styled_spans import StyledSpans, cut, merged

# Lexed at the end of what is there: where it reads differently than on its own, a string, a
# comment or the like is still open, and the next line cannot be read without this one.
_PROBE = '\nx = "y"\n'
_CONTEXT = 1500  # characters; lexing takes about a microsecond each
_RECENT = 12


class _Lexer(Protocol):
    """What is used of a pygments lexer."""

    def get_tokens_unprocessed(self, text: str) -> Iterable[tuple[int, Any, str]]:
        """Return position, type and text of each token."""


class Highlighter:
    """Colours a code block; in an unknown language, nothing.

    A lexer reads whole texts, so each line is lexed together with the lines it may depend on: those
    since the last line at whose end nothing was open. If these are very many, only the first and
    the latest are kept.

    Args:
        language: the first word of the fence's info string.
    """

    def __init__(self, language: str) -> None:
        self._lexer = _lexer(language)
        self._before: list[str] = []  # with their newlines
        self._closed = self._spans(_PROBE) if self._lexer else []

    def partial(self, line: str) -> StyledSpans:
        """Style a line that may go on."""
        if self._lexer is None or not line:
            return [(len(line), "")]
        before = "".join(self._before)
        return cut(self._spans(before + line), len(before), len(before) + len(line))

    def complete(self, line: str) -> StyledSpans:
        """Style a line that has ended; the next one follows."""
        if self._lexer is None:
            return [(len(line), "")]
        before = "".join(self._before)
        text = before + line
        spans = self._spans(text + _PROBE)
        end = len(text)
        if cut(spans, end, end + len(_PROBE)) == self._closed:
            self._before.clear()
        else:
            self._before.append(line + "\n")
            if end > _CONTEXT:
                self._before[1:-_RECENT] = []
        return cut(spans, len(before), end)

    def _spans(self, text: str) -> StyledSpans:
        """Style a text from its beginning; plain where the lexer does not give back the text."""
        assert self._lexer is not None
        spans: StyledSpans = []
        at = 0
        for start, token, value in self._lexer.get_tokens_unprocessed(text):
            if start != at:
                return [(len(text), "")]
            spans.append((len(value), _style(token)))
            at += len(value)
        return merged(spans) if at == len(text) else [(len(text), "")]


def prepare() -> None:
    """Load what colours code; a tenth of a second that no answer should take."""
    Highlighter("python").complete("")


@cache
def _lexer(language: str) -> _Lexer | None:
    if not language:
        return None
    from rich.syntax import Syntax

    lexer: _Lexer | None = Syntax("", language).lexer
    return lexer


@cache
def _style(token: Any) -> str:
    """Return the SGR parameters of a token type, in the terminal's own 16 colours."""
    from rich.color import ColorSystem
    from rich.syntax import Syntax

    if token[:1] == ("Error",):  # code under way is full of what is not yet code
        return ""
    style = Syntax.get_theme("ansi_dark").get_style_for_token(token)
    drawn = style.render("x", color_system=ColorSystem.STANDARD)
    return drawn[2 : drawn.index("m")] if drawn.startswith("\x1b[") else ""
