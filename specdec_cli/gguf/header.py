"""Parses the header of a GGUF model file: what the model is, without loading it.

Our own parser, because llama.cpp ends the process on some damaged files, and because it is fed
by byte ranges of files that are not downloaded yet. Format:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from specdec_cli.errors import NotFoundError
from specdec_cli.gguf.reader import Cursor, Value, shown
from specdec_cli.gguf.types import TENSOR_TYPES
from specdec_cli.gguf.values import Header, Split, Tensor

__all__ = ["Header", "Split", "Tensor", "folder_named", "parse_header", "read_header"]

_KEYS_LIMIT = 1 << 16
_TENSORS_LIMIT = 1 << 18
_NAME_LIMIT = 63  # GGML_MAX_NAME, less the terminating zero
_DIMS_LIMIT = 4  # GGML_MAX_DIMS
_WANTED = "name a GGUF model file; it starts with the letters GGUF"
_CONVERT = "convert the model with llama.cpp's convert_hf_to_gguf.py, or download a GGUF file of it"
_OLD = "which llama.cpp no longer reads: download a GGUF file of the model"
_OTHER_FORMATS = {
    b"vers": "this is a Git LFS pointer: git lfs pull gets the file itself",
    b"PK\3\4": f"this is a ZIP archive: unpack it, or if it is a PyTorch model, {_CONVERT}",
    b"lmgg": f"this is a model in the old GGML format, {_OLD}",
    b"fmgg": f"this is a model in the old GGMF format, {_OLD}",
    b"tjgg": f"this is a model in the old GGJT format, {_OLD}",
    b"algg": "this is a LoRA adapter in an old format: it changes a model but is not one",
}
"""What starts with these bytes, and what to do."""
_ADDRESS_STEP = 32  # TENSOR_ALIGNMENT: llama.cpp asserts it of the weights it maps, in bytes


def read_header(path: Path) -> Header:
    """Parses the header of a file and checks that its tensors lie inside it.

    Raises:
        NotFoundError: the file is missing, is not a file, or cannot be read.
        DamagedFileError: it is not a GGUF file, or is truncated or inconsistent.
    """
    hint = "check the path, and that you may read the file"
    try:
        # Looked at before it is opened: opening a named pipe would wait for a writer.
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            if stat.S_ISDIR(found.st_mode):
                raise folder_named(str(path))
            raise NotFoundError(
                f"{shown(str(path), 200)} is not a regular file", "name the .gguf file itself"
            )
        return _read(path, found.st_ino, found.st_size, found.st_mtime_ns)
    except FileNotFoundError:
        raise NotFoundError(f"{shown(str(path), 200)} does not exist", hint) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise NotFoundError(f"{shown(str(path), 200)} cannot be read: {reason}", hint) from error


@lru_cache(maxsize=4)
def _read(path: Path, inode: int, size: int, changed: int) -> Header:  # noqa: ARG001
    """A large vocabulary takes 50 ms, and several parts of a start ask about the same file."""
    with path.open("rb") as source:
        return parse_header(source, os.fstat(source.fileno()).st_size, path.name)


def folder_named(path: str) -> NotFoundError:
    """The error of a folder that is named as if it were a model."""
    return NotFoundError(
        f"{shown(path, 200)[1:-1]} is a folder, not a model", "name a GGUF file in it"
    )


def parse_header(source: BinaryIO, size: int, name: str = "the file") -> Header:
    """Parses a header from anything that can ``seek`` and ``read``.

    Args:
        source: the file's bytes; only the header is read, forwards, in pieces.
        size: bytes in the whole file, also those that ``source`` never gets to read.
        name: what error messages call the file.

    Raises:
        DamagedFileError: it is not a GGUF file, or is truncated or inconsistent.
    """
    name = shown(name, 200)[1:-1]
    cursor = Cursor(source, size, name)
    version = _version(cursor)
    n_tensors, n_keys = cursor.u64("the tensor count"), cursor.u64("the metadata count")
    metadata = _metadata(cursor, n_keys)
    alignment = _alignment(cursor, metadata)
    infos = _tensor_infos(cursor, n_tensors)
    data_offset = _pad(cursor.position, alignment) if infos else cursor.position
    _check_extents(cursor, infos, data_offset, alignment)
    return Header(name, version, MappingProxyType(metadata), infos, data_offset, size)


def _version(cursor: Cursor) -> int:
    """Checks the first eight bytes; returns the format's version."""
    if cursor.size == 0:
        raise cursor.damaged("is empty")
    magic = cursor.take(min(4, cursor.size), "the first bytes")
    if magic != b"GGUF":
        more = cursor.take(min(9, cursor.size) - len(magic), "the first bytes")
        hint = _OTHER_FORMATS.get(magic, _WANTED)
        if magic.lstrip()[:1] == b"<":
            hint = "this is a web page: open the link in a browser; it may need a login"
        elif more[:4] == b"\0\0\0\0" and more[4:] == b"{":
            # Eight bytes of length, below 4 GiB, then the JSON that it is the length of.
            hint = f"this is a safetensors file: {_CONVERT}"
        raise cursor.damaged(f"is not a GGUF file: it starts with {_in_words(magic)}", hint)
    version = cursor.u32("the version")
    if version & 0xFFFF == 0:
        raise cursor.damaged(
            "is a big-endian GGUF file (or its version is damaged)",
            "download the little-endian version of the model",
        )
    if version == 1:
        raise cursor.damaged(
            "is a GGUF file of version 1, which llama.cpp no longer reads",
            "download a newer conversion of the model",
        )
    if version > 3:
        raise cursor.damaged(
            f"is a GGUF file of version {version:,}; this program knows versions 2 and 3",
            "if the file is not damaged, a newer specdec may read it",
        )
    return version


def _in_words(begins: bytes) -> str:
    """The first bytes of a file, as text where they are text."""
    if all(0x20 <= byte < 0x7F for byte in begins):
        return f'"{begins.decode("ascii")}"'
    return f"the bytes {begins.hex(' ').upper()}"


def _metadata(cursor: Cursor, count: int) -> dict[str, Value]:
    if count > _KEYS_LIMIT:
        raise cursor.damaged(f"is damaged: it claims {count:,} metadata values")
    metadata: dict[str, Value] = {}
    for index in range(count):
        raw = cursor.string(f"the name of metadata value {index}")
        # llama.cpp compares names up to a zero byte, so such a name could pose as another.
        key = raw.decode("utf-8", "backslashreplace")
        if not raw or b"\0" in raw:
            raise cursor.damaged(f"is damaged: metadata value {index} is named {shown(raw)}")
        if key in metadata:
            raise cursor.damaged(f"is damaged: it has two metadata values named {shown(raw)}")
        metadata[key] = cursor.value(f"metadata value {shown(raw)}")
    return metadata


def _alignment(cursor: Cursor, metadata: Mapping[str, Value]) -> int:
    """Bytes to which tensors are aligned."""
    value = metadata.get("general.alignment", 32)
    if not isinstance(value, int) or value <= 0 or value & (value - 1) or value >= 1 << 32:
        said = repr(value) if isinstance(value, int | float) else "not a number"
        raise cursor.damaged(f"is damaged: its alignment is {said}, not a power of two")
    return int(value)


def _tensor_infos(cursor: Cursor, count: int) -> tuple[Tensor, ...]:
    if count > _TENSORS_LIMIT:
        raise cursor.damaged(f"is damaged: it claims {count:,} tensors")
    tensors: dict[str, Tensor] = {}
    for index in range(count):
        tensor = _tensor_info(cursor, index)
        if tensor.name in tensors:
            raise cursor.damaged(f"is damaged: it has two tensors named {shown(tensor.name)}")
        tensors[tensor.name] = tensor
    return tuple(tensors.values())


def _tensor_info(cursor: Cursor, index: int) -> Tensor:
    raw = cursor.string(f"the name of tensor {index}")
    if not 0 < len(raw) <= _NAME_LIMIT or b"\0" in raw:
        raise cursor.damaged(f"is damaged: tensor {index} is named {shown(raw)}")
    name = raw.decode("utf-8", "backslashreplace")
    what = f"the description of tensor {shown(raw)}"
    dims = cursor.u32(what)
    if dims > _DIMS_LIMIT:
        raise cursor.damaged(f"is damaged: tensor {shown(raw)} has {dims:,} dimensions")
    shape = tuple(cursor.u64(what) for _ in range(dims))
    type_id, offset = cursor.u32(what), cursor.u64(what)
    if (kind := TENSOR_TYPES.get(type_id)) is None:
        raise cursor.damaged(
            f"has a tensor {shown(raw)} of the unknown type {type_id:,}",
            "Its quantisation is withdrawn, too new, or the file is damaged: download another "
            "quantisation, for example Q4_K_M.",
        )
    elements = math.prod(shape)
    if not 0 < elements < 1 << 63 or max(shape, default=1) >= 1 << 63:
        raise cursor.damaged(f"is damaged: tensor {shown(raw)} has the shape {list(shape)}")
    if (row := shape[0] if shape else 1) % kind.block:
        raise cursor.damaged(
            f"is damaged: tensor {shown(raw)} has rows of {row:,} weights, which {kind.name} "
            f"cannot store: it packs {kind.block} at a time"
        )
    return Tensor(name, shape, kind, offset, elements // kind.block * kind.nbytes)


def _check_extents(
    cursor: Cursor, tensors: tuple[Tensor, ...], data_offset: int, alignment: int
) -> None:
    """llama.cpp's rule: tensors follow one another in order, each padded to the alignment."""
    expected = 0
    for tensor in tensors:
        if tensor.offset != expected:
            raise cursor.damaged(
                f"is damaged: tensor {shown(tensor.name)} starts at {tensor.offset:,} "
                f"instead of {expected:,} in the data"
            )
        if (data_offset + tensor.offset) % _ADDRESS_STEP:
            raise cursor.damaged(
                f"is damaged: tensor {shown(tensor.name)} is not aligned to {_ADDRESS_STEP} bytes"
            )
        end = data_offset + expected + tensor.nbytes
        if end > cursor.size:
            raise cursor.truncated(f"tensor {shown(tensor.name)}", end)
        expected = _pad(expected + tensor.nbytes, alignment)


def _pad(offset: int, alignment: int) -> int:
    return (offset + alignment - 1) // alignment * alignment
