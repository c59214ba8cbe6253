"""A footer line that never touches the answer.

Two cases. Where stdout goes elsewhere, the footer has its line of stderr's terminal to itself.
Where both are one terminal, the footer hangs on the row below the answer's last: it is erased
before text is written and drawn again after, all in one write, and the cursor always rests where
the answer ends. Nothing is reserved, so a process that is killed leaves a usable terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TextIO

from rich.cells import cell_len, set_cell_size

from specdec_cli.core import clock
from specdec_cli.terminal.cursor import Cursor
from specdec_cli.terminal.sequences import BACK, ERASE_BELOW, TO_FOOTER
from specdec_cli.terminal.wrap import Wrap, shown

Size = Callable[[], tuple[int, int]]  # columns, rows

# A terminal that has just been made narrower, before anyone was told, must not wrap the footer.
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_MIN_COLUMNS, _MIN_ROWS = 20, 3


class Screen(Protocol):
    """Where a footer is drawn."""

    def paint(self, footer: str) -> None:
        """Show this footer instead of the last; the empty one removes it."""


class LineScreen:
    """The footer alone on stderr's terminal."""

    def __init__(self, err: TextIO, size: Size, style: Callable[[str], str]) -> None:
        self._err = err
        self._size = size
        self._style = style
        self._shown = ""

    def paint(self, footer: str) -> None:
        """Show this footer instead of the last; the empty one removes it."""
        columns, rows = self._size()
        footer = _fit(footer, columns, rows)
        if footer == self._shown:
            return
        # After the terminal was made narrower the old footer fills several rows.
        extra = (cell_len(self._shown) - 1) // max(columns, 1) if self._shown else 0
        up = f"\x1b[{extra}A" if extra > 0 else ""
        line = f"{_NO_WRAP}{self._style(footer)}{_WRAP}" if footer else ""
        self._err.write(f"{up}\r{ERASE_BELOW}{line}")
        self._err.flush()
        self._shown = footer


class SharedScreen:
    """The answer and the footer on one terminal; text waits for the next ``paint``."""

    def __init__(self, out: TextIO, size: Size, style: Callable[[str], str]) -> None:
        self._out = out
        self._size = size
        self._style = style
        self._cursor = Cursor(max(size()[0], 1))
        self._wrap = Wrap(lambda: max(size()[0], 1))
        self._text: list[str] = []
        self._again: tuple[str, str] | None = None
        self._shown = ""
        self._stops = clock.stops()

    def write(self, text: str) -> None:
        """Add to the answer."""
        self._text.append(text)

    def rewrite(self, line: str, otherwise: str) -> None:
        """Replace the line under way by one that covers it.

        That is one of the same characters in other colours, or of one row that erases its rest.
        To be called before the text that follows is written.

        Args:
            otherwise: what to write instead where it is not certain where the line began, or that
                is no longer on the screen.
        """
        self._again = (line, otherwise)

    def paint(self, footer: str) -> None:
        """Write the waiting text and show this footer below it; the empty one removes it."""
        columns, rows = self._size()
        footer = _fit(footer, columns, rows)
        if not self._text and not self._again and footer == self._shown:
            return
        self._cursor.resize(max(columns, 1))
        if self._stops != (stops := clock.stops()):
            # The process was stopped, by Ctrl-Z say, and the shell has written here since.
            self._stops = stops
            self._cursor.lose()
            self._wrap.lose()
        frame = self._line_again(rows) + self._erase_and_write(self._wrap.feed("".join(self._text)))
        self._text.clear()
        if footer and not self._shown and self._cursor.may_leave():
            frame += f"{TO_FOOTER}{_NO_WRAP}{self._style(footer)}{_WRAP}{BACK}"
            self._shown = footer
        self._out.write(frame)
        self._out.flush()

    def _line_again(self, rows: int) -> str:
        if self._again is None:
            return ""
        (line, otherwise), self._again = self._again, None
        back = self._cursor.rows_back()
        # The footer may have scrolled the line up by one more row.
        if (
            back is None
            or back >= max(rows - 1, 1)
            or (self._shown and not self._cursor.may_erase())
        ):
            return self._erase_and_write(self._wrap.feed(otherwise))
        line = self._wrap.again(line)
        frame = self._erase_and_write("") + (f"\x1b[{back}A\r" if back else "\r") + shown(line)
        self._cursor.restart()
        self._cursor.advance(line)
        return frame

    def _erase_and_write(self, text: str) -> str:
        if not self._shown:
            self._cursor.advance(text)
            return shown(text)
        if self._cursor.may_erase():
            self._cursor.advance(text)
            self._shown = ""
            return ERASE_BELOW + shown(text)
        # The answer's last character might be under the cursor: write first, erase where it is
        # certain that nothing is lost.
        self._cursor.advance(text)
        frame = shown(text).replace("\n", f"\n{ERASE_BELOW}")
        if self._cursor.may_erase():
            frame += ERASE_BELOW
            self._shown = ""
        return frame


def _fit(footer: str, columns: int, rows: int) -> str:
    """Return the footer cut to less than a row, or nothing where there is no room for one."""
    if columns < _MIN_COLUMNS or rows < _MIN_ROWS:
        return ""
    return shortened(footer, columns)


def shortened(line: str, columns: int) -> str:
    """Return the line cut to less than a row."""
    if cell_len(line) < columns:
        return line
    return set_cell_size(line, max(columns - 2, 0)) + "…"
