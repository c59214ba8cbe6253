"""All commands with their options, for what concerns every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.options.table import RUN, Group


def options_by_command() -> Mapping[str, Sequence[Group]]:
    """The groups of options of each command, by the command's name."""
    # The modules of the commands import the reader of the configuration, which asks here.
    from specdec_cli.bench import command as bench
    from specdec_cli.chat import command as chat
    from specdec_cli.doctor import command as doctor
    from specdec_cli.export import command as export
    from specdec_cli.pairs.commands import COMMANDS
    from specdec_cli.plan import command as plan
    from specdec_cli.tune import command as tune
    from specdec_cli.verify import command as verify

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
