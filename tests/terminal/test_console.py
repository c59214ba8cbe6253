import io

import pytest

from specdec_cli.errors import NotFoundError
from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.errors import print_error, warning_line


def streams(*, tty: bool = True, **env: str) -> Streams:
    return Streams(io.StringIO(), io.StringIO(), tty, tty, tty, env)


@pytest.mark.parametrize(
    ("choice", "tty", "env", "colored"),
    [
        ("auto", True, {"TERM": "xterm"}, True),
        ("auto", False, {"TERM": "xterm"}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"CI": "true"}, False),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", True, {"FORCE_COLOR": "0"}, False),
        ("auto", False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_color(choice: ColorChoice, tty: bool, env: dict[str, str], colored: bool) -> None:
    assert streams(tty=tty, **env).out_color(choice) is colored
    assert streams(tty=tty, **env).err_color(choice) is colored


def test_redrawing_needs_a_capable_terminal() -> None:
    assert streams(TERM="xterm", NO_COLOR="1").can_redraw
    assert not streams(TERM="dumb").can_redraw
    assert not streams(TERM="xterm", CI="1").can_redraw
    assert not streams(tty=False, TERM="xterm").can_redraw


def test_an_error_is_two_lines_without_markup_or_wrapping() -> None:
    place = streams(tty=False)
    hint = "specdec pull " + "x" * 200
    print_error(NotFoundError("no [bold]model[/bold]\nat \x1b[31m", hint), place)
    assert isinstance(place.err, io.StringIO)
    assert place.err.getvalue() == f"Error: no [bold]model[/bold] at ␛[31m\nHint: {hint}\n"


def test_an_error_without_hint_is_one_line_and_colour_ends() -> None:
    place = streams(tty=True, TERM="xterm")
    print_error(NotFoundError("gone"), place)
    assert isinstance(place.err, io.StringIO)
    assert place.err.getvalue() == "\x1b[1;31mError:\x1b[0m gone\n"
    assert warning_line("slow", color=True) == "\x1b[1;33mWarning:\x1b[0m slow\n"
