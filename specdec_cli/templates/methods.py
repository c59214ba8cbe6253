"""The methods of texts, lists and mappings that chat templates have, and what a call costs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from specdec_cli.templates.budget import Budget, TooMuchWorkError, pay_arguments, size

_WIDE = re.compile(r"\d{4}")


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


METHODS: Mapping[type, frozenset[str]] = {
    str: names(
        "capitalize casefold center count endswith find format index isalnum isalpha isascii "
        "isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join "
        "ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust "
        "rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill"
    ),
    dict: names("copy get items keys values"),
    list: names("copy count index"),
    tuple: names("count grouper index list"),  # two are fields of what groupby makes
}
_AT_ONCE = names("get items keys values")


def at_once(owner: Any, name: str) -> bool:
    """Whether a method takes no time, and gives a part or a view of its owner."""
    return isinstance(owner, dict) and name in _AT_ONCE


def pay_method(budget: Budget, owner: Any, name: str, given: Sequence[Any]) -> None:
    """Pay for the call of a method, but for its result.

    Args:
        given: all arguments.

    Raises:
        TooMuchWorkError: it is too much.
    """
    if at_once(owner, name):
        budget.weigh(given)
        return
    budget.weigh(owner)
    pay_arguments(budget, owner, given)
    if name == "replace" and len(given) > 1:
        pay_replacing(budget, owner, *given[:2])
    elif name == "join" and given:
        budget.pay_characters(len(owner) * size(given[0]))


def pay_replacing(budget: Budget, text: str, old: Any, new: Any) -> None:
    """Pay for what replacing adds to a text."""
    if isinstance(old, str) and isinstance(new, str):
        budget.pay_characters(text.count(old) * len(new))


def pay_format(budget: Budget, form: str, given: Sequence[Any]) -> None:
    """Pay for ``form.format(…)``.

    Raises:
        TooMuchWorkError: it is too much, or asks for widths beyond reason.
    """
    budget.weigh(form)
    fields = [spec or "" for _, name, spec, _ in Formatter().parse(form) if name is not None]
    if any("{" in spec or _WIDE.search(spec) for spec in fields):
        raise TooMuchWorkError("it formats to an enormous width")
    budget.weigh(given, times=1 + len(fields))


def pay_percent(budget: Budget, form: str, values: Any) -> None:
    """Pay for ``form % values``.

    Raises:
        TooMuchWorkError: it is too much, or may ask for widths beyond reason.
    """
    if "*" in form or _WIDE.search(form):
        raise TooMuchWorkError("it formats to an enormous width")
    budget.weigh(form)
    budget.weigh(values, times=1 + form.count("%"))
