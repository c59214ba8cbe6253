"""``--input``: many prompts, one JSON object per line, answered in order by one loaded pair."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from specdec_cli.errors import NotFoundError, SpecdecError
from specdec_cli.reading import bounded_line
from specdec_cli.run.answer import Report
from specdec_cli.templates.json_messages import role_and_text
from specdec_cli.templates.message import Message
from specdec_cli.terminal.utf8 import decode

_FIELDS = ("prompt", "messages", "system", "max_tokens", "seed", "id")


class BadLineError(SpecdecError):
    """A line is not a request."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, 'a line is an object such as {"prompt": "Hello", "max_tokens": 64}'
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the input.

    Args:
        id: whatever the line calls itself, copied to its result.
    """

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    seed: int | None = None
    id: Any = None


def open_input(name: str) -> BinaryIO:
    """The input's bytes; ``-`` is standard input.

    Raises:
        NotFoundError: the file cannot be read.
    """
    if name == "-":
        return _stdin()
    try:
        return Path(name).open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"{name} does not exist", "check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotFoundError(f"{name} cannot be read: {reason}", "check the path") from None


def numbered(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1.

    Raises:
        TooLargeError: one has no end.
    """
    for number, line in enumerate(iter(lambda: bounded_line(source), b""), 1):
        if line.strip():
            yield number, line


def parse(line: bytes, system: str | None) -> Request:
    """Read a line; ``system`` is the system message where the line has none.

    Raises:
        BadLineError, EncodingError: the line is not a request; the message says why.
    """
    try:
        data = json.loads(decode(line, "the line"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise BadLineError("not a JSON object")
    unknown = [name for name in data if name not in _FIELDS]
    if unknown:
        raise BadLineError(f"unknown field {unknown[0]!r}; known: {', '.join(_FIELDS)}")
    if ("prompt" in data) == ("messages" in data):
        raise BadLineError("give either prompt or messages")
    own_system = _text(data["system"], "system") if data.get("system") is not None else None
    messages = _messages(data)
    if own_system is not None or (system and messages[0].role != "system"):
        messages = (Message("system", own_system or system or ""), *messages)
    return Request(
        messages,
        max_tokens=_whole(data, "max_tokens"),
        seed=_whole(data, "seed"),
        id=data.get("id"),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """What ``--json`` has of a line; ``id`` is whatever the line calls itself."""

    line: int
    id: Any

    @property
    def named(self) -> Mapping[str, Any] | None:
        return None if self.id is None else {"id": self.id}


@dataclass(frozen=True, slots=True)
class Answered(_Line):
    """A line that was answered."""

    JSON: ClassVar = ("**report", "line", "**named")
    report: Report


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, for programs."""

    type: str
    message: str
    hint: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Failed(_Line):
    """A line that failed."""

    JSON: ClassVar = ("line", "**named", "error")
    error: Problem

    @classmethod
    def by(cls, error: SpecdecError, line: int, request: Request | None) -> Failed:
        """A line that failed with an error, and what it asked for, if that is known."""
        kind = type(error).__name__
        problem = Problem(kind, error.message, error.hint, error.exit_code)
        return cls(line, request.id if request else None, problem)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _messages(data: Mapping[str, Any]) -> tuple[Message, ...]:
    if "prompt" in data:
        return (Message("user", _text(data["prompt"], "prompt")),)
    turns = data["messages"]
    if not isinstance(turns, list) or not turns:
        raise BadLineError("messages is not a list of messages")
    return tuple(_message(turn, i) for i, turn in enumerate(turns))


def _message(turn: object, i: int) -> Message:
    try:
        return Message(*role_and_text(turn))
    except ValueError as error:
        raise BadLineError(f"messages[{i}] {error}") from None


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise BadLineError(f"{name} is not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadLineError(f"{name} has half of a surrogate pair") from None
    return value


def _whole(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value < 1 << 63:
        raise BadLineError(f"{name} is not a whole number from -1")
    if name == "seed" and value < 0:
        raise BadLineError("seed is not a whole number from 0")
    return value


def _stdin() -> BinaryIO:
    """Standard input as bytes; empty if it is closed."""
    return sys.stdin.buffer if sys.stdin is not None else io.BytesIO()
