"""All commands with their options, for what concerns every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.cli.options import RUN, Group


def options_by_command() -> Mapping[str, Sequence[Group]]:
    """The groups of options of each command, by the command's name."""
    # The modules of the commands import the reader of the configuration, which asks here.
    from specdec_cli.cli import bench, chat, doctor, export, plan, tune, verify
    from specdec_cli.cli.pairs import COMMANDS

    return {
        "run": RUN,
        "chat": chat.CHAT,
        **{entry.action.__name__: entry.groups for entry in COMMANDS},
        "plan": plan.PLAN,
        "bench": bench.BENCH,
        "tune": tune.TUNE,
        "verify": verify.VERIFY,
        "doctor": doctor.DOCTOR,
        "export": export.EXPORT,
    }
