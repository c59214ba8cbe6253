"""The command line: commands, and what becomes of whatever they raise."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from specdec_cli import paths
from specdec_cli.bench import command as bench
from specdec_cli.chat import command as chat
from specdec_cli.cli.help import Commands, grouped
from specdec_cli.cli.parser_errors import PARSER_ERROR, usage_error
from specdec_cli.cli.parsing import parsed
from specdec_cli.cli.without_command import without_command
from specdec_cli.doctor import command as doctor
from specdec_cli.errors import Exit, reported
from specdec_cli.export import command as export
from specdec_cli.options.command import Command, options_by_command, register
from specdec_cli.options.config_file import wrong_elsewhere
from specdec_cli.pairs.commands import COMMANDS as PAIRS
from specdec_cli.plan import command as plan
from specdec_cli.run import command as run
from specdec_cli.terminal import logs
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.errors import print_error, warning_line
from specdec_cli.tune import command as tune
from specdec_cli.verify import command as verify

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
app = typer.Typer(
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_CONTEXT,
)


def _version(wanted: bool) -> None:
    if wanted:
        from specdec_cli.version import version

        sys.stdout.write(f"specdec {version()}\n")
        raise typer.Exit


def _help(context: typer.Context, wanted: bool) -> None:
    if wanted:
        sys.stdout.write(context.get_help() + "\n")
        raise typer.Exit


@app.callback(
    add_help_option=False,  # Typer's own loads pydantic when a command's help is asked for
    epilog='With no PROFILE the built-in pair is used: specdec run "Write a short story."',
)
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    help: Annotated[
        bool,
        typer.Option("-h", "--help", help="Show this help.", callback=_help, is_eager=True),
    ] = False,
) -> None:
    """Speculative decoding on one machine: a small model drafts, a large one verifies."""


def _add(command: Command) -> None:
    name = command.offered.command
    register(command)
    kind = grouped(command)
    for each in filter(None, (name, command.alias)):
        decorate = app.command(each, cls=kind, epilog=command.examples, hidden=each != name)
        decorate(parsed(command, _warn_of_config))


def _warn_of_config(command: str) -> None:
    """Name what is wrong in the configuration and does not concern this command."""
    config = paths.user_config()
    if command == "doctor" or not config.exists():  # doctor lists it all
        return
    for error in wrong_elsewhere(config, command):
        sys.stderr.write(warning_line(f"{error.message}; {error.hint}", color=False))


for each in (
    run.COMMAND,
    chat.COMMAND,
    *PAIRS,
    plan.COMMAND,
    bench.COMMAND,
    tune.COMMAND,
    verify.COMMAND,
    doctor.COMMAND,
    export.COMMAND,
):
    _add(each)


def invoke(arguments: list[str]) -> int:
    """Run a command line; the exit code."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("specdec", arguments[:] or ["--help"]) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as ended:
        return ended.exit_code
    except BrokenPipeError:
        return silence()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends as two lines
        return report(error, arguments)


def report(error: Exception, arguments: Sequence[str] = ()) -> int:
    """Print an error in two lines; the exit code."""
    if isinstance(error, OSError):
        silence()  # what stdout could not take must not fail again, here and at exit
    debug = os.environ.get("SPECDEC_DEBUG", "") not in ("", "0")
    if arguments and isinstance(error, PARSER_ERROR):
        error = without_command(error, arguments)
    known = usage_error(error) if isinstance(error, PARSER_ERROR) else reported(error)
    if prompt := _prompt_with_dash(error, arguments):
        quoted = shlex.quote(prompt)
        known.hint = f"to send it as a prompt: specdec run -- {quoted}, or -p {quoted}"
    verbose = logs.is_verbose()
    if known.details and not verbose and _has_verbose(arguments):
        known.hint += "; -v gives the other reasons"
    try:
        if debug:
            traceback.print_exception(error)
        print_error(known, Streams.standard(), verbose=verbose)
    except BrokenPipeError:
        return silence()
    return known.exit_code


def _has_verbose(arguments: Sequence[str]) -> bool:
    """Whether the command that was given has ``-v``."""
    offered = options_by_command().get(arguments[0]) if arguments else None
    return offered is not None and any(each.name == "verbose" for each in offered.options)


def _prompt_with_dash(error: Exception, arguments: Sequence[str]) -> str | None:
    """The word that was read as an option, where it looks more like a prompt."""
    name: str | None = getattr(error, "option_name", None)
    if not name or arguments[:1] != ["run"]:
        return None
    words = (word for word in arguments if word.startswith(name))
    return next((word for word in words if " " in word or word[1:2].isdigit()), None)


def silence() -> int:
    """What cannot be written any more, as nobody reads it, is not written at exit either."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(null, stream.fileno())
    os.close(null)
    return Exit.BROKEN_PIPE
