"""Writing files so that nobody loses one: the old text stays until the new one is there, whole.

A new text is written beside the file and renamed over it. What a name leads to may be something
else than a file of one's own folder, and must stay what it is: a symlink goes on leading where it
led, a device, a pipe or a terminal is written to, and mode and owner are kept.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_KERNELS = ("/dev/", "/proc/")
"""What is there leads to something open, such as ``/dev/stdout``: another file would be new."""


def write_text(path: Path, text: str, *, private: bool = False, durable: bool = False) -> None:
    """Write a text as UTF-8, as :func:`write_bytes` does.

    Half of a surrogate pair, as in paths that are not UTF-8, becomes its number.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"), private=private, durable=durable)


def write_bytes(path: Path, data: bytes, *, private: bool = False, durable: bool = False) -> None:
    """Write a file, all of it or nothing; folders that are missing are made.

    What is there and is no regular file, or could not be replaced without losing its owner or its
    other names, is written to as it is.

    Args:
        private: a new file, and a new folder for it, are the person's alone.
        durable: the text is on the disk before it takes the old one's place, so that not even a
            power cut leaves neither.

    Raises:
        OSError: it cannot be written.
    """
    try:
        there = path.stat()  # of what symlinks lead to
    except FileNotFoundError:
        there = None
    target = Path(os.path.realpath(path))
    if there is None:
        target.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    elif not stat.S_ISREG(there.st_mode) or there.st_nlink > 1 or _is_kernels(path):
        _write_as_it_is(path, data)
        return
    try:
        _replace(target, data, there, private=private, durable=durable)
    except PermissionError:
        # The folder is not ours to write to, or the file belongs to somebody else.
        if there is None:
            raise
        _write_as_it_is(path, data)


def _write_as_it_is(path: Path, data: bytes) -> None:
    # A pipe that nobody reads is an error, not something to wait for.
    handle = os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0))
    os.set_blocking(handle, True)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _replace(
    path: Path, data: bytes, there: os.stat_result | None, *, private: bool, durable: bool
) -> None:
    part = path.with_name(f".specdec-{secrets.token_hex(6)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            if there is not None:
                _take_over(file.fileno(), there)
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _take_over(handle: int, there: os.stat_result) -> None:
    """Give a file another one's owner and mode.

    Raises:
        PermissionError: only somebody else may.
    """
    if hasattr(os, "fchown"):
        own = os.fstat(handle)
        if (own.st_uid, own.st_gid) != (there.st_uid, there.st_gid):
            os.fchown(handle, there.st_uid, there.st_gid)
        os.fchmod(handle, stat.S_IMODE(there.st_mode))


def _is_kernels(path: Path) -> bool:
    return str(path.absolute()).startswith(_KERNELS)
