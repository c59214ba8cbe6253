"""Words given to the program itself that belong to a command of it, or to another program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specdec_cli.errors import UsageError
from specdec_cli.options.command import options_by_command

_SERVING = ("serve", "server", "api")
_ASK = 'to answer a prompt: specdec run "…"; see: specdec --help'


def without_command(error: Exception, arguments: Sequence[str]) -> Exception:
    """The error as one that names the command that was meant, where that is clear.

    Args:
        error: of the parser.
        arguments: the whole command line, of one word at least.
    """
    if getattr(getattr(error, "ctx", None), "command_path", "") != "specdec":
        return error
    first, *rest = arguments
    name = first.partition("=")[0]
    if first.startswith("-"):
        command = next(_having(name), None)
        if command is None:
            return error
        more = " …" if rest else ""
        return UsageError(
            f"{name} is an option of a command, and none is given",
            f"specdec {command} {first}{more}",
        )
    if name == "help":
        known = rest[:1] if rest and rest[0] in options_by_command() else []
        return UsageError(f"no such command {first!r}", " ".join(["specdec", *known, "--help"]))
    if name in _SERVING:
        return UsageError(
            f"no such command {first!r}",
            "the command line of a server for the same pair: specdec export --to llama-server",
        )
    return UsageError(f"no such command {first!r}", _ASK)


def _having(name: str) -> Iterator[str]:
    """The commands with an option, ``run`` before others."""
    commands = options_by_command()
    for command in ("run", *commands):
        if any(name in "/".join(each.flags).split("/") for each in commands[command].options):
            yield command
