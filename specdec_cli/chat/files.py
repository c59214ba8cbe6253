"""Commands that read or write something outside the conversation."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from specdec_cli.chat import store
from specdec_cli.chat.clipboard import copy as copy_text
from specdec_cli.chat.session import Chat
from specdec_cli.errors import NotFoundError, UsageError
from specdec_cli.reading import read_file
from specdec_cli.terminal.ask import confirmed
from specdec_cli.terminal.utf8 import decode

_CODE = re.compile(r"^```[^\n]*\n(.*?)(?:^```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)


def save(chat: Chat, rest: str) -> None:
    """Write the conversation; a file that is there is only replaced if the person says so."""
    path = _path(rest)
    if not len(chat.conversation):
        raise UsageError("there is nothing to save yet", "send a message first")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", f"/save {path / 'conversation.json'}")
    if not path.parent.exists():  # a folder that nobody asked for would hide a slip of the pen
        raise NotFoundError(f"there is no folder {path.parent}", f"/save {path.name}")
    if path.is_file() and chat.interactive and not confirmed(f"Replace {path}?"):
        chat.note("nothing was saved")
        return
    store.save(path, chat.conversation, chat.models)
    chat.note(f"saved to {path}; to go on: specdec chat --load {shlex.quote(str(path))}")


def load(chat: Chat, rest: str) -> None:
    """Go on with the conversation of a file."""
    conversation = store.load(_path(rest))
    chat.replace(conversation)
    count = len(conversation)
    chat.note(f"loaded {count} turn{'' if count == 1 else 's'}; /show history shows them")
    if conversation.waiting:
        chat.answer()


def read(chat: Chat, rest: str) -> None:
    """Send a file's text, with the words behind its name or with the next message."""
    name, message = _split(rest)
    text = decode(read_file(str(_path(name))), name)
    if not text.strip():
        raise UsageError(f"{name} is empty", "give a file with a text")
    chat.attached.append(text.removesuffix("\n"))
    if message:
        chat.ask(message)
        return
    lines = text.count("\n") + (not text.endswith("\n"))
    chat.note(f"{lines} line{'' if lines == 1 else 's'} of {name} go with your next message")


def copy(chat: Chat, rest: str) -> None:
    """Copy the last answer, or the last block of code in it."""
    last = next((turn for turn in reversed(list(chat.conversation)) if turn.answer), None)
    if last is None or last.answer is None:
        raise UsageError("there is no answer to copy", "send a message first")
    text = last.answer
    if rest:
        if rest != "code":
            raise UsageError(f"/copy {rest} is not possible", "/copy, or /copy code")
        blocks = _CODE.findall(text)
        if not blocks:
            raise UsageError("the last answer has no block of code", "/copy copies all of it")
        text = blocks[-1]
    by = copy_text(text, chat.streams)
    chat.note(f"copied {len(text)} characters by {by}")


def _path(text: str) -> Path:
    return Path(_unquoted(text)).expanduser()


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def _split(text: str) -> tuple[str, str]:
    """A file's name, in quotes if it has spaces, and what stands behind it."""
    found = re.match(r"(\"[^\"]+\"|'[^']+'|\S+)\s*(.*)", text, re.DOTALL)
    assert found is not None
    return found[1], found[2]
