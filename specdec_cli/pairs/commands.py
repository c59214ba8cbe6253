"""The commands about pairs by name."""

from __future__ import annotations

from specdec_cli.options.command import Command
from specdec_cli.pairs import edit, new, rm, show, validate
from specdec_cli.pairs import list as listing
from specdec_cli.pairs.check import command as check
from specdec_cli.pairs.pull import command as pull

COMMANDS: tuple[Command, ...] = (
    pull.COMMAND,
    listing.COMMAND,
    show.COMMAND,
    rm.COMMAND,
    new.COMMAND,
    edit.COMMAND,
    validate.COMMAND,
    check.COMMAND,
)
