"""Errors and warnings as a person reads them: one line each, unwrapped, so hints can be copied."""

from __future__ import annotations

from specdec_cli.errors import SpecdecError
from specdec_cli.render.console import ColorChoice, Streams
from specdec_cli.render.safe import safe_line


def print_error(
    error: SpecdecError, streams: Streams, color: ColorChoice = "auto", *, verbose: bool = False
) -> None:
    """Print ``Error:`` and, if there is one, ``Hint:`` on stderr; if verbose, details between."""
    colored = streams.err_color(color)
    streams.err.write(_line("Error", 31, error.message, colored))
    if verbose:
        streams.err.writelines(f"  {safe_line(line)}\n" for line in error.details)
    if error.hint:
        streams.err.write(_line("Hint", 36, error.hint, colored))
    streams.err.flush()


def warning_line(message: str, *, color: bool) -> str:
    """Return a warning as a line to print."""
    return _line("Warning", 33, message, color)


def _line(label: str, code: int, message: str, color: bool) -> str:
    start, end = (f"\x1b[1;{code}m", "\x1b[0m") if color else ("", "")
    return f"{start}{label}:{end} {safe_line(message)}\n"
