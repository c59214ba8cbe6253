"""The built-in prompts are what they should be."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from specdec_cli.bench.workload import Task, general, select, tiny

HELDOUT = Path(__file__).resolve().parents[1] / "data" / "heldout.jsonl"


@pytest.mark.parametrize(
    ("tasks", "kinds"),
    [
        (general(), ["code", "chat", "creative", "technical", "edit"]),
        (tiny(), ["code", "facts", "stories", "tech"]),
    ],
)
def test_each_kind_has_enough_different_prompts(tasks: list[Task], kinds: list[str]) -> None:
    count = Counter(task.kind for task in tasks)
    assert list(count) == kinds
    assert all(6 <= n <= 10 for n in count.values())
    assert len({task.prompt for task in tasks}) == len(tasks)
    assert all(task.prompt == task.prompt.strip() for task in tasks)


def test_an_edit_shows_the_file_it_changes() -> None:
    for task in general():
        assert bool(task.expect) == (task.kind == "edit")
        assert task.expect in task.prompt
        assert len(task.expect) > 300 or task.kind != "edit"
        assert "{" + "old}" not in task.prompt


def test_no_prompt_is_one_the_embedded_pair_is_tested_with() -> None:
    heldout = {json.loads(line)["prompt"] for line in HELDOUT.read_text("utf-8").splitlines()}
    assert not heldout & {task.prompt for task in tiny()}


def test_kinds_take_turns() -> None:
    tasks = [Task("a", "1"), Task("a", "2"), Task("a", "3"), Task("b", "4"), Task("b", "5")]
    assert [task.prompt for task in select(tasks)] == ["1", "4", "2", "5", "3"]
    assert [task.prompt for task in select(tasks, per_kind=1)] == ["1", "4"]
    assert [task.prompt for task in select(tasks, ["b"])] == ["4", "5"]
