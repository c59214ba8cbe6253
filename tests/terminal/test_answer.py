import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.terminal.answer import AnswerText
from specdec_cli.terminal.plain import Plain


def shape(*chunks: str, terminal: bool = False, show_drafts: bool = False) -> str:
    answer = AnswerText(terminal=terminal, show_drafts=show_drafts)
    answer.begin()
    parts = [answer.feed(text, index % 2 == 0) for index, text in enumerate(chunks)]
    return "".join(parts) + answer.end()


@given(st.lists(st.text("ab\n \x1b")))
def test_piped_text_is_exact_and_ends_with_one_newline(chunks: list[str]) -> None:
    assert shape(*chunks) == "".join(chunks).rstrip("\n") + "\n"


def test_newlines_inside_are_kept() -> None:
    assert shape("a\n", "\n", "\nb", "\n\n") == "a\n\n\nb\n"


def test_controls_reach_a_pipe_but_no_terminal() -> None:
    assert shape("\x1b[2J") == "\x1b[2J\n"
    assert shape("\x1b[2J", terminal=True) == "␛[2J\n"


def test_drafted_text_is_green_and_newlines_are_not() -> None:
    assert shape("a\n", "b", show_drafts=True) == "\x1b[32ma\x1b[0m\nb\n"


def test_an_answer_that_never_began_prints_nothing() -> None:
    answer = AnswerText(terminal=False, show_drafts=False)
    assert answer.end() == ""
    answer.begin()
    assert (answer.end(), answer.end()) == ("\n", "")


def test_plain_writes_at_once_and_lets_a_broken_pipe_through() -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Plain(Gone()).write("a")
