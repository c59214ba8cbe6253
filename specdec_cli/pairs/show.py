"""``specdec show``: one profile, with everything that follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from specdec_cli.drafters import registry
from specdec_cli.errors import Exit, UsageError
from specdec_cli.gguf.heads import in_words
from specdec_cli.options.command import Command
from specdec_cli.options.option import Group, OptionSet, Origin, option
from specdec_cli.options.resolve import resolve, resolve_named
from specdec_cli.options.table import JSON, RUN, Options
from specdec_cli.options.values import Switch
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import profile
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report
from specdec_cli.terminal.sizes import size
from specdec_cli.terminal.tables import write_table

if TYPE_CHECKING:
    from specdec_cli.profiles.schema import Source
    from specdec_cli.profiles.store import Stored

WORDS = "The profile"
EXAMPLES = """\
Examples:
  specdec show qwen3-8b
  specdec show --all tiny
"""


@dataclass(frozen=True, slots=True)
class ExtentOptions:
    """What is shown."""

    all: bool | None = option(Switch(), "Also the values nothing has changed")


SHOW = OptionSet("show", ExtentOptions, (Group.of("Options", ExtentOptions, JSON),))
_CONFIRMED = {
    "guess": "a guess after the publisher's habit",
    "named": "the name was seen in public sources",
    "hashed": "name and hash were seen in public sources",
    "hub": "compared with the Hub",
    None: "not compared with the Hub",
}
_OF_MODELS = ("model", "draft-model")
_NOT_SHOWN = ("print-config",)


def show(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Show a profile: models, values, and where each comes from."""
    options = resolve(SHOW, flags)
    if len(words) != 1:
        raise UsageError("show takes one profile", "for all of them: specdec list")
    stored = store.load(profile(words[0]))
    resolved = resolve_named(RUN, stored.name, {})
    streams = Streams.standard()
    out = streams.out
    if options.output.json:
        write_report(out, _report(stored, resolved))
        return Exit.OK
    write_table(out, list(_facts(stored)), width=streams.width)
    rows = list(_values(stored, resolved, all_values=bool(options.own.all)))
    if rows:
        out.write("\n")
        write_table(out, rows, ("option", "value", "origin"), width=streams.width)
    return Exit.OK


def _facts(stored: Stored) -> Iterator[tuple[str, str]]:
    profile = stored.profile
    yield "profile", stored.name
    for name, text in (
        ("description", profile.description),
        ("notes", profile.notes),
        ("licence", profile.licence),
        ("memory", f"about {size(int((profile.memory_gb or 0) * 1e9))}"),
    ):
        if text and (name != "memory" or profile.memory_gb):
            yield name, text
    yield "file", f"{stored.file} ({'yours' if store.is_own(stored.name) else 'shipped'})"
    for role, source in profile.sources.items():
        yield from _model(role, stored, source)
    if profile.head:
        used = registry.uses_head(profile.head.kind)
        said = "" if used else ", which this version cannot use"
        row = "" if "head" in profile.sources else "head"
        yield row, f"{in_words(profile.head.kind)}{said}"


def _model(role: str, stored: Stored, source: Source) -> Iterator[tuple[str, str]]:
    yield role, source.named()
    here = store.downloaded(stored, source)
    if here is None:
        hint = f"specdec pull {stored.name}" if source.repo else "the file does not exist"
        yield "", f"not here: {hint}"
    else:
        yield "", f"{size(here)} in {source.locate(stored.file)}"
    if source.repo:
        known = [f"size {size(source.size)}"] if source.size else []
        known += [f"sha256 {source.sha256[:16]}"] if source.sha256 else []
        yield "", " · ".join([*known, _CONFIRMED[source.confirmed]])
    if source.base:
        yield "", f"made from {source.base}"


def _values(
    stored: Stored, resolved: Options, *, all_values: bool
) -> Iterator[tuple[str, str, str]]:
    for each in RUN.options:
        name, origin = each.name, resolved.origins[each.name]
        if name in (*_OF_MODELS, *_NOT_SHOWN) or (origin == "built-in" and not all_values):
            continue
        yield name, _shown(resolved.value(each)), _origin(stored, origin)


def _origin(stored: Stored, origin: str) -> str:
    if origin != "profile":
        return origin
    return "your profile" if store.is_own(stored.name) else "shipped profile"


@dataclass(frozen=True, slots=True)
class ShownModel:
    """A model as its profile has it, and where it lies, if it is here."""

    JSON: ClassVar = ("**source", "downloaded", "path")
    source: Mapping[str, object]
    downloaded: bool
    path: str | None

    @classmethod
    def of(cls, stored: Stored, source: Source) -> ShownModel:
        """A model of a profile."""
        here = store.downloaded(stored, source) is not None
        told = source.model_dump(exclude_none=True, exclude_defaults=True, mode="json")
        return cls(told, here, str(source.locate(stored.file)) if here else None)


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it comes from."""

    value: object
    origin: Origin


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``--json`` has of a profile."""

    profile: str
    file: str
    own: bool
    description: str
    notes: str
    licence: str
    models: Mapping[str, ShownModel]
    head: str | None
    settings: Mapping[str, Setting]


def _report(stored: Stored, resolved: Options) -> Shown:
    profile = stored.profile
    return Shown(
        profile=stored.name,
        file=str(stored.file),
        own=store.is_own(stored.name),
        description=profile.description,
        notes=profile.notes,
        licence=profile.licence,
        models={role: ShownModel.of(stored, source) for role, source in profile.sources.items()},
        head=profile.head.kind if profile.head else None,
        settings={
            each.name: Setting(resolved.value(each), resolved.origins[each.name])
            for each in RUN.options
            if each.name not in _NOT_SHOWN
        },
    )


def _shown(value: object) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


COMMAND = Command(show, SHOW, WORDS, EXAMPLES, arguments=("PROFILE",))
