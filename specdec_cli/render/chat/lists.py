"""Lists of two columns, the second wrapped where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

_WIDEST = 24
_LEAST = 20


def two_columns(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Return lines with the first column as wide as its entries, within bounds.

    Args:
        width: columns there are.
    """
    first = min(max(len(name) for name, _ in rows), _WIDEST)
    lines: list[str] = []
    for name, text in rows:
        told = wrap(text, max(width - first - 3, _LEAST)) or [""]
        if len(name) > first:
            lines.append(name)
            name = ""
        lines.append(f"{name:<{first}}  {told[0]}".rstrip())
        lines += [f"{'':<{first}}  {line}" for line in told[1:]]
    return lines
