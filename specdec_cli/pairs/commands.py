"""The commands about pairs by name, as ``commands`` registers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from specdec_cli.options.table import Action, Group
from specdec_cli.pairs import edit, new, rm, show, validate
from specdec_cli.pairs import list as listing
from specdec_cli.pairs.check import command as check
from specdec_cli.pairs.pull import command as pull


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
