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


def heldout() -> list[Prompt]:
    """Ten prompts of each kind."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [Prompt(entry["kind"], entry["prompt"]) for entry in entries]
