"""Words are not broken at the edge, however an answer is cut into chunks."""

from __future__ import annotations

import re
from itertools import pairwise
from unicodedata import normalize

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.terminal.cursor import Cursor
from specdec_cli.terminal.wrap import Wrap, shown, unbroken
from tests.terminal.emulator import Screen

STORY = "Felix was a friendly fox with many friends. He was curious and loved the woods."


def drawn(chunks: list[str], columns: int) -> list[str]:
    """The rows of a terminal after these chunks."""
    screen = Screen(columns, 60)
    stream = pyte.Stream(screen)
    wrap = Wrap(lambda: columns)
    for chunk in chunks:
        stream.feed(shown(wrap.feed(chunk)).replace("\n", "\r\n"))
    return [row.rstrip() for row in "\n".join(screen.display).rstrip().split("\n")]


def test_a_word_goes_to_the_next_row_whole() -> None:
    assert drawn([STORY], 20) == [
        "Felix was a",
        "friendly fox with",
        "many friends. He",
        "was curious and",
        "loved the woods.",
    ]


def test_a_word_that_has_begun_is_taken_back() -> None:
    assert drawn(list("one two three"), 10) == ["one two", "three"]
    assert drawn(["one \x1b[1mtw", "othree\x1b[0m four"], 10) == ["one", "twothree", "four"]


@pytest.mark.parametrize("sign", ["👩\u200d👩\u200d👧", "❤\ufe0f", "👍🏽", "🇩🇪"])
@pytest.mark.parametrize("width", range(10, 30))
def test_signs_of_doubtful_width_are_never_taken_back(sign: str, width: int) -> None:
    wrap = Wrap(lambda: width)
    out = "".join(wrap.feed(char) for char in f"with *emoji* {sign} {sign}{sign} and more")
    for back in re.finditer("\x1b\\[(\\d+)D", out):
        erased = out[back.start() - int(back[1]) : back.start()]
        assert erased.isascii()
        assert " " not in erased


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_code_and_long_words_are_left_to_the_terminal(fence: str) -> None:
    code = "x = some_call(first, second)"
    assert drawn([f"{fence}py\n{code}\n{fence}\na bb ccc dddd"], 10) == [
        f"{fence}py",
        *(code[i : i + 10].rstrip() for i in range(0, len(code), 10)),
        fence,
        "a bb ccc",
        "dddd",
    ]
    link = "https://example.org/a/b/c"
    assert drawn(["see ", *link, " now"], 10) == ["see", link[:10], link[10:20], f"{link[20:]} now"]


def test_spaces_at_the_edge_are_swallowed_and_those_at_the_beginning_kept() -> None:
    assert drawn(["123456789 ", " a\n  b"], 10) == ["123456789", "a", "  b"]


SIGNS = st.sampled_from(["a", "b", "—", "漢", "e\u0301"])
WORDS = st.lists(SIGNS, min_size=1, max_size=12).map("".join)


@given(st.lists(st.one_of(WORDS, st.sampled_from([" ", "\n", "  ", "🎉"])), max_size=40), st.data())
def test_every_way_to_cut_it_looks_the_same(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted))
    # A mark that combines is cut off from its sign by no detokenizer.
    cuts = [cut for cut in cuts if not text[cut:].startswith("\u0301")]
    chunks = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
    rows = drawn(chunks, 14)
    assert rows == drawn([text], 14)
    assert re.sub(r"\s", "", "".join(rows)) == re.sub(r"\s", "", normalize("NFC", text))


def test_the_cursor_knows_where_the_line_began() -> None:
    cursor, wrap = Cursor(10), Wrap(lambda: 10)
    for chunk in ("one two th", "ree four", " five"):
        cursor.advance(wrap.feed(chunk))
    assert cursor.rows_back() == 2
    cursor.advance(wrap.feed("\nsix"))
    assert cursor.rows_back() == 0


def test_a_line_of_ours_stays_one_line() -> None:
    line = unbroken("Hint: use a larger context, or a shorter prompt", 16)
    assert [line[i : i + 16].rstrip() for i in range(0, len(line), 16)] == [
        "Hint: use a",
        "larger context,",
        "or a shorter",
        "prompt",
    ]
    assert re.sub(" +", " ", line) == "Hint: use a larger context, or a shorter prompt"
