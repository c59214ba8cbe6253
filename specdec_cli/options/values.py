"""Kinds of option values: each reads what a flag, a variable or a YAML file says, and checks it.

The same kind reads all sources, so that a value means the same wherever it is written.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from specdec_cli.errors import UsageError
from specdec_cli.terminal.utf8 import require_text

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Name = TypeVar("Name", bound=str)


class Kind(Protocol[T_co]):
    """Reads and checks one value."""

    @property
    def metavar(self) -> str:
        """How help calls the value."""

    def read(self, value: object) -> T_co:
        """The value as the program uses it.

        Raises:
            ValueError: it is not such a value; the message says what is allowed.
        """


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, from ``low`` to ``high``."""

    low: int = 0
    high: int | None = None
    metavar: str = "N"

    def read(self, value: object) -> int:
        number = value
        if isinstance(value, str):
            try:
                number = int(value)
            except ValueError:
                number = None
        if isinstance(number, bool) or not isinstance(number, int):
            raise ValueError(f"{value!r} is not a whole number")
        if number < self.low or (self.high is not None and number > self.high):
            raise ValueError(f"{number} is not {_between(self.low, self.high)}")
        return number


@dataclass(frozen=True, slots=True)
class Number:
    """A number, from ``low`` to ``high``."""

    low: float = -math.inf
    high: float = math.inf
    metavar: str = "X"

    def read(self, value: object) -> float:
        try:
            number = float(value) if isinstance(value, str | int | float) else math.nan
        except ValueError:
            number = math.nan
        if isinstance(value, bool) or not math.isfinite(number):
            raise ValueError(f"{value!r} is not a number")
        if not self.low <= number <= self.high:
            raise ValueError(f"{_plainly(number)} is not {_between(self.low, self.high)}")
        return number


@dataclass(frozen=True, slots=True)
class Choice(Generic[Name]):
    """One of a few words."""

    names: tuple[Name, ...]

    @property
    def metavar(self) -> str:
        return "|".join(self.names)

    def read(self, value: object) -> Name:
        text = _ON_OFF.get(value, value) if isinstance(value, bool) else value
        for name in self.names:
            if text == name:
                return name
        raise ValueError(f"{text!r} is not one of {', '.join(self.names)}")


_ON_OFF = {True: "on", False: "off"}
"""YAML reads these words as truth values."""


@dataclass(frozen=True, slots=True)
class Words:
    """Any text; with ``some``, none that is empty."""

    metavar: str = "TEXT"
    some: bool = False

    def read(self, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"{value!r} is not text")
        if self.some and value == "":
            raise ValueError("it is empty")
        text = str(value)
        if not self.names_file:
            _require_text(text)
        return text

    @property
    def names_file(self) -> bool:
        """Whether a file can be meant, whose name need not be UTF-8."""
        return any(word in self.metavar for word in ("FILE", "DIR", "MODEL"))


@dataclass(frozen=True, slots=True)
class Switch:
    """Yes or no."""

    metavar: str = ""

    def read(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ValueError(f"{value!r} is neither yes ({', '.join(_TRUE)}) nor no")


@dataclass(frozen=True, slots=True)
class Level:
    """How much of something, up to ``most``: a flag that may be repeated, or a number."""

    most: int
    metavar: str = ""

    def read(self, value: object) -> int:
        try:
            return min(Whole().read(value), self.most)
        except ValueError:
            return int(Switch().read(value))


@dataclass(frozen=True, slots=True)
class Seed:
    """A seed; ``None``, written -1, for a new one every time."""

    metavar: str = "N"

    def read(self, value: object) -> int | None:
        seed = Whole(-1, (1 << 63) - 1).read(value)
        return None if seed == -1 else seed


@dataclass(frozen=True, slots=True)
class Layers:
    """A number of layers, or a word for all of them."""

    metavar: str = "N|auto|all"

    def read(self, value: object) -> int | str:
        if value in ("auto", "all"):
            return str(value)
        try:
            return Whole().read(value)
        except ValueError:
            raise ValueError(f"{value!r} is neither a number of layers nor auto nor all") from None


@dataclass(frozen=True, slots=True)
class Listed:
    """Some items with commas between them; a YAML list of them is the same.

    Args:
        item: what each looks like.
        means: what each is, for the message.
        alone: words that stand for the whole list, and what they are short for.
    """

    item: str
    means: str
    metavar: str
    alone: Mapping[str, str] = field(default_factory=dict)

    def read(self, value: object) -> str:
        items = value if isinstance(value, list | tuple) else str(value).split(",")
        parts = [str(item).strip() for item in items]
        if len(parts) == 1 and parts[0].lower() in self.alone:
            return self.alone[parts[0].lower()]
        for part in parts:
            if isinstance(value, bool) or not re.fullmatch(self.item, part):
                raise ValueError(f"{part!r} is not {self.means}")
            if part.lower() in self.alone:
                raise ValueError(f"{part} does not go with others")
        return ",".join(parts)


@dataclass(frozen=True, slots=True)
class Bias:
    """A token id and what is added to its logit, such as ``42-1.5``."""

    metavar: str = "TOKEN_ID(+|-)BIAS"

    def read(self, value: object) -> tuple[int, float]:
        text = str(value)
        at = next((i for i, mark in enumerate(text) if mark in "+-"), -1)
        try:
            token, bias = int(text[:at]), float(text[at:])
        except ValueError:
            token, bias = -1, math.nan
        if at < 1 or token < 0 or math.isnan(bias) or bias == math.inf:
            raise ValueError(f"{text!r} is not a token id and a signed bias, such as 42-1.5")
        return token, bias


@dataclass(frozen=True, slots=True)
class Several(Generic[T]):
    """Any number of values of one kind. A variable holds one, or a JSON list of them."""

    kind: Kind[T]

    @property
    def metavar(self) -> str:
        return self.kind.metavar

    def read(self, value: object) -> tuple[T, ...]:
        if isinstance(value, str):
            value = _listed(value)
        if not isinstance(value, Sequence) or isinstance(value, str):
            value = [value]
        return tuple(self.kind.read(item) for item in value)


def _require_text(text: str) -> None:
    try:
        require_text(text, "it")
    except UsageError as error:
        raise ValueError(error.message) from None


def _listed(text: str) -> object:
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            pass
    return [text]


def _between(low: float, high: float | None) -> str:
    if high is None or high == math.inf:
        return f"{_plainly(low)} or more"
    return f"from {_plainly(low)} to {_plainly(high)}"


def _plainly(number: float) -> str:
    """A number as a person would type it: whole ones with all their digits."""
    return str(int(number)) if number == int(number) else f"{number:g}"
