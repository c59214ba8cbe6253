"""Emphasis, code and links within a line of Markdown.

The markers stay, dimmed: what is copied from the screen is the Markdown that the model wrote.
The rules are CommonMark's but for two: nothing spans lines, and a marker opens before anything
but a space and closes after anything but a space, which suits Chinese and Japanese text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from specdec_cli.chat.view.styled_spans import DIM, StyledSpans, merged

_BOLD, _ITALIC, _STRUCK, _CODE, _LINK, _MARK = (1 << bit for bit in range(6))
_SGR = {_BOLD: "1", _ITALIC: "3", _STRUCK: "9", _CODE: "36", _LINK: "4"}
_EMPHASIS = {"*": {1: _ITALIC, 2: _BOLD}, "_": {1: _ITALIC, 2: _BOLD}, "~": {2: _STRUCK}}

_SPECIAL = re.compile(r"[\\`*_~\[]")
_TOKEN = re.compile(
    r"\\[!-/:-@\[-`{-~]"  # an escaped character
    r"|`+|\*+|_+|~+"
    r"|\[(?P<text>[^\[\]]+)\]\((?P<url>[^()\s]*)\)"
)


@dataclass(slots=True)
class _Opener:
    """A run of markers that may open emphasis; ``end`` is where what it emphasises begins."""

    marker: str
    length: int
    end: int
    after_word: bool


def inline(text: str, *, bold: bool = False, partial: bool = False) -> StyledSpans:
    """Style a line, or what follows its block marker.

    Args:
        bold: all of it is bold, as in a heading.
        partial: more may follow, so what was opened is taken to be closed later.
    """
    if not text:
        return []
    base = _BOLD if bold else 0
    if not _SPECIAL.search(text):
        return [(len(text), _style(base))]
    line = _Line(text, base, partial)
    line.scan()
    return merged((1, _style(flags)) for flags in line.flags)


def _style(flags: int) -> str:
    if flags & _MARK:
        return DIM
    return ";".join(code for flag, code in _SGR.items() if flags & flag)


class _Line:
    """One line under inspection; ``flags`` has an entry per character."""

    def __init__(self, text: str, base: int, partial: bool) -> None:
        self.flags = [base] * len(text)
        self._text = text
        self._partial = partial
        self._openers: list[_Opener] = []

    def scan(self) -> None:
        """Set the flags."""
        at = 0
        while match := _TOKEN.search(self._text, at):
            at = match.end()
            marker = match[0][0]
            if marker == "`":
                at = self._code(match)
            elif marker == "[":
                self._add(match.start(), match.end(), _MARK)
                self._replace(*match.span("text"), _LINK)
            elif marker != "\\" and not (self._partial and at == len(self._text)):
                self._emphasis(match)
            elif marker != "\\":
                self._add(match.start(), at, _MARK)  # it may become longer: not decided yet
        if self._partial:
            for opener in self._openers:
                self._hope(opener)

    def _add(self, start: int, end: int, flags: int) -> None:
        for i in range(start, end):
            self.flags[i] |= flags

    def _replace(self, start: int, end: int, flags: int) -> None:
        for i in range(start, end):
            self.flags[i] = self.flags[i] & ~_MARK | flags

    def _code(self, match: re.Match[str]) -> int:
        """Style a code span; where to go on."""
        start, begin = match.span()
        ticks = re.escape(match[0])
        close = re.compile(f"(?<!`){ticks}(?!`)").search(self._text, begin)
        if close is None and not self._partial:
            return begin
        end, after = close.span() if close else (len(self._text),) * 2
        self._add(start, begin, _MARK)
        self._add(begin, end, _CODE)
        self._add(end, after, _MARK)
        return after

    def _emphasis(self, match: re.Match[str]) -> None:
        start, end = match.span()
        marker = match[0][0]
        before = self._text[start - 1] if start else " "
        after = self._text[end] if end < len(self._text) else " "
        opens, closes = not after.isspace(), not before.isspace()
        if marker == "_":  # never within a word: snake_case_names
            opens, closes = opens and not before.isalnum(), closes and not after.isalnum()
        if closes:
            start = self._close(marker, start, end)
        if opens and start < end:
            self._openers.append(_Opener(marker, end - start, end, before.isalnum()))

    def _close(self, marker: str, start: int, end: int) -> int:
        """Close what these markers close; the start of those left over."""
        while start < end:
            index = self._opener(marker, end - start)
            if index is None:
                break
            del self._openers[index + 1 :]  # what was opened within and not closed is text
            opener = self._openers[index]
            used = max(n for n in _EMPHASIS[marker] if n <= min(opener.length, end - start))
            self._add(opener.end, start, _EMPHASIS[marker][used])
            self._add(opener.end - used, opener.end, _MARK)
            self._add(start, start + used, _MARK)
            start += used
            opener.length -= used
            opener.end -= used
            if not opener.length:
                del self._openers[index]
        return start

    def _opener(self, marker: str, length: int) -> int | None:
        for index in reversed(range(len(self._openers))):
            opener = self._openers[index]
            least = min(_EMPHASIS[marker])
            if opener.marker == marker and opener.length >= least and length >= least:
                return index
        return None

    def _hope(self, opener: _Opener) -> None:
        """Style what a marker opened, as if its end were to come."""
        styles = _EMPHASIS[opener.marker]
        if opener.after_word or opener.length > 3 or opener.length < min(styles):
            return
        self._add(opener.end - opener.length, opener.end, _MARK)
        for length, flag in styles.items():
            if opener.length & length:
                self._add(opener.end, len(self._text), flag)
