"""The commands about pairs by name, as ``commands`` registers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from specdec_cli.cli import check, edit, new, pull, rm, show, validate
from specdec_cli.cli import list as listing
from specdec_cli.cli.options import Action, Group


class Entry(NamedTuple):
    """What a command is registered with."""

    action: Action
    groups: Sequence[Group]
    words: str
    examples: str
    arguments: Sequence[str]
    alias: str = ""


COMMANDS = (
    Entry(pull.pull, pull.OPTIONS, pull.WORDS, pull.EXAMPLES, pull.ARGUMENTS, "download"),
    Entry(
        listing.list_profiles,
        listing.OPTIONS,
        listing.WORDS,
        listing.EXAMPLES,
        listing.ARGUMENTS,
        "ls",
    ),
    Entry(show.show, show.OPTIONS, show.WORDS, show.EXAMPLES, show.ARGUMENTS),
    Entry(rm.rm, rm.OPTIONS, rm.WORDS, rm.EXAMPLES, rm.ARGUMENTS),
    Entry(new.new, new.OPTIONS, new.WORDS, new.EXAMPLES, new.ARGUMENTS),
    Entry(edit.edit, edit.OPTIONS, edit.WORDS, edit.EXAMPLES, edit.ARGUMENTS),
    Entry(
        validate.validate,
        validate.OPTIONS,
        validate.WORDS,
        validate.EXAMPLES,
        validate.ARGUMENTS,
    ),
    Entry(check.check, check.OPTIONS, check.WORDS, check.EXAMPLES, check.ARGUMENTS),
)
