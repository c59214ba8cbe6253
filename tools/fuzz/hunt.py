"""Gives mutants to the program and judges how it ended."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from specdec_cli.errors import Exit
from tools.fuzz.child import Ended, run
from tools.fuzz.mutants import Mutant

SECONDS = 30.0
"""Of a processor. More is a hang: what is sound takes less than one."""

MEMORY = 700 << 20
"""Bytes of a whole process, its libraries with it."""

_ALLOWED = {Exit.OK, Exit.FAILURE, Exit.USAGE, Exit.NOT_FOUND, Exit.INCOMPATIBLE, Exit.BACKEND}


@dataclass
class Findings:
    """What a hunt came to; ``faults`` names the mutants to look at."""

    commands: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0
    memory: int = 0

    def add(self, name: str, ended: Ended) -> None:
        self.commands += 1
        self.codes[ended.code] += 1
        self.slowest = max(self.slowest, ended.seconds)
        self.memory = max(self.memory, ended.memory)
        if fault := judge(ended):
            self.faults.append(f"{name}: {fault}")


def judge(ended: Ended) -> str:
    """What is wrong with how a command ended; empty if nothing is."""
    lines = ended.err.splitlines()
    if ended.code in (-signal.SIGALRM, -signal.SIGPROF):
        return f"still not done after {ended.seconds:.0f} s of work"
    if ended.code < 0:
        return f"{signal.Signals(-ended.code).name}: {' / '.join(lines[-3:])[-300:]}"
    if "Traceback" in ended.err or "Error: unexpected " in ended.err:
        return f"unexpected: {' / '.join(lines[-3:])[-300:]}"
    if ended.code not in _ALLOWED:
        return f"exit code {ended.code}: {' / '.join(lines[-3:])[-300:]}"
    refused = ended.code != Exit.OK and not (ended.code == Exit.INCOMPATIBLE and ended.out)
    if refused and not (any(line.startswith("Error: ") for line in lines)):
        return f"exit code {ended.code} without a word"
    if refused and not lines[-1].startswith("Hint: "):
        return f"no hint: {lines[-1][:200]}"
    if any(not (c.isprintable() or c == "\n") for c in ended.err):
        return "control characters in what it says"
    if ended.memory > MEMORY:
        return f"{ended.memory >> 20} MB"
    return ""


def hunt(
    mutants: Iterable[Mutant],
    folder: Path,
    found: Findings,
    note: Callable[[str], None],
) -> None:
    """Give each mutant to ``check`` and ``run``, as the target and as the draft in turn."""
    file = folder / "mutant.gguf"
    for number, data, sound in mutants:
        file.write_bytes(data)
        pair = (file, sound) if number % 3 else (sound, file)
        target, draft = map(str, pair)
        speak = ["run", "-m", target, "-md", draft, "-n", "6", "-t", "1", "--seed", "1", "The end"]
        alone = ["run", "-m", str(file), "--drafter", "ngram", "-n", "6", "-t", "1", "The end"]
        before = len(found.faults)
        for words in (["check", target, draft], speak, alone):
            found.add(f"{number} {words[0]}", run(words, SECONDS))
        for fault in found.faults[before:]:
            note(fault)
