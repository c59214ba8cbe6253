"""The held-out prompts: none of them was trained on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parents[2] / "tests" / "data" / "heldout.jsonl"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One held-out prompt and its kind of task."""

    kind: str
    text: str


def heldout(each: int = 10) -> list[Prompt]:
    """The first prompts of each kind; there are ten."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    by_kind: dict[str, list[Prompt]] = {}
    for entry in entries:
        by_kind.setdefault(entry["kind"], []).append(Prompt(entry["kind"], entry["prompt"]))
    return [prompt for prompts in by_kind.values() for prompt in prompts[:each]]
