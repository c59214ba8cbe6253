"""Events and results as JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from io import RawIOBase
from time import perf_counter
from typing import Any, TextIO

from specdec_cli.core.events import (
    Baseline,
    Event,
    Finished,
    Parked,
    PromptDone,
    PromptProgress,
    Resumed,
    Round,
    Text,
)

VERSION = 1

_KINDS: dict[type[Event], str] = {
    PromptProgress: "prompt_progress",
    PromptDone: "prompt_done",
    Baseline: "baseline",
    Round: "round",
    Text: "text",
    Parked: "parked",
    Resumed: "resumed",
    Finished: "finished",
}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS}

# JSON escapes C0; these it leaves as they are, though lone surrogates are no UTF-8 and the rest
# would reach a terminal. They can only stand inside strings, where \u says the same.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def dumps(value: Mapping[str, Any]) -> str:
    """Return JSON on one line, readable, and harmless wherever it is printed."""
    line = json.dumps(value, ensure_ascii=False)
    return line if line.isascii() and "\x7f" not in line else _ESCAPED.sub(_escape, line)


def as_json(value: object) -> Any:
    """What JSON has for a value, and all that is in it.

    A dataclass is an object of its fields, or of the fields and properties its ``JSON`` names.
    A name that begins with ``**`` has members of the object itself, or none where it is ``None``.
    """
    if is_dataclass(value) and not isinstance(value, type):
        found: dict[str, Any] = {}
        for name in getattr(value, "JSON", None) or [field.name for field in fields(value)]:
            part = as_json(getattr(value, name.removeprefix("**")))
            found |= {name: part} if not name.startswith("**") else part or {}
        return found
    if isinstance(value, Mapping):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(part) for part in value]
    return value


def report_object(report: object) -> dict[str, Any]:
    """A dataclass as the object of ``--json``."""
    return {"v": VERSION, **as_json(report)}


def event_object(event: Event) -> dict[str, Any]:
    """Return an event as the object of its JSON line."""
    kind = type(event)
    names = _FIELDS[kind]
    return {"v": VERSION, "kind": _KINDS[kind], **{name: getattr(event, name) for name in names}}


def write_report(out: TextIO, report: object) -> None:
    """Write a dataclass as the result of ``--json``, or of a line of ``--input``."""
    write_object(out, report_object(report))


def write_object(out: TextIO, value: Mapping[str, Any]) -> None:
    """Write one JSON line and flush it."""
    out.write(dumps(value) + "\n")
    out.flush()


class JsonLines:
    """Writes each event as a line as soon as it happens."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def observe(self, event: Event) -> None:
        """Write one event."""
        write_object(self._out, event_object(event))


class Trace:
    """Writes each event with ``t``, seconds since the start, to an unbuffered file.

    What the file held before is erased by the first event, not earlier: a command that turns out
    to be impossible erases nothing.
    """

    def __init__(self, file: RawIOBase, clock: Callable[[], float] = perf_counter) -> None:
        self._file = file
        self._clock = clock
        self._start = clock()
        self._fresh = False

    def observe(self, event: Event) -> None:
        """Write one event.

        Raises:
            OSError: it cannot be written; the disk is full, or nobody reads the pipe.
        """
        if not self._fresh:
            with suppress(OSError):  # pipes and devices have nothing to erase
                self._file.truncate(0)
            self._fresh = True
        event_fields = event_object(event)
        event_fields["t"] = round(self._clock() - self._start, 6)
        line = memoryview(f"{dumps(event_fields)}\n".encode())
        while line:
            line = line[self._file.write(line) or 0 :]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
