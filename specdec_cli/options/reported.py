"""Any exception as one a person can act on: the world's faults in words, ours to be reported."""

from __future__ import annotations

import errno
import os
from typing import Any

import typer

from specdec_cli.errors import BackendError, SpecdecError, UsageError, advice

PARSER_ERROR: Any = typer.BadParameter.__mro__[1]
"""What the parser raises for a command line it cannot read; Typer does not export it."""


def reported(error: Exception) -> SpecdecError:
    """The error that is printed, and whose exit code is the program's."""
    if isinstance(error, SpecdecError):
        return error
    if isinstance(error, PARSER_ERROR):
        return _usage(error)
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return BackendError("out of memory", "try a smaller context: -c 2048")
    if isinstance(error, OSError):
        return _refused(error)
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # of Path.expanduser
        return UsageError("a path begins with ~ and a name that nobody here has", "write it out")
    return SpecdecError(
        f"unexpected {type(error).__name__}: {error}",
        "set SPECDEC_DEBUG=1 to see where it happened, and report it",
    )


def _refused(error: OSError) -> SpecdecError:
    """What the system would not do; only writing to an open stream does not name its file."""
    reason = error.strerror or str(error) or type(error).__name__
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    message = f"{where}: {reason}" if where else f"the output cannot be written: {reason}"
    return SpecdecError(message, advice(error))


def _usage(error: Any) -> UsageError:
    begun = _begun(error)
    if begun:
        error.possibilities = begun
    message = str(error.format_message()).strip().rstrip(".")
    path = error.ctx.command_path if getattr(error, "ctx", None) else "specdec"
    return UsageError(message[:1].lower() + message[1:], f"see: {path} --help")


def _begun(error: Any) -> list[str]:
    """The long options that begin with what was given: nearer than those that only look alike."""
    given: str = getattr(error, "option_name", "") or ""
    if not given.startswith("--") or not getattr(error, "ctx", None):
        return []
    options = (name for each in error.ctx.command.get_params(error.ctx) for name in each.opts)
    return [name for name in options if name.startswith(given)]
