"""``specdec rm``: give the disk back what a profile's models take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from specdec_cli import paths
from specdec_cli.errors import Exit, UsageError, advice
from specdec_cli.options.command import Command
from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.resolve import resolve
from specdec_cli.options.values import Switch
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import meant, stored
from specdec_cli.terminal.ask import confirmed
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.sizes import size
from specdec_cli.terminal.tables import write_table

if TYPE_CHECKING:
    from specdec_cli.profiles.schema import Source
    from specdec_cli.profiles.store import Stored

WORDS = "Profiles, or models of the Hub: what of them to remove"
EXAMPLES = """\
Examples:
  specdec rm llama3.3-70b
  specdec rm --yes qwen3-8b qwen3-14b
  specdec rm --keep-profile mine

Of models only files of the Hugging Face cache are removed, never a file of yours. A draft that
another downloaded profile needs stays. A profile that ships stays too; one of your own goes, with
what tune found for it, and the one that ships under its name counts again.
"""


@dataclass(frozen=True, slots=True)
class RemovalOptions:
    """What is removed, and whether to ask first."""

    yes: bool | None = option(Switch(), "Do not ask", short="-y")
    keep_profile: bool | None = option(Switch(), "Remove downloaded models only")


RM = OptionSet("rm", RemovalOptions, (Group.of("Options", RemovalOptions),))


def rm(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Remove a profile's downloaded models, and a profile of your own.

    It says what goes and how much that frees, and asks first.
    """
    options = resolve(RM, flags).own
    if not words:
        raise UsageError("no profile is named", "specdec list shows what is downloaded")
    own = [] if options.keep_profile else _own(words)
    chosen = list(_readable(words, own))
    streams = Streams.standard()
    models, partial, rows = _to_remove(chosen)
    files = [path for name in own for path in _files_of(name)]
    rows += [(f"profile {name}", str(store.own_file(name))) for name in own]
    write_table(streams.err, rows)
    if not models and not partial and not files:
        streams.err.write("nothing to remove\n")
        return Exit.OK
    from specdec_cli.hub.cache import hub

    removal = hub().removable(models)
    freed = removal.freed + sum(path.stat().st_size for path in partial)
    frees = bool(models or partial)
    if not options.yes and not confirmed(f"Remove{f' and free {size(freed)}' * frees}?"):
        streams.err.write("nothing was removed\n")
        return Exit.OK
    removal.execute()
    for path in (*partial, *files):
        _delete(path)
    if frees:
        streams.out.write(f"freed {size(freed)}\n")
    for name in own:
        again = "; the one that ships counts again" if store.exists(name) else ""
        streams.out.write(f"removed profile {name}{again}\n")
    return Exit.OK


def _to_remove(
    chosen: Sequence[Stored],
) -> tuple[list[Path], list[Path], list[tuple[str, str]]]:
    """Downloaded files and interrupted downloads that go, and rows that say what goes or stays."""
    from specdec_cli.hub.cache import interrupted, present

    kept = _needed_elsewhere({stored.name for stored in chosen})
    rows: list[tuple[str, str]] = []
    models: list[Path] = []
    partial: list[Path] = []
    for source in _of_the_hub(chosen):
        model = source.model()
        assert model is not None
        partial += [path for path in interrupted(model) if path not in partial]
        for path in present(model):
            if path in kept:
                rows.append((f"{path.name} stays", f"{kept[path]} needs it"))
            elif path not in models:
                models.append(path)
                rows.append((path.name, size(path.stat().st_size)))
    interruptions = [
        (f"an interrupted download, {path.name[:12]}…", size(path.stat().st_size))
        for path in partial
    ]
    return models, partial, rows + interruptions


def _own(words: Sequence[str]) -> list[str]:
    """The person's own profiles among the words, each once."""
    names = [found.name for found in map(meant, words) if found.kind == "profile"]
    return [name for name in dict.fromkeys(names) if store.is_own(name)]


def _readable(words: Sequence[str], own: Sequence[str]) -> Iterator[Stored]:
    """What the words name; a profile that is to go need not be valid.

    Raises:
        SpecdecError: a word names nothing, or a profile that stays and is not valid.
    """
    for word in words:
        try:
            yield stored(word)
        except UsageError:
            if meant(word).name not in own:
                raise


def _files_of(name: str) -> list[Path]:
    """The files of a profile of one's own: itself, an unfinished edit, what tune found."""
    own = store.own_file(name)
    beside = (own.with_name(f"{own.name}.draft"), paths.tuned() / own.name)
    return [own, *(path for path in beside if path.is_file())]


def _delete(path: Path) -> None:
    """Remove a file, which may be gone.

    Raises:
        UsageError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be removed: {error.strerror or error}", advice(error)
        ) from error


def _of_the_hub(chosen: Sequence[Stored]) -> list[Source]:
    profiles = [stored.profile for stored in chosen]
    found = [source for profile in profiles for source in profile.all_sources]
    return [source for source in found if source.repo]


def _needed_elsewhere(chosen: set[str]) -> dict[Path, str]:
    """Files of other profiles whose target is downloaded, and the profile that has them."""
    from specdec_cli.hub.cache import present

    needed: dict[Path, str] = {}
    for other in store.valid():
        if other.name in chosen or store.downloaded(other, other.profile.target) is None:
            continue
        for source in _of_the_hub([other]):
            model = source.model()
            for path in present(model) if model else []:
                needed.setdefault(path, other.name)
    return needed


COMMAND = Command(rm, RM, WORDS, EXAMPLES, arguments=("PROFILE...",))
