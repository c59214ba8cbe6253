"""``specdec validate``: is this a profile, and are its values possible?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from specdec_cli import paths
from specdec_cli.errors import (
    Exit,
    IncompatiblePairError,
    NotFoundError,
    SpecdecError,
    UsageError,
    reported,
)
from specdec_cli.options.command import Command
from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.resolve import Layer, everything_wrong, read_layers, resolve
from specdec_cli.options.table import RUN
from specdec_cli.options.values import Switch
from specdec_cli.pairs.verdict import require_pair
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import meant
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.errors import print_error
from specdec_cli.terminal.safe import safe_line

if TYPE_CHECKING:
    from specdec_cli.hub.plan import Comparison
    from specdec_cli.profiles.store import Stored

WORDS = "Profiles, or files that are to become profiles; all profiles if none is given"
EXAMPLES = """\
Examples:
  specdec validate
  specdec validate mine.yaml qwen3-8b
  specdec validate --online qwen3-8b

Without --online nothing is asked of the network.
"""


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """What profiles are compared with."""

    online: bool | None = option(Switch(), "Compare names, sizes and hashes with the Hub")


VALIDATE = OptionSet("validate", ComparisonOptions, (Group.of("Options", ComparisonOptions),))


def validate(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Check profiles: fields, values, and that local files exist.

    Without a name the configuration file is checked too.
    """
    streams = Streams.standard()
    code: int = Exit.OK
    wrong: list[UsageError] = []
    config = paths.user_config()
    if not words and config.exists():
        wrong = everything_wrong(config)
        for line in [error.message for error in wrong] or ["ok"]:
            streams.out.write(f"{config.name}: {safe_line(line)}\n")
        code = Exit.USAGE if wrong else code
    layers = [Layer("flag", flags)]
    options = read_layers(VALIDATE, layers) if wrong else resolve(VALIDATE, flags)
    for word in words or store.names():
        if missing := _missing(word):
            print_error(missing, streams)
            code = code or missing.exit_code
            continue
        found = _checked(word, online=bool(options.own.online), out=streams.out)
        code = code or found
    return code


def _checked(word: str, *, online: bool, out: TextIO) -> int:
    """Write what is wrong with a profile; the exit code for that."""
    kind = Exit.USAGE
    notes: list[str] = []
    try:
        stored = _stored(word)
        files = _unusable_files(stored)
        kind = next((error.exit_code for error in files.values()), kind)
        problems = [f"{role}: {error.message}" for role, error in files.items()]
        problems += impossible(stored)
        if not problems:
            require_pair(stored)
        if online:
            compared = _compared(stored)
            problems += [text for found in compared for text in found.problems]
            notes = [text for found in compared for text in found.unknown]
    except IncompatiblePairError as error:
        problems, kind = [error.message], error.exit_code
    except (SpecdecError, OSError, RuntimeError) as error:  # of paths nobody can have
        problems = [reported(error).message]
    out.writelines(
        f"{safe_line(word)}: {safe_line(line)}\n" for line in [*(problems or ["ok"]), *notes]
    )
    out.flush()
    return kind if problems else Exit.OK


def _missing(word: str) -> NotFoundError | None:
    """The error of a word that stands for nothing there is."""
    path = os.path.expanduser(word)  # noqa: PTH111 - Path.expanduser may raise
    if meant(word).kind == "profile" or os.path.exists(path):  # noqa: PTH110 - Path.exists may raise
        return None
    return NotFoundError(
        f"{word} is neither a profile nor a file",
        "check the path; specdec list names the profiles",
    )


def _stored(word: str) -> Stored:
    found = meant(word)
    if found.kind == "profile":
        return store.load(found.name)
    file = Path(word).expanduser()
    return store.Stored(file.stem, file, store.read(file))


def _unusable_files(stored: Stored) -> dict[str, SpecdecError]:
    """What ``run`` would refuse of the profile's local files, by role."""
    from specdec_cli.gguf.check import validate as validate_file  # brings numpy

    found: dict[str, SpecdecError] = {}
    profile = stored.profile
    for role, source in profile.sources.items():
        if not source.repo:
            path = source.locate(stored.file)
            if path is None or not os.path.isfile(path):  # noqa: PTH113 - Path's may raise
                found[role] = UsageError(f"{path} does not exist")
                continue
            try:
                validate_file(path)
            except SpecdecError as error:
                found[role] = error
    return found


def impossible(stored: Stored) -> list[str]:
    """Values of a profile that ``run`` would refuse, each in a sentence."""
    found = []
    for name, value in stored.defaults().items():
        try:
            read_layers(RUN, [Layer("profile", {name: value}, f"profile {stored.name}")])
        except UsageError as error:
            found.append(error.message)
    low, high = stored.profile.draft_min, stored.profile.draft_max
    if low is not None and high is not None and low > high:
        found.append(f"draft_min {low} is more than draft_max {high}")
    return found


def _compared(stored: Stored) -> list[Comparison]:
    """Each model of the Hub that a profile names, beside what is there."""
    from specdec_cli.hub.client import Hub
    from specdec_cli.hub.plan import compared

    hub = Hub()
    models = [source.model() for source in stored.profile.all_sources]
    return [compared(hub, model) for model in models if model is not None]


COMMAND = Command(validate, VALIDATE, WORDS, EXAMPLES, arguments=("[FILE]...",))
