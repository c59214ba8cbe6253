"""Markdown styled line by line: what each line is, and which fenced block it is in.

Styling never changes a character. Tables, and what only a later line would reveal (underlined
headings), are shown as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from specdec_cli.chat.view.code import Highlighter
from specdec_cli.chat.view.inline import inline
from specdec_cli.chat.view.styled_spans import DIM, StyledSpan, StyledSpans

_FENCE = re.compile(
    r"(?P<indent>\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?)(?P<fence>`{3,}|~{3,})(?P<info>.*)"
)
_RULE = re.compile(r" {0,3}([-*_])(?:\s*\1){2,}\s*")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s+|$)")
_QUOTE = re.compile(r"\s*(?:>\s?)+")
_BULLET = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?")
_BULLET_STYLE = "1;36"


@dataclass(frozen=True, slots=True)
class _Fence:
    """An open code block."""

    marker: str
    indent: int
    code: Highlighter

    def closed_by(self, line: str) -> bool:
        body = line.strip()
        if len(body) < len(self.marker) or body.strip(self.marker[0]):
            return False
        return len(line) - len(line.lstrip()) <= self.indent + 3


class Markdown:
    """The lines of one answer, in order."""

    def __init__(self) -> None:
        self._fence: _Fence | None = None

    def partial(self, line: str) -> StyledSpans:
        """Style a line that may go on."""
        if self._fence is None:
            return [(len(line), DIM)] if _opening(line) else _text(line, partial=True)
        body = line.strip()
        if body and not body.strip(self._fence.marker[0]):
            return [(len(line), DIM)]  # so far a closing fence
        return self._fence.code.partial(line)

    def complete(self, line: str) -> StyledSpans:
        """Style a line that has ended; the next one follows."""
        if self._fence is not None:
            if not self._fence.closed_by(line):
                return self._fence.code.complete(line)
            self._fence = None
        elif opening := _opening(line):
            language = opening["info"].strip().split(" ")[0].strip("{}.")
            indent = len(opening["indent"])
            self._fence = _Fence(opening["fence"], indent, Highlighter(language))
        else:
            return _text(line, partial=False)
        return [(len(line), DIM)]


def _opening(line: str) -> re.Match[str] | None:
    match = _FENCE.fullmatch(line)
    return None if match is None or ("`" in match["fence"] and "`" in match["info"]) else match


def _text(line: str, *, partial: bool) -> StyledSpans:
    """Style a line outside code blocks."""
    if _RULE.fullmatch(line):
        return [(len(line), DIM)]
    if heading := _HEADING.match(line):
        end = heading.end()
        return [(end, DIM), *inline(line[end:], bold=True, partial=partial)]
    markers: list[StyledSpan] = []
    at = 0
    if quote := _QUOTE.match(line):
        at = quote.end()
        markers.append((at, DIM))
    if bullet := _BULLET.match(line, at):
        markers.append((bullet.end() - at, _BULLET_STYLE))
        at = bullet.end()
    return [*markers, *inline(line[at:], partial=partial)]
