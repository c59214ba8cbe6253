"""What llama.cpp's own program drafted with heads, as ``tools/golden_drafts.py`` recorded it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.architectures import write, write_assistant

FILE = Path(__file__).parent / "golden_drafts.json"
PROMPT = "The quick brown fox jumps over the lazy dog and runs away"

Drafted = tuple[list[int], int, int]
"""A draft, how much of it was accepted, and the target's own token after that."""


@dataclass(frozen=True, slots=True)
class Case:
    """A target and its head.

    Args:
        heads: layers of the head; 0 for one that looks at the target's keys and values.
        beside: the head has a file of its own.
        agreement: of the two, see ``tests.architectures.write``.
        length: tokens of every draft.
    """

    architecture: str
    heads: int
    agreement: float
    length: int = 4
    beside: bool = False

    @property
    def name(self) -> str:
        return f"{self.architecture} {self.agreement}{' beside' * self.beside}"


CASES = (
    Case("qwen35", 1, 0.0),
    Case("qwen35", 1, 0.6),
    Case("qwen35moe", 1, 0.75),
    Case("qwen35moe", 1, 0.9),
    Case("glm4moe", 1, 0.75),
    Case("glm4moe", 1, 0.9),
    Case("step35", 3, 0.75, length=3),
    Case("step35", 3, 0.9, length=3),
    Case("gemma4", 0, 0.6, beside=True),
    Case("gemma4", 0, 0.9, beside=True),
    Case("qwen35", 1, 0.6, beside=True),
)


def files_of(case: Case, folder: Path) -> tuple[Path, Path | None]:
    """The target's file, and the head's if it has one of its own."""
    name, arch, agreement = case.name.replace(" ", "-"), case.architecture, case.agreement
    target, head = folder / f"{name}.gguf", folder / f"mtp-{name}.gguf"
    if not case.beside:
        return write(target, arch, heads=case.heads, agreement=agreement), None
    write(target, arch, agreement=agreement)
    if not case.heads:
        return target, write_assistant(head, agreement=agreement)
    return target, write(head, arch, heads=case.heads, agreement=agreement, beside=True)


def recorded(case: Case) -> list[Drafted]:
    """The rounds of an answer to ``PROMPT``."""
    rounds = json.loads(FILE.read_text("utf-8"))[case.name]
    return [(draft, accepted, token) for draft, accepted, token in rounds]
