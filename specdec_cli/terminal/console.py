"""Where output goes and what those places can show."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console

ColorChoice = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard output and error, and what is known of them.

    Args:
        out_tty: stdout is a terminal.
        err_tty: stderr is a terminal.
        shared: both are the same terminal, so what one writes moves the other's cursor.
        env: the environment that colour and the live view look at.
    """

    out: TextIO
    err: TextIO
    out_tty: bool
    err_tty: bool
    shared: bool
    env: Mapping[str, str]

    @classmethod
    def standard(cls) -> Streams:
        """Return the process's own streams, set to never fail on a character.

        A file or pipe gets UTF-8 and plain newlines whatever the locale says.
        """
        out, err = sys.stdout, sys.stderr
        out_tty, err_tty = is_terminal(out), is_terminal(err)
        if isinstance(out, io.TextIOWrapper):
            if out_tty:
                out.reconfigure(errors="replace")
            else:
                out.reconfigure(encoding="utf-8", errors="replace", newline="\n")
        if isinstance(err, io.TextIOWrapper):
            err.reconfigure(errors="replace")
        shared = out_tty and err_tty and _same_terminal(out, err)
        return cls(out, err, out_tty, err_tty, shared, os.environ)

    def out_color(self, choice: ColorChoice) -> bool:
        """Return whether stdout is coloured."""
        return _color(choice, self.out_tty, self.env)

    def err_color(self, choice: ColorChoice) -> bool:
        """Return whether stderr is coloured."""
        return _color(choice, self.err_tty, self.env)

    @property
    def can_redraw(self) -> bool:
        """Whether stderr is a terminal that a live view may move the cursor on."""
        dumb = self.env.get("TERM", "") in ("dumb", "unknown")
        return self.err_tty and not dumb and not _is_set(self.env, "CI")

    @property
    def wraps(self) -> Callable[[], int] | None:
        """How wide stdout is, where it is a terminal that can take a word back."""
        dumb = self.env.get("TERM", "") in ("dumb", "unknown")
        return None if dumb or not self.out_tty else self._out_columns

    @property
    def width(self) -> int | None:
        """How wide tables and lines on stdout may be; ``None`` for what is no terminal."""
        return self.wraps() if self.wraps else None

    def _out_columns(self) -> int:
        try:
            return os.get_terminal_size(self.out.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    @property
    def columns(self) -> int | None:
        """How wide stderr is, where it is a terminal."""
        return self.size()[0] if self.err_tty else None

    def size(self) -> tuple[int, int]:
        """Return columns and rows of stderr's terminal."""
        try:
            columns, rows = os.get_terminal_size(self.err.fileno())
        except (OSError, ValueError):
            return 80, 24
        return (columns, rows) if columns > 0 and rows > 0 else (80, 24)

    def rich(self, choice: ColorChoice = "auto") -> Console:
        """Return a Rich console on stderr, for tables."""
        return _console(self.err, self.err_tty, self.err_color(choice))

    def rich_out(self, choice: ColorChoice, width: int) -> Console:
        """Return a Rich console on stdout, of this width where that is not a terminal."""
        color = self.out_color(choice)
        return _console(self.out, self.out_tty, color, None if self.out_tty else width)


def _console(stream: TextIO, tty: bool, color: bool, width: int | None = None) -> Console:
    from rich.console import Console

    return Console(
        file=stream,
        force_terminal=tty or color,
        no_color=not color,
        color_system="standard" if color else None,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is an open terminal."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _same_terminal(out: TextIO, err: TextIO) -> bool:
    try:
        return os.fstat(out.fileno()).st_rdev == os.fstat(err.fileno()).st_rdev
    except (OSError, ValueError):
        return True


def _is_set(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "") not in ("", "0", "false")


def _color(choice: ColorChoice, tty: bool, env: Mapping[str, str]) -> bool:
    if choice != "auto":
        return choice == "always"
    if env.get("NO_COLOR"):
        return False
    if "FORCE_COLOR" in env:
        return _is_set(env, "FORCE_COLOR")
    return tty and env.get("TERM", "") not in ("dumb", "unknown") and not _is_set(env, "CI")
