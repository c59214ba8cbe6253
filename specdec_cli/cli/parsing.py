"""A command as a function whose signature Typer reads."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from specdec_cli.options.command import Command
from specdec_cli.options.option import Option
from specdec_cli.options.values import Several


def parsed(command: Command, before: Callable[[str], None]) -> Callable[..., int]:
    """The function: its parameters are the words and all options.

    Values are left as written; the resolver reads them together with the other sources.

    Args:
        before: called with the command's name before it runs.
    """
    options = command.offered.options
    words = typer.Argument(help=command.words, metavar="[PROFILE] [PROMPT]...", show_default=False)
    annotations = {"words": Annotated[list[str] | None, words]}
    annotations |= {option.key: _annotation(option) for option in options}

    def run(**given: Any) -> int:
        words = given.pop("words") or []
        flags = {
            option.name: given[option.key]
            for option in options
            if _is_given(option, given[option.key])
        }
        before(command.offered.command)
        return command.action(words, flags)

    run.__doc__ = command.action.__doc__
    run.__annotations__ = annotations
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    vars(run)["__signature__"] = inspect.Signature(
        [
            inspect.Parameter(name, keyword_only, default=None, annotation=annotation)
            for name, annotation in annotations.items()
        ]
    )
    return run


def _annotation(option: Option) -> Any:
    given: Any = str | None
    if option.is_switch:
        given = bool | None
    elif option.is_counted:
        given = int | None
    elif isinstance(option.kind, Several):
        given = list[str] | None
    info = typer.Option(
        *option.flags, help=option.help, show_default=False, count=option.is_counted
    )
    return Annotated[given, info]


def _is_given(option: Option, value: object) -> bool:
    """Whether the command line has the option at all; the parser counts those it lacks as 0."""
    return value not in (None, []) and not (option.is_counted and value == 0)
