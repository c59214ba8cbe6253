"""A styled answer leaves on a terminal the characters that its text alone would leave."""

import os
import random
import re
import shlex
import shutil
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from specdec_cli.chat.view.view import AnswerView
from specdec_cli.core.events import Finished, PromptDone, Round, Text
from specdec_cli.templates.thinking import Thoughts
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.wrap import Wrap, shown
from tests.terminal.emulator import Terminal
from tests.terminal.tmux import Tmux
from tests.waiting import until

ROOT = Path(__file__).parents[2]
ENV = {"TERM": "xterm-256color"}
FOOTER = "42.1 tok/s · k 3"

ANSWER = '''# Sorting, *step* by step

A paragraph with **bold `code` words** and [a link](https://example.org/a_b_c) that is long enough
to wrap on most terminals, 2 * 3 * 4, snake_case_name, an **unclosed marker and a ` tick.

1. First
   - nested **item**
     - [x] deeper _still_ 漢字かな、**「太字」**です
   ```js
   const x = `a ${1 + 2}`; /* one
   two */ let y;
   ```
> A quote 😀 with *emoji* 👩‍👩‍👧 🇩🇪 café

```python
def f(x: int) -> str:
    """Doc.

    def not_code(): ```
    """
\treturn f"{x}"  # tab
```
| a | b |
|---|---|

~~~~ text
```
**not bold**
'''
PIECES = [*"*_`~#>-|[]() \n\tab1é漢😀", "**", "```", "```py\n", "\n\n", "def f", "    ", "<think>"]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Chat:
    """An answer view on an emulated terminal."""

    def __init__(self, columns: int, rows: int, **options: object) -> None:
        self.terminal = Terminal(columns, rows)
        self.clock = Clock()
        self.round_seconds = (
            0.05  # text of slower rounds is shown at once, of faster ones in frames
        )
        self._thoughts = Thoughts(inside="</think>" if options.pop("thinking", False) else None)
        wanted = {"markdown": True, "show_drafts": False, "fold_thinking": False, **options}
        self.view = AnswerView(
            _Streams(self.terminal), "auto", footer=lambda: FOOTER, clock=self.clock, **wanted
        )
        self.view.feed(PromptDone(3, 0, 0.1))

    def say(
        self, text: str, *, drafted: bool = False, seconds: float = 0.2, tokens: int = 1
    ) -> None:
        self.clock.now += seconds
        self.view.feed(Round((1,) * tokens, 0, 0, "model", 0.0, self.round_seconds))
        for part, piece in self._thoughts.feed(text):
            self.view.feed(Text(piece, drafted, part))

    def end(self, *, cancelled: bool = False) -> list[str]:
        for part, piece in self._thoughts.end():
            self.view.feed(Text(piece, False, part))
        if not cancelled:
            self.view.feed(Finished("stop", 1.0))
        self.view.close(cancelled=cancelled)
        return self.terminal.all_lines()


class _Streams(Streams):
    """Both streams on one emulated terminal."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal, terminal, True, True, True, ENV)

    def size(self) -> tuple[int, int]:
        assert isinstance(self.out, Terminal)
        return self.out.size()


def plainly(columns: int, rows: int, text: str) -> Terminal:
    terminal = Terminal(columns, rows)
    if text:
        laid_out = Wrap(lambda: columns).feed(text.rstrip("\n") + "\n")
        terminal.write(shown(laid_out))
    return terminal


def chunks(text: str, seed: int, longest: int) -> list[str]:
    chance = random.Random(seed)
    parts = []
    while text:
        length = chance.randint(1, longest)
        parts.append(text[:length])
        text = text[length:]
    return parts


def assert_same(shown: Terminal, expected: Terminal) -> None:
    assert shown.all_lines() == expected.all_lines()
    cursor, wanted = shown.screen.cursor, expected.screen.cursor
    assert (cursor.y, cursor.x) == (wanted.y, wanted.x)
    assert len(shown.screen.gone) == len(expected.screen.gone)


@settings(max_examples=30, deadline=None)
@given(
    columns=st.integers(20, 120),
    rows=st.integers(3, 30),
    seed=st.integers(0, 1000),
    longest=st.sampled_from([1, 4, 30, 3000]),
    markdown=st.booleans(),
    drafts=st.booleans(),
)
def test_screen_and_scrollback_hold_exactly_the_answer(
    columns: int, rows: int, seed: int, longest: int, markdown: bool, drafts: bool
) -> None:
    chat = Chat(columns, rows, markdown=markdown, show_drafts=drafts)
    chat.round_seconds = 0.001
    chance = random.Random(seed)
    for chunk in chunks(ANSWER, seed, longest):
        chat.say(chunk, drafted=chance.random() < 0.5, seconds=chance.choice([0.001, 0.02, 0.2]))
    chat.end()
    assert_same(chat.terminal, plainly(columns, rows, ANSWER))


@settings(max_examples=200, deadline=None)
@given(
    columns=st.integers(20, 30),
    rows=st.integers(3, 8),
    parts=st.lists(
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=30).map("".join), max_size=20
    ),
    drafts=st.booleans(),
)
@example(columns=20, rows=3, parts=["**" + "a" * 16, "b", "c", "**"], drafts=False)
@example(columns=20, rows=4, parts=["*" + "漢" * 10, "漢*\n", "*" + "x" * 60, "*"], drafts=False)
@example(columns=20, rows=3, parts=["**" + "a" * 90, "**"], drafts=False)
@example(columns=20, rows=3, parts=["a **\t😀 b", "c** d", "\n```\n", "\t\t\tx"], drafts=True)
@example(columns=20, rows=5, parts=["`a" + "x" * 37, "`", "`y"], drafts=False)
def test_any_text_is_shown_as_it_is(
    columns: int, rows: int, parts: list[str], drafts: bool
) -> None:
    chat = Chat(columns, rows, show_drafts=drafts)
    for index, part in enumerate(parts):
        chat.say(part, drafted=index % 2 == 0)
    chat.end()
    text = "".join(parts)
    assert_same(chat.terminal, plainly(columns, rows, text))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), longest=st.sampled_from([1, 3, 9]))
def test_chunks_do_not_change_the_styles(seed: int, longest: int) -> None:
    text = "".join(line + "\n" for line in ANSWER.split("\n") if line.isascii())
    whole, parts = Chat(120, 60), Chat(120, 60)
    whole.say(text)
    for chunk in chunks(text, seed, longest):
        parts.say(chunk)
    whole.end()
    parts.end()
    assert parts.terminal.everything() == whole.terminal.everything()


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 4)), max_size=4),
    cut=st.integers(0, len(ANSWER)),
)
def test_nothing_is_lost_or_repeated_where_the_terminal_grows(
    seed: int, sizes: list[tuple[int, int]], cut: int
) -> None:
    chat = Chat(20, 6)
    parts = chunks(ANSWER[cut:], seed, 8)
    chance = random.Random(seed)
    growth = {chance.randrange(len(parts)): size for size in sizes} if parts else {}
    for index, part in enumerate(parts):
        chat.say(part)
        if index in growth:
            columns, rows = chat.terminal.size()
            wider, higher = growth[index]
            chat.terminal.screen.resize(rows + higher, columns + wider)
    shown = "".join(chat.end())
    expected = "".join(plainly(200, 6, ANSWER[cut:]).all_lines())
    assert "".join(shown.split()) == "".join(expected.split())


@pytest.mark.parametrize(("length", "columns"), [(50, 40), (28, 60), (50, 60)])
def test_a_line_that_wrapped_before_the_terminal_grew_is_not_drawn_again(
    length: int, columns: int
) -> None:
    chat = Chat(20, 8)
    text = "**" + "a" * length
    chat.say(text)
    chat.terminal.screen.resize(8, columns)
    chat.say("\nb")
    assert chat.end() == [text[at : at + 20] for at in range(0, len(text), 20)] + ["b"]


@pytest.mark.parametrize("at", range(0, len(ANSWER), 37))
def test_cancelling_anywhere_leaves_what_was_said_and_a_fresh_line(at: int) -> None:
    chat = Chat(40, 8)
    for chunk in chunks(ANSWER[:at], at, 12):
        chat.say(chunk)
    chat.end(cancelled=True)
    assert_same(chat.terminal, plainly(40, 8, ANSWER[:at]))
    chat.view.close()  # again, and nothing happens
    assert chat.terminal.screen.cursor.x == 0


def test_text_is_visible_as_it_comes_with_the_footer_below() -> None:
    chat = Chat(40, 6)
    chat.say("A **bo")
    assert chat.terminal.lines()[:2] == ["A **bo", FOOTER]
    assert chat.terminal.everything()[0][4].bold
    chat.say("ld** word")
    assert chat.terminal.lines()[:2] == ["A **bold** word", FOOTER]
    assert not chat.terminal.everything()[0][12].bold
    assert chat.end() == ["A **bold** word"]


def test_what_turns_out_to_be_no_emphasis_is_drawn_again_in_place() -> None:
    chat = Chat(40, 6)
    chat.say("one **two")
    assert chat.terminal.everything()[0][7].bold
    chat.say(" three\n")
    chat.say("four")
    assert not chat.terminal.everything()[0][7].bold
    assert chat.end() == ["one **two three", "four"]


def test_a_huge_line_costs_no_more_than_its_text() -> None:
    chat = Chat(80, 24)
    text = "```json\n" + '{"a": 1}, ' * 20_000
    for start in range(0, len(text), 500):
        chat.say(text[start : start + 500])
    assert "".join(chat.end()).replace(" ", "") == text.replace("\n", "").replace(" ", "")


def test_long_code_is_coloured_to_its_end() -> None:
    chat = Chat(80, 24)
    code = "x = '''\n" + "text def\n" * 300 + "'''\ndef last():\n    pass"
    for chunk in chunks(f"```python\n{code}\n```\n", 1, 40):
        chat.say(chunk)
    lines = chat.end()
    assert lines == ["```python", *code.split("\n"), "```"]
    rows = chat.terminal.everything()
    assert rows[200][5].fg == rows[2][5].fg != rows[lines.index("def last():")][0].fg != "default"


THOUGHT = "<think>\nLet me **see**.\n\nHm.\n</think>\n\nIt is *so*.\n"


@pytest.mark.parametrize("longest", [1, 3, 100])
def test_a_thinking_block_is_dimmed(longest: int) -> None:
    chat = Chat(60, 20)
    written: list[str] = []
    write = chat.terminal.write
    chat.terminal.write = lambda text: (written.append(text), write(text))[1]  # type: ignore[method-assign]
    for chunk in chunks(THOUGHT, 5, longest):
        chat.say(chunk)
    assert chat.end() == THOUGHT.rstrip().split("\n")
    dimmed = "".join(re.findall("\x1b\\[2m(.*?)\x1b\\[0m", "".join(written))).replace(FOOTER, "")
    assert dimmed == "<think>Let me **see**.Hm.</think>**"


def test_a_folded_block_is_one_line() -> None:
    chat = Chat(60, 6, fold_thinking=True)
    for chunk in chunks(THOUGHT[: THOUGHT.index("</think>")], 3, 5):
        chat.say(chunk, tokens=2)
    count = chat.terminal.lines()[0]
    assert count.startswith("thinking… ")
    assert chat.terminal.lines()[1] == FOOTER
    chat.say("</thi", tokens=2)
    chat.say("nk>\n\nIt", tokens=2)
    note = chat.terminal.lines()[0]
    assert note.startswith("thought for ")
    chat.say(" is *so*.\n")
    assert chat.end() == [note, "", "It is *so*."]


@pytest.mark.parametrize("thinking", [False, True])
def test_time_and_tokens_of_a_folded_block(thinking: bool) -> None:
    chat = Chat(60, 6, fold_thinking=True, thinking=thinking)
    chat.say("" if thinking else "<think>", tokens=1, seconds=1.0)
    for _ in range(4):
        chat.say("hm ", tokens=100, seconds=0.75)
    chat.say("</think>", tokens=11, seconds=0.2)
    assert chat.terminal.lines()[0] == "thought for 3.2 s, 412 tokens"
    chat.say("\n\nYes.")
    assert chat.end() == ["thought for 3.2 s, 412 tokens", "", "Yes."]


def test_an_answer_that_begins_inside_thinking() -> None:
    chat = Chat(60, 6, thinking=True)
    chat.say("hm </th")
    chat.say("ink>\nYes **b**")
    assert chat.end() == ["hm </think>", "Yes **b**"]
    assert chat.terminal.everything()[1][6].bold


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>\n\n</think>\n\nYes.", ["Yes."]),
        ("\n<think>a</think>\n<think>b</think>c", ["thought for", "", "c"]),
        ("<thi", ["<thi"]),
        ("<thin air", ["<thin air"]),
        ("The tag <think> opens.\n<think>\nx", ["The tag <think> opens.", "<think>", "x"]),
        ("a</think>b", ["a</think>b"]),
        ("<think>all\nof it", ["thought for", "", "all", "of it"]),
    ],
)
@pytest.mark.parametrize("longest", [1, 100])
def test_variants_of_thinking_folded(text: str, shown: list[str], longest: int) -> None:
    chat = Chat(60, 12, fold_thinking=True)
    for chunk in chunks(text, 7, longest):
        chat.say(chunk)
    assert [line if line[:12] != "thought for " else line[:11] for line in chat.end()] == shown


def test_a_cancelled_thought_says_how_long_it_took() -> None:
    chat = Chat(60, 6, fold_thinking=True)
    chat.say("<think>hm")
    chat.say(" so", seconds=2.0)
    assert chat.end(cancelled=True) == ["stopped thinking after 2.0 s, 2 tokens"]
    assert (chat.terminal.screen.cursor.y, chat.terminal.screen.cursor.x) == (1, 0)


@pytest.mark.parametrize("columns", [20, 24])
def test_the_folded_line_fits_its_row(columns: int) -> None:
    chat = Chat(columns, 6, fold_thinking=True)
    chat.say("<think>")
    for _ in range(40):
        chat.say("hm ", tokens=3_000_000)
    assert chat.terminal.lines()[0].startswith("thinking… ")
    assert len(chat.terminal.lines()[0]) < columns
    chat.say("</think>Yes.")
    lines = chat.end()
    assert lines[1:] == ["", "Yes."]
    assert lines[0].startswith("thought for ")


FAKE = """
    import itertools, sys
    from specdec_cli.core.events import Finished, PromptDone, Round, Text
    from specdec_cli.chat.view.view import AnswerView
    from specdec_cli.terminal.console import Streams

    text = open(sys.argv[1], encoding="utf-8").read()
    holds, held, ticks = sys.argv[2:], 1, itertools.count()
    view = AnswerView(
        Streams.standard(), "auto", markdown=True, show_drafts=False, fold_thinking=True,
        footer=lambda: "42.1 tok/s", clock=lambda: next(ticks) / 100,
    )
    view.feed(PromptDone(3, 0, 0.1))
    for start in range(0, len(text), 5):
        # Text of slow rounds is shown at once, and the footer follows this clock.
        view.feed(Round((1, 2), 1, 1, "model", 0.001, 0.020))
        view.feed(Text(text[start : start + 5], True))
        if holds and start >= 250 * held:
            open(holds.pop(0)).read()
            held += 1
    view.feed(Finished("stop", 1.0))
    view.close()
    print("end")
"""


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize(
    "sizes", [[], [(50, 12)], [(110, 30)], [(40, 8), (90, 20), (30, 9), (70, 12)]]
)
def test_a_real_terminal_keeps_the_answer_through_resizing(
    tmp_path: Path, sizes: list[tuple[int, int]]
) -> None:
    script, text = tmp_path / "fake.py", tmp_path / "text"
    holds = [tmp_path / f"hold-{number}" for number in range(len(sizes))]
    for hold in holds:
        os.mkfifo(hold)
    script.write_text(textwrap.dedent(FAKE), encoding="utf-8")
    answer = ANSWER * 2
    text.write_text(answer, encoding="utf-8")
    words = shlex.join(map(str, (sys.executable, script, text, *holds)))
    with Tmux(tmp_path / "socket", f"PYTHONPATH='{ROOT}' {words}; cat", 80, 12) as tmux:
        for hold, size in zip(holds, sizes, strict=True):
            with hold.open("w"):  # once the answer has come so far; it goes on at the end
                tmux.resize(*size)
        until(lambda: tmux.capture().rstrip().endswith("\nend"), tmux.capture)
        screen = tmux.capture()
    # Lines are broken between words, for the width of the moment; tmux may lose a joiner.
    assert "".join(screen.replace("\u200d", "").split()) == "".join(
        f"{answer} end".replace("\u200d", "").split()
    )
