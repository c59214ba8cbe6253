"""The built-in prompts, by kind of task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent / "data"
_EDIT = (
    "Here is a file:\n\n```\n{old}```\n\n{change} Answer with the whole new file in one code block "
    "and nothing else."
)


@dataclass(frozen=True, slots=True)
class Task:
    """One prompt.

    Args:
        kind: what sort of task it is; results are told by kind.
        expect: text the answer will largely repeat, the old version of an edited file.
    """

    kind: str
    prompt: str
    expect: str = ""


def general() -> list[Task]:
    """Code, chat, creative, technical and edit tasks for any model that follows instructions."""
    return _read("general.yaml")


def tiny() -> list[Task]:
    """Code, facts, stories and explanations as the embedded pair knows them, and nothing else."""
    return _read("tiny.yaml")


def select(
    tasks: Iterable[Task], kinds: Sequence[str] = (), per_kind: int | None = None
) -> list[Task]:
    """The first tasks of each kind, taking turns, so that a run cut short has some of each.

    Args:
        kinds: only these; empty for all.
        per_kind: at most this many of each.
    """
    by_kind: dict[str, list[Task]] = {}
    for task in tasks:
        if not kinds or task.kind in kinds:
            by_kind.setdefault(task.kind, []).append(task)
    groups = [group[:per_kind] for group in by_kind.values()]
    longest = max(map(len, groups), default=0)
    return [group[i] for i in range(longest) for group in groups if i < len(group)]


def _read(name: str) -> list[Task]:
    import yaml

    data: Mapping[str, Sequence[Any]] = yaml.safe_load((_FOLDER / name).read_text("utf-8"))
    return [_task(kind, entry) for kind, entries in data.items() for entry in entries]


def _task(kind: str, entry: Any) -> Task:
    if isinstance(entry, str):
        return Task(kind, entry.strip())
    return Task(kind, _EDIT.format(**entry), expect=entry["old"])
