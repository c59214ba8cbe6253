"""The sha256 that a profile expects of a file: whatever the Hub says, its bytes must have it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from specdec_cli.errors import DamagedFileError
from specdec_cli.hub.remote import HubFile

TRUST = "if its publisher replaced it and you trust the new one: --accept-changed"


def fits_pin(sha256: str, file: HubFile) -> bool:
    """Whether a file may have this hash; what is expected may be only its beginning."""
    return file.sha256 is None or sha256.startswith(file.sha256)


def changed(file: HubFile, sha256: str) -> DamagedFileError:
    """The error for a file of another hash."""
    expected = (file.sha256 or "")[:12]
    return DamagedFileError(
        f"{file} has changed: its sha256 begins with {sha256[:12]}, not {expected}", TRUST
    )


def unpinned(file: HubFile) -> HubFile:
    """The file, whatever its bytes."""
    return replace(file, sha256=None, size=None)


def digest(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def require_pinned(path: Path, file: HubFile) -> None:
    """A file in the cache must have the bytes that are expected.

    The cache names bytes by their sha256 where the Hub told it, and they were compared with it
    then; all others are read.

    Raises:
        DamagedFileError: it has others.
        OSError: it cannot be read.
    """
    if file.sha256 is None:
        return
    sha256 = path.resolve().name
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        sha256 = digest(path)
    if not fits_pin(sha256, file):
        raise changed(file, sha256)
