"""Finds profiles: the person's own first, then those that ship with the program."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from specdec_cli import atomic, paths
from specdec_cli.errors import NotFoundError, UsageError, advice
from specdec_cli.profiles.names import nearest
from specdec_cli.reading import BadYamlError, TooLargeError, read_yaml

if TYPE_CHECKING:
    from specdec_cli.hub.remote import HubModel
    from specdec_cli.profiles.schema import Profile, Source

DEFAULT = "tiny"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Stored:
    """A profile and the file it was read from."""

    name: str
    file: Path
    profile: Profile

    def defaults(self) -> dict[str, object]:
        """The values it sets, by option name."""
        return self.profile.defaults(self.file)


def names() -> list[str]:
    """All known names, sorted."""
    return sorted(_files())


def exists(name: str) -> bool:
    """Whether a profile has exactly this name."""
    return _NAME.fullmatch(name) is not None and name in _files()


def load(name: str) -> Stored:
    """Read a profile.

    Raises:
        NotFoundError: no profile has this name; close ones are suggested.
        UsageError: the file is not a valid profile.
    """
    file = file_of(name)
    return Stored(name, file, read(file))


def file_of(name: str) -> Path:
    """The file of a profile, which may not be valid.

    Raises:
        NotFoundError: no profile has this name; close ones are suggested.
    """
    file = _files().get(name)
    if file is None:
        raise unknown(name)
    return file


def valid() -> Iterator[Stored]:
    """All profiles, but for those that are not valid."""
    for name in names():
        with suppress(UsageError):
            yield load(name)


def with_model(named: str) -> str | None:
    """The first profile that names this model as :meth:`Source.named` does."""
    for stored in valid():
        if any(source.named() == named for source in stored.profile.all_sources):
            return stored.name
    return None


def is_own(name: str) -> bool:
    """Whether it is the person's own profile, not one that ships."""
    return _NAME.fullmatch(name) is not None and own_file(name).is_file()


def own_file(name: str) -> Path:
    """Where the person's own profile of this name is, or would be."""
    return paths.user_profiles() / f"{name}.yaml"


def is_name(name: str) -> bool:
    """Whether a profile can have this name."""
    return _NAME.fullmatch(name) is not None


def downloaded(stored: Stored, source: Source) -> int | None:
    """Bytes of a model's files; ``None`` unless all are here."""
    model = source.model()
    if model is not None:
        from specdec_cli.hub.cache import present

        found = present(model)
        return sum(path.stat().st_size for path in found) if found else None
    path = source.locate(stored.file)
    return path.stat().st_size if path and os.path.isfile(path) else None  # noqa: PTH113


def unknown(name: str) -> NotFoundError:
    """The error for a name that no profile has."""
    near = nearest(name, names())
    *first, last = near or [""]
    listed = f"{', '.join(first)} or {last}" if first else last
    hint = f"did you mean {listed}?" if near else "specdec list names them all"
    return NotFoundError(f"there is no profile {name!r}", hint)


def of_model(model: HubModel) -> Stored:
    """A model of the Hub as a profile that nobody wrote: a target alone."""
    from specdec_cli.profiles.schema import Profile, Source

    first = model.first
    source = Source(
        repo=first.repo, file=first.file or None, quant=model.quant, revision=first.revision
    )
    return Stored(str(model), Path(), Profile(schema_version=1, target=source))


def write(file: Path, text: str) -> None:
    """Write a profile file, all of it or nothing.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        atomic.write_text(file, text, durable=True)
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written: {error.strerror or error}", advice(error)
        ) from error


def read(file: Path, name: str | None = None) -> Profile:
    """Read a profile file.

    Args:
        name: what to call it in errors, if not as its file.

    Raises:
        UsageError: it cannot be read, or is not a valid profile.
    """
    # Imported here: start-up needs names only.
    from pydantic import ValidationError

    from specdec_cli.profiles.schema import SCHEMA_VERSION, Profile, explain

    name = name or file.stem
    hint = f"correct the file: {file}"
    try:
        data = read_yaml(file)
    except OSError as error:
        raise UsageError(f"profile {name}: {error.strerror or error}", hint) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"profile {name}: byte {error.start} is not UTF-8", hint) from error
    except BadYamlError as error:
        raise UsageError(f"profile {name} cannot be used: {error}", hint) from error
    except TooLargeError as error:
        raise UsageError(f"profile {name}: {error.message}", hint) from error
    if not isinstance(data, dict):
        raise UsageError(f"profile {name} is not a mapping of fields", hint)
    version = data.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UsageError(
            f"profile {name} has schema_version {version}, newer than {SCHEMA_VERSION}",
            "upgrade specdec",
        )
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"profile {name}: {'; '.join(explain(error))}", hint) from error


def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (paths.shipped_profiles(), paths.user_profiles()):
        if folder.is_dir():
            for file in sorted(folder.glob("*.yaml")):
                if _NAME.fullmatch(file.stem):
                    found[file.stem] = file
    return found
