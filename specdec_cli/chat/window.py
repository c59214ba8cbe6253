"""The context is full: which turns the model goes on seeing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

_ROOM, _FREED = 1 / 8, 1 / 4
"""Of the context, what must be free for an answer, and what is made free where it is not."""


def first_turn(count: Callable[[int], int], first: int, last: int, n_ctx: int) -> int:
    """The first turn to keep so that an answer has room after the last one.

    Whole turns are dropped, and only when less than an eighth of the context is free for the
    answer. Then a quarter is freed at once, since dropping turns means reading the rest again.
    Nothing is dropped if the last turn does not fit even alone.

    Args:
        count: tokens of the prompt that begins with a turn, falling with its index.
        first: the first turn that is still kept.
        last: the last one, which is never dropped.
        n_ctx: tokens the context holds.
    """
    if first >= last or count(first) <= n_ctx - int(n_ctx * _ROOM) or count(last) >= n_ctx:
        return first
    room = n_ctx - int(n_ctx * _FREED)
    return bisect_left(range(last), -room, lo=first + 1, key=lambda turn: -count(turn))
