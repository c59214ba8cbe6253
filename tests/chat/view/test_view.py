import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specdec_cli.chat.view.thoughts import Thoughts
from specdec_cli.chat.view.view import AnswerView
from specdec_cli.core.events import Event, Finished, PromptDone, PromptProgress, Round, Text
from specdec_cli.terminal.console import ColorChoice, Streams

EVENTS: list[Event] = [
    PromptProgress(1, 3),
    PromptDone(3, 0, 0.1),
    Round((1, 2), 1, 1, "model", 0.001, 0.02),
    Text("<think>\na\x1b[31m</thi", True),
    Text("nk>\n\n**b**\n", False),
    Text("\n", False),
    Finished("stop", 0.05),
]
SHOWN = "<think>\na␛[31m</think>\n\n**b**\n"


def show(streams: Streams, color: ColorChoice = "auto", events: list[Event] = EVENTS) -> str:
    view = AnswerView(
        streams, color, markdown=True, show_drafts=True, fold_thinking=True, footer=lambda: "footer"
    )
    for event in events:
        view.feed(event)
    view.close()
    view.close(cancelled=True)
    assert isinstance(streams.out, io.StringIO)
    return streams.out.getvalue()


def streams(out_tty: bool, err_tty: bool, **env: str) -> Streams:
    shared = out_tty and err_tty
    return Streams(io.StringIO(), io.StringIO(), out_tty, err_tty, shared, {"TERM": "xterm", **env})


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"CI": "true"}])
def test_terminals_that_want_no_more_get_the_text(env: dict[str, str]) -> None:
    assert show(streams(True, True, **env)) == SHOWN


def test_so_does_a_terminal_when_colour_is_declined() -> None:
    assert show(streams(True, True), "never") == SHOWN


@pytest.mark.parametrize("err_tty", [True, False])
def test_a_pipe_gets_the_answer_itself(err_tty: bool) -> None:
    assert show(streams(False, err_tty)) == SHOWN.replace("␛", "\x1b")


def test_an_empty_answer_is_an_empty_line_in_a_pipe_and_nothing_on_a_terminal() -> None:
    empty: list[Event] = [PromptDone(3, 0, 0.1), Finished("stop", 0.1)]
    assert show(streams(False, False), events=empty) == "\n"
    assert show(streams(True, True), events=empty) == ""


def test_escapes_of_the_model_reach_no_terminal() -> None:
    shown = show(streams(True, True), events=[Text("a\x1b[31m\x07b\x9b", False)])
    assert shown == "a␛[31m␇b\ufffd\n"


def test_the_footer_is_made_harmless_and_leaves() -> None:
    view = AnswerView(
        place := streams(True, True),
        "auto",
        markdown=False,
        show_drafts=False,
        fold_thinking=False,
        footer=lambda: "a\x1b]0;b\nc",
        clock=iter(range(1000)).__next__,
    )
    for event in (PromptDone(3, 0, 0.1), Text("one", False), Text(" two", False)):
        view.feed(event)
    view.close()
    assert isinstance(place.out, io.StringIO)
    shown = place.out.getvalue()
    assert "\x1b[2ma␛]0;b c\x1b[0m" in shown
    assert shown.endswith("\x1b[J\n")


def test_drafts_win_over_colours_and_leave_attributes() -> None:
    events: list[Event] = [Text("**b**`c`", True), Text(" d", False)]
    shown = show(streams(True, True), events=events)
    assert shown == (
        "\x1b[2;32m**\x1b[0m\x1b[1;32mb\x1b[0m\x1b[2;32m**`\x1b[0m\x1b[36;32mc\x1b[0m"
        "\x1b[2;32m`\x1b[0m d\n"
    )


def test_nobody_reading_is_told_to_the_caller() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    place = Streams(Gone(), io.StringIO(), False, False, False, {})
    view = AnswerView(place, "auto", markdown=True, show_drafts=False, fold_thinking=False)
    with pytest.raises(BrokenPipeError):
        view.feed(Text("a", False))


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "/", "think>", "a", "\n", "</", "<thi"])),
    st.booleans(),
    st.integers(1, 5),
)
def test_pieces_join_to_the_text_however_it_is_cut(
    parts: list[str], inside: bool, size: int
) -> None:
    text = "".join(parts)
    whole, cut = Thoughts(inside=inside), Thoughts(inside=inside)
    at_once = whole.feed(text) + whole.end()
    pieces = [piece for at in range(0, len(text), size) for piece in cut.feed(text[at : at + size])]
    pieces += cut.end()
    assert "".join(piece for _, piece in pieces) == text
    for kind in ("tag", "thought", "answer"):
        assert "".join(p for k, p in pieces if k == kind) == "".join(
            p for k, p in at_once if k == kind
        )


def test_thoughts() -> None:
    assert Thoughts().feed("\n<think>a</think>\n<think>b<</think> c <think>") == [
        ("tag", "\n<think>"),
        ("thought", "a"),
        ("tag", "</think>"),
        ("tag", "\n<think>"),
        ("thought", "b<"),
        ("tag", "</think>"),
        ("answer", " c <think>"),
    ]
    assert Thoughts(inside=True).feed("a</think>b") == [
        ("thought", "a"),
        ("tag", "</think>"),
        ("answer", "b"),
    ]
