"""What the parser cannot read, as an error a person can act on."""

from __future__ import annotations

from typing import Any

import typer

from specdec_cli.errors import UsageError

PARSER_ERROR: Any = typer.BadParameter.__mro__[1]
"""What the parser raises for a command line it cannot read; Typer does not export it."""


def usage_error(error: Any) -> UsageError:
    """The same as an error of ours."""
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
