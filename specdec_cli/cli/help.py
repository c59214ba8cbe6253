"""Help in groups, plain text, without loading what draws boxes."""

from __future__ import annotations

import sys
from copy import copy
from itertools import takewhile
from typing import Any

from typer.core import TyperCommand, TyperGroup

from specdec_cli.errors import UsageError
from specdec_cli.options.command import Command

_WIDEST = 26
_SHORT = "-h"
_EXAMPLES = 4


class _AsWritten:
    """Stands in for Typer's conversion of values, which loads pydantic for it.

    All values are texts, switches and lists of texts, which the resolver reads.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002
        if param.multiple or param.nargs == -1:
            return list(value or ())
        return value


class Commands(TyperGroup):
    """A command with commands of its own, whose list cuts no line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [
            (name, (command.help or "").split("\n\n")[0].replace("\n", " "))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class _GroupedCommand(TyperCommand):
    described: Command
    _short: Any = None

    def get_params(self, ctx: Any) -> Any:
        parameters = super().get_params(ctx)
        for parameter in parameters:
            vars(parameter)["_runtime_param"] = _AsWritten()
        return [*parameters, *self._short_help(ctx)]

    def get_help_option_names(self, ctx: Any) -> list[str]:
        names = super().get_help_option_names(ctx)
        return [name for name in names if name != _SHORT] if self.described.brief else names

    def _short_help(self, ctx: Any) -> list[Any]:
        """The option ``-h`` where it is not the same as ``--help``."""
        whole: Any = self.get_help_option(ctx) if self.described.brief else None
        if whole is None:
            return []
        if self._short is None:  # the parser tells options apart by identity

            def show(context: Any, _option: Any, wanted: bool) -> None:
                if wanted and not context.resilient_parsing:
                    sys.stdout.write(self._briefly(context) + "\n")
                    context.exit()

            self._short = copy(whole)
            self._short.opts, self._short.name, self._short.callback = [_SHORT], "short_help", show
        return [self._short]

    def _briefly(self, ctx: Any) -> str:
        """The options most people need, and the first examples."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text((self.help or "").split("\n\n")[0].replace("\n", " "))
        known = {option.name: option for option in self.described.offered.options}
        with formatter.section("Options"):
            formatter.write_dl(
                [known[name].record(notes=False) for name in self.described.brief.split()], _WIDEST
            )
        formatter.write_paragraph()
        examples = takewhile(str.strip, (self.epilog or "").splitlines())
        formatter.write("".join(f"{line}\n" for line in [*examples][: 1 + _EXAMPLES]))
        formatter.write(f"\nAll options and what they mean: {ctx.command_path} --help\n")
        return str(formatter.getvalue().rstrip("\n"))

    def make_parser(self, ctx: Any) -> Any:
        """The parser, for which ``-hf`` is not ``-h`` and something else."""
        parser = super().make_parser(ctx)
        match = vars(type(parser))["_match_short_opt"]

        def match_short(arg: str, state: Any) -> None:
            if arg.startswith("-h") and arg != "-h":
                raise UsageError(f"no such option: {arg}", f"see: {ctx.command_path} --help")
            match(parser, arg, state)

        vars(parser)["_match_short_opt"] = match_short
        return parser

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return ["[OPTIONS]", *self.described.arguments]

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Arguments"):
            formatter.write_dl([(" ".join(self.described.arguments), self.described.words)])
        for group in self.described.offered.groups:
            with formatter.section(group.title):
                formatter.write_dl([option.record() for option in group.options], _WIDEST)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog)


def grouped(command: Command) -> type[TyperCommand]:
    """A kind of command whose help shows its groups of options, and its epilog as written."""
    return type("GroupedCommand", (_GroupedCommand,), {"described": command})
