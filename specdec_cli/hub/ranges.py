"""A remote file as one that can be read forwards, so that its header is all that is fetched."""

from __future__ import annotations

import io

from specdec_cli.errors import DamagedFileError
from specdec_cli.gguf.header import Header, parse_header
from specdec_cli.hub.client import Found, Hub
from specdec_cli.hub.retry_policy import RetryPolicy

_FIRST = 1 << 18  # enough to see that a file is no GGUF
_PIECE = 1 << 20


def read_remote_header(hub: Hub, found: Found) -> tuple[Header, int]:
    """Parse the header of a file on the Hub.

    Returns:
        The header, and the bytes that were fetched for it: as much as the vocabulary takes.

    Raises:
        NetworkError, NotFoundError: the Hub cannot be reached, or refuses.
        DamagedFileError: the file is no sound GGUF.
    """
    source = _RangeFile(hub, found)
    header = parse_header(io.BufferedReader(source), found.size, found.file.name)
    return header, source.fetched


class _RangeFile(io.RawIOBase):
    """Reads a file of the Hub from its beginning, in pieces."""

    def __init__(self, hub: Hub, found: Found) -> None:
        self._hub = hub
        self._found = found
        self._piece = b""
        self._at = 0  # in the file, of what is read next
        self.fetched = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Only to where it is: headers are read forwards."""
        if whence == 1 and offset == 0:
            return self._at
        if whence != 0 or offset != self._at:
            raise io.UnsupportedOperation("seek")
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self._found.size:
            return 0
        if not self._piece:
            retries = RetryPolicy(self._hub, self._found.file)
            self._piece = retries.ask(self._next_piece)
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        self._at += count
        return count

    def _next_piece(self) -> bytes:
        want = _PIECE if self._at else _FIRST
        end = min(self._at + want, self._found.size)
        piece = bytearray()
        with self._hub.body(self._found, self._at, end) as body:
            skip = self._at - body.start  # a server without ranges sends all from the beginning
            if skip < 0:
                raise DamagedFileError(f"{self._found.file}: another range came", "try again")
            for data in body.chunks:
                self.fetched += len(data)
                piece += data[skip:]
                skip = max(skip - len(data), 0)
                if len(piece) >= end - self._at:
                    break
        return bytes(piece[: end - self._at])
