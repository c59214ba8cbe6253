"""What completion offers behind a command."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from specdec_cli.chat.session import Chat
from specdec_cli.options.values import Choice, Switch


def settings(_chat: Chat, typed: str) -> Iterable[str]:
    """Names of options, and behind one the words it can be."""
    from specdec_cli.chat.settings import CHANGEABLE

    name, space, _ = typed.partition(" ")
    if not space:
        return [option.name for option in CHANGEABLE]
    for option in CHANGEABLE:
        if option.name == name:
            words: tuple[str, ...] = ()
            if isinstance(option.kind, Choice):
                words = option.kind.names
            elif isinstance(option.kind, Switch):
                words = ("on", "off")
            return [f"{name} {word}" for word in (*words, "default")]
    return []


def drafters(_chat: Chat, _typed: str) -> Iterable[str]:
    """Names of drafters."""
    from specdec_cli.chat.settings import option_named

    kind = option_named("drafter").kind
    return kind.names if isinstance(kind, Choice) else ()


def topics(_chat: Chat, _typed: str) -> Iterable[str]:
    """What ``/show`` shows."""
    from specdec_cli.chat.reports import TOPICS

    return TOPICS


def paths(_chat: Chat, typed: str) -> Iterator[str]:
    """Files and folders that a path may become."""
    folder, name = os.path.split(typed)
    try:
        found = sorted(Path(folder or ".").expanduser().iterdir())
    except OSError:
        return
    for path in found:
        if path.name.startswith(name) and (name.startswith(".") or not path.name.startswith(".")):
            yield os.path.join(folder, path.name) + (os.sep if path.is_dir() else "")  # noqa: PTH118
