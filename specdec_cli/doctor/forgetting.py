"""``specdec doctor --forget``: removes what was learnt of pairs on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specdec_cli.engine import cost_cache
from specdec_cli.engine.cost_cache import Forgotten
from specdec_cli.errors import Exit, SpecdecError
from specdec_cli.options.settings import pair_settings
from specdec_cli.options.table import Options
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report
from specdec_cli.terminal.tables import write_table


@dataclass(frozen=True, slots=True)
class Forgot:
    """What ``--json`` has."""

    forgotten: tuple[Forgotten, ...]


def forget(options: Options | None, streams: Streams, *, as_json: bool) -> int:
    """Remove it, of one pair or of all, and say what went.

    Args:
        options: of the pair; ``None`` for all.

    Raises:
        SpecdecError: a file cannot be removed, or the pair is not there.
    """
    pair = pair_settings(options) if options is not None else None
    try:
        gone = cost_cache.forget(pair.target.path if pair else None)
    except OSError as error:
        raise SpecdecError(
            f"{error.filename} cannot be removed: {error.strerror}", "correct its rights"
        ) from error
    rows = [(Path(each.target).name, Path(each.draft).name if each.draft else "") for each in gone]
    if as_json:
        write_report(streams.out, Forgot(tuple(gone)))
    elif not gone:
        streams.out.write("nothing was learnt that could be forgotten\n")
    else:
        write_table(streams.out, rows, ("forgotten: target", "draft"))
        streams.out.write("the next start of these pairs measures again\n")
    return Exit.OK
