"""Errors a person can act on: what happened, and the command or change that fixes it."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    INCOMPATIBLE = 4
    NETWORK = 5
    BACKEND = 6
    CHECK_FAILED = 7
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class SpecdecError(Exception):
    """Base of all expected errors; printed as ``Error:`` and ``Hint:`` lines, never a traceback.

    Args:
        details: what only ``-v`` shows, a line each.
    """

    exit_code = Exit.FAILURE

    def __init__(self, message: str, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)


class UsageError(SpecdecError):
    """The command line asks for something impossible or contradictory."""

    exit_code = Exit.USAGE


class NotFoundError(SpecdecError):
    """A profile or file does not exist, or was not downloaded."""

    exit_code = Exit.NOT_FOUND


class DamagedFileError(SpecdecError):
    """A file is not a GGUF, or is truncated or inconsistent."""

    exit_code = Exit.INCOMPATIBLE


class NotAModelError(SpecdecError):
    """A GGUF file holds something else than a model that writes text from left to right."""

    exit_code = Exit.INCOMPATIBLE


class IncompatiblePairError(SpecdecError):
    """Two models do not share a vocabulary, so one cannot draft for the other."""

    exit_code = Exit.INCOMPATIBLE


class NetworkError(SpecdecError):
    """The Hub cannot be reached, or does not let this person read something."""

    exit_code = Exit.NETWORK


class DiskFullError(SpecdecError):
    """There is no room for what is to be written."""


class BackendError(SpecdecError):
    """Out of memory, or llama.cpp refused or failed."""

    exit_code = Exit.BACKEND


class OutOfMemoryError(BackendError):
    """A device or the main memory has no room for what was to be loaded or computed."""


class BadLogitsError(BackendError):
    """What a model computed is not numbers: its file or the computing is broken.

    Args:
        model: which one.
        otherwise: what else to try.
    """

    def __init__(self, model: str, otherwise: str) -> None:
        super().__init__(
            f"{model} computes logits that are not numbers (NaN or infinite): its file is broken, "
            "or this way of computing fails with it",
            "download the file again, or take another quantization; try -fa off and -ngl 0; "
            f"{otherwise}",
        )


class ContextFullError(SpecdecError):
    """The prompt does not fit into the context."""

    exit_code = Exit.USAGE


class Cancelled(Exception):  # noqa: N818 - a control-flow signal, not an error
    """The person asked to stop while a model was loading or reading the prompt."""


_ROOM = "free some room, or write to another disk"
_RIGHTS = "check who may write there, or use another folder"
_FILES = "let more be open at once: ulimit -n 1024"
_HINTS = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.EAGAIN: "end some programs, or raise the limit on processes: ulimit -u",
    errno.EIO: "the disk or the terminal does not work; check it",
}
"""What to do about what the system refuses, by its error number."""


def advice(error: OSError) -> str:
    """What a person can do about what the system refused."""
    return _HINTS.get(error.errno or 0, "check the path")


def reported(error: Exception) -> SpecdecError:
    """Any exception as one a person can act on: the world's in words, ours to be reported."""
    if isinstance(error, SpecdecError):
        return error
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return BackendError("out of memory", "try a smaller context: -c 2048")
    if isinstance(error, OSError):
        return _refused(error)
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # of Path.expanduser
        return UsageError("a path begins with ~ and a name that nobody here has", "write it out")
    return SpecdecError(
        f"unexpected {type(error).__name__}: {error}",
        "set SPECDEC_DEBUG=1 to see where it happened, and report it",
    )


def _refused(error: OSError) -> SpecdecError:
    """What the system would not do; only writing to an open stream does not name its file."""
    reason = error.strerror or str(error) or type(error).__name__
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    message = f"{where}: {reason}" if where else f"the output cannot be written: {reason}"
    return SpecdecError(message, advice(error))
