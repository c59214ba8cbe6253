"""Text to the clipboard: by a program of the desktop, else by the terminal itself (OSC 52)."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from specdec_cli.errors import SpecdecError
from specdec_cli.terminal.console import Streams

_PROGRAMS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)
_SECONDS = 5
_LONGEST = 74_994
"""Bytes that terminals take: 100,000 of the sequence."""


def copy(text: str, streams: Streams) -> str:
    """Copy a text; returns by what.

    Raises:
        SpecdecError: there is no way to the clipboard.
    """
    for program in _programs(streams.env):
        if shutil.which(program[0]) and _give(program, text):
            return program[0]
    terminal = streams.err if streams.err_tty else streams.out
    if not (streams.err_tty or streams.out_tty) or streams.env.get("TERM") in ("dumb", "unknown"):
        raise SpecdecError(
            "there is no clipboard here",
            "install wl-copy, xclip or xsel, or write the answer to a file: /save FILE",
        )
    data = text.encode()
    if len(data) > _LONGEST:
        raise SpecdecError(
            f"the answer has {len(data)} bytes, terminals copy at most {_LONGEST}",
            "install wl-copy, xclip or xsel, or write the answer to a file: /save FILE",
        )
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if streams.env.get("TMUX"):
        sequence = "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    terminal.write(sequence)
    terminal.flush()
    return "the terminal, if it allows that"


def _programs(env: Mapping[str, str]) -> list[tuple[str, ...]]:
    if sys.platform == "darwin":
        return [("pbcopy",)]
    if os.name == "nt":
        return [("clip",)]
    return [program for variable, program in _PROGRAMS if env.get(variable)]


def _give(program: tuple[str, ...], text: str) -> bool:
    try:
        done = subprocess.run(
            program,
            input=text.encode(),
            stdout=subprocess.DEVNULL,  # xclip stays, and would keep a pipe open
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
