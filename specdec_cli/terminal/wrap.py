"""Breaks an answer's lines between words, as it streams.

A word is shown as soon as it begins. If it turns out too long for what is left of the row, it is
moved to the next one. The last column stays free, so that the terminal breaks nothing itself, with
two exceptions that are better copied whole: a word longer than a row, and lines of a fenced block
of code. What is left of a line is the terminal's, too, once signs joined to one reach the edge:
nobody knows how wide they are there, so they are never taken back.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rich.cells import cell_len

from specdec_cli.terminal.cursor import SOFT, doubt

_PIECES = re.compile("(\x1b\\[[0-9;]*[A-Za-z]|\n|[ \t]+)")
_FENCES = ("```", "~~~")
_TAB = 8
_JOINER = "\u200d"


def shown(text: str) -> str:
    """The text as a terminal takes it."""
    return text.replace(SOFT, "\n")


class Wrap:
    """Lays text out in rows; what it returns has ``SOFT`` where a row ends within a line.

    Args:
        width: says how many columns there are.
    """

    def __init__(self, width: Callable[[], int]) -> None:
        self._width = width
        self._in_code = False
        self._columns = width()
        self._break = SOFT
        self._style = ""  # the sequences in force
        self._word, self._cells, self._word_style = "", 0, ""
        self._word_at: int | None = None  # where in what is returned it begins
        self.restart()

    def restart(self) -> None:
        """The cursor is where a line begins, either a new one or once more the one under way."""
        self._column = 0
        self._is_lost = False
        self._doubt = 0  # by how many cells terminals may disagree where the cursor is
        self._head = ""  # the line's first characters
        self._at_edge = False  # spaces at the end of a row were swallowed
        self._ends = self._joins = False  # the last sign was a wide one, or joins the next to it
        self._begin_word()

    def again(self, line: str) -> str:
        """Lay the line under way out again, over itself: each row is erased behind its end."""
        self.restart()
        self._break = f"\x1b[K{SOFT}"
        try:
            return self.feed(line)
        finally:
            self._break = SOFT

    def lose(self) -> None:
        """Nobody knows any more where the cursor is, until the next line."""
        self._is_lost = self._column > 0

    def feed(self, text: str) -> str:
        """Lay out what follows."""
        columns = self._width()
        if columns != self._columns:
            self.lose()
            self._columns = columns
        out: list[str] = []
        self._word_at = None
        for piece in filter(None, _PIECES.split(text)):
            if piece == "\n":
                self._end_line()
                out.append(piece)
            elif piece[0] == "\x1b":
                self._take_style(piece)
                out.append(piece)
            elif piece[0] in " \t":
                self._add_space(piece, columns, out)
            else:
                self._add_words(piece, columns, out)
        return "".join(out)

    def _end_line(self) -> None:
        if self._head.startswith(_FENCES):
            self._in_code = not self._in_code
        self.restart()

    def _take_style(self, sequence: str) -> None:
        if sequence[-1] == "m":
            self._style = "" if sequence in ("\x1b[m", "\x1b[0m") else self._style + sequence
        self._word += sequence
        if not self._cells:
            self._word, self._word_style = "", self._style

    def _begin_word(self) -> None:
        self._word, self._cells, self._word_style = "", 0, self._style
        self._may_be_narrower = False  # the word, on some terminals
        self._word_at = None

    @property
    def _flows(self) -> bool:
        """Whether the line is left to the terminal."""
        return self._is_lost or self._in_code or self._head.startswith(_FENCES)

    def _add_space(self, piece: str, columns: int, out: list[str]) -> None:
        self._begin_word()
        self._ends = self._joins = False
        if self._at_edge:
            return
        end = self._column
        for char in piece:
            end = (end // _TAB + 1) * _TAB if char == "\t" else end + 1
        if end + self._doubt >= columns - 1 and not self._flows:
            self._at_edge = True
            return
        self._column = min(end, columns)
        out.append(piece)

    def _add_words(self, piece: str, columns: int, out: list[str]) -> None:
        """Add a word; a row may end before and after a wide sign, or one of doubtful width.

        Marks that combine stay with the sign before them, and signs that are joined together.
        """
        if piece.isascii():
            if self._ends:
                self._begin_word()
            self._add_word(piece, columns, out)
            self._ends = self._joins = False
            return
        for char in piece:
            cells = cell_len(char)
            doubted = doubt(char)
            alone = cells > 1 or (cells == 1 and doubted > 0)
            if cells and not self._joins and (alone or self._ends):
                self._begin_word()
            self._add_word(char, columns, out, doubted)
            if cells:
                self._ends = alone
            self._joins = char == _JOINER

    def _add_word(self, text: str, columns: int, out: list[str], doubted: int = 0) -> None:
        if len(self._head) < len(_FENCES[0]):
            self._head += text
        cells = cell_len(text)
        if self._at_edge:
            self._at_edge = False
            out.append(self._break if self._column < columns else SOFT)
            self._column = self._doubt = 0
        self._doubt += doubted
        self._may_be_narrower = self._may_be_narrower or (cells > 0 and doubted > 0)
        fits = self._column + cells + self._doubt < columns or self._flows
        if not fits and self._cells < self._column:  # the word did not begin with its row
            if self._cells and self._may_be_narrower:
                # To go back by too many cells would erase what is before it.
                self._is_lost = True
            else:
                self._move(out)
                self._doubt = doubted
        self._put(text, cells, out)
        if self._column > columns:
            self._column = (self._column - 1) % columns + 1
            self._cells = max(self._cells, columns)  # never to be taken back

    def _put(self, text: str, cells: int, out: list[str]) -> None:
        if not self._cells:
            self._word_at, self._word_style = len(out), self._style
        self._word += text
        self._cells += cells
        self._column += cells
        out.append(text)

    def _move(self, out: list[str]) -> None:
        """Begin the word under way on the next row instead."""
        if not self._cells:
            out.append(self._break)
        elif self._word_at is not None:
            out.insert(self._word_at, self._break)
        else:
            reset = "\x1b[0m" if self._style or self._word_style else ""
            out.append(f"\x1b[{self._cells}D\x1b[K{SOFT}{reset}{self._word_style}{self._word}")
        self._column = self._cells


def unbroken(line: str, columns: int) -> str:
    """A line with more spaces where the terminal would break a word at its edge.

    It stays one line, to be copied as a whole.
    """
    parts: list[str] = []
    column = 0
    for word in line.split(" "):
        cells = cell_len(word)
        if column and column + cells >= columns:
            parts.append(" " * (columns - column))
            column = 0
        parts.append(f"{word} ")
        column = (column + cells + 1) % columns
    return "".join(parts).rstrip()
