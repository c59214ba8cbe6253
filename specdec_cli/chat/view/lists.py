"""Lists of two columns; the second is wrapped, or goes below the first, where it is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

_WIDEST = 24
_MIN_WIDTH = 24
_INDENT = 4


def two_columns(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Return lines with the first column as wide as its entries, within bounds.

    Args:
        width: columns there are.
    """
    first = min(max(len(name) for name, _ in rows), _WIDEST)
    if width - first - 3 < _MIN_WIDTH:
        return _stacked(rows, width)
    lines: list[str] = []
    for name, text in rows:
        wrapped = wrap(text, width - first - 3) or [""]
        if len(name) > first:
            lines.append(name)
            name = ""
        lines.append(f"{name:<{first}}  {wrapped[0]}".rstrip())
        lines += [f"{'':<{first}}  {line}" for line in wrapped[1:]]
    return lines


def _stacked(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    indent = " " * _INDENT
    lines: list[str] = []
    for name, text in rows:
        lines += [name, *(indent + line for line in wrap(text, max(width - _INDENT - 1, 1)))]
    return lines


def columns(rows: Sequence[tuple[str, str, str]], width: int) -> list[str]:
    """Return lines of a name, a value and where it comes from, the last left out for room."""
    name, value = (max(len(row[i]) for row in rows) for i in range(2))
    lines = [f"{row[0]:<{name}}  {row[1]:<{min(value, 12)}}  {row[2]}" for row in rows]
    if max(map(len, lines)) < width:
        return lines
    return [f"{row[0]:<{name}}  {row[1]}" for row in rows]
