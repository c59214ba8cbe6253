"""Help in groups, plain text, without loading what draws boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

from specdec_cli.cli.options import Group

PROFILE_AND_PROMPT = ("[PROFILE]", "[PROMPT]...")
_WIDEST = 26


class _GroupedCommand(TyperCommand):
    groups: Sequence[Group] = ()
    words = ""
    arguments: Sequence[str] = ()

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
