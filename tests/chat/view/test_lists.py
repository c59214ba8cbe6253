"""Lists and status lines of chat, on wide terminals and narrow ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from specdec_cli.chat.view.lists import columns, two_columns
from specdec_cli.chat.view.status import status_line, turn_line
from specdec_cli.core.stats import RunStats

ROWS = [("/help", "lists all commands there are"), ("/system [TEXT|off]", "the system message")]
STATS = RunStats(
    rounds=10, drafted=40, accepted=30, completion_tokens=40, verify_seconds=0.4, prompt_tokens=20
)


@pytest.mark.parametrize("width", [24, 32, 40, 60, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = two_columns(ROWS, width)
    assert max(map(len, lines)) < width
    words = " ".join(" ".join(lines).split())
    assert all(word in words for _, text in ROWS for word in text.split())


def test_a_wide_terminal_has_both_columns_on_a_line() -> None:
    assert two_columns(ROWS, 80)[1] == "/system [TEXT|off]  the system message"
    assert two_columns(ROWS, 30)[:2] == ["/help", "    lists all commands there"]


def test_where_a_value_comes_from_gives_way() -> None:
    rows = [("temp", "0.7", "chat"), ("draft-p-min", "0.0", "built-in")]
    assert columns(rows, 80)[0] == "temp         0.7  chat"
    assert columns(rows, 20) == ["temp         0.7", "draft-p-min  0.0"]


def test_narrow_lines_keep_what_matters_most() -> None:
    def status(width: int) -> str:
        return status_line(["target.gguf", "draft.gguf"], "hybrid", STATS, (60, 2048), width)

    full = "target + draft · hybrid · accept 75 % · 100 tok/s · context 60/2048"
    assert status(100) == full
    assert status(40) == "accept 75 % · 100 tok/s · 60/2048"
    assert status(24) == "100 tok/s · 60/2048"
    assert turn_line(STATS, 80) == "40 tokens · accept 75 % · 100 tok/s · prompt 20 tokens"
    assert turn_line(STATS, 30) == "accept 75 % · 100 tok/s"


def test_a_busy_machine_is_told_of_in_a_line_of_80_columns() -> None:
    stats = replace(STATS, rounds=20, parked_rounds=10, interrupted_seconds=0.4)
    told = "40 tokens · accept 75 % · 100 tok/s · machine too busy · parked in 50 %"
    assert turn_line(stats, 80) == told
    told = "40 tokens · accept 75 % · 100 tok/s · machine too busy to compare with plain"
    assert turn_line(stats, 200).startswith(told)
