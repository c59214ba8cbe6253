"""Help in groups, plain text, without loading what draws boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

from specdec_cli.cli.options import Group
from specdec_cli.errors import UsageError

PROFILE_AND_PROMPT = ("[PROFILE]", "[PROMPT]...")
_WIDEST = 26


class _AsWritten:
    """Stands in for Typer's conversion of values, which loads pydantic for it.

    All values are texts, switches and lists of texts, which the resolver reads.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002
        if param.multiple or param.nargs == -1:
            return list(value or ())
        return value


class _GroupedCommand(TyperCommand):
    groups: Sequence[Group] = ()
    words = ""
    arguments: Sequence[str] = ()

    def get_params(self, ctx: Any) -> Any:
        parameters = super().get_params(ctx)
        for parameter in parameters:
            vars(parameter)["_runtime_param"] = _AsWritten()
        return parameters

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
        return ["[OPTIONS]", *self.arguments]

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Arguments"):
            formatter.write_dl([(" ".join(self.arguments), self.words)])
        for group in self.groups:
            with formatter.section(group.title):
                formatter.write_dl([option.record() for option in group.options], _WIDEST)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog)


def grouped(
    groups: Sequence[Group], words: str, arguments: Sequence[str] = PROFILE_AND_PROMPT
) -> type[TyperCommand]:
    """A kind of command whose help shows these groups, and its epilog as written.

    Args:
        words: what the positional arguments are.
        arguments: how the usage line names them.
    """
    own = {"groups": groups, "words": words, "arguments": arguments}
    return type("GroupedCommand", (_GroupedCommand,), own)
