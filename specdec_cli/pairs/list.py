"""``specdec list``: the profiles there are, and which of them can be used at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

from specdec_cli.errors import Exit, SpecdecError, UsageError
from specdec_cli.options.command import Command
from specdec_cli.options.option import Group, OptionSet
from specdec_cli.options.reported import reported
from specdec_cli.options.resolve import resolve
from specdec_cli.options.table import JSON
from specdec_cli.profiles import store
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import VERSION, write_object
from specdec_cli.terminal.sizes import size
from specdec_cli.terminal.tables import write_table

WORDS = "Nothing; all profiles are listed"
EXAMPLES = """\
Examples:
  specdec list
  specdec list --json | jq -r '.profiles[] | select(.downloaded) | .name'

A profile of your own has a star.
"""
LIST = OptionSet("list", NoneType, (Group("Options", (JSON,)),))


def list_profiles(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """List the profiles, and what of them is downloaded.

    memory is roughly what both models need, fits whether this machine has so much in all.
    """
    options = resolve(LIST, flags)
    if words:
        raise UsageError("list takes no name", f"to look into one: specdec show {words[0]}")
    found = [_entry(name) for name in store.names()]
    streams = Streams.standard()
    out = streams.out
    if options.output.json:
        write_object(out, {"v": VERSION, "profiles": found})
        return Exit.OK
    rows = [_row(entry) for entry in found]
    head = ("profile", "downloaded", "memory", "fits", "description")
    write_table(out, rows, head, right=(2,), width=streams.wraps() if streams.wraps else None)
    return Exit.OK


COMMAND = Command(list_profiles, LIST, WORDS, EXAMPLES, arguments=(), alias="ls")


def _entry(name: str) -> dict[str, Any]:
    """What is known of a profile; of one that is not valid, why."""
    own = store.is_own(name)
    try:
        stored = store.load(name)
    except SpecdecError as error:
        return {"name": name, "own": own, "error": error.message}
    profile = stored.profile
    try:
        sources = [source for source in (profile.target, profile.draft) if source]
        sizes = [store.downloaded(stored, source) for source in sources]
    except OSError as error:  # of a path nobody can have
        return {"name": name, "own": own, "error": reported(error).message}
    here = sum(found for found in sizes if found)
    need = int(profile.memory_gb * 1e9) if profile.memory_gb else None
    return {
        "name": name,
        "own": own,
        "description": profile.description,
        "licence": profile.licence,
        "downloaded": all(found is not None for found in sizes),
        "bytes": here,
        "memory_bytes": need,
        "fits": None if need is None else need <= _memory(),
    }


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    name = f"{entry['name']}{' *' if entry['own'] else ''}"
    if "error" in entry:
        return name, "-", "", "", f"not valid: {entry['error']}"
    state = size(entry["bytes"]) if entry["bytes"] else "no"
    if entry["bytes"] and not entry["downloaded"]:
        state = f"in part, {state}"
    memory = size(entry["memory_bytes"]) if entry["memory_bytes"] else ""
    fits = {True: "yes", False: "no", None: ""}[entry["fits"]]
    return name, state, memory, fits, entry["description"]


def _memory() -> int:
    """Bytes of main memory."""
    import psutil

    return int(psutil.virtual_memory().total)
