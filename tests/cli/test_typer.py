"""What is used of Typer beyond its interface, which its next version may change.

A test that fails here after an upgrade names the part of ours that has to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperOption

from specdec_cli.cli.commands import app
from specdec_cli.cli.parser_errors import PARSER_ERROR

VERSION = f"Typer {typer.__version__}"


@pytest.fixture
def run() -> Iterator[tuple[Any, Any]]:
    """The command ``run`` as Typer has it, and a context of it."""
    program: Any = typer.main.get_command(app)
    with program.make_context("specdec", ["--help"], resilient_parsing=True) as context:
        command = program.get_command(context, "run")
        yield command, command.context_class(command, info_name="run", parent=context)


def test_values_are_converted_by_one_object_that_can_be_replaced(run: tuple[Any, Any]) -> None:
    command, context = run
    options = [each for each in command.params if isinstance(each, TyperOption)]
    assert options
    for option in options:
        assert "_runtime_param" in vars(option), f"{VERSION}: _AsWritten in cli/help.py"
    for option in command.get_params(context):
        if "_runtime_param" in vars(option) and option.param_type_name == "option":
            kind = type(option.get_runtime_param()).__name__
            assert kind == "_AsWritten", f"{VERSION}: {kind}, not _AsWritten of cli/help.py"


def test_the_parser_matches_short_options_in_one_method(run: tuple[Any, Any]) -> None:
    command, context = run
    parser = super(type(command).__mro__[1], command).make_parser(context)
    assert callable(vars(type(parser)).get("_match_short_opt")), (
        f"{VERSION} reads short options otherwise: make_parser in cli/help.py"
    )


def test_the_option_of_help_can_be_copied_under_another_name(run: tuple[Any, Any]) -> None:
    command, context = run
    whole = command.get_help_option(context)
    missing = {"opts", "name", "callback"} - set(vars(whole))
    assert not missing, f"{VERSION}: an option has no {missing}; _short_help in cli/help.py"


def test_all_that_the_parser_refuses_has_one_base() -> None:
    assert PARSER_ERROR.__name__ == "UsageError", f"{VERSION}: cli/parser_errors.py"
    assert issubclass(typer.BadParameter, PARSER_ERROR)
    error = PARSER_ERROR("no")
    assert error.format_message() == "no"
    assert hasattr(error, "ctx"), f"{VERSION}: no ctx in cli/parser_errors.py"
