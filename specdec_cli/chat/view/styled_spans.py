"""Styles of a line of text, as runs: how many characters, and the SGR parameters they are drawn in.

A line is styled without being touched: the lengths of its runs add up to its own.
"""

from __future__ import annotations

from collections.abc import Iterable

Run = tuple[int, str]  # characters, SGR parameters ("" for none)
Runs = list[Run]

DIM = "2"
DRAFTED = "32"


def merged(runs: Iterable[Run]) -> Runs:
    """Return the runs without empty ones, neighbours of one style made one."""
    result: Runs = []
    for length, style in runs:
        if result and result[-1][1] == style:
            result[-1] = (result[-1][0] + length, style)
        elif length:
            result.append((length, style))
    return result


def cut(runs: Runs, start: int, end: int) -> Runs:
    """Return the runs of the characters from ``start`` to ``end``."""
    result: Runs = []
    at = 0
    for length, style in runs:
        inside = min(at + length, end) - max(at, start)
        if inside > 0:
            result.append((inside, style))
        at += length
    return result


def over(below: Runs, above: Runs) -> Runs:
    """Lay a line's runs over others of the same line.

    Attributes (bold, dim, …) of both remain; of two colours the upper one wins, as it comes last.
    """
    result: Runs = []
    lower = iter(below)
    left, style = 0, ""
    for length, upper in above:
        remaining = length
        while remaining:
            if not left:
                left, style = next(lower, (remaining, ""))
            step = min(left, remaining)
            result.append((step, f"{style};{upper}" if style and upper else style or upper))
            left -= step
            remaining -= step
    return merged(result)


def draw(text: str, runs: Runs) -> str:
    """Return the text with the control sequences of its runs."""
    if len(runs) == 1 and not runs[0][1]:
        return text
    parts = []
    at = 0
    for length, style in runs:
        part = text[at : at + length]
        parts.append(f"\x1b[{style}m{part}\x1b[0m" if style else part)
        at += length
    return "".join(parts)
