"""A vocabulary gives its chat format away, or does not."""

from __future__ import annotations

import pytest

from specdec_cli.templates.format_marks import format_of


class Vocabulary:
    """Characters, and marks of one token."""

    bos = ""
    adds_bos = False

    def __init__(self, *marks: str) -> None:
        self._marks = marks

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        assert not add_special
        return [0] if parse_special and text in self._marks else [*text.encode()]


@pytest.mark.parametrize(
    ("marks", "name"),
    [
        (("<|im_start|>", "<|im_end|>"), "chatml"),
        (("<|start_header_id|>", "<|eot_id|>"), "llama3"),
        (("<start_of_turn>",), "gemma"),
        (("<|im_start|>", "<start_of_turn>"), None),
        (("[INST]",), None),
        ((), None),
    ],
)
def test_only_one_formats_mark_tells(marks: tuple[str, ...], name: str | None) -> None:
    assert format_of(Vocabulary(*marks)) == name
