"""Ctrl-C, and what reaches a terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ggufs import SPECIALS, default_tokens

from specdec_cli.errors import Exit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and terminals")

TWICE = """
import os, signal, sys, time
from specdec_cli.cli.signals import Interrupts
with Interrupts(lambda: os.write(1, b"restored")) as stop:
    os.kill(os.getpid(), signal.SIGINT)
    while not stop.asked():
        time.sleep(0.001)
    {then}
    time.sleep(20)
"""


def endless() -> list[str]:
    """Options under which a model of the tests' own cannot end its answer."""
    vocabulary = default_tokens()
    biases = [f"{vocabulary.index(special)}-inf" for special in SPECIALS]
    return [word for bias in biases for word in ("--logit-bias", bias)]


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )


def test_the_second_interrupt_leaves_at_once() -> None:
    done = python(TWICE.format(then="os.kill(os.getpid(), signal.SIGINT)"))
    assert done.returncode == Exit.INTERRUPTED
    assert done.stdout == "restored"
    assert done.stderr == ""


def test_the_second_interrupt_does_not_wait_for_the_interpreter() -> None:
    """A ctypes call that keeps the main thread, as a long pass does."""
    sleep = "import ctypes, threading; threading.Timer(0.3, os.kill, (os.getpid(), 2)).start(); "
    done = python(TWICE.format(then=sleep + "ctypes.CDLL(None).sleep(20)"))
    assert done.returncode == Exit.INTERRUPTED


def test_an_interrupt_ends_the_wait_for_input() -> None:
    program = (
        "import os, signal, sys, threading\n"
        "from specdec_cli.cli.signals import Interrupts\n"
        "read, write = os.pipe()\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "with Interrupts() as stop:\n"
        "    try:\n"
        "        with stop.waiting():\n"
        "            os.read(read, 1)\n"
        "    except KeyboardInterrupt:\n"
        "        sys.exit(5)\n"
    )
    assert python(program).returncode == 5


@pytest.mark.parametrize("output", [[], ["--json"]])
def test_interrupted_answer(models: Path, output: list[str]) -> None:
    arguments = ["run", "-m", str(models / "long.gguf"), "-c", "0", "-n", "100000", *output]
    arguments += endless()
    trace = models / f"trace-{len(output)}.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "specdec_cli", *arguments, "--trace", str(trace), "hi"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (
        trace.exists() and '"text"' in trace.read_text("utf-8")
    ):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert "Traceback" not in err
    if output:
        result = json.loads(out)
        assert result["finish_reason"] == "cancelled"
        assert result["completion_tokens"] > 0
    else:
        assert out.endswith("\n")
        assert "tok/s" in err


def test_an_interrupt_after_the_end_is_too_late() -> None:
    """The interpreter puts SIGINT back to what kills a process before it is gone."""
    program = (
        "import atexit, os, signal, sys\n"
        "class Late:\n"
        "    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):\n"
        "        kill(pid, number)\n"
        "sys.late = Late()\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
        "from specdec_cli.cli.app import main\n"
        "main(['--version'])\n"
    )
    done = python(program)
    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert done.stdout.startswith("specdec ")


def test_nothing_controls_the_terminal(models: Path) -> None:
    """A random model says every byte there is; the terminal gets none that moves it."""
    import pty

    main, side = pty.openpty()
    arguments = ["run", "-q", "-m", str(models / "long.gguf"), "-n", "400", "--temp", "5"]
    sampling = ["--top-k", "0", "--top-p", "1", "--min-p", "0", "--seed", "1", *endless(), "hi"]
    process = subprocess.Popen(
        [sys.executable, "-m", "specdec_cli", *arguments, *sampling],
        stdin=subprocess.DEVNULL,
        stdout=side,
        stderr=side,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
    )
    os.close(side)
    shown = b""
    while True:
        try:
            chunk = os.read(main, 4096)
        except OSError:  # how Linux tells that the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    assert process.wait(timeout=60) == Exit.OK
    text = shown.decode("utf-8")
    assert len(text) > 100
    assert not [mark for mark in text if ord(mark) < 32 and mark not in "\r\n\t"]
    assert not [mark for mark in text if 127 <= ord(mark) < 160]


def test_interrupt_while_waiting_for_the_prompt() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "specdec_cli", "run", "hi"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    assert "waiting for standard input" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (Exit.INTERRUPTED, "", "")


def test_a_background_jobs_interrupt_stays_ignored() -> None:
    program = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from specdec_cli.cli.signals import Interrupts\n"
        "with Interrupts() as stop:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    assert not stop.asked()\n"
    )
    assert python(program).returncode == Exit.OK
