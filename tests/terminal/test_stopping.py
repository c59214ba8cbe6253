"""Ctrl-Z in an answer and going on: nothing is lost, and the time in between is none of ours."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from specdec_cli import paths
from specdec_cli.errors import Exit
from tests.ggufs import write_gguf
from tests.terminal import shell
from tests.terminal.test_chat import ANSWER, FOX, LETTERS

if sys.platform == "win32":
    pytest.skip("POSIX terminals", allow_module_level=True)

from tests.terminal.session import SPECDEC, Session

LONG = 1e6
"""Seconds, far more than decoding can take."""

CLOCK = f"""
import os, sys, time
def later(before=time.perf_counter, exists=os.path.exists, file=sys.argv[1]):
    return before() + {LONG} * exists(file)
time.perf_counter = later
from specdec_cli.cli.app import main
main(sys.argv[2:])
"""
"""The program with a clock that goes forward once there is a file."""


@pytest.fixture(autouse=True)
def _own_home(home: Path) -> None:
    """No conversation is there to go on with, and nothing was learnt."""


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options under which an answer is as many letters as are asked for."""
    model = tmp_path_factory.mktemp("letters") / "long.gguf"
    write_gguf(model, seed=3, context=1 << 17, n_layers=2)
    biases = [word for token in LETTERS for word in ("--logit-bias", f"{token}+100")]
    return ["-m", str(model), "-c", "0", "-t", "1", "--temp", "1", "-s", "1", *biases]


def in_shell(*command: str) -> Session:
    return Session(*command, program=(sys.executable, shell.__file__), flushes=False)


def result(trace: Path, *arguments: str) -> dict[str, Any]:
    """The answer of a program that is stopped in the middle of it, and goes on."""
    os.mkfifo(trace)
    later = trace.with_name("later")
    command = (sys.executable, "-c", CLOCK, str(later))
    with in_shell(*command, "run", "--json", "--trace", str(trace), *arguments) as session:
        with trace.open(encoding="utf-8") as lines:
            # A pipe holds a part of the trace only, so the answer cannot end before it is read.
            assert any('"text"' in line for line in lines)
            session.send("\x1a")
            session.wait_for("[stopped]")
            later.touch()
            session.send("fg\r")
            assert '"finished"' in lines.readlines()[-1]
        assert session.code() == Exit.OK
        found: dict[str, Any] = json.loads(session.text().partition("fg")[2].replace("\n", ""))
    return found


def test_an_answer_that_was_stopped_is_the_same(letters: list[str], tmp_path: Path) -> None:
    # Plain decoding has the same passes each time, however fast they are.
    arguments = [*letters, "--drafter", "none", "-n", "800", "Say something."]
    stopped = result(tmp_path / "trace", *arguments)
    with Session("run", "--json", *arguments) as session:
        assert session.code() == Exit.OK
        through = json.loads(session.text().replace("\n", ""))
    assert stopped["text"] == through["text"]
    assert stopped["completion_tokens"] == 800
    assert 0 < stopped["stats"]["decode_seconds"] < LONG


def test_a_conversation_that_was_stopped_goes_on(letters: list[str]) -> None:
    with in_shell(*SPECDEC, "chat", *letters, "-n", "100000") as chat:
        chat.enter(FOX)
        chat.wait(lambda: ANSWER.search(chat.text()) is not None)
        assert not chat.echoes and not chat.reads_lines
        chat.send("\x1a")
        chat.wait_for("[stopped]")
        assert chat.echoes and chat.reads_lines
        before = len(chat.raw)
        chat.send("fg\r")
        chat.wait(lambda: len(chat.raw) > before + 200)
        assert not chat.echoes and not chat.reads_lines
        chat.send("\x03")
        chat.wait_for("stopped; what was said is kept")
        chat.wait(lambda: chat.at_prompt)
        assert "^C" not in chat.text()
        (kept,) = paths.conversations().iterdir()
        answer = json.loads(kept.read_text("utf-8"))["messages"][1]["content"]
        shown = chat.text().partition("drafted by n-grams\n")[2].partition("stopped; what")[0]
        first, _, rest = shown.partition("[stopped]\nfg\n")
        assert re.sub(r"\s", "", first + rest) == re.sub(r"\s", "", answer)
        chat.send("\x04")
        assert chat.code() == Exit.OK
