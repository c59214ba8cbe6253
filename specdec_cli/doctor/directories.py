"""Folders and files of specdec and of the Hub's cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from specdec_cli import paths
from specdec_cli.doctor.results import File, Folder, HubCache, Learnt

_PLACES: dict[str, Callable[[], Path]] = {
    "config": lambda: paths.user_config().parent,
    "profiles": paths.user_profiles,
    "tuned": paths.tuned,
    "cache": lambda: paths.cost_cache().parent,
    "data": lambda: paths.conversations().parent,
    "log": lambda: paths.log_file().parent,
}
_SHOWN = (
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_HUB_DISABLE_XET",
    "HF_HUB_DOWNLOAD_TIMEOUT",
    "HF_HUB_ETAG_TIMEOUT",
    "HF_XET_CACHE",
    "HUGGINGFACE_HUB_CACHE",
)
_OURS = ("HF_HUB_DISABLE_TELEMETRY",)
"""Set by the program itself, unless somebody did before."""

_ADDRESSES = ("HF_ENDPOINT",)


def directories() -> dict[str, Folder]:
    """Each folder's path, whether it exists, and whether it can be written."""
    return {name: _folder(find) for name, find in _PLACES.items()}


def _folder(find: Callable[[], Path]) -> Folder:
    try:
        path = find()
    except (OSError, RuntimeError) as error:
        return Folder("", exists=False, writable=False, reason=str(error))
    reason = why_not_writable(path)
    exists = os.path.isdir(path)  # noqa: PTH112 - Path.is_dir may raise
    return Folder(str(path), exists, not reason, reason)


def configuration() -> File:
    """The configuration file's path, and whether it exists."""
    path = paths.user_config()
    return File(str(path), path.is_file())


def why_not_writable(path: Path) -> str:
    """Why nothing can be written into a folder, or made there if it does not exist yet."""
    try:
        place = next(each for each in (path, *path.parents) if os.path.lexists(each))
        if not place.is_dir():
            return f"{place} is not a folder"
        if place == path:
            tempfile.TemporaryFile(dir=path).close()
        elif not os.access(place, os.W_OK | os.X_OK):
            return f"{place} cannot be written"
    except OSError as error:
        return error.strerror or str(error)
    return ""


def hub(environ: Mapping[str, str]) -> HubCache:
    """Where the Hub's cache is, how large, and what is set; of a token, only whether.

    Raises:
        ImportError: its client cannot be loaded.
    """
    from specdec_cli.hub.client import Hub

    client = Hub()
    return HubCache(
        endpoint=_address(client.endpoint),
        cache=str(client.cache),
        bytes=sum(_sizes(client.cache)),
        free=_free(client.cache),
        reason=why_not_writable(client.cache),
        token="set" if client.has_token else "not set",
        variables={
            name: _value(name, value)
            for name, value in sorted(environ.items())
            if name.startswith(("HF_", "HUGGINGFACE_", "HUGGING_FACE_"))
            and value
            and name not in _OURS
        },
    )


def _value(name: str, value: str) -> str:
    """A variable's value where it can be no secret."""
    if name in _ADDRESSES:
        return _address(value)
    return value if name in _SHOWN else "set"


def _address(url: str) -> str:
    """An address without names, passwords and keys in it."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "set"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _sizes(cache: Path) -> Iterator[int]:
    """Bytes of each file in the cache; what cannot be read is passed over."""
    try:
        blobs = list(cache.glob("*/blobs/*"))
    except OSError:
        return
    for blob in blobs:
        try:
            yield blob.stat().st_size
        except OSError:
            continue


def _free(path: Path) -> int | None:
    """Bytes free on the disk a folder is on, or would be."""
    for place in (path, *path.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None


def learnt() -> Learnt:
    """What was measured here before: files of learnt costs, and profiles that were tuned."""
    return Learnt(
        len(_names(paths.cost_cache(), "*.json")),
        str(paths.cost_cache()),
        tuple(sorted(Path(name).stem for name in _names(paths.tuned(), "*.yaml"))),
        str(paths.tuned()),
    )


def _names(folder: Path, pattern: str) -> list[str]:
    try:
        return [file.name for file in folder.glob(pattern)]
    except OSError:
        return []
