"""``specdec list``: the profiles there are, and which of them can be used at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType

from specdec_cli.errors import Exit, SpecdecError, UsageError, reported
from specdec_cli.options.command import Command
from specdec_cli.options.option import Group, OptionSet
from specdec_cli.options.resolve import resolve
from specdec_cli.options.table import JSON
from specdec_cli.profiles import store
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report
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
    found = tuple(_entry(name) for name in store.names())
    streams = Streams.standard()
    if options.output.json:
        write_report(streams.out, Profiles(found))
        return Exit.OK
    head = ("profile", "downloaded", "memory", "fits", "description")
    write_table(streams.out, [entry.row() for entry in found], head, (2,), streams.width)
    return Exit.OK


COMMAND = Command(list_profiles, LIST, WORDS, EXAMPLES, arguments=(), alias="ls")


@dataclass(frozen=True, slots=True)
class Broken:
    """A profile that is not valid, and why."""

    name: str
    own: bool
    error: str

    def row(self) -> tuple[str, ...]:
        """Its cells."""
        return f"{self.name}{' *' if self.own else ''}", "-", "", "", f"not valid: {self.error}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A profile, with bytes of files and of memory."""

    name: str
    own: bool
    description: str
    licence: str
    downloaded: bool
    bytes: int
    memory_bytes: int | None
    fits: bool | None

    def row(self) -> tuple[str, ...]:
        """Its cells."""
        state = size(self.bytes) if self.bytes else "no"
        if self.bytes and not self.downloaded:
            state = f"in part, {state}"
        memory = size(self.memory_bytes) if self.memory_bytes else ""
        fits = {True: "yes", False: "no", None: ""}[self.fits]
        name = f"{self.name}{' *' if self.own else ''}"
        return name, state, memory, fits, self.description


@dataclass(frozen=True, slots=True)
class Profiles:
    """What ``--json`` has."""

    profiles: tuple[Entry | Broken, ...]


def _entry(name: str) -> Entry | Broken:
    own = store.is_own(name)
    try:
        stored = store.load(name)
        profile = stored.profile
        sizes = [store.downloaded(stored, source) for source in profile.sources.values()]
    except SpecdecError as error:
        return Broken(name, own, error.message)
    except OSError as error:  # of a path nobody can have
        return Broken(name, own, reported(error).message)
    need = int(profile.memory_gb * 1e9) if profile.memory_gb else None
    return Entry(
        name=name,
        own=own,
        description=profile.description,
        licence=profile.licence,
        downloaded=all(found is not None for found in sizes),
        bytes=sum(found for found in sizes if found),
        memory_bytes=need,
        fits=None if need is None else need <= _memory(),
    )


def _memory() -> int:
    """Bytes of main memory."""
    import psutil

    return int(psutil.virtual_memory().total)
