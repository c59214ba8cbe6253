"""Standard streams that are closed or full, and what else the system may refuse."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from specdec_cli import paths
from specdec_cli.errors import Exit, reported
from tests.cli.conftest import Specdec
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells and devices")

COMMANDS = [
    ["--version"],
    ["run", "-n", "4", "--drafter", "none", "Hi"],  # what is said of drafts differs between runs
    ["run", "-n", "4", "--json", "Hi"],
    ["list"],
    ["validate", "tiny"],
    ["chat", "-n", "4", "--drafter", "none"],
]

EVENTS = ["run", "-n", "4", "--jsonl", "Hi"]


def redirected(arguments: Sequence[str], how: str) -> subprocess.CompletedProcess[str]:
    """Run the program with standard streams as a shell opens them."""
    return subprocess.run(
        ["bash", "-c", f'"$0" -m specdec_cli "$@" {how}', sys.executable, *arguments],
        input="What is the capital of France?\n" if arguments[0] == "chat" else "",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_closed_streams_are_as_the_null_device(arguments: Sequence[str]) -> None:
    as_usual = redirected(arguments, "")
    assert as_usual.returncode == Exit.OK, as_usual.stderr
    for closed, null in ((">&-", ">/dev/null"), ("2>&-", "2>/dev/null")):
        done, expected = redirected(arguments, closed), redirected(arguments, null)
        assert done.returncode == Exit.OK
        assert len(done.stdout.splitlines()) == len(expected.stdout.splitlines())
        assert len(done.stderr.splitlines()) == len(expected.stderr.splitlines())
    assert redirected(arguments, "<&- >&- 2>&-").returncode == Exit.OK


def test_an_error_needs_no_stream() -> None:
    for how in ("", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"):
        assert redirected(["show", "no-such-profile"], how).returncode == Exit.NOT_FOUND


def test_files_are_not_opened_in_place_of_closed_streams(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    done = redirected(["run", "-n", "4", "--trace", str(trace), "Hi"], "<&- >&- 2>&-")
    assert done.returncode == Exit.OK
    lines = [json.loads(line) for line in trace.read_text("utf-8").splitlines()]
    assert lines[-1]["kind"] == "finished"


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@full
def test_what_cannot_be_said_does_not_spoil_the_answer() -> None:
    arguments = ["run", "-n", "4", "-v", "Hi"]
    done, expected = redirected(arguments, "2>/dev/full"), redirected(arguments, "2>/dev/null")
    assert (done.returncode, done.stdout) == (Exit.OK, expected.stdout)


@full
@pytest.mark.parametrize(
    "arguments", [*COMMANDS, ["run", "-n", "4", "--jsonl", "Hi"]], ids=" ".join
)
def test_an_answer_that_cannot_be_written_is_an_error(arguments: Sequence[str]) -> None:
    done = redirected(arguments, ">/dev/full")
    assert done.returncode == Exit.FAILURE
    assert "Error: the output cannot be written: No space left on device\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@full
def test_a_trace_that_cannot_be_written_is_told_once_and_the_answer_goes_on() -> None:
    arguments = ["run", "-q", "-n", "8", "Hi"]
    done = redirected([*arguments, "--trace", "/dev/full"], "")
    assert (done.returncode, done.stdout) == (Exit.OK, redirected(arguments, "").stdout)
    assert done.stderr == (
        "Warning: the trace ends here: /dev/full cannot be written: No space left on device\n"
    )


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EMFILE, errno.ENOSPC])
def test_what_the_system_refuses_is_no_fault_of_ours(code: int) -> None:
    error = reported(OSError(code, os.strerror(code), "/some/file"))
    assert error.exit_code == Exit.FAILURE
    assert error.message == f"/some/file: {os.strerror(code)}"
    assert error.hint
    assert "report" not in error.hint
    assert "report" in reported(ZeroDivisionError("ours")).hint


@pytest.mark.parametrize("command", [["new", "mine", "--like", "tiny"], ["edit", "tiny"]])
def test_a_home_that_cannot_be_written(
    specdec: Specdec, home: Path, command: Sequence[str]
) -> None:
    folder = paths.user_profiles()
    folder.parent.parent.mkdir(parents=True)
    folder.parent.write_text("a file where a folder should be")
    done = specdec(*command, env={"EDITOR": "true"})
    assert done.code == Exit.USAGE
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["Error", "Hint"]
    assert "report" not in done.err


def test_biases_that_leave_nothing(specdec: Specdec) -> None:
    biases = [word for token in range(3072) for word in ("--logit-bias", f"{token}-inf")]
    for temperature in ("0", "0.8"):
        done = specdec("run", "--temp", temperature, *biases, "Hi")
        assert done.code == Exit.USAGE
        assert "leaves no token to choose" in done.err
