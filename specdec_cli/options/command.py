"""A command as the list of commands has it, and that list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specdec_cli.options.option import OptionSet

Action = Callable[[Sequence[str], Mapping[str, object]], int]
"""What a command does: positional words and the flags that were given, to an exit code."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Args:
        action: what it does; its docstring is the command's help.
        offered: its options, and its name.
        words: what the positional arguments are.
        examples: the end of its help, as written.
        arguments: how the usage line names the positional arguments.
        alias: another name, which no list shows.
        brief: names of the options that ``-h`` shows, with spaces between; if none, it shows what
            ``--help`` does.
    """

    action: Action
    offered: OptionSet[Any]
    words: str
    examples: str
    arguments: Sequence[str] = ("[PROFILE]",)
    alias: str = ""
    brief: str = ""


_COMMANDS: dict[str, Command] = {}


def register(command: Command) -> None:
    """Let it be known that there is such a command; ``cli.commands`` does it for all."""
    _COMMANDS[command.offered.command] = command


def options_by_command() -> Mapping[str, OptionSet[Any]]:
    """The options of each command, by the command's name."""
    return {name: command.offered for name, command in _COMMANDS.items()}
