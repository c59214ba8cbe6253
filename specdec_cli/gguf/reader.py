"""Reads the primitive values of a GGUF header from bytes nobody has vouched for.

The rule everywhere: a count or length is compared with the bytes left *before* anything is
allocated or looped over, so a damaged file costs at most what it weighs, up to ``HEADER_LIMIT``.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

from specdec_cli.errors import DamagedFileError

HEADER_LIMIT = 256 << 20
"""Bytes of header we are willing to read. The largest vocabularies need about 25 MB."""

STRINGS_LIMIT = 1 << 22
"""Strings we are willing to walk in one array. The longest known list of merges has 514,000."""

_CHUNK = 1 << 18

DOWNLOAD_AGAIN = (
    "delete the file and download it again: it was cut short or changed on its way here; if it "
    "fails in the same place, the published file itself is damaged: choose another one"
)

_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<B"),  # a bool; any byte but zero is true, as llama.cpp reads it
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_BOOL, _STRING, _ARRAY = 7, 8, 9


def shown(text: str | bytes, limit: int = 60) -> str:
    """``text`` from a file, quoted and escaped so that it can be put on a terminal.

    Args:
        limit: characters (or bytes) to keep; the rest becomes an ellipsis.
    """
    cut = text[: limit + 1]
    body = cut.decode("utf-8", "backslashreplace") if isinstance(cut, bytes) else cut
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in body[:limit])
    return f"'{safe}…'" if len(text) > limit else f"'{safe}'"


class StringArray(Sequence[str]):
    """Strings as they lie in the file, decoded one at a time when asked for.

    Args:
        blob: for each string eight bytes of length, then its bytes.
        ends: where each string ends in ``blob``, in bytes, shape (n,).
    """

    __slots__ = ("blob", "ends")

    def __init__(self, blob: bytes, ends: NDArray[np.uint64]) -> None:
        self.blob = blob
        self.ends = ends

    def __len__(self) -> int:
        return len(self.ends)

    def raw(self, index: int) -> bytes:
        """The bytes of one string; raises ``IndexError`` outside the array."""
        if not 0 <= index < len(self.ends):
            raise IndexError(index)
        start = int(self.ends[index - 1]) if index else 0
        return self.blob[start + 8 : int(self.ends[index])]

    def raws(self) -> Iterator[bytes]:
        """The bytes of every string, in order; much faster than asking one by one."""
        start = 0
        for end in self.ends.tolist():
            yield self.blob[start + 8 : end]
            start = end

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.raw(index + len(self) if index < 0 else index).decode("utf-8", "replace")


Value = int | float | bool | str | StringArray | NDArray[Any]


class Cursor:
    """A forward-only reader that knows how many bytes there are.

    Args:
        source: an open binary file, positioned anywhere; only ``seek`` and ``read`` are used.
        size: bytes in the whole file.
        name: what error messages call the file.
    """

    def __init__(self, source: BinaryIO, size: int, name: str) -> None:
        self._source = source
        self.size = size
        self.name = name
        self.position = 0
        self._buffer = bytearray()
        self._base = 0  # the file position of the buffer's first byte
        source.seek(0)

    def damaged(self, problem: str, hint: str = DOWNLOAD_AGAIN) -> DamagedFileError:
        """The error for ``problem``, which follows the file's name in the message."""
        return DamagedFileError(f"{self.name} {problem}", hint)

    def truncated(self, what: str, needed: int, size: int | None = None) -> DamagedFileError:
        """The error for a file that ends before byte ``needed``, while reading ``what``."""
        have = self.size if size is None else size
        return self.damaged(
            f"is truncated: {what} needs bytes up to {needed:,}, the file has {have:,}"
        )

    def _fill(self, end: int, what: str) -> None:
        """Makes every byte before file position ``end`` available in the buffer."""
        if end > self.size:
            raise self.truncated(what, end)
        if end > HEADER_LIMIT:
            raise self.damaged(f"is damaged: its header claims {end:,} bytes, at {what}")
        while (have := self._base + len(self._buffer)) < end:
            chunk = self._source.read(min(_CHUNK, self.size - have))
            if not chunk:  # the file shrank, or its size was misjudged
                raise self.truncated(what, end, have)
            self._buffer += chunk

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes; raises DamagedFileError when the file has fewer."""
        end = self.position + count
        self._fill(end, what)
        if self.position - self._base > 4 * _CHUNK:
            del self._buffer[: self.position - self._base]
            self._base = self.position
        start = self.position - self._base
        self.position = end
        return bytes(self._buffer[start : start + count])

    def u32(self, what: str) -> int:
        """An unsigned 32-bit number."""
        return int.from_bytes(self.take(4, what), "little")

    def u64(self, what: str) -> int:
        """An unsigned 64-bit number."""
        return int.from_bytes(self.take(8, what), "little")

    def string(self, what: str) -> bytes:
        """A length and that many bytes."""
        return self.take(self.u64(f"the length of {what}"), what)

    def strings(self, count: int, what: str) -> StringArray:
        """``count`` strings in a row."""
        if count > STRINGS_LIMIT:
            raise self.damaged(f"is damaged: {what} claims {count:,} strings")
        self._check_room(count, 8, what)
        start, base, buffer = self.position, self._base, self._buffer
        at, available, length = start - base, len(buffer), struct.Struct("<Q").unpack_from
        ends = array("Q")
        for _ in range(count):
            if at + 8 > available:
                self._fill(base + at + 8, what)
                available = len(buffer)
            at += 8 + length(buffer, at)[0]
            if at > available:
                self._fill(base + at, what)
                available = len(buffer)
            ends.append(at)
        blob = self.take(base + at - start, what)
        return StringArray(blob, np.array(ends, dtype=np.uint64) - np.uint64(start - base))

    def value(self, what: str) -> Value:
        """One metadata value with its type in front."""
        kind = self.u32(f"the type of {what}")
        if kind == _ARRAY:
            kind = self.u32(f"the element type of {what}")
            return self._array(kind, self.u64(f"the length of {what}"), what)
        if kind == _STRING:
            return self.string(what).decode("utf-8", "replace")
        if (scalar := _SCALARS.get(kind)) is None:
            raise self.damaged(f"is damaged: {what} has the unknown type {kind}")
        number: int | float = scalar.unpack(self.take(scalar.size, what))[0]
        return bool(number) if kind == _BOOL else number

    def _array(self, kind: int, count: int, what: str) -> Value:
        if kind == _STRING:
            return self.strings(count, what)
        if kind == _ARRAY:
            raise self.damaged(f"is not usable: {what} is an array of arrays")
        if (scalar := _SCALARS.get(kind)) is None:
            raise self.damaged(f"is damaged: {what} has elements of the unknown type {kind}")
        self._check_room(count, scalar.size, what)
        raw = self.take(count * scalar.size, what)
        return np.frombuffer(raw, dtype=np.dtype(bool if kind == _BOOL else scalar.format))

    def _check_room(self, count: int, least: int, what: str) -> None:
        if count * least > self.size - self.position:
            raise self.truncated(what, self.position + count * least)
