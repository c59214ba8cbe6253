"""Styles of a line of text, as spans of characters with SGR parameters.

A line is styled without being touched: the lengths of its spans add up to its own.
"""

from __future__ import annotations

from collections.abc import Iterable

StyledSpan = tuple[int, str]  # characters, SGR parameters ("" for none)
StyledSpans = list[StyledSpan]

DIM = "2"
DRAFTED = "32"


def merged(spans: Iterable[StyledSpan]) -> StyledSpans:
    """Return the spans without empty ones, neighbours of one style made one."""
    result: StyledSpans = []
    for length, style in spans:
        if result and result[-1][1] == style:
            result[-1] = (result[-1][0] + length, style)
        elif length:
            result.append((length, style))
    return result


def cut(spans: StyledSpans, start: int, end: int) -> StyledSpans:
    """Return the spans of the characters from ``start`` to ``end``."""
    result: StyledSpans = []
    at = 0
    for length, style in spans:
        inside = min(at + length, end) - max(at, start)
        if inside > 0:
            result.append((inside, style))
        at += length
    return result


def over(below: StyledSpans, above: StyledSpans) -> StyledSpans:
    """Lay a line's spans over others of the same line.

    Attributes (bold, dim, …) of both remain; of two colours the upper one wins, as it comes last.
    """
    result: StyledSpans = []
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


def draw(text: str, spans: StyledSpans) -> str:
    """Return the text with the control sequences of its spans."""
    if len(spans) == 1 and not spans[0][1]:
        return text
    parts = []
    at = 0
    for length, style in spans:
        part = text[at : at + length]
        parts.append(f"\x1b[{style}m{part}\x1b[0m" if style else part)
        at += length
    return "".join(parts)
