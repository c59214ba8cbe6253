"""Terminals that tests write to."""

import io
from collections.abc import Mapping

import pyte
from pyte.screens import Char
from rich.cells import cell_len


class Screen(pyte.Screen):
    """An emulator with a scrollback that, as real terminals, wraps wide characters as a whole."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self.gone: list[Mapping[int, Char]] = []  # rows that scrolled away

    def draw(self, data: str) -> None:
        if data.isascii():
            super().draw(data)
            return
        for char in data:
            if cell_len(char) == 2 and self.cursor.x == self.columns - 1:
                self.linefeed()
                self.carriage_return()
            super().draw(char)

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Change the size as xterm does: text keeps its rows, and the cursor stays with it.

        What a lower screen has no room for is taken from below the cursor, then scrolls away.
        """
        lines = lines or self.lines
        columns = columns or self.columns
        away = max(self.cursor.y - (lines - 1), 0)
        kept = [self.buffer[y] for y in range(self.lines)]
        self.gone.extend(kept[:away])
        self.buffer.clear()
        self.buffer.update(enumerate(kept[away : away + lines]))
        self.cursor.y -= away
        self.lines = lines  # nothing is left to do for rows
        super().resize(lines, columns)
        self.cursor.x = min(self.cursor.x, columns)

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            self.gone.append(self.buffer[0])
        super().index()


class Terminal(io.StringIO):
    """A terminal emulator behind a text stream, with the line discipline of a tty."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self.screen = Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)

    def write(self, text: str) -> int:
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def size(self) -> tuple[int, int]:
        return self.screen.columns, self.screen.lines

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    def everything(self) -> list[list[Char]]:
        """The cells of all rows, the ones scrolled away first."""
        rows = [
            *self.screen.gone,
            *map(self.screen.buffer.__getitem__, range(self.screen.lines)),
        ]
        return [[row[x] for x in range(self.screen.columns)] for row in rows]

    def all_lines(self) -> list[str]:
        """The text of all rows without empty ones at the end."""
        lines = ["".join(cell.data for cell in row).rstrip() for row in self.everything()]
        while lines and not lines[-1]:
            lines.pop()
        return lines
