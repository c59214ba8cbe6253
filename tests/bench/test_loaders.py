"""Files of prompts people have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specdec_cli.bench.loaders import BadTaskError, read_tasks
from specdec_cli.bench.workload import Task
from specdec_cli.errors import NotFoundError


def written(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "tasks.jsonl"
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("\n".join(text) + "\n", encoding="utf-8")
    return file


def test_plain_lines(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {"prompt": "Hello"},
        "",
        {"prompt": "Change it", "kind": "edit", "expect": "old", "id": 7},
    )
    assert read_tasks(file) == [Task("prompts", "Hello"), Task("edit", "Change it", "old")]


def test_spec_bench_and_mt_bench(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {"question_id": 81, "category": "writing", "turns": ["First", "Second"]},
        {"question_id": 82, "category": "qa", "turns": ["Only"], "reference": []},
    )
    assert read_tasks(file) == [Task("writing", "First"), Task("qa", "Only")]


def test_humaneval(tmp_path: Path) -> None:
    file = written(
        tmp_path, {"task_id": "X/0", "prompt": "def f(x):\n", "entry_point": "f", "test": ""}
    )
    (task,) = read_tasks(file)
    assert task.kind == "code"
    assert "```python\ndef f(x):\n```" in task.prompt


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ({"text": "x"}, "neither prompt nor turns"),
        ({"prompt": 3}, "prompt is not a text"),
        ({"prompt": "  "}, "is empty"),
        ({"turns": []}, "turns is not a list"),
        ({"turns": [None]}, "turns[0] is not a text"),
        ({"prompt": "x", "kind": 3}, "kind is not a text"),
        ('{"prompt": "\\ud800"}', "surrogate"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: object, said: str) -> None:
    with pytest.raises(BadTaskError, match=r"tasks\.jsonl, line 3: ") as raised:
        read_tasks(written(tmp_path, {"prompt": "good"}, "", line))
    assert said in raised.value.message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_bytes(b'{"prompt": "a"}\n{"prompt": "\xff"}\n')
    with pytest.raises(BadTaskError, match="line 2: not UTF-8 at byte 13"):
        read_tasks(file)


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(BadTaskError, match="without a task"):
        read_tasks(written(tmp_path, ""))
    with pytest.raises(NotFoundError, match="does not exist"):
        read_tasks(tmp_path / "missing.jsonl")
    with pytest.raises(NotFoundError, match="cannot be read"):
        read_tasks(tmp_path)
