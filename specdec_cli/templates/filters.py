"""The filters and tests chat templates have, each paid for before it runs.

Only what is listed here exists. jinja2 has more filters, for web pages; those make much of little,
and no chat template needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from specdec_cli.templates.budget import Budget, TooMuchWorkError, pay_arguments, size
from specdec_cli.templates.functions import escaped, to_json
from specdec_cli.templates.methods import names, pay_percent, pay_replacing

Function = Callable[..., Any]

_AT_ONCE = names("count d default first last length")
_PICKING = names("list reject rejectattr reverse select selectattr")
_SORTING = names("dictsort groupby max min sort unique")
_OTHER = names(
    "abs batch capitalize center float format indent int items join lower map replace round slice "
    "string sum title trim truncate upper wordcount"
)
_SIMPLE_TESTS = names(
    "boolean callable defined false filter float integer iterable mapping none number sameas "
    "sequence string test true undefined"
)
_COMPARING_TESTS = names(
    "!= < <= == > >= divisibleby eq equalto even ge greaterthan gt in le lessthan lower lt ne odd "
    "upper"
)
_COMPARISONS = 17
"""How often sorting looks at an item: about the logarithm of the most items there can be."""
_WIDEST_INDENT = 16


def filters(budget: Callable[[], Budget]) -> dict[str, Function]:
    """All filters by name; ``budget`` gives the one to pay from."""
    known: Any = FILTERS
    plain = {name: known[name] for name in _AT_ONCE | _PICKING | _SORTING | _OTHER}
    own: dict[str, Function] = {"tojson": to_json, "safe": str, "e": escaped, "escape": escaped}
    return {name: _paid_filter(name, each, budget) for name, each in {**plain, **own}.items()}


def tests(budget: Callable[[], Budget]) -> dict[str, Function]:
    """All tests by name."""
    known: Any = TESTS
    comparing = {name: _paid_test(name, known[name], budget) for name in _COMPARING_TESTS}
    return {**{name: known[name] for name in _SIMPLE_TESTS}, **comparing}


def _paid_filter(name: str, function: Function, budget: Callable[[], Budget]) -> Function:
    passed = hasattr(function, "jinja_pass_arg")  # jinja2 gives such a one its context first

    def paid(*args: Any, **kwargs: Any) -> Any:
        value, *rest = args[passed:]
        _pay_filter(budget(), name, value, [*rest, *kwargs.values()])
        if name in _CHECKS:
            _CHECKS[name](budget(), value, *rest, **kwargs)
        found = function(*args, **kwargs)
        if isinstance(found, Iterator):
            found = list(found)  # so that nothing is computed later, unseen
        if name in _PICKING:
            budget().pay(size(found))  # what is in it was paid for when it was made
        elif name not in _AT_ONCE:
            budget().weigh(found)
        return found

    return wraps(function)(paid) if passed else paid


def _pay_filter(budget: Budget, name: str, value: Any, given: Sequence[Any]) -> None:
    budget.pay(2)
    if name in _AT_ONCE:
        return
    if name in _PICKING:
        budget.pay(size(value))
    else:
        budget.weigh(value, times=_COMPARISONS if name in _SORTING else 1)
    pay_arguments(budget, value, given)


def _paid_test(name: str, function: Function, budget: Callable[[], Budget]) -> Function:
    numeric = name in ("divisibleby", "even", "odd")

    def paid(*args: Any, **kwargs: Any) -> Any:
        budget().weigh([*args, *kwargs.values()])
        if numeric:
            _require_number(args[0])  # the test takes a remainder, which formats a text
        return function(*args, **kwargs)

    return paid


def _require_number(value: Any) -> None:
    if not isinstance(value, (int, float)):
        raise TypeError(f"{type(value).__name__} is not a number")


def _check_round(_budget: Budget, value: Any, *_args: Any, **_kwargs: Any) -> None:
    _require_number(value)


def _check_sum(
    _budget: Budget, _values: Any, _attribute: Any = None, start: Any = 0, **_kwargs: Any
) -> None:
    _require_number(start)  # lists would be copied again for every one of them


def _check_format(budget: Budget, form: Any, *args: Any, **kwargs: Any) -> None:
    pay_percent(budget, str(form), [*args, *kwargs.values()])


def _check_join(budget: Budget, values: Any, d: Any = "", *_args: Any, **_kwargs: Any) -> None:
    budget.pay_characters(size(values) * len(str(d)))


def _check_replace(
    budget: Budget, text: Any, old: Any, new: Any, *_args: Any, **_kwargs: Any
) -> None:
    pay_replacing(budget, str(text), str(old), str(new))


def _check_indent(budget: Budget, text: Any, width: Any = 4, *_args: Any, **_kwargs: Any) -> None:
    wide = width if isinstance(width, int) else len(str(width))
    budget.pay_characters(len(str(text).splitlines()) * wide)


def _check_json(
    budget: Budget,
    value: Any,
    _ascii: Any = False,
    indent: Any = None,
    separators: Any = None,
    *_args: Any,
    **_kwargs: Any,
) -> None:
    width = indent if isinstance(indent, int) else len(str(indent or ""))
    if max(width, len("".join(separators or ()))) > _WIDEST_INDENT:
        raise TooMuchWorkError("it writes JSON with an enormous indentation")
    budget.weigh(value, times=1 + 2 * max(width, 0))


_CHECKS: Mapping[str, Callable[..., None]] = {
    "format": _check_format,
    "indent": _check_indent,
    "join": _check_join,
    "replace": _check_replace,
    "round": _check_round,
    "sum": _check_sum,
    "tojson": _check_json,
}
