"""What a slash command is, and how one is found; the table of them is in ``commands.py``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from specdec_cli.errors import UsageError

if TYPE_CHECKING:
    from specdec_cli.chat.session import Chat

_COMMAND = re.compile(r"/([a-z][\w-]*|\?)(?:\s+|$)", re.IGNORECASE)

Complete = Callable[["Chat", str], Iterable[str]]
"""Completes the text after a command: from what is typed so far to whole texts."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Args:
        name: without its slash.
        run: called with the text after the name, stripped.
        arguments: as help shows them.
        needs: whether there must be an argument.
        also: other names.
    """

    name: str
    help: str
    run: Callable[[Chat, str], None]
    arguments: str = ""
    complete: Complete | None = None
    needs: bool = False
    also: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """The command with its arguments."""
        return f"/{self.name} {self.arguments}".rstrip()


def is_command(text: str) -> bool:
    """Whether a text is meant as a command; a path that begins with a slash is not."""
    return _COMMAND.match(text) is not None


def find(commands: Sequence[Command], name: str) -> Command:
    """The command of a name, in any spelling.

    Raises:
        UsageError: there is none; the nearest is suggested.
    """
    wanted = name.lower().replace("_", "-")
    for command in commands:
        if wanted == command.name or wanted in command.also:
            return command
    near = get_close_matches(wanted, [command.name for command in commands], 1, 0.5)
    tip = f"did you mean /{near[0]}?" if near else "/help lists them."
    raise UsageError(f"there is no command /{wanted}", f"{tip} As a message: //{name}")


def dispatch(chat: Chat, commands: Sequence[Command], text: str) -> None:
    """Run the command of a text.

    Raises:
        UsageError: there is no such command, or it lacks its argument.
        SpecdecError: whatever it raises.
    """
    found = _COMMAND.match(text)
    assert found is not None
    command = find(commands, found[1])
    rest = text[found.end() :].strip()
    if command.needs and not rest:
        raise UsageError(f"/{command.name} needs an argument", command.usage)
    if rest and not command.arguments:
        raise UsageError(f"/{command.name} takes no argument", command.usage)
    command.run(chat, rest)


def completions(chat: Chat, commands: Sequence[Command], text: str) -> list[tuple[str, str]]:
    """Completions of the text typed so far, for a command, and what each means."""
    if not text.startswith("/") or "\n" in text or text.startswith("//"):
        return []
    name, space, rest = text.partition(" ")
    if not space:
        begun = name[1:].lower()
        return [(f"/{each.name}", each.help) for each in commands if each.name.startswith(begun)]
    try:
        command = find(commands, name[1:])
    except UsageError:
        return []
    offered = command.complete(chat, rest) if command.complete else ()
    return [(f"{name} {each}", "") for each in offered if each.lower().startswith(rest.lower())]
