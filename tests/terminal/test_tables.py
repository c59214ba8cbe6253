"""Tables in terminals of any width: nothing is cut, and lines end between words."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from specdec_cli.bench.report import write_part_by_part
from specdec_cli.bench.words import rows_by_arm, rows_by_kind
from specdec_cli.terminal.tables import write_lines, write_table
from tests.bench.test_report import HOSTILE, RESULT
from tests.terminal.session import Session

TEXT = "a long description of a pair that says what it is for"


@pytest.mark.parametrize("width", [30, 50, 60, 80, 200])
def test_the_last_column_is_wrapped_between_words(width: int) -> None:
    out = io.StringIO()
    write_table(out, [("one", "12.3 GB", TEXT), ("two", "4 GB", "short")], width=width)
    lines = out.getvalue().splitlines()
    assert all(len(line) < width for line in lines)
    assert out.getvalue().split() == ["one", "12.3", "GB", *TEXT.split(), "two", "4", "GB", "short"]
    assert lines[0].startswith("one  12.3 GB")
    assert (len(lines) == 2) == (width >= 80)


def test_where_there_is_no_terminal_a_row_is_a_line() -> None:
    out = io.StringIO()
    write_table(out, [("one", TEXT), ("two", "short")])
    assert out.getvalue() == f"one  {TEXT}\ntwo  short\n"


@pytest.mark.parametrize("width", [30, 60, 80])
def test_lines_go_on_below_their_words(width: int) -> None:
    out = io.StringIO()
    path = "/a/path/that/is/longer/than/the/terminal/is/wide/and/can/be/copied/whole.gguf"
    write_lines(out, [f"fix: {TEXT} {TEXT}", f"   {TEXT}", path], width)
    lines = out.getvalue().splitlines()
    assert all(len(line) < width for line in lines if line.strip() != path)
    assert " ".join(lines).split() == ["fix:", *TEXT.split() * 3, path]
    indents = [len(line) - len(line.lstrip()) for line in lines]
    assert indents[0] == 0 and set(indents[1:-1]) <= {2, 3, 5} and indents[-1] == 0


@pytest.mark.parametrize("command", [["doctor"], ["show", "tiny"], ["check", "tiny"]])
def test_no_word_is_broken_in_a_narrow_terminal(command: list[str]) -> None:
    found = []
    for columns in (60, 300):
        with Session(*command, columns=columns, rows=200) as shown:
            assert shown.code() == 0
            found.append(shown.text().split())
    narrow, wide = found
    assert {word for word in wide if word.isalpha()} <= set(narrow)


def test_list_in_a_narrow_terminal_breaks_no_word() -> None:
    with Session("list", columns=50, rows=200) as shown:
        assert shown.code() == 0
        lines = shown.text().splitlines()
    whole = Session("list", columns=300, rows=200)
    with whole:
        assert whole.code() == 0
    assert " ".join(lines).split() == whole.text().split()
    assert any(line.startswith("qwen3-8b ") for line in lines)


@pytest.mark.parametrize("width", [40, 50, 80, 120])
@pytest.mark.parametrize("rows", [rows_by_kind(RESULT.arms[0]), rows_by_arm(RESULT)])
def test_numbers_of_a_benchmark_are_never_cut(width: int, rows: list[tuple[str, ...]]) -> None:
    out = io.StringIO()
    write_part_by_part(rows, Console(file=out, width=width, highlight=False, markup=False))
    text = out.getvalue()
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text
    for row in rows[1:]:
        for cell in row[1:]:
            assert cell in text
    assert all(word in text for name in rows[0] if name != HOSTILE for word in name.split("\n"))
    tables = text.split("\n\n")
    assert all(rows[-1][0] in table for table in tables)
    assert len(tables) == 1 or width < 120
