"""Fetches one file; an interrupted download is resumed, and the bytes are verified."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from specdec_cli.errors import DamagedFileError, DiskFullError, SpecdecError
from specdec_cli.hub.client import Body, Found, Hub
from specdec_cli.hub.failures import Failure, HubError
from specdec_cli.hub.pin import changed, digest, fits_pin, require_pinned
from specdec_cli.hub.retry_policy import RetryPolicy

_READ = 1 << 20
_MAX_BY_HTTP = 50_000_000_000
"""Bytes. The Hub sends larger files by its own protocol only, which its client speaks."""


class Watcher(Protocol):
    """Is told how a download goes."""

    def moved(self, have: int) -> None:
        """So many bytes are here now; fewer than before when it had to begin again."""

    def note(self, text: str) -> None:
        """A message for the person: why it waits, why it begins again."""


def partial(hub: Hub, found: Found) -> Path:
    """Where the bytes are until all of them are here, as the cache names such files."""
    blob = hub.blob(found)
    return blob.with_name(f"{blob.name}.incomplete")


def fetch(
    hub: Hub, found: Found, watcher: Watcher, pause: Callable[[float], None] = time.sleep
) -> Path:
    """Bring a file into the cache, going on where an earlier attempt ended.

    Args:
        pause: waits so many seconds.

    Returns:
        The file in the cache.

    Raises:
        NetworkError, NotFoundError: the Hub cannot be reached, or refuses.
        DamagedFileError: the bytes are not those that the Hub announced.
        DiskFullError: there is no room; what is here is kept.
    """
    blob = hub.blob(found)
    retries = RetryPolicy(hub, found.file, watcher.note, pause)
    try:
        with _alone(hub, found, watcher):
            by_client = found.size > _MAX_BY_HTTP and not blob.exists()
            if by_client:
                watcher.note("larger than 50 GB: the Hub's own client fetches it, from its start")
            elif not blob.exists():
                blob.parent.mkdir(parents=True, exist_ok=True)
                _Download(hub, found, watcher, retries).into(blob)
            else:
                require_pinned(blob, found.file)
        path = retries.ask(lambda: hub.link(found))
        if by_client:
            _require_whole(path, found)
    except OSError as error:
        raise _disk_error(error, blob, found) from error
    return path


def _require_whole(path: Path, found: Found) -> None:
    """What another program fetched must be what was announced, and what is expected."""
    sha256 = digest(path)
    if fits_pin(sha256, found.file) and found.sha256 in (None, sha256):
        return
    path.resolve().unlink()
    path.unlink(missing_ok=True)
    raise changed(found.file, sha256)


@contextmanager
def _alone(hub: Hub, found: Found, watcher: Watcher) -> Iterator[None]:
    """While no other program fetches the same file."""
    with ExitStack() as stack:
        try:
            stack.enter_context(hub.lock(found, timeout=1.0))
        except TimeoutError:
            watcher.note("another program is fetching it; waiting for that")
            stack.enter_context(hub.lock(found, timeout=None))
        yield


class _Download:
    """One file on its way; its hash is taken as its bytes pass."""

    def __init__(self, hub: Hub, found: Found, watcher: Watcher, retries: RetryPolicy) -> None:
        self._hub = hub
        self._found = found
        self._watcher = watcher
        self._retries = retries
        self._hash = hashlib.sha256()
        self._have = 0

    def into(self, blob: Path) -> None:
        """Fetch what is missing, verify all of it, and rename it into place."""
        at = partial(self._hub, self._found)
        resumed = self._fill(at)
        wrong = self._wrong()
        if wrong and resumed:
            self._watcher.note(f"{wrong}; what was there before was damaged, beginning again")
            at.unlink()
            self._fill(at)
            wrong = self._wrong()
        if wrong:
            at.unlink()
            if not self._found.sha256:
                raise changed(self._found.file, self._hash.hexdigest())
            raise DamagedFileError(
                f"{self._found.file}: {wrong}",
                "run it again; if it stays so, the Hub or something on the way sends wrong bytes",
            )
        at.replace(blob)

    def _fill(self, at: Path) -> bool:
        """Fetch until all bytes are here; whether some were here before."""
        # Unbuffered: what was received is kept even if the process is killed.
        with at.open("ab", buffering=0) as file:
            resumed = self._read_back(at, file)
            while self._have < self._found.size:
                try:
                    with self._hub.body(self._found, self._have) as body:
                        self._take(body, file)
                    if self._have < self._found.size:
                        reason = "the connection was cut in the middle"
                        raise HubError(Failure("unreachable", reason=reason))
                except HubError as error:
                    if error.failure.status == 416 and self._have:  # what is here is not of it
                        self._restart(file)
                        continue
                    self._retries.after(error)
            os.fsync(file.fileno())
        return resumed

    def _read_back(self, at: Path, file: BinaryIO) -> bool:
        """Hash what an earlier attempt left; whether it left something."""
        self._hash = hashlib.sha256()
        self._have = 0
        if at.stat().st_size > self._found.size:
            file.truncate(0)
        with at.open("rb") as before:
            while data := before.read(_READ):
                self._hash.update(data)
                self._have += len(data)
        self._watcher.moved(self._have)
        self._retries.had = self._have > 0
        return self._have > 0

    def _take(self, body: Body, file: BinaryIO) -> None:
        """Write the bytes of an answer."""
        if body.total not in (None, self._found.size):
            raise self._damaged(f"the Hub sends {body.total:,} bytes of {self._found.size:,}")
        if body.start != self._have:  # it sends all, though only the rest was asked for
            self._restart(file)
        if body.start != self._have:
            raise HubError(Failure("metadata", reason="it sends another range than asked for"))
        for data in body.chunks:
            if self._have + len(data) > self._found.size:
                raise self._damaged(f"the Hub sends more than {self._found.size:,} bytes")
            view = memoryview(data)
            while view:  # an unbuffered write may take less than it is given
                written = file.write(view)
                self._hash.update(view[:written])
                self._have += written
                view = view[written:]
            self._retries.gained()
            self._watcher.moved(self._have)

    def _restart(self, file: BinaryIO) -> None:
        file.truncate(0)
        self._hash = hashlib.sha256()
        self._have = 0
        self._watcher.moved(0)

    def _wrong(self) -> str:
        """What is wrong with the bytes; empty if nothing is.

        They must be those that the Hub announced, or where it tells no hash, those that are
        expected; what it announces has been compared with that before.
        """
        sha256, announced = self._hash.hexdigest(), self._found.sha256
        if announced is not None:
            same = sha256 == announced
            return "" if same else f"its sha256 is {sha256[:12]}…, announced was {announced[:12]}…"
        return "" if fits_pin(sha256, self._found.file) else "its sha256 is not the expected one"

    def _damaged(self, what: str) -> SpecdecError:
        return DamagedFileError(f"{self._found.file}: {what}", "run it again later")


def _disk_error(error: OSError, blob: Path, found: Found) -> SpecdecError:
    """What the file system refused; what was written so far is kept."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        reason = error.strerror or str(error)
        return SpecdecError(
            f"{found.file.name} cannot be written to {blob.parent}: {reason}",
            "check that the folder may be written to, or set HF_HOME to another one",
        )
    have = 0
    at = blob.with_name(f"{blob.name}.incomplete")
    with suppress(OSError):
        have = at.stat().st_size
    return DiskFullError(
        f"the disk is full: {found.file.name} needs {found.size - have:,} bytes more, "
        f"{free_bytes(blob):,} are free in {blob.parent}",
        "free some room (specdec list shows what is downloaded), or set HF_HOME to another disk; "
        "what was fetched is kept",
    )


def free_bytes(place: Path) -> int:
    """Bytes that are free where ``place`` would be made."""
    for folder in (place, *place.parents):
        with suppress(OSError):
            return shutil.disk_usage(folder).free
    return 0
