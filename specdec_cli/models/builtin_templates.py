"""llama.cpp's own chat formats, by name: for models whose files have no template."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache

from specdec_cli.errors import UsageError
from specdec_cli.models.binding import lib

_SPARE = 64
"""Bytes of marks around one message, more or less; a longer text is written again."""
_NUL = "\ufdd0"
"""Stands for the character that ends a text in C; Unicode keeps it for such use."""


@cache
def names() -> tuple[str, ...]:
    """All formats this build of llama.cpp knows, in alphabetical order."""
    count = lib.llama_chat_builtin_templates(None, 0)
    found = (ctypes.c_char_p * count)()
    lib.llama_chat_builtin_templates(found, count)
    return tuple(sorted(name.decode() for name in found if name))


def require(name: str) -> None:
    """Refuse a name that is not a format's.

    Raises:
        UsageError: with the names there are.
    """
    if name in names():
        return
    near = get_close_matches(name, names(), 1)
    guess = f"did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"--chat-template {name} is neither a file nor a format of llama.cpp",
        f"{guess}formats are {', '.join(names())}",
    )


def render(name: str, turns: Sequence[tuple[str, str]]) -> str:
    """A conversation in a format, open for the assistant's next turn, without BOS.

    Args:
        turns: roles and contents.

    Raises:
        UsageError: there is no such format.
    """
    require(name)
    spelled = [
        (role.encode(), content.replace("\0", _NUL).encode("utf-8", "replace"))
        for role, content in turns
    ]
    messages = (lib.llama_chat_message * len(turns))(
        *(lib.llama_chat_message(role, content) for role, content in spelled)
    )
    room = sum(len(content) + _SPARE for _, content in spelled)
    while True:
        buffer = ctypes.create_string_buffer(room)
        size = lib.llama_chat_apply_template(
            name.encode(), messages, len(turns), True, buffer, room
        )
        if size <= room:
            return buffer.raw[: max(size, 0)].decode("utf-8", "replace").replace(_NUL, "\0")
        room = size
