"""``--print-config``: every value, and where it comes from."""

from __future__ import annotations

from typing import Any, TextIO

from specdec_cli.options.resolved import Resolved
from specdec_cli.terminal.jsonl import VERSION, write_object
from specdec_cli.terminal.safe import safe_line

_LEFT_OUT = ("print-config",)


def print_config(options: Resolved, profile: str | None, out: TextIO, *, as_json: bool) -> None:
    """Print a table, or one JSON object."""
    names = [name for name in options if name not in _LEFT_OUT]
    if as_json:
        settings = {
            name: {"value": options[name], "origin": options.origins[name]} for name in names
        }
        write_object(out, {"v": VERSION, "profile": profile, "settings": settings})
        return
    rows = [("option", "value", "origin")]
    rows += [(name, _shown(options[name]), options.origins[name]) for name in names]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    out.writelines(
        f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}\n" for name, value, origin in rows
    )
    out.flush()


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    return safe_line(str(value)) or '""'
