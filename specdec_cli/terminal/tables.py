"""Tables on stdout: columns of plain text, which pipes and screen readers take as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from specdec_cli.terminal.safe import safe_line

_GAP = "  "


def write_table(
    out: TextIO, rows: Sequence[Sequence[str]], head: Sequence[str] = (), right: Sequence[int] = ()
) -> None:
    """Write rows in columns; the last one is as long as it is.

    Args:
        head: names of the columns, if they have names.
        right: columns that are aligned to the right.
    """
    table = [[safe_line(cell) for cell in row] for row in ([head, *rows] if head else rows)]
    if not table:
        return
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        out.write(_GAP.join(cells).rstrip() + "\n")
    out.flush()
