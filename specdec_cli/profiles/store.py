"""Finds profiles: the person's own first, then those that ship with the program."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specdec_cli import paths
from specdec_cli.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from specdec_cli.profiles.schema import Profile

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
    file = _files().get(name)
    if file is None:
        raise unknown(name)
    return Stored(name, file, read(file))


def with_model(named: str) -> str | None:
    """A profile that names this model as :meth:`Source.named` does; the first, if there are some.

    Profiles that are not valid are passed over.
    """
    for name in names():
        with suppress(UsageError):
            profile = load(name).profile
            sources = (profile.target, profile.draft)
            if any(source is not None and source.named() == named for source in sources):
                return name
    return None


def unknown(name: str) -> NotFoundError:
    """The error for a name that no profile has."""
    known = names()
    near = get_close_matches(name, known, 3, 0.5)
    listed = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    return NotFoundError(f"there is no profile {name!r}", listed)


def read(file: Path) -> Profile:
    """Read a profile file.

    Raises:
        UsageError: it cannot be read, or is not a valid profile.
    """
    # Imported here: start-up needs names only.
    import yaml
    from pydantic import ValidationError

    from specdec_cli.profiles.schema import SCHEMA_VERSION, Profile, explain

    hint = f"correct the file: {file}"
    try:
        data: Any = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"profile {file.stem}: {error.strerror or error}", hint) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"profile {file.stem}: byte {error.start} is not UTF-8", hint) from error
    except yaml.YAMLError as error:
        raise UsageError(f"profile {file.stem} is not YAML: {_first_line(error)}", hint) from error
    if not isinstance(data, dict):
        raise UsageError(f"profile {file.stem} is not a mapping of fields", hint)
    version = data.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise UsageError(
            f"profile {file.stem} has schema_version {version}, newer than {SCHEMA_VERSION}",
            "upgrade specdec",
        )
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"profile {file.stem}: {'; '.join(explain(error))}", hint) from error


def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (paths.shipped_profiles(), paths.user_profiles()):
        if folder.is_dir():
            for file in sorted(folder.glob("*.yaml")):
                if _NAME.fullmatch(file.stem):
                    found[file.stem] = file
    return found


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())
