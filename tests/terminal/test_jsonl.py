import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

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
from specdec_cli.terminal.jsonl import JsonLines, Trace, as_json, dumps, report_object

EVENTS: list[tuple[Event, dict[str, object]]] = [
    (PromptProgress(1, 2), {"kind": "prompt_progress", "done": 1, "total": 2}),
    (PromptDone(2, 1, 0.5), {"kind": "prompt_done", "tokens": 2, "reused": 1, "seconds": 0.5}),
    (Baseline(0.25), {"kind": "baseline", "token_seconds": 0.25}),
    (
        Round((5, 6), 3, 1, "model", 0.1, 0.2),
        {
            "kind": "round",
            "tokens": [5, 6],
            "drafted": 3,
            "accepted": 1,
            "source": "model",
            "draft_seconds": 0.1,
            "verify_seconds": 0.2,
            "parked": False,
            "other_seconds": 0.0,
            "interrupted": False,
            "read_seconds": 0.0,
        },
    ),
    (
        Parked("no gain", 0.125, 0.5),
        {"kind": "parked", "reason": "no gain", "accepted": 0.125, "needed": 0.5},
    ),
    (Resumed(), {"kind": "resumed"}),
    (Text("é\n", True), {"kind": "text", "text": "é\n", "drafted": True, "part": "answer"}),
    (
        Finished("stop", 1.0, "."),
        {
            "kind": "finished",
            "reason": "stop",
            "seconds": 1.0,
            "stop": ".",
            "settings": None,
            "models": None,
        },
    ),
    (
        Finished("length", 1.0, None, {"seed": 3}, {"target": "a.gguf", "draft": None}),
        {
            "kind": "finished",
            "reason": "length",
            "seconds": 1.0,
            "stop": None,
            "settings": {"seed": 3},
            "models": {"target": "a.gguf", "draft": None},
        },
    ),
]


@pytest.mark.parametrize(("event", "fields"), EVENTS)
def test_each_event_is_one_line(event: Event, fields: dict[str, object]) -> None:
    out = io.StringIO()
    JsonLines(out).observe(event)
    assert out.getvalue().count("\n") == 1
    line = json.loads(out.getvalue())
    assert line == {"v": 1, **fields}
    assert list(line)[:2] == ["v", "kind"]


def test_trace_adds_the_time(tmp_path: Path) -> None:
    file = io.FileIO(tmp_path / "trace", "w")
    times = iter([10.0, 10.5])
    Trace(file, lambda: next(times)).observe(PromptProgress(1, 2))
    assert json.loads((tmp_path / "trace").read_text())["t"] == 0.5


def test_text_stays_readable_and_harmless() -> None:
    text = "é漢😀\x1b\x7f\x9b\u2028\u202e\ud800"
    line = dumps({"text": text})
    assert "é漢😀" in line
    assert json.loads(line) == {"text": text}
    assert line.replace("é漢😀", "").isascii()
    assert line.encode().decode().isprintable()


@dataclass(frozen=True)
class Part:
    size: int
    name: str | None = None


@dataclass(frozen=True)
class Whole:
    JSON: ClassVar = ("parts", "**first", "**none", "by_number", "total")
    parts: tuple[Part, ...]
    none: Part | None
    by_number: dict[int, Part]

    @property
    def first(self) -> Part:
        return self.parts[0]

    @property
    def total(self) -> int:
        return sum(part.size for part in self.parts)


def test_a_report_is_the_object_its_dataclass_describes() -> None:
    whole = Whole((Part(1, "a"), Part(2)), None, {7: Part(3)})
    assert as_json(Part(2)) == {"size": 2, "name": None}
    assert report_object(whole) == {
        "v": 1,
        "parts": [{"size": 1, "name": "a"}, {"size": 2, "name": None}],
        "size": 1,
        "name": "a",
        "by_number": {"7": {"size": 3, "name": None}},
        "total": 3,
    }
