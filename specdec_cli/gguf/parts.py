"""Models split into several files, named like ``x-00001-of-00003.gguf``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from specdec_cli.errors import DamagedFileError, NotFoundError, UsageError
from specdec_cli.gguf.header import Header, read_header
from specdec_cli.gguf.reader import DOWNLOAD_AGAIN, shown


def part_path(path: Path, number: int, count: int) -> Path:
    """The file of part ``number`` (from 0), beside ``path``, which is any other part.

    Raises:
        DamagedFileError: ``path`` is not named like a part, as in ``x-00001-of-00003.gguf``.
    """
    match = re.fullmatch(r"(.*)-\d{5}-of-(\d{5})\.gguf", path.name, re.DOTALL)
    if match is None or int(match[2]) != count:
        raise DamagedFileError(
            f"{shown(path.name, 200)} is part of a model in {count} files, but is not named so",
            f"give the parts their names back: they end in -00001-of-{count:05}.gguf and so on",
        )
    return path.with_name(f"{match[1]}-{number + 1:05}-of-{count:05}.gguf")


def join_parts(path: Path, first: Header) -> Header:
    """Reads the other parts of a split model; its first part is at ``path``.

    Returns:
        The first part's header with the tensors and the size of all parts.

    Raises:
        NotFoundError: a part is missing; names it.
        DamagedFileError: the parts do not belong together.
        UsageError: ``path`` is not the first part.
    """
    assert first.split is not None
    count = first.split.count
    if not 0 <= first.split.number < count < 1 << 16:
        raise _damaged(first.filename, f"claims to be part {first.split.number + 1:,} of {count:,}")
    if first.split.number != 0:
        name = part_path(path, 0, count).name
        raise UsageError(
            f"{first.filename} is part {first.split.number + 1} of {count} of a model",
            f"name the first part, {shown(name, 200)}; the others are found from it",
        )
    paths = [part_path(path, number, count) for number in range(count)]
    missing = [part.name for part in paths if not part.exists()]
    if missing:
        raise NotFoundError(
            f"{shown(missing[0], 200)} is missing: the model is in {count} files, "
            f"{len(missing)} of them not here",
            f"download all {count} parts into {shown(str(path.parent), 200)}",
        )
    tensors, size = {t.name: t for t in first.tensors}, first.file_size
    for number, part in enumerate(paths[1:], 1):
        header = read_header(part)
        if header.split is None or header.split.number != number:
            raise _damaged(header.filename, f"is not part {number + 1} of {first.filename}")
        if doubles := tensors.keys() & {t.name for t in header.tensors}:
            raise _damaged(header.filename, f"repeats the tensor {shown(min(doubles))}")
        tensors |= {t.name: t for t in header.tensors}
        size += header.file_size
    return replace(first, tensors=tuple(tensors.values()), file_size=size)


def _damaged(filename: str, problem: str) -> DamagedFileError:
    return DamagedFileError(f"{filename} {problem}", DOWNLOAD_AGAIN)
