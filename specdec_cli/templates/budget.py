"""How much work a chat template may do: counted, so that the same template always gets as far.

Whatever a template computes is paid for by what it weighs when it is made, and again when it is
read. So no value ever exists that is too large to be printed, compared or copied, which bounds
memory as well as time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from jinja2.runtime import LoopContext

_CHARACTERS = 8
"""Characters handled for one unit."""
_COMPARED = 64
"""Characters compared with one another for one unit, where a text is looked for in a text."""
_DEPTH = 32
"""Lists in lists: C code walks them by recursion."""
_BITS = 4096
"""Size of an integer."""
_EMPTY: dict[str, str] = {}
_VIEWS = (type(_EMPTY.keys()), type(_EMPTY.values()), type(_EMPTY.items()))
_COLLECTIONS = (list, tuple, set, frozenset, dict, *_VIEWS)


class TooMuchWorkError(RuntimeError):
    """A template computes, or builds, more than a conversation can need."""


class Budget:
    """What is left of the work one rendering may do.

    Args:
        units: of about half a microsecond, or of eight characters of memory.
    """

    def __init__(self, units: int) -> None:
        self.left = units

    def pay(self, units: int) -> None:
        """Take units off.

        Raises:
            TooMuchWorkError: there are not so many left.
        """
        self.left -= units
        if self.left < 0:
            raise TooMuchWorkError("it does far more work than a chat template needs")

    def pay_characters(self, characters: int) -> None:
        """Pay for a text that is about to be made."""
        self.pay(characters // _CHARACTERS)

    def weigh(self, value: Any, *, times: int = 1) -> None:
        """Pay for a value, its characters and all that is in it, once or several times.

        Objects of jinja2 weigh nothing but a loop: none of the others shows what it holds.

        Raises:
            TooMuchWorkError: it weighs too much, or is nested too deep.
        """
        before = self.left
        self._weigh(value, 0)
        if times > 1:
            self.pay((before - self.left) * (times - 1))

    def _weigh(self, value: Any, depth: int) -> None:
        if isinstance(value, str):
            self.pay(1 + len(value) // _CHARACTERS)
        elif isinstance(value, int):
            if value.bit_length() > _BITS:
                raise TooMuchWorkError("it computes with enormous numbers")
            self.pay(1)
        elif isinstance(value, _COLLECTIONS):
            if depth == _DEPTH:
                raise TooMuchWorkError("it nests lists too deep")
            self.pay(1 + len(value))
            for item in value.items() if isinstance(value, dict) else value:
                self._weigh(item, depth + 1)
        elif isinstance(value, (range, LoopContext)):
            self.pay(1 + len(value))


def size(value: Any) -> int:
    """Items or characters of a value; 1 for what has none."""
    return len(value) if isinstance(value, Collection) else 1


def pay_arguments(budget: Budget, value: Any, given: Sequence[Any]) -> None:
    """Pay for what arguments may cost: a number is a width, a text is looked for everywhere.

    Raises:
        TooMuchWorkError: it is too much.
    """
    budget.weigh(given)
    budget.pay(sum(abs(each) for each in given if isinstance(each, int)))
    texts = sum(len(each) for each in given if isinstance(each, str))
    if isinstance(value, str):
        budget.pay(len(value) * texts // _COMPARED)
    else:
        budget.pay(size(value) * (1 + texts // _CHARACTERS))
