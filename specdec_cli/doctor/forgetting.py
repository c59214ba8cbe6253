"""``specdec doctor --forget``: removes what was learnt of pairs on this machine."""

from __future__ import annotations

from pathlib import Path

from specdec_cli.engine import cost_cache
from specdec_cli.errors import Exit, SpecdecError
from specdec_cli.options.settings import pair_settings
from specdec_cli.options.table import Options
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import VERSION, write_object
from specdec_cli.terminal.tables import write_table


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
        removed = [{"target": each.target, "draft": each.draft} for each in gone]
        write_object(streams.out, {"v": VERSION, "forgotten": removed})
    elif not gone:
        streams.out.write("nothing was learnt that could be forgotten\n")
    else:
        write_table(streams.out, rows, ("forgotten: target", "draft"))
        streams.out.write("the next start of these pairs measures again\n")
    return Exit.OK
