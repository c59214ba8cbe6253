"""Conversations on disk: saved on request, and continuously, so that a crash loses nothing.

The conversation under way has a file of its own in the person's state folder. It is marked as
ended when the program leaves; one that is not, and whose program is gone, was interrupted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from specdec_cli import atomic
from specdec_cli.chat.conversation import Conversation
from specdec_cli.chat.document import BadConversationError, from_text, to_text
from specdec_cli.errors import NotFoundError, SpecdecError

_KEPT = 20
_LARGEST = 64 << 20
"""Bytes of a file that is read at all."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A conversation that was kept without being asked for."""

    path: Path
    conversation: Conversation

    @property
    def when(self) -> str:
        """When it was last saved, in the person's time."""
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(self.path.stat().st_mtime))


def save(
    path: Path, conversation: Conversation, models: Mapping[str, str | None], **more: object
) -> None:
    """Write a conversation, all of it or nothing.

    Raises:
        SpecdecError: it cannot be written.
    """
    _write(path, to_text(conversation, models, **more))


def load(path: Path) -> Conversation:
    """Read a conversation.

    Raises:
        NotFoundError: the file is missing or cannot be read.
        BadConversationError: it holds no conversation.
    """
    return _read(path)[0]


class Autosave:
    """The file of the conversation under way.

    A full disk or an unwritable folder must not end a conversation: after the first failure, which
    is kept in ``failure``, nothing more is written.

    Args:
        folder: ``None`` to keep nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._path: Path | None = None
        self.failure: str = ""

    def keep(self, conversation: Conversation, models: Mapping[str, str | None]) -> None:
        """Save the conversation as it is; one that nothing was said in yet has no file."""
        self._save(conversation, models, ended=False)

    def end(self, conversation: Conversation, models: Mapping[str, str | None]) -> None:
        """Save it for the last time; what comes then is another conversation."""
        self._save(conversation, models, ended=True)
        self._path = None
        if self._folder is not None:
            _drop_oldest(self._folder)

    def take_over(self, saved: Saved) -> None:
        """Go on in the file of an interrupted conversation."""
        self._path = saved.path

    def _save(
        self, conversation: Conversation, models: Mapping[str, str | None], *, ended: bool
    ) -> None:
        if self._folder is None or self.failure:
            return
        try:
            if not len(conversation):
                if self._path is not None:
                    self._path.unlink(missing_ok=True)
                    self._path = None
                return
            if self._path is None:
                self._path = _new_file(self._folder)
            save(self._path, conversation, models, ended=ended, process=_this_process())
        except (SpecdecError, OSError) as error:
            self.failure = f"the conversation is not kept from now on: {error}"


def interrupted(folder: Path) -> Iterator[Saved]:
    """Conversations whose program ended without saying so, the latest first."""
    for path in _files(folder):
        with suppress(SpecdecError):
            conversation, rest = _read(path)
            if rest.get("ended") is False and not _lives(rest.get("process")):
                yield Saved(path, conversation)


def latest(folder: Path) -> Saved | None:
    """The conversation that was saved last, those of running programs left out."""
    for path in _files(folder):
        with suppress(SpecdecError):
            conversation, rest = _read(path)
            if rest.get("ended") is True or not _lives(rest.get("process")):
                return Saved(path, conversation)
    return None


def mark_ended(saved: Saved) -> None:
    """Mark an interrupted conversation as ended: it is kept, but not offered again."""
    with suppress(SpecdecError):
        conversation, rest = _read(saved.path)
        models = rest.get("models")
        save(saved.path, conversation, models if isinstance(models, dict) else {}, ended=True)


def _files(folder: Path) -> list[Path]:
    """The one saved last comes first."""
    try:
        return sorted(folder.glob("*.json"), key=lambda path: -path.stat().st_mtime_ns)
    except OSError:  # there is no folder, or another program has just removed a file
        return []


def _drop_oldest(folder: Path) -> None:
    for path in _files(folder)[_KEPT:]:
        with suppress(OSError):
            path.unlink()


def _new_file(folder: Path) -> Path:
    name = time.strftime("%Y%m%d-%H%M%S")
    number = 0
    while (path := folder / f"{name}-{os.getpid()}-{number}.json").exists():
        number += 1
    return path


def _this_process() -> dict[str, float]:
    import psutil

    return {"id": os.getpid(), "started": psutil.Process().create_time()}


def _lives(process: object) -> bool:
    """Whether the program that wrote a file still runs; its number alone may be another's now."""
    if not isinstance(process, dict):
        return False
    import psutil

    try:
        found = psutil.Process(process["id"])
        ended = found.status() == psutil.STATUS_ZOMBIE  # only its parent has not noticed yet
        return not ended and bool(found.create_time() == process["started"])
    except (psutil.Error, KeyError, TypeError, ValueError, OverflowError):
        return False


def _read(path: Path) -> tuple[Conversation, dict[str, object]]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)  # a device may have no end
        if len(data) > _LARGEST:
            raise BadConversationError(f"{path} is too large for a conversation")
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist", "check the path") from None
    except UnicodeDecodeError as error:
        raise BadConversationError(
            f"{path} is not UTF-8: wrong byte at offset {error.start}"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotFoundError(f"{path} cannot be read: {reason}", "check the path") from None
    return from_text(text, str(path))


def _write(path: Path, text: str) -> None:
    """A new file only the person can read; a reader finds the old one or the new one, whole."""
    try:
        atomic.write_text(path, text, private=True, durable=True)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise SpecdecError(
            f"{path} cannot be written: {getattr(error, 'strerror', None) or error}",
            "give another path, or make room",
        ) from error
