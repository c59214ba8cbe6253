"""Prompts from files people have: plain JSON lines, Spec-Bench, MT-Bench, HumanEval.

Each line tells by its keys what it is:

- ``prompt``, if wanted ``kind`` and ``expect``: a plain task.
- ``turns`` and ``category``: Spec-Bench and MT-Bench. The first turn is the task, since later ones
  depend on the answer; the category is its kind.
- ``task_id`` and ``prompt``: HumanEval, the beginning of a function to be completed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specdec_cli.bench.workload import Task
from specdec_cli.errors import NotFoundError, SpecdecError
from specdec_cli.reading import TEXT, read_bytes

_KIND = "prompts"
_COMPLETE = "Complete this Python function. Answer with the whole function.\n\n```python\n{}\n```"
_HINT = (
    'a line is an object such as {"prompt": "Hello", "kind": "chat"}, or a line of Spec-Bench, '
    "MT-Bench or HumanEval"
)


class BadTaskError(SpecdecError):
    """A line of the input is not a task."""

    def __init__(self, file: str, number: int, reason: str) -> None:
        super().__init__(f"{file}, line {number}: {reason}", _HINT)


def read_tasks(path: Path) -> list[Task]:
    """All tasks of a file; blank lines are passed over.

    Raises:
        NotFoundError: the file cannot be read.
        BadTaskError: a line is not a task, or there is none.
    """
    try:
        data = read_bytes(path, TEXT)
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist", "check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotFoundError(f"{path} cannot be read: {reason}", "check the path") from None
    tasks = []
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                tasks.append(_task(line))
            except ValueError as error:
                raise BadTaskError(path.name, number, str(error)) from None
    if not tasks:
        raise BadTaskError(path.name, len(lines), "the file ends without a task")
    return tasks


def _task(line: bytes) -> Task:
    """Read one line.

    Raises:
        ValueError: it is not a task; the message says why.
    """
    try:
        entry = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(entry, dict):
        raise ValueError("not a JSON object")
    if "turns" in entry:
        return _turns(entry)
    if "prompt" not in entry:
        raise ValueError("it has neither prompt nor turns")
    if "task_id" in entry:
        return Task("code", _COMPLETE.format(_text(entry, "prompt").rstrip("\n")))
    kind = _text(entry, "kind").strip() if entry.get("kind") is not None else _KIND
    expect = _text(entry, "expect") if entry.get("expect") is not None else ""
    return Task(kind, _text(entry, "prompt"), expect)


def _turns(entry: Mapping[str, Any]) -> Task:
    turns = entry["turns"]
    if not isinstance(turns, list) or not turns:
        raise ValueError("turns is not a list of texts")
    kind = _text(entry, "category").strip() if entry.get("category") is not None else _KIND
    return Task(kind, _text({"turns[0]": turns[0]}, "turns[0]"))


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry[name]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is not a text, or is empty")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} has half of a surrogate pair") from None
    return value
