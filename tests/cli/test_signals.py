"""Ctrl-C, and what reaches a terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specdec_cli.errors import Exit
from tests.ggufs import SPECIALS, default_tokens
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and terminals")

TWICE = """
import os, signal, sys, threading
from specdec_cli.terminal.signals import Interrupts
with Interrupts(lambda: os.write(1, b"restored")) as stop:
    os.kill(os.getpid(), signal.SIGINT)
    while not stop.asked():
        pass
    {then}
    threading.Event().wait()
"""

# A call into C keeps the main thread, as a long pass does. It is a write to a full pipe, which says
# by its first byte that it is under way and has no end. Another thread takes the signal.
IN_C = """
    import ctypes
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    read, write = os.pipe()
    def interrupt():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        os.read(read, 1)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt, daemon=True).start()
    ctypes.CDLL(None).write(write, bytes(1 << 24), 1 << 24)
"""


def endless() -> list[str]:
    """Options under which a model of the tests' own cannot end its answer."""
    vocabulary = default_tokens()
    biases = [f"{vocabulary.index(special)}-inf" for special in SPECIALS]
    return [word for bias in biases for word in ("--logit-bias", bias)]


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_the_second_interrupt_leaves_at_once() -> None:
    done = python(TWICE.format(then="os.kill(os.getpid(), signal.SIGINT)"))
    assert done.returncode == Exit.INTERRUPTED
    assert done.stdout == "restored"
    assert done.stderr == ""


def test_the_second_interrupt_does_not_wait_for_the_interpreter() -> None:
    done = python(TWICE.format(then=IN_C))
    assert (done.returncode, done.stdout, done.stderr) == (Exit.INTERRUPTED, "restored", "")


def test_an_interrupt_ends_a_wait() -> None:
    """A wait for room in a pipe, which begins with a byte that says so, as input does not."""
    program = (
        "import os, signal, sys, threading\n"
        "from specdec_cli.terminal.signals import Interrupts\n"
        "read, write = os.pipe()\n"
        "def interrupt():\n"
        "    os.read(read, 1)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt).start()\n"
        "with Interrupts() as stop:\n"
        "    try:\n"
        "        with stop.waiting():\n"
        "            os.write(write, bytes(1 << 24))\n"
        "    except KeyboardInterrupt:\n"
        "        sys.exit(5)\n"
    )
    assert python(program).returncode == 5


def long_answer(models: Path, *options: str) -> subprocess.Popen[str]:
    """The program amid an answer of at least 100,000 bytes, more than any pipe holds."""
    arguments = ["run", "-m", str(models / "long.gguf"), "-c", "0", "-n", "100000", *endless()]
    return subprocess.Popen(
        [sys.executable, "-m", "specdec_cli", *arguments, *options, "hi"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_interrupted_answer(models: Path) -> None:
    """Nobody reads the answer until the signal was sent, so it cannot end before."""
    process = long_answer(models)
    assert process.stdout
    begin = process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.INTERRUPTED
    assert "Traceback" not in err
    assert (begin + rest).endswith("\n")
    assert "tok/s" in err


def test_an_interrupted_answer_is_a_result(models: Path, tmp_path: Path) -> None:
    """Here it is the trace that nobody reads."""
    os.mkfifo(tmp_path / "trace")
    process = long_answer(models, "--json", "--trace", str(tmp_path / "trace"))
    with (tmp_path / "trace").open(encoding="utf-8") as trace:
        assert any('"text"' in line for line in trace)
        process.send_signal(signal.SIGINT)
        assert '"cancelled"' in trace.readlines()[-1]
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.INTERRUPTED
    assert err == ""
    result = json.loads(out)
    assert result["finish_reason"] == "cancelled"
    assert result["completion_tokens"] > 0


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
    assert process.wait(timeout=PATIENCE) == Exit.OK
    # Only specdec's own: a word that goes to the next line is taken back.
    text = re.sub(r"\x1b\[\d+D\x1b\[K", "", shown.decode("utf-8"))
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
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (Exit.INTERRUPTED, "", "")


def test_a_background_jobs_interrupt_stays_ignored() -> None:
    program = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from specdec_cli.terminal.signals import Interrupts\n"
        "with Interrupts() as stop:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    assert not stop.asked()\n"
    )
    assert python(program).returncode == Exit.OK
