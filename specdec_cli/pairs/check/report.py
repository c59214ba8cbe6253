"""The report of a check as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.sizes import size
from specdec_cli.terminal.tables import write_table

_ROWS = (
    ("model", "model"),
    ("name", "name"),
    ("architecture", "architecture"),
    ("parameters", "parameters"),
    ("size", "bytes"),
    ("tokenizer", "tokenizer"),
    ("splits text by", "splits_by"),
    ("tokens", "tokens"),
    ("BOS", "bos"),
    ("EOS", "eos"),
    ("adds BOS", "adds_bos"),
    ("adds EOS", "adds_eos"),
    ("also ends", "ends"),
    ("trained context", "context"),
    ("chat template", "chat_template"),
    ("remembers by", "rollback"),
    ("experts", "experts"),
    ("sliding window", "sliding_window"),
)
_VERDICTS = {
    "compatible": "The models fit together.",
    "incompatible": "The models do not fit together.",
}


def write_report(out: TextIO, report: Mapping[str, Any]) -> None:
    """Write the two models side by side, what was found, and the verdict."""
    models = [report[role] for role in ("target", "draft") if role in report]
    rows = []
    for title, key in _ROWS:
        values = [model[key] for model in models]
        if any(value not in (None, [], "") for value in values):
            rows.append((title, *(_shown(key, value) for value in values)))
    write_table(out, rows, ("", "target", "draft")[: len(models) + 1])
    out.write("\n")
    found = [(finding["severity"], finding["message"]) for finding in report["findings"]]
    out.writelines(f"{severity}: {safe_line(message)}\n" for severity, message in found)
    if verdict := _VERDICTS.get(report["verdict"]):
        out.write(f"{verdict} {report['meaning']}\n")
    for entry in report["suggestions"]:
        kind = "for this model" if entry["same_model"] else "of the same family"
        draft = safe_line(entry["draft"])
        out.write(f"a known draft {kind}: {draft} (profile {entry['profile']})\n")
    if report["fetched_bytes"]:
        out.write(f"fetched for this: {size(report['fetched_bytes'])}\n")
    out.flush()


def _shown(key: str, value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "bytes" and isinstance(value, int):
        return size(value)
    if key == "parameters" and isinstance(value, int):
        return f"{value / 1e9:.2f} B" if value >= 1e9 else f"{value / 1e6:.1f} M"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
