"""One command line in a process of its own, forked from one that has imported everything.

A crash, a hang or a hunger for memory ends only the child, and is told from outside.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import specdec_cli

_ADDRESSES = 12 << 30
"""Bytes of address space. Far more than a small model takes, far less than a false size claims."""
_WAITS = 20
"""A command may take as many times its limit by the clock: others may have the processors."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: ``code`` is negative for a signal, ``memory`` its peak in bytes.

    Args:
        seconds: that processors worked for it.
    """

    code: int
    out: str
    err: str
    seconds: float
    memory: int


def run(arguments: Sequence[str], limit: float) -> Ended:
    """Run ``specdec`` with these arguments, for at most ``limit`` seconds of a processor.

    However busy the machine is, a sound command takes no more of these. One that waits for nothing
    takes none, and is stopped after many more seconds of the clock. A command that was stopped for
    its time has the code of SIGPROF, or of SIGALRM.
    """
    from specdec_cli.cli import commands

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _become(out.fileno(), err.fileno(), limit)
            code = 70
            try:
                code = commands.invoke(list(arguments))
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        _, status, usage = os.wait4(child, 0)
        code = os.waitstatus_to_exitcode(status)
        worked = usage.ru_utime + usage.ru_stime
        return Ended(code, _read(out), _read(err), worked, usage.ru_maxrss << 10)


def import_everything() -> None:
    """Import what the commands import only when they need it, so that children need not."""
    for module in pkgutil.walk_packages(specdec_cli.__path__, "specdec_cli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _become(out: int, err: int, limit: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, timer, seconds in (
        (signal.SIGPROF, signal.ITIMER_PROF, limit),
        (signal.SIGALRM, signal.ITIMER_REAL, _WAITS * limit),
    ):
        signal.signal(number, signal.SIG_DFL)  # ends the process, whatever it is doing
        signal.setitimer(timer, seconds)
    os.environ["GGML_NO_BACKTRACE"] = "1"  # else a debugger is started at each crash
    null = os.open(os.devnull, os.O_RDONLY)
    for source, place in ((null, 0), (out, 1), (err, 2)):
        os.dup2(source, place)
    sys.stdin = Path("/dev/null").open(encoding="utf-8")  # noqa: SIM115 - it lasts
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", closefd=False)


def _read(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    return str(file.read().decode("utf-8", "replace"))  # type: ignore[attr-defined]
