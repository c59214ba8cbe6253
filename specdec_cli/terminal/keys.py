"""Keys typed while nobody reads them: not written into an answer, and not lost."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_found: list[list[Any]] = []
"""How the terminal was set before the outermost `unseen`, while there is one."""


@contextmanager
def unseen() -> Iterator[Callable[[], None]]:
    """Keys are not echoed, and wait for the next prompt; Ctrl-C still interrupts.

    A terminal left as it was between two prompts would also turn a Ctrl-D that comes then into
    a key that means nothing to the prompt that reads it.

    Yields:
        What brings the terminal back, for a process that is about to end.
    """
    before = _attributes()
    if before is None:
        yield show_cursor
        return
    import termios

    found = _found[0] if _found else before

    def restore() -> None:
        _set(found)
        show_cursor()

    silent = list(before)
    silent[0] &= ~termios.ICRNL  # Enter stays the key it is, for the prompt that reads it
    silent[3] &= ~(termios.ECHO | termios.ICANON)
    _found.append(before)
    _set(silent)
    try:
        yield restore
    finally:
        _set(before)
        _found.pop()


@contextmanager
def seen() -> Iterator[None]:
    """The terminal as it was found, for a question or another program inside of `unseen`.

    The shell is such a program, while this one is stopped.
    """
    inside = _attributes() if _found else None
    if inside is None:
        yield
        return
    _set(_found[0])
    try:
        yield
    finally:
        _set(inside)


def show_cursor() -> None:
    """Bring the terminal's cursor back and end the line, past all buffers."""
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, b"\x1b[?25h\n")


def _attributes() -> list[Any] | None:
    """How standard input's terminal is set, if it is one that can be changed."""
    if os.name == "nt" or sys.stdin is None or not sys.stdin.isatty():
        return None
    import termios

    try:
        return termios.tcgetattr(sys.stdin.fileno())
    except (OSError, termios.error, ValueError):
        return None


def _set(attributes: list[Any]) -> None:
    import termios

    with suppress(OSError, termios.error):
        while True:
            try:
                return termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, attributes)
            except termios.error as error:
                # Who goes on in the background is stopped here once more.
                if error.args[0] != errno.EINTR:
                    raise
