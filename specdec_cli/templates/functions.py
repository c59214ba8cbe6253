"""Functions that chat templates expect beside jinja2's own, as transformers gives them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from json import dumps
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.utils import Namespace

_LONGEST_DATE = 200


class RefusedError(TemplateError):
    """The template itself refuses the conversation."""


class Variables(Namespace):
    """jinja2's namespace, which may hold itself, without showing what it holds."""

    def __repr__(self) -> str:
        return "<namespace>"


def raise_exception(reason: Any = "") -> NoReturn:
    """Refuse the conversation.

    Raises:
        RefusedError: always.
    """
    raise RefusedError(str(reason))


def strftime_now(form: Any) -> str:
    """The date or time of now, in a form of ``strftime``."""
    return datetime.now().strftime(str(form)[:_LONGEST_DATE])


def to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: Sequence[str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON without HTML escapes, which chat templates expect and jinja2's own filter adds."""
    item, key = separators or (", " if indent is None else ",", ": ")
    return dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=(item, key),
        sort_keys=sort_keys,
    )


def escaped(value: Any) -> str:
    """A text for HTML; a plain one, so that nothing escapes it twice."""
    return str(escape(str(value)))
