"""All commands with their options, for what concerns every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specdec_cli.options.table import OptionSet

_COMMANDS: dict[str, OptionSet[Any]] = {}


def register(offered: OptionSet[Any]) -> None:
    """Let it be known that there is such a command; ``cli.commands`` does it for all."""
    _COMMANDS[offered.command] = offered


def options_by_command() -> Mapping[str, OptionSet[Any]]:
    """The options of each command, by the command's name."""
    return _COMMANDS
