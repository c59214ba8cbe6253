"""How far a long measurement is, in a line on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import TYPE_CHECKING

from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.errors import warning_line
from specdec_cli.terminal.safe import safe_line

if TYPE_CHECKING:
    from specdec_cli.engine.settings import Loading

_BETWEEN = 0.1
"""Seconds between two redraws of the progress line."""


class Progress:
    """One line on stderr: redrawn on a terminal, elsewhere one for each stage."""

    def __init__(self, streams: Streams, *, quiet: bool, color: ColorChoice) -> None:
        self._streams = streams
        self._color = streams.err_color(color)
        self._quiet = quiet
        self._stage = ""
        self._shown_at = float("-inf")
        self._paint: Callable[[str], None] | None = None
        if streams.can_redraw and not quiet:
            from specdec_cli.terminal.screen import LineScreen

            screen = LineScreen(streams.err, streams.size, self._style)
            self._paint = screen.paint

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show what is being done, and how much of it is done."""
        if self._quiet:
            return
        if self._paint:
            now = perf_counter()
            if stage != self._stage or now - self._shown_at >= _BETWEEN:
                self._paint(f"{stage} {done}/{total}")
                self._shown_at = now
        elif stage != self._stage and not stage.startswith("loading"):
            self._streams.err.write(f"{stage}: {total} to do\n" if total > 1 else f"{stage}\n")
            self._streams.err.flush()
        self._stage = stage

    def loading(self, loading: Loading) -> None:
        """Show how far loading is."""
        self(f"loading the {loading.role}", round(100 * loading.fraction), 100)

    def note(self, lines: Iterable[str]) -> None:
        """Print lines unless quiet."""
        if not self._quiet:
            self.close()
            self._streams.err.writelines(f"{safe_line(line)}\n" for line in lines)
            self._streams.err.flush()

    def warn(self, message: str) -> None:
        """Print a ``Warning:`` line."""
        self.close()
        columns = self._streams.columns
        self._streams.err.write(warning_line(message, color=self._color, columns=columns))
        self._streams.err.flush()

    def close(self) -> None:
        """Remove the line."""
        if self._paint:
            self._paint("")

    def _style(self, line: str) -> str:
        return f"\x1b[2m{line}\x1b[0m" if self._color else line
