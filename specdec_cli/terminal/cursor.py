"""Where the cursor is after text was written to a terminal, as far as that can be known."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len

SOFT = "\v"
"""Stands for a break within a line; answers have no such character on a terminal."""
_TAB = 8
_DOUBTED = ("So", "Mn", "Mc", "Cf", "Cn")
_STILL = re.compile("\x1b\\[[0-9;]*[mKD]")  # colours, erasing the rest of a row, going back in it


class Cursor:
    """Tracks the column, and how uncertain it is.

    A terminal that has filled the last column waits there until the next character wraps, and
    forgets that it waits when the cursor is moved. A footer may be drawn only where the cursor
    does *not* wait. Terminals disagree on the width of some characters (emoji, joined and
    combining ones), so each adds doubt until the next newline, and near the edge doubt decides.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._column = 0  # 1 to width after text; at width it waits to wrap
        self._cells = 0  # on this line of text, however many rows it fills
        self._doubt = 0
        self._joins = False  # the next character may combine with the last
        self._resized = False
        self._narrowest = width  # since this line of text began
        self._rows = 0  # of this line of text above this one, where we broke it ourselves
        self._lost = False  # it is not certain how many rows they fill

    def may_leave(self) -> bool:
        """Whether the cursor can be moved away and back without harm."""
        if self._column == 0:
            return True
        if self._resized or self._joins:
            return False
        return self._doubt < self._column < self._width - self._doubt

    def may_erase(self) -> bool:
        """Whether erasing from the cursor on spares all text, even after a resize."""
        if not self._resized:
            return self.may_leave()
        doubt = self._doubt + 1
        return doubt < self._cells % self._width < self._width - doubt

    def rows_back(self) -> int | None:
        """How many rows above the cursor its line of text began, unless that is in doubt."""
        if self._lost:
            return None
        if self._cells + self._doubt < self._narrowest:
            return self._rows  # on one row at every width it has seen
        if self._resized or self._doubt:
            return None
        return self._rows + (self._cells - 1) // self._width

    def restart(self) -> None:
        """The cursor was moved to where its line of text began."""
        self._rows = 0
        self._lost = False
        self._begin_row()

    def _begin_row(self) -> None:
        self._column = self._cells = self._doubt = 0
        self._joins = self._resized = False
        self._narrowest = self._width

    def _break_row(self) -> None:
        """A row has been ended within a line of text."""
        self._lost = self._lost or self._resized or self._doubt > 0
        self._rows += 1 + max(self._cells - 1, 0) // self._width
        self._begin_row()

    def resize(self, width: int) -> None:
        """Follow the terminal to another width; the column is in doubt until the next newline."""
        if width != self._width:
            self._width = width
            self._lost = self._lost or self._rows > 0
            self._narrowest = min(self._narrowest, width)
            self._resized = self._column > 0

    def lose(self) -> None:
        """Others have moved the cursor; its column is in doubt until the next newline."""
        self._lost = True
        self._resized = self._column > 0

    def advance(self, text: str) -> None:
        """Follow text that was written, with ``SOFT`` for breaks within a line.

        Sequences that colour or erase move nothing; the cursor goes back only before a break.
        """
        if "\x1b" in text:
            text = _STILL.sub("", text)
        line = text.rfind("\n") + 1
        if line:
            text = text[line:]
            self.restart()
        *rows, text = text.split(SOFT)
        for row in rows:
            self._follow(row)
            self._break_row()
        self._follow(text)

    def _follow(self, text: str) -> None:
        if text.isascii() and "\t" not in text:
            self._move(len(text))
        else:
            for char in text:
                self._move_over(char)

    def _move(self, cells: int) -> None:
        if cells:
            self._joins = False
            self._cells += cells
            self._column = (self._column + cells - 1) % self._width + 1

    def _move_over(self, char: str) -> None:
        if char == "\t":
            # A tab stops at the last column and never wraps.
            target = min((self._column // _TAB + 1) * _TAB, self._width - 1)
            self._cells += max(target - self._column, 0)
            self._column = max(target, self._column)
            self._doubt += 1
            return
        width = cell_len(char)
        if width == 2 and self._column == self._width - 1:
            self._cells += 1
            self._column = self._width
        self._move(width)
        if char > "\u02ff" or char == "\xad":
            doubt = _doubt(char, width)
            self._doubt += doubt
            self._joins = doubt > 0


def doubt(char: str) -> int:
    """Return by how many cells terminals may disagree about a character."""
    return _doubt(char, cell_len(char)) if char > "\u02ff" or char == "\xad" else 0


def _doubt(char: str, width: int) -> int:
    """Return by how many cells terminals may disagree about a character."""
    if width == 0:
        return 2
    if width == 2:
        return 0 if char < "\U0001f000" and unicodedata.east_asian_width(char) in "WF" else 1
    return 1 if char > "\uffff" or unicodedata.category(char) in _DOUBTED else 0
