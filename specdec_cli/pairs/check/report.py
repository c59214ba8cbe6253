"""The report of a check as a person reads it."""

from __future__ import annotations

from typing import TextIO

from specdec_cli.pairs.check.results import CheckReport
from specdec_cli.terminal.sizes import size
from specdec_cli.terminal.tables import table_width, write_lines, write_table

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


def write_report(out: TextIO, report: CheckReport, width: int | None) -> None:
    """Write the two models side by side, what was found, and the verdict.

    Args:
        width: of the terminal, ``None`` for what is no terminal.
    """
    models = [report.target, *([report.comparison.draft] if report.comparison else [])]
    rows: list[tuple[str, ...]] = []
    for title, key in _ROWS:
        values = [getattr(model, key) for model in models]
        if any(value not in (None, (), "") for value in values):
            rows.append((title, *(_shown(key, value) for value in values)))
    head = ("", "target", "draft")[: len(models) + 1]
    if width is None or table_width([head, *rows]) < width:
        write_table(out, rows, head)
        out.write("\n")
    else:  # one below the other
        for column in range(1, len(head)):
            write_table(out, [(row[0], row[column]) for row in rows], ("", head[column]), (), width)
            out.write("\n")
    lines = [f"{finding.severity}: {finding.message}" for finding in report.findings]
    if report.comparison:
        lines.append(f"{_VERDICTS[report.verdict]} {report.comparison.meaning}")
    for entry in report.suggestions:
        kind = "for this model" if entry.same_model else "of the same family"
        lines.append(f"a known draft {kind}: {entry.draft} (profile {entry.profile})")
    if report.fetched_bytes:
        lines.append(f"fetched for this: {size(report.fetched_bytes)}")
    write_lines(out, lines, width)
    out.flush()


def _shown(key: str, value: object) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key == "bytes" and isinstance(value, int):
        return size(value)
    if key == "parameters" and isinstance(value, int):
        return f"{value / 1e9:.2f} B" if value >= 1e9 else f"{value / 1e6:.1f} M"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)
