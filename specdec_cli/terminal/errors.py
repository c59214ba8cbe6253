"""Errors and warnings as a person reads them: one line each, unwrapped, so hints can be copied."""

from __future__ import annotations

from specdec_cli.errors import SpecdecError
from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.safe import safe_line


def print_error(
    error: SpecdecError, streams: Streams, color: ColorChoice = "auto", *, verbose: bool = False
) -> None:
    """Print ``Error:`` and, if there is one, ``Hint:`` on stderr; if verbose, details between."""
    colored, columns = streams.err_color(color), streams.columns
    streams.err.write(_line("Error", 31, error.message, colored, columns))
    if verbose:
        streams.err.writelines(f"  {safe_line(line)}\n" for line in error.details)
    if error.hint:
        streams.err.write(_line("Hint", 36, error.hint, colored, columns))
    streams.err.flush()


def warning_line(message: str, *, color: bool, columns: int | None = None) -> str:
    """Return a warning as a line to print.

    Args:
        columns: of the terminal, if it is one, so that it breaks no word.
    """
    return _line("Warning", 33, message, color, columns)


def _line(label: str, code: int, message: str, color: bool, columns: int | None) -> str:
    start, end = (f"\x1b[1;{code}m", "\x1b[0m") if color else ("", "")
    line = fitted(f"{label}: {safe_line(message)}", columns)
    return f"{start}{label}:{end}{line.removeprefix(f'{label}:')}\n"


def fitted(line: str, columns: int | None) -> str:
    """Return a line so that a terminal breaks it between words; it can be copied as one line."""
    if columns is None or len(line) < columns:
        return line
    from specdec_cli.terminal.wrap import unbroken  # it is only needed, and imported, here

    return unbroken(line, columns)
