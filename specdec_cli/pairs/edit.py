"""``specdec edit``: a profile in the person's editor, valid when it is saved, never lost."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType

from specdec_cli.errors import Exit, SpecdecError, UsageError
from specdec_cli.options.command import Command
from specdec_cli.options.option import OptionSet
from specdec_cli.options.resolve import resolve
from specdec_cli.pairs.validate import impossible
from specdec_cli.pairs.verdict import require_pair
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import profile
from specdec_cli.reading import RULES, read_bytes
from specdec_cli.terminal.ask import confirmed
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.errors import print_error

WORDS = "The profile; of one that ships, a copy of your own is made"
EXAMPLES = """\
Examples:
  specdec edit tiny
  EDITOR="code --wait" specdec edit qwen3-8b

The editor is VISUAL, else EDITOR. What you write is checked before it takes effect; a text with
a mistake is kept beside the profile, and the next edit goes on with it.
"""
EDIT = OptionSet("edit", NoneType)


def edit(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Edit a profile; it is checked before it takes effect."""
    resolve(EDIT, flags)
    if len(words) != 1:
        raise UsageError("edit takes one profile", "specdec edit tiny")
    from specdec_cli.terminal.editor import editor

    name = profile(words[0])
    source = store.file_of(name)
    command = editor()
    own = store.own_file(name)
    draft = own.with_name(f"{own.name}.draft")
    streams = Streams.standard()
    before = read_bytes(source, RULES).decode("utf-8", "replace")
    if draft.exists():
        streams.err.write(f"going on with the text of last time, {draft}\n")
    else:
        store.write(draft, before)
    while True:
        _run(command, draft)
        try:
            text = draft.read_text(encoding="utf-8", errors="replace")
            _check(store.Stored(name, own, store.read(draft, name=name)))
        except (SpecdecError, OSError) as error:
            message = error.message if isinstance(error, SpecdecError) else str(error)
            kept = UsageError(message, f"your text is kept: specdec edit {name}")
            if not _asks() or not _again(kept, streams):
                raise kept from error
            continue
        if text == before:
            draft.unlink()
            streams.err.write("nothing was changed\n")
            return Exit.OK
        store.write(own, text)
        draft.unlink()
        streams.out.write(f"{own}\n")
        return Exit.OK


def _check(stored: store.Stored) -> None:
    problems = impossible(stored)
    if not problems:
        require_pair(stored)
    if problems:
        raise UsageError("; ".join(problems), "see: specdec run --help")


def _again(error: SpecdecError, streams: Streams) -> bool:
    print_error(error, streams)
    return confirmed("Edit it again?", default=True)


def _asks() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _run(command: list[str], file: Path) -> None:
    """Wait for the editor.

    Raises:
        SpecdecError: it ended with an error, so nothing takes effect.
    """
    from specdec_cli.terminal.editor import run_editor

    code = run_editor(command, file)
    if code:
        raise SpecdecError(
            f"the editor ended with {code}, so nothing was changed",
            f"your text is kept in {file}; edit it again to go on with it",
        )


COMMAND = Command(edit, EDIT, WORDS, EXAMPLES, arguments=("PROFILE",))
