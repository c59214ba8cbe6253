"""What surrounds a process, made the same for every test whoever runs the suite."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

_KEPT = re.compile(
    # to find programs, libraries and temporary folders
    "PATH|(DY)?LD_.*|PYTHON.*|VIRTUAL_ENV|TMPDIR|TEMP|TMP"
    # what Windows programs cannot do without
    "|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|NUMBER_OF_PROCESSORS|PROCESSOR_.*"
    # what is meant for the suite itself
    "|PYTEST_.*|COV_.*|COVERAGE_.*|HYPOTHESIS_.*",
    re.IGNORECASE,
)
_OF_PYTHON = {getattr(signal, name, None) for name in ("SIGPIPE", "SIGXFSZ")}
"""Python itself ignores these."""


def settle(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Give the process, and those it starts, this home and nothing of a person's.

    Of the environment only what programs need to run is left: no settings, tokens, proxies,
    certificates, terminal or GPUs of the person's.
    """
    for name in list(os.environ):
        if not _KEPT.fullmatch(name):
            patch.delenv(name)
    patch.delenv("PYTHONUNBUFFERED", raising=False)  # which hides what fails at exit
    own_home(patch, home)
    patch.setenv("LC_ALL", "C.UTF-8")
    # Whether threads spin at a barrier is decided once for a process, by who computes beside it
    # then. A test session is long, and where others come later a pass would take a hundred times
    # as long; to spin for a moment, as the program does on a busy machine, costs little elsewhere.
    patch.setenv("OMP_WAIT_POLICY", "passive")
    patch.setenv("GOMP_SPINCOUNT", "1000")
    # GPUs compute a row of a batch otherwise than a row by itself, so that two tokens may swap
    # whose logits are nearly equal: what tests say of tokens and buffers is the processor's.
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
        patch.setenv(name, "-1")


def own_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Make this folder the person's home."""
    for name in ("HOME", "USERPROFILE"):
        patch.setenv(name, str(home))
    for name, folder in (
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_STATE_HOME", ".local/state"),
        ("APPDATA", "AppData/Roaming"),
        ("LOCALAPPDATA", "AppData/Local"),
    ):
        patch.setenv(name, str(home / folder))


def usual_signals() -> None:
    """Undo what a shell does to the background jobs of a script, and ``nohup`` to its command.

    They ignore signals, and pass that on to whatever they start.
    """
    if sys.platform == "win32":
        return
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals() - _OF_PYTHON:
        if signal.getsignal(number) is signal.SIG_IGN:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)
