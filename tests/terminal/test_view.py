import io
import json
from pathlib import Path

import pytest

from specdec_cli.core.events import Baseline, Event, Finished, PromptDone, Round, Text
from specdec_cli.core.stats import RunStats
from specdec_cli.errors import UsageError
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.view import ViewOptions, make_view

ANSWER: list[Event] = [
    PromptDone(3, 0, 0.1),
    Baseline(0.01),
    Round((1, 2), 1, 1, "model", 0.001, 0.02),
    Text("a\x1b", True),
    Text("b\n\n", False),
    Finished("stop", 0.05),
]


def streams(*, out_tty: bool = False, err_tty: bool = False, **env: str) -> Streams:
    shared = out_tty and err_tty
    return Streams(io.StringIO(), io.StringIO(), out_tty, err_tty, shared, {"TERM": "xterm", **env})


def show(options: ViewOptions, place: Streams, events: list[Event] = ANSWER) -> tuple[str, str]:
    view = make_view(options, place)
    stats = RunStats()
    for event in events:
        stats.observe(event)
        view.observe(event)
    view.close()
    view.summary(stats)
    assert isinstance(place.out, io.StringIO)
    assert isinstance(place.err, io.StringIO)
    return place.out.getvalue(), place.err.getvalue()


def test_a_pipe_gets_exactly_the_answer_and_stderr_the_summary() -> None:
    out, err = show(ViewOptions(show_drafts=True), streams())
    assert out == "a\x1bb\n"
    assert err.startswith("2 tokens in 0.05 s")
    assert "\x1b" not in err


def test_a_footer_on_stderr_leaves_a_piped_stdout_alone() -> None:
    out, err = show(ViewOptions(), streams(err_tty=True))
    assert out == "a\x1bb\n"
    assert "2 tokens in" in err


def test_quiet_prints_the_answer_only() -> None:
    assert show(ViewOptions(quiet=True), streams(out_tty=True, err_tty=True)) == ("a␛b\n", "")


THOUGHT: list[Event] = [
    PromptDone(3, 0, 0.1),
    Text("<think>", False, "mark"),
    Text("\nwh\x1by", False, "thought"),
    Text("</think>", False, "mark"),
    Text("\n", False),
    Text("\nyes", False),
    Finished("stop", 0.05),
]


@pytest.mark.parametrize(
    ("options", "out_tty", "shown"),
    [
        (ViewOptions(), False, "yes\n"),
        (ViewOptions(), True, "\x1b[2mwh␛y\x1b[0m\n\nyes\n"),
        (ViewOptions(color="never"), True, "wh␛y\n\nyes\n"),
        (ViewOptions(quiet=True), True, "yes\n"),
        (ViewOptions(output="json"), True, ""),
    ],
)
def test_thoughts_are_shown_on_a_terminal_only(
    options: ViewOptions, out_tty: bool, shown: str
) -> None:
    assert show(options, streams(out_tty=out_tty), THOUGHT)[0] == shown


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"CI": "true"}])
def test_no_escape_code_reaches_a_terminal_that_wants_none(env: dict[str, str]) -> None:
    place = streams(out_tty=True, err_tty=True, **env)
    out, err = show(ViewOptions(show_drafts=True), place)
    assert out == "a␛b\n"
    assert "\x1b" not in err


def test_drafts_are_coloured_where_colour_is_on() -> None:
    out, _ = show(ViewOptions(show_drafts=True, quiet=True), streams(out_tty=True))
    assert out == "\x1b[32ma␛\x1b[0mb\n"
    out, _ = show(ViewOptions(show_drafts=True, color="never"), streams(out_tty=True))
    assert out == "a␛b\n"


def test_json_leaves_stdout_to_the_command() -> None:
    assert show(ViewOptions(output="json"), streams(err_tty=True)) == ("", "")
    _, err = show(ViewOptions(output="json", stats=True), streams())
    assert "2 tokens in" in err


def test_jsonl_is_the_events_and_nothing_else() -> None:
    out, err = show(ViewOptions(output="jsonl"), streams(err_tty=True))
    assert [json.loads(line)["kind"] for line in out.splitlines()] == [
        "prompt_done",
        "baseline",
        "round",
        "text",
        "text",
        "finished",
    ]
    assert err == ""


def test_no_stats_and_the_table() -> None:
    assert show(ViewOptions(stats=False), streams())[1] == ""
    assert "source" in show(ViewOptions(verbose=True), streams())[1]


def test_the_trace_has_every_event_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    assert show(ViewOptions(trace=path), streams())[0] == "a\x1bb\n"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(ANSWER)
    assert all(line["t"] >= 0 for line in lines)
    with pytest.raises(UsageError, match="cannot write the trace file"):
        make_view(ViewOptions(trace=tmp_path), streams())


def test_an_interrupted_answer_ends_with_a_newline() -> None:
    assert show(ViewOptions(), streams(), ANSWER[:4])[0] == "a\x1b\n"
    assert show(ViewOptions(), streams(), ANSWER[:1])[0] == "\n"
    assert show(ViewOptions(), streams(), [])[0] == ""
    assert show(ViewOptions(), streams(), [Finished("cancelled", 0.0)])[0] == "\n"


def test_answers_follow_each_other_on_lines_of_their_own() -> None:
    assert show(ViewOptions(), streams(), ANSWER * 2)[0] == "a\x1bb\n" * 2


def test_a_warning_inside_an_answer_on_the_same_terminal_waits_for_its_end() -> None:
    place = streams(out_tty=True, err_tty=True, NO_COLOR="1")
    view = make_view(ViewOptions(quiet=True), place)
    assert isinstance(place.err, io.StringIO)
    view.warn("before")
    view.note("not when quiet")
    assert place.err.getvalue() == "Warning: before\n"
    for event in ANSWER[:4]:
        view.observe(event)
    view.warn("inside")
    assert place.err.getvalue() == "Warning: before\n"
    view.observe(ANSWER[-1])
    assert place.err.getvalue() == "Warning: before\nWarning: inside\n"


def test_a_broken_pipe_reaches_the_caller_and_the_footer_is_still_removed() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    err = io.StringIO()
    view = make_view(ViewOptions(), Streams(Gone(), err, False, True, False, {"TERM": "xterm"}))
    with pytest.raises(BrokenPipeError):
        view.observe(Text("a", False))
    with pytest.raises(BrokenPipeError):
        view.close()
    view.close()
