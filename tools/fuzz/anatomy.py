"""A GGUF file taken apart into pieces that can be damaged one by one, and put together again.

It writes whatever it is told to: counts that lie, types that do not fit, offsets into nowhere.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import gguf
from gguf import GGMLQuantizationType

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q"}
_SCALARS |= {12: "d"}
STRING, ARRAY = 8, 9
INTEGERS = frozenset({0, 1, 2, 3, 4, 5, 10, 11})
ALIGNMENT = 32
_MAX_DATA = 1 << 18  # bytes of one tensor that a mutant may carry


@dataclass
class Entry:
    """One metadata value: ``items`` are the encoded elements, one of them for a scalar.

    ``count`` is what an array says of its length; ``None`` for the truth.
    """

    key: bytes
    kind: int
    items: list[bytes]
    is_array: bool = False
    count: int | None = None

    def encoded(self) -> bytes:
        head = string(self.key)
        if self.is_array:
            count = len(self.items) if self.count is None else self.count
            head += struct.pack("<IIQ", ARRAY, self.kind, count & (1 << 64) - 1)
        else:
            head += struct.pack("<I", self.kind)
        return head + b"".join(self.items)


@dataclass
class Tensor:
    """One tensor: ``shape`` in ggml's order; ``offset`` is ``None`` for where it belongs."""

    name: bytes
    shape: list[int]
    kind: int
    data: bytes
    offset: int | None = None


@dataclass
class Anatomy:
    """A whole file. ``keys`` and ``tensors_said`` are counts that lie, ``None`` for the truth."""

    entries: list[Entry]
    tensors: list[Tensor]
    magic: bytes = b"GGUF"
    version: int = 3
    keys_said: int | None = None
    tensors_said: int | None = None
    extras: list[str] = field(default_factory=list)

    def assembled(self) -> bytes:
        """The file."""
        keys = len(self.entries) if self.keys_said is None else self.keys_said
        tensors = len(self.tensors) if self.tensors_said is None else self.tensors_said
        parts = [self.magic, struct.pack("<IQQ", self.version & 0xFFFFFFFF, tensors, keys)]
        parts += [entry.encoded() for entry in self.entries]
        expected = 0
        for tensor in self.tensors:
            offset = expected if tensor.offset is None else tensor.offset
            shape = b"".join(struct.pack("<Q", size & (1 << 64) - 1) for size in tensor.shape)
            parts += [string(tensor.name), struct.pack("<I", len(tensor.shape)), shape]
            parts += [struct.pack("<IQ", tensor.kind, offset & (1 << 64) - 1)]
            expected += _padded(len(tensor.data))
        header = b"".join(parts)
        parts = [header, bytes(_padded(len(header)) - len(header))]
        for tensor in self.tensors:
            parts += [tensor.data, bytes(_padded(len(tensor.data)) - len(tensor.data))]
        return b"".join(parts)

    def entry(self, key: str) -> Entry | None:
        return next((each for each in self.entries if each.key == key.encode()), None)

    def set(self, key: str, kind: int, *items: bytes, is_array: bool = False) -> None:
        """Give a key a value, whether it was there or not."""
        self.entries = [each for each in self.entries if each.key != key.encode()]
        self.entries.append(Entry(key.encode(), kind, list(items), is_array))

    @property
    def architecture(self) -> str:
        found = self.entry("general.architecture")
        return found.items[0][8:].decode("utf-8", "replace") if found and found.items else ""


def take_apart(data: bytes) -> Anatomy:
    """The pieces of a sound file."""
    tensors, keys = struct.unpack_from("<QQ", data, 8)
    at = 24
    entries = []
    for _ in range(keys):
        key, at = _text(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        at += 4
        count, is_array = 1, kind == ARRAY
        if is_array:
            kind, count = struct.unpack_from("<IQ", data, at)
            at += 12
        items = []
        for _ in range(count):
            size = 8 + len(_text(data, at)[0]) if kind == STRING else width(kind)
            items.append(data[at : at + size])
            at += size
        entries.append(Entry(key, kind, items, is_array))
    found, start = _tensors(data, at, tensors)
    start = _padded(start)
    for tensor in found:
        assert tensor.offset is not None
        begin = start + tensor.offset
        tensor.data = data[begin : begin + nbytes(tensor.shape, tensor.kind)]
        tensor.offset = None
    return Anatomy(entries, found)


def _tensors(data: bytes, at: int, count: int) -> tuple[list[Tensor], int]:
    found = []
    for _ in range(count):
        name, at = _text(data, at)
        (dims,) = struct.unpack_from("<I", data, at)
        shape = list(struct.unpack_from(f"<{dims}Q", data, at + 4))
        at += 4 + 8 * dims
        kind, offset = struct.unpack_from("<IQ", data, at)
        at += 12
        found.append(Tensor(name, shape, kind, b"", offset))
    return found, at


def refit(tensor: Tensor) -> None:
    """Make the data as long as shape and type say, where that is not absurd."""
    wanted = nbytes(tensor.shape, tensor.kind)
    if 0 < wanted <= _MAX_DATA:
        source = tensor.data or b"\0"
        tensor.data = (source * (wanted // len(source) + 1))[:wanted]


def nbytes(shape: list[int], kind: int) -> int:
    """Bytes of a tensor; 0 where its type is unknown."""
    elements = 1
    for size in shape:
        elements *= size
    try:
        block, size = gguf.GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    except ValueError:
        return 0
    return elements // block * size


def scalar(kind: int, value: float) -> bytes:
    """A number as this kind stores it; whole numbers wrap around, unknown kinds take four bytes."""
    if kind not in _SCALARS:
        return scalar(4, 0 if value != value or abs(value) == float("inf") else value)
    if kind in INTEGERS:
        size = width(kind)
        return (int(value) & (1 << 8 * size) - 1).to_bytes(size, "little")
    try:
        return struct.pack("<" + _SCALARS[kind], value)
    except OverflowError:
        return struct.pack("<" + _SCALARS[kind], float("inf"))


def number(kind: int, item: bytes) -> float:
    """The number an item holds; 0 where an earlier damage left none that can be read."""
    if kind not in _SCALARS or len(item) != width(kind):
        return 0.0
    found: float = struct.unpack("<" + _SCALARS[kind], item)[0]
    return found


def width(kind: int) -> int:
    return struct.calcsize("<" + _SCALARS[kind])


def string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    (size,) = struct.unpack_from("<Q", data, at)
    return data[at + 8 : at + 8 + size], at + 8 + size


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
