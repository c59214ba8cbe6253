"""The generated training text: deterministic, split cleanly, and what it claims to be."""

from __future__ import annotations

import re
import string
from collections import Counter
from itertools import islice

import pytest

from tools.tinypair.text.code_composed import composed_task
from tools.tinypair.text.code_tasks import TASK_BLOCKS, fill
from tools.tinypair.text.corpus import (
    KINDS,
    Conversation,
    conversations,
    heldout_prompts,
    is_heldout,
)

_PRINTABLE = set(string.ascii_letters + string.digits + string.punctuation + " \n")


def _first(conversation: Conversation) -> str:
    return next(m.content for m in conversation.messages if m.role == "user")


@pytest.fixture(scope="module")
def sample() -> list[Conversation]:
    return list(islice(conversations(3, "train"), 6000))


def test_same_seed_same_text(sample: list[Conversation]) -> None:
    assert list(islice(conversations(3, "train"), 500)) == sample[:500]
    assert list(islice(conversations(4, "train"), 500)) != sample[:500]


def test_split_is_disjoint(sample: list[Conversation]) -> None:
    held = list(islice(conversations(3, "heldout"), 500))
    assert not any(is_heldout(_first(c)) for c in sample)
    assert all(is_heldout(_first(c)) for c in held)
    plain = {re.sub(r"\W+", " ", _first(c).lower()).strip() for c in sample}
    assert not plain & {re.sub(r"\W+", " ", _first(c).lower()).strip() for c in held}


def test_trivial_variants_are_on_one_side() -> None:
    for conversation in islice(conversations(9, "heldout"), 50):
        prompt = _first(conversation)
        assert is_heldout(prompt.upper() + "!!") and is_heldout(prompt.rstrip("?.").lower())


def test_mix_of_kinds(sample: list[Conversation]) -> None:
    share = {kind: n / len(sample) for kind, n in Counter(c.kind for c in sample).items()}
    expected = {"code": 0.30, "facts": 0.25, "stories": 0.20, "tech": 0.20, "smalltalk": 0.05}
    assert share == pytest.approx(expected, abs=0.03)


def test_turns_and_system_prompts(sample: list[Conversation]) -> None:
    several = sum(sum(m.role == "user" for m in c.messages) > 1 for c in sample) / len(sample)
    system = sum(c.messages[0].role == "system" for c in sample) / len(sample)
    assert 0.18 < several < 0.32
    assert 0.07 < system < 0.13
    for conversation in sample:
        roles = [m.role for m in conversation.messages if m.role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2) and roles


def test_text_is_plain_ascii_and_complete(sample: list[Conversation]) -> None:
    for conversation in sample:
        for message in conversation.messages:
            text = message.content
            assert text == text.strip() and text
            assert set(text) <= _PRINTABLE, text
            if conversation.kind != "code":
                assert not re.search(r"\{\w+\}|  |\$[a-z]", text), text
                assert not re.search(
                    r"\b[Aa] [aeio]\w", re.sub("[Aa] (one|eu|uni|us)|lock A", "", text)
                ), text


def test_all_code_compiles(sample: list[Conversation]) -> None:
    fences = 0
    for conversation in sample:
        for message in conversation.messages:
            for code in re.findall(r"```python\n(.*?)\n```", message.content, re.DOTALL):
                compile(code, "answer", "exec")
                fences += 1
    assert fences > 1000


def test_every_task_runs_and_agrees_with_its_example() -> None:
    from random import Random

    rng = Random(0)
    tasks = [fill(rng, block) for block in TASK_BLOCKS for _ in range(3)]
    for task in [*tasks, *(composed_task(rng) for _ in range(300))]:
        compile(task.source(typed=True), task.name, "exec")
        if not task.usage:
            assert task.example().endswith(f"# {task.result()}")


def test_heldout_prompts_are_stable_and_distinct() -> None:
    prompts = heldout_prompts(12)
    assert prompts == heldout_prompts(12)
    assert Counter(kind for kind, _ in prompts) == {k: 12 for k in KINDS if k != "smalltalk"}
    assert len({prompt.lower() for _, prompt in prompts}) == len(prompts)
    assert all(is_heldout(prompt) for _, prompt in prompts)
