"""The prompt, from where a person may write it: arguments, a file, standard input."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from specdec_cli import reading
from specdec_cli.errors import UsageError
from specdec_cli.terminal.console import is_terminal
from specdec_cli.terminal.utf8 import decode, require_text

_PATIENCE_SECONDS = 2.0
_EXAMPLE = 'give one, for example: specdec run "Write a function that adds two numbers."'


def gather(
    words: Sequence[str],
    prompt: str | None,
    files: Sequence[str],
    note: Callable[[str], None],
    stdin: TextIO | None = None,
) -> str:
    """The whole prompt: the files' texts, then standard input's, then the argument, on lines.

    One newline at the end of a file and of standard input is not part of them. Standard input
    is read when it is not a terminal, or when the argument is ``-``. A pipe that stays open
    without a word is waited for, as a slow program may be at its other end; ``note`` says so.

    Raises:
        UsageError: there is no prompt, or two.
        NotFoundError: a file is missing.
        EncodingError: the argument, a file or standard input is not UTF-8.
    """
    argument = " ".join(words)
    if prompt is not None:
        if words:
            raise UsageError(
                f"there are two prompts, {_short(argument)!r} and --prompt",
                "give one of them; a prompt of several words need not use --prompt",
            )
        argument = prompt
    require_text(argument, "the prompt")
    parts = [decode(reading.read_file(file), file) for file in files if file != "-"]
    wants_stdin = argument == "-" or "-" in files
    if argument == "-":
        argument = ""
    stream = sys.stdin if stdin is None else stdin
    if stream is not None and (wants_stdin or not is_terminal(stream)):
        parts.append(decode(_read_stdin(stream, note), "standard input"))
    parts = [part.removesuffix("\n").removesuffix("\r") for part in parts]
    text = "\n".join(part for part in [*parts, argument] if part)
    if not text.strip():
        raise _nothing(files)
    return text


def _nothing(files: Sequence[str]) -> UsageError:
    """The error of a prompt without a word; files that were to have it are named."""
    named = [file for file in files if file != "-"]
    if not named:
        return UsageError("there is no prompt", _EXAMPLE)
    are = "is" if len(named) == 1 else "are"
    return UsageError(
        f"there is no prompt: {' and '.join(named)} {are} empty",
        "give another file, or the prompt itself after the options",
    )


def _read_stdin(stream: TextIO, note: Callable[[str], None]) -> bytes:
    if not is_terminal(stream) and not _ready(stream):
        note("waiting for standard input, which is an open pipe; </dev/null closes it")
    data = stream.buffer.read(reading.TEXT + 1)
    if len(data) > reading.TEXT:
        raise reading.TooLargeError(
            f"standard input has more than {reading.TEXT:,} bytes", "no context holds as much"
        )
    return data


def _ready(stream: TextIO) -> bool:
    """Whether reading would return at once, or soon."""
    try:
        return bool(select.select([stream], [], [], _PATIENCE_SECONDS)[0])
    except (OSError, ValueError):  # no descriptor, or a system that selects sockets only
        return True


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
