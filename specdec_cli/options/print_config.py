"""``--print-config``: every value, and where it comes from."""

from __future__ import annotations

from typing import Any, TextIO

from specdec_cli.errors import Exit
from specdec_cli.options.option import OptionSet
from specdec_cli.options.table import Options
from specdec_cli.terminal.jsonl import VERSION, write_object
from specdec_cli.terminal.safe import safe_line

_LEFT_OUT = ("print-config",)


def print_config(offered: OptionSet[Any], options: Options, out: TextIO) -> int:
    """Print a table, or one JSON object; the exit code."""
    shown = [option for option in offered.options if option.name not in _LEFT_OUT]
    if options.output.json:
        settings = {
            option.name: {"value": options.value(option), "origin": options.origins[option.name]}
            for option in shown
        }
        write_object(out, {"v": VERSION, "profile": options.profile, "settings": settings})
        return Exit.OK
    rows = [("option", "value", "origin")]
    rows += [
        (option.name, _shown(options.value(option)), options.origins[option.name])
        for option in shown
    ]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    out.writelines(
        f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}\n" for name, value, origin in rows
    )
    out.flush()
    return Exit.OK


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return safe_line(str(value)) or '""'
