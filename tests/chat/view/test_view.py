import io

import pytest

from specdec_cli.chat.view.view import AnswerView
from specdec_cli.core.events import Event, Finished, PromptDone, PromptProgress, Round, Text
from specdec_cli.terminal.console import ColorChoice, Streams

EVENTS: list[Event] = [
    PromptProgress(1, 3),
    PromptDone(3, 0, 0.1),
    Round((1, 2), 1, 1, "model", 0.001, 0.02),
    Text("<think>", True, "mark"),
    Text("\na\x1b[31m", True, "thought"),
    Text("</think>", False, "mark"),
    Text("\n\n**b**\n", False),
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
    assert show(streams(False, err_tty)) == "**b**\n"


@pytest.mark.parametrize(
    ("color", "shown"),
    [("never", "why\n\nyes\n"), ("auto", "\x1b[2mwhy\x1b[0m\n\nyes\n")],
)
def test_marks_that_are_no_text_are_not_shown(color: ColorChoice, shown: str) -> None:
    view = AnswerView(
        place := streams(True, True),
        color,
        markdown=False,
        show_drafts=False,
        fold_thinking=False,
        marks=False,
    )
    for event in (
        Text("<|channel|>analysis<|message|>", False, "mark"),
        Text("why", False, "thought"),
        Text("<|end|>", False, "mark"),
        Text("<|start|>assistant<|channel|>final<|message|>", False, "mark"),
        Text("yes", False),
    ):
        view.feed(event)
    view.close()
    assert isinstance(place.out, io.StringIO)
    assert shown in place.out.getvalue()


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
