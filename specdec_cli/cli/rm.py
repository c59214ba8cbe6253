"""``specdec rm``: give the disk back what a profile's models take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from specdec_cli.cli.ask import confirmed
from specdec_cli.cli.chosen import stored
from specdec_cli.cli.options import Group
from specdec_cli.cli.settled import YES, settle
from specdec_cli.errors import Exit, UsageError
from specdec_cli.profiles import store
from specdec_cli.render.console import Streams
from specdec_cli.render.pairs import write_table
from specdec_cli.render.sizes import size

if TYPE_CHECKING:
    from specdec_cli.profiles.schema import Source
    from specdec_cli.profiles.store import Stored

WORDS = "The profiles whose downloaded models to remove"
ARGUMENTS = ("PROFILE...",)
EXAMPLES = """\
Examples:
  specdec rm llama3.3-70b
  specdec rm --yes qwen3-8b qwen3-14b

Only files of the Hugging Face cache are removed, never a file of yours. A draft that another
downloaded profile needs stays. The profile stays too.
"""
OPTIONS = (Group("Options", (YES,)),)


def rm(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Remove a profile's downloaded models, after asking.

    It says how much that frees.
    """
    options = settle(OPTIONS, "rm", flags)
    if not words:
        raise UsageError("no profile is named", "specdec list shows what is downloaded")
    chosen = [stored(word) for word in words]
    streams = Streams.standard()
    kept = _needed_elsewhere({stored.name for stored in chosen})
    rows: list[tuple[str, str]] = []
    paths: list[Path] = []
    partial: list[Path] = []
    from specdec_cli.hub.cache import interrupted, present

    for source in _of_the_hub(chosen):
        model = source.model()
        assert model is not None
        partial += [path for path in interrupted(model) if path not in partial]
        for path in present(model):
            if path in kept:
                rows.append((f"{path.name} stays", f"{kept[path]} needs it"))
            elif path not in paths:
                paths.append(path)
                rows.append((path.name, size(path.stat().st_size)))
    rows += [(f"an interrupted download, {path.name[:12]}…", size(path.stat().st_size))
             for path in partial]  # fmt: skip
    write_table(streams.err, rows)
    if not paths and not partial:
        streams.err.write("nothing to remove\n")
        return Exit.OK
    from specdec_cli.hub.cache import hub

    removal = hub().removable(paths)
    freed = removal.freed + sum(path.stat().st_size for path in partial)
    if not options["yes"] and not confirmed(f"Remove and free {size(freed)}?"):
        streams.err.write("nothing was removed\n")
        return Exit.OK
    removal.execute()
    for path in partial:
        path.unlink(missing_ok=True)
    streams.out.write(f"freed {size(freed)}\n")
    return Exit.OK


def _of_the_hub(chosen: Sequence[Stored]) -> list[Source]:
    profiles = [stored.profile for stored in chosen]
    found = [source for profile in profiles for source in (profile.target, profile.draft)]
    return [source for source in found if source is not None and source.repo]


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
