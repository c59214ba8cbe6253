"""How downloads look: bars on a terminal, lines elsewhere, nothing harmful from names."""

from __future__ import annotations

import io
import re

import pytest

from specdec_cli.pairs.pull.report import Transfers
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.sizes import size


def shown(*, tty: bool, quiet: bool = False, name: str = "model.gguf") -> str:
    """What is written while 5 MB come in, of which 2 MB were there."""
    err = io.StringIO()
    streams = Streams(io.StringIO(), err, False, tty, False, {"TERM": "xterm"})
    with Transfers(streams, quiet=quiet, color="never") as view:
        view.begin([(name, 5_000_000, 2_000_000)])
        view.file(0)
        for have in range(2_000_000, 5_000_001, 100_000):
            view.moved(have)
        view.note("the Hub asks to wait 7 s")
    return err.getvalue()


def test_lines_where_there_is_no_terminal() -> None:
    lines = shown(tty=False).splitlines()
    assert lines[0] == "model.gguf: 2.00 MB of 5.00 MB (40 %)"
    assert lines[-2] == "model.gguf: 5.00 MB of 5.00 MB (100 %)"
    assert lines[-1] == "model.gguf: the Hub asks to wait 7 s"
    assert len(lines) == 8
    assert shown(tty=False, quiet=True).count("\n") == 1


def test_a_bar_on_a_terminal() -> None:
    text = shown(tty=True)
    assert "\x1b[?25l" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "5.0/5.0 MB" in text
    assert "the Hub asks to wait 7 s" in text


def test_ctrl_c_has_room_beside_the_bars() -> None:
    """Its echo would wrap into the next line, and the bars would be drawn one too low."""
    lines = re.split(r"[\r\n]", re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", shown(tty=True)))
    bars = [line for line in lines if "━" in line]
    assert bars
    assert {len(line) for line in bars} == {77}


def test_names_do_nothing_to_a_terminal() -> None:
    assert "\x1b[31m" not in shown(tty=True, name="\x1b[31mred.gguf")
    assert "\x1b" not in shown(tty=False, name="\x1b[31mred.gguf")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (639_446_688, "639 MB"),
     (5_030_000_000, "5.03 GB"), (46_500_000_000, "46.5 GB"), (999_600, "1.00 MB")],
)  # fmt: skip
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text
