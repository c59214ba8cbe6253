"""The options of ``specdec pull``."""

from __future__ import annotations

from dataclasses import dataclass

from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.table import OUTPUT, CommandOptions
from specdec_cli.options.values import Switch


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What is fetched, and what is taken as it comes."""

    dry_run: bool | None = option(Switch(), "Say what would be fetched, and fetch only headers")
    force: bool | None = option(Switch(), "Fetch a pair whose models do not fit together")
    accept_changed: bool | None = option(
        Switch(), "Take files that differ from the size or hash in the profile"
    )


PullOptions = CommandOptions[FetchOptions]
PULL = OptionSet(
    "pull",
    FetchOptions,
    (
        Group.of(
            "Options",
            FetchOptions,
            *OUTPUT.only("quiet").options,
            *OUTPUT.only("color").options,
        ),
    ),
)
