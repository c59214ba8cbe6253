"""The footer never changes what the answer looks like, on an emulated and on a real terminal."""

import os
import shlex
import shutil
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from specdec_cli.core import clock
from specdec_cli.core.events import Baseline, PromptDone, PromptProgress, Round, Text
from specdec_cli.terminal.cursor import Cursor
from specdec_cli.terminal.live import Live
from specdec_cli.terminal.screen import LineScreen, SharedScreen
from specdec_cli.terminal.sequences import ERASE_FOOTER
from specdec_cli.terminal.wrap import Wrap, shown
from tests.terminal.emulator import Terminal
from tests.terminal.tmux import Tmux
from tests.waiting import until

FOOTER = "42.1 tok/s · k 3"
ROOT = Path(__file__).parents[2]


def plain(text: str) -> str:
    return text


def after(columns: int, rows: int, text: str) -> Terminal:
    terminal = Terminal(columns, rows)
    terminal.write(shown(Wrap(lambda: columns).feed(text)))
    return terminal


@settings(max_examples=150, deadline=None)
@given(
    columns=st.integers(20, 25),
    rows=st.integers(3, 8),
    chunks=st.lists(st.tuples(st.text("ab \n\té…漢😀", max_size=40), st.booleans()), max_size=20),
)
@example(columns=20, rows=3, chunks=[("a" * 19, True), ("b", True), ("c", True), ("d", True)])
@example(columns=20, rows=4, chunks=[("漢" * 10, True), ("\n", True), ("a" + "漢" * 10, True)])
@example(columns=20, rows=5, chunks=[("a" + "漢" * 10 + "b" * 18, True), ("c", True)])
@example(columns=20, rows=3, chunks=[("\t\t\t", True), ("a", True), ("b", True)])
def test_the_screen_holds_what_the_text_alone_would_leave(
    columns: int, rows: int, chunks: list[tuple[str, bool]]
) -> None:
    terminal = Terminal(columns, rows)
    screen = SharedScreen(terminal, terminal.size, plain)
    for index, (chunk, paint) in enumerate(chunks):
        screen.write(chunk)
        if paint:
            screen.paint(f"footer {index}")
    screen.write("\n")
    screen.paint("")
    expected = after(columns, rows, "".join(chunk for chunk, _ in chunks) + "\n")
    assert terminal.lines() == expected.lines()
    assert (terminal.screen.cursor.y, terminal.screen.cursor.x) == (
        expected.screen.cursor.y,
        expected.screen.cursor.x,
    )


def test_what_a_shell_wrote_while_the_process_was_stopped_stays() -> None:
    terminal = Terminal(30, 12)
    screen = SharedScreen(terminal, terminal.size, plain)
    screen.write("first\nthe line under way, which is *two* rows lo")
    screen.paint(FOOTER)
    terminal.write(f"{ERASE_FOOTER}\n[1]+  Stopped\n$ fg\n")
    clock.leave_out(0.0)
    screen.rewrite("the line under way, which is TWO rows long", "ng")
    screen.paint(FOOTER)
    screen.write("\nlast")
    screen.paint(FOOTER)
    shell = ["[1]+  Stopped", "$ fg"]
    rows = ["first", "the line under way, which is", "*two* rows lo", *shell, "ng", "last", FOOTER]
    assert terminal.all_lines() == rows


def test_the_footer_is_below_the_text_and_the_cursor_at_its_end() -> None:
    terminal = Terminal(30, 4)
    screen = SharedScreen(terminal, terminal.size, plain)
    screen.write("one\ntwo\nthree\nfour\nfive 漢")
    screen.paint(FOOTER)
    assert terminal.lines() == ["three", "four", "five 漢", FOOTER]
    assert (terminal.screen.cursor.y, terminal.screen.cursor.x) == (2, 7)
    screen.write(" and on")
    screen.paint("x" * 50)
    assert terminal.lines() == ["three", "four", "five 漢 and on", "x" * 28 + "…"]


@pytest.mark.parametrize("size", [(19, 24), (80, 2)])
def test_no_footer_where_there_is_no_room(size: tuple[int, int]) -> None:
    terminal = Terminal(*size)
    screen = SharedScreen(terminal, terminal.size, plain)
    screen.write("text")
    screen.paint(FOOTER)
    assert terminal.lines() == ["text"] + [""] * (size[1] - 1)


def test_an_unfinished_line_has_no_footer_after_a_resize_until_it_ends() -> None:
    terminal = Terminal(40, 6)
    screen = SharedScreen(terminal, terminal.size, plain)
    screen.write("a" * 30)
    screen.paint(FOOTER)
    terminal.screen.resize(6, 50)
    screen.write("b")
    screen.paint(FOOTER)
    assert terminal.lines()[:2] == ["a" * 30 + "b", ""]
    screen.write("\nc")
    screen.paint(FOOTER)
    assert terminal.lines()[:3] == ["a" * 30 + "b", "c", FOOTER]


def test_a_footer_that_cannot_be_erased_safely_is_erased_at_the_next_newline() -> None:
    terminal = Terminal(40, 6)
    screen = SharedScreen(terminal, terminal.size, plain)
    screen.write("a" * 30)
    screen.paint(FOOTER)
    terminal.screen.resize(6, 30)  # the cursor may now be on or after the last character
    screen.write("\nb")
    screen.paint("")
    assert terminal.lines()[:3] == ["a" * 30, "b", ""]


def test_the_lone_footer_replaces_itself_and_goes() -> None:
    terminal = Terminal(30, 4)
    screen = LineScreen(terminal, terminal.size, plain)
    screen.paint("x" * 29)
    screen.paint(FOOTER)
    assert terminal.lines()[0] == FOOTER
    screen.paint("")
    assert terminal.lines() == [""] * 4


def test_doubt_grows_with_characters_that_terminals_measure_differently() -> None:
    cursor = Cursor(20)
    assert cursor.may_leave()
    cursor.advance("漢字 abc")
    assert cursor.may_leave()
    cursor.advance("👩\u200d👩\u200d👧")
    assert not cursor.may_leave()
    cursor.advance("\nab 😀")
    assert not cursor.may_leave()  # a joiner may follow
    cursor.advance("x")
    assert cursor.may_leave()
    cursor.advance("\nx")
    assert cursor.may_leave()
    cursor.advance("\x1b[32m" + "y" * 19 + "\x1b[0m")
    assert not cursor.may_leave()


@pytest.mark.parametrize(
    ("text", "widths", "rows"),
    [
        ("", [20], 0),
        ("a" * 19, [20], 0),
        ("a" * 20, [20], 0),
        ("a" * 21, [20], 1),
        ("a" + "漢" * 10, [20], 1),  # the last one did not fit
        ("漢" * 10, [20], 0),
        ("a" * 10 + "😀", [20], 0),
        ("a" * 17 + "😀", [20], None),  # another terminal may have wrapped it
        ("😀" + "a" * 25, [20], None),
        ("a" * 10, [20, 12, 30], 0),
        ("a" * 25, [20, 30], None),
        ("a" * 15, [20, 12, 30], None),
        ("b" * 50 + "\n" + "a" * 15, [20, 12], None),
    ],
)
def test_where_a_line_began_is_told_only_where_it_is_certain(
    text: str, widths: list[int], rows: int | None
) -> None:
    cursor = Cursor(widths[0])
    cursor.advance(text)
    for width in widths[1:]:
        cursor.resize(width)
    assert cursor.rows_back() == rows


class Recorder:
    """A screen that keeps what it was asked to show."""

    def __init__(self) -> None:
        self.footers: list[str] = []

    def paint(self, footer: str) -> None:
        self.footers.append(footer)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def live() -> tuple[Live, Recorder, Clock]:
    screen, clock = Recorder(), Clock()
    return Live(screen, clock), screen, clock


def test_short_waits_show_nothing() -> None:
    view, screen, clock = live()
    view.loading("target", "/models/t.gguf", 0.0)
    clock.now += 0.2
    view.loading("target", "/models/t.gguf", 0.9)
    view.observe(PromptProgress(1, 10))
    assert not any(screen.footers)


def test_long_waits_show_progress_at_most_ten_times_a_second() -> None:
    view, screen, clock = live()
    for step in range(100):
        view.loading("target", "/models/t.gguf", step / 100)
        clock.now += 0.01
    assert 6 <= len(screen.footers) <= 8
    assert screen.footers[-1].startswith("loading target t.gguf ━")
    view.loading("target", "/models/t.gguf", 1.0)
    assert screen.footers[-1] == ""
    for step in range(100):
        view.observe(PromptProgress(step, 100))
        clock.now += 0.01
    assert screen.footers[-1].startswith("reading prompt 9")


def test_a_long_prompt_is_told_of_before_its_first_batch_is_read() -> None:
    view, screen, _ = live()
    view.observe(PromptProgress(100, 5000))
    assert screen.footers[-1].startswith("reading prompt 100/5000")


def test_fast_rounds_are_gathered_into_frames() -> None:
    view, screen, clock = live()
    view.observe(PromptDone(3, 0, 0.1))
    view.observe(Baseline(0.002))
    screen.footers.clear()
    for _ in range(500):
        clock.now += 0.002
        view.observe(Round((1, 2, 3), 3, 2, "model", 0.0005, 0.0015))
        view.observe(Text("abc", True))
    assert 25 <= len(screen.footers) <= 35
    assert len(set(screen.footers)) <= 11
    assert screen.footers[-1].endswith("accept 67 % · 3.0 tok/pass · ×3.0 vs plain · k 3")


def test_text_of_slow_rounds_is_shown_at_once() -> None:
    view, screen, clock = live()
    view.observe(PromptDone(3, 0, 0.1))
    clock.now += 0.05
    view.observe(Round((1, 2), 1, 1, "model", 0.01, 0.04))
    screen.footers.clear()
    view.observe(Text("a", True))
    view.observe(Text("b", False))
    assert len(screen.footers) == 2


FAKE = """
    import itertools, sys
    from specdec_cli.core.events import Finished, PromptDone, Round, Text
    from specdec_cli.core.stats import RunStats
    from specdec_cli.terminal.view import ViewOptions, make_view

    text = open(sys.argv[1], encoding="utf-8").read()
    hold, ticks = sys.argv[2:], itertools.count()
    view, stats = make_view(ViewOptions(), clock=lambda: next(ticks) / 100), RunStats()

    def events():
        yield PromptDone(3, 0, 0.1)
        for start in range(0, len(text), 7):
            # Text of slow rounds is shown at once, and the footer follows the clock above.
            yield Round((1, 2), 1, 1, "model", 0.001, 0.020)
            yield Text(text[start : start + 7], True)
            if hold and start >= 250:
                open(hold.pop()).read()
        yield Finished("stop", 1.0)

    for event in events():
        stats.observe(event)
        view.observe(event)
    view.summary(stats)
"""
TEXT = (
    "café “naïve” — " * 20
    + "\n漢字かな" * 8
    + "漢字かな" * 20
    + "\n😀👩\u200d👩\u200d👧🇩🇪" * 9
    + "\n\tif x:\n\t\ty\n"
    + "x" * 80
    + "\n"
    + "".join(f"line {number}\n" for number in range(12))
    + "the end"
)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("resize", [None, 60])
def test_a_real_terminal_shows_the_answer_then_the_summary(
    tmp_path: Path, resize: int | None
) -> None:
    script, text, hold = tmp_path / "fake.py", tmp_path / "text", tmp_path / "hold"
    os.mkfifo(hold)
    script.write_text(textwrap.dedent(FAKE), encoding="utf-8")
    text.write_text(TEXT, encoding="utf-8")
    words = shlex.join(map(str, (sys.executable, script, text, hold)))
    with Tmux(tmp_path / "socket", f"PYTHONPATH='{ROOT}' {words}; cat", 80, 10) as tmux:
        with hold.open("w"):  # once the answer has come so far; it goes on at the end
            until(lambda: "tok/s" in tmux.capture(), tmux.capture)
            if resize is not None:
                tmux.resize(resize, 10)
        until(lambda: "by position" in tmux.capture(), tmux.capture)
        screen = tmux.capture()
    *shown, speed, drafts = [line.rstrip() for line in screen.rstrip().splitlines()]
    # Lines are broken between words, for the width of the moment; tmux may lose a joiner.
    told, expected = (
        "".join(part.replace("\u200d", "").split()) for part in ("".join(shown), TEXT)
    )
    assert told == expected
    assert [line.split(" · ")[0] for line in (speed, drafts)] == [
        f"{2 * -(-len(TEXT) // 7)} tokens in 1.00 s",
        "accept 100 % (by position 100)",
    ]
