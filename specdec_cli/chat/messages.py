"""What chat says on stderr, beside the answers."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.chat.options import ChatOptions
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.errors import fitted, warning_line
from specdec_cli.terminal.safe import safe_line

_UNBOUNDED = 1000
"""Columns where there is no terminal that would wrap a line."""


class Messages:
    """Prints lines of the program's own, as the options of the moment ask for."""

    def __init__(self, options: ChatOptions, streams: Streams) -> None:
        self.options = options
        self.streams = streams

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return self.streams.size()[0] if self.streams.err_tty else _UNBOUNDED

    def note(self, text: str) -> None:
        """Print a line on stderr, unless quiet."""
        if not self.options.output.quiet:
            self.show([text])

    def warn(self, text: str) -> None:
        """Print a warning on stderr."""
        color = self.streams.err_color(self.options.output.color)
        self.streams.err.write(warning_line(text, color=color, columns=self.streams.columns))
        self.streams.err.flush()

    def show(self, lines: Sequence[str]) -> None:
        """Print lines on stderr, dimmed where there is colour."""
        dim = self.streams.err_color(self.options.output.color)
        for line in lines:
            line = fitted(safe_line(line), self.streams.columns)
            self.streams.err.write(f"\x1b[2m{line}\x1b[0m\n" if dim and line else f"{line}\n")
        self.streams.err.flush()
