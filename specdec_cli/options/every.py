"""All commands with their options, for what concerns every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.options.table import Group

_COMMANDS: dict[str, Sequence[Group]] = {}


def register(command: str, groups: Sequence[Group]) -> None:
    """Let it be known that there is such a command; ``cli.commands`` does it for all."""
    _COMMANDS[command] = groups


def options_by_command() -> Mapping[str, Sequence[Group]]:
    """The groups of options of each command, by the command's name."""
    return _COMMANDS
