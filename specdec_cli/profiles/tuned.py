"""What ``tune`` found for a profile: settings, and what they were measured with.

They are in a file of their own beside the person's profiles, so that no profile is ever rewritten
and no comment in one is lost. Each entry belongs to one machine, build and pair of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from specdec_cli import paths
from specdec_cli.errors import UsageError
from specdec_cli.profiles import store
from specdec_cli.profiles.schema import DrafterName, explain
from specdec_cli.reading import TooLargeError, read_yaml

TUNED_VERSION: Literal[1] = 1
_MAX_ENTRIES = 16
_HEADER = """\
# Written by `specdec tune {name}`, and rewritten by it. Remove this file to go without.
# To settle a value yourself, write it into a profile of your own: specdec edit {name}
"""

_Length = Annotated[int, Field(ge=0, le=256)]
_Threads = Annotated[int, Field(ge=1, le=1024)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TunedSettings(_Strict):
    """The settings that were measured to be better than those without; unset where none was."""

    threads: _Threads | None = None
    threads_draft: _Threads | None = None
    drafter: DrafterName | None = None
    adaptive: bool | None = None
    draft_max: _Length | None = None
    draft_min: _Length | None = None
    draft_p_min: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    verify: Literal["match", "rejection", "block"] | None = None

    def options(self) -> dict[str, object]:
        """The values by option name."""
        return {
            name.replace("_", "-"): value
            for name, value in self.model_dump().items()
            if value is not None
        }


class TunedEntry(_Strict):
    """One tuning.

    Args:
        measured_on: the day.
        fingerprint: machine, build, models and layout, as ``engine.fingerprint`` tells them.
        settings: what to use.
        measured: the figures it rests on; for people, nothing reads them.
    """

    measured_on: str
    fingerprint: dict[str, Any]
    settings: TunedSettings
    measured: dict[str, Any] = Field(default_factory=dict)


class Tuned(_Strict):
    """The file of one profile; the newest entry is last."""

    schema_version: Literal[1]
    entries: tuple[TunedEntry, ...] = ()

    def matching(self, fingerprint: Mapping[str, Any]) -> TunedEntry | None:
        """The newest entry of this fingerprint."""
        own = [entry for entry in self.entries if entry.fingerprint == fingerprint]
        return own[-1] if own else None


class DamagedTuningError(UsageError):
    """A file of tuned settings cannot be used."""


def file_of(name: str) -> Path:
    """Where the tuned settings of a profile are, or would be."""
    return paths.tuned() / f"{name}.yaml"


def load(name: str) -> Tuned:
    """Read what was found for a profile; nothing where there is no file.

    Raises:
        DamagedTuningError: the file cannot be read, or is not what ``tune`` writes.
    """
    file = file_of(name)
    try:
        return Tuned.model_validate(read_yaml(file))
    except (FileNotFoundError, NotADirectoryError):
        return Tuned(schema_version=TUNED_VERSION)
    except ValidationError as error:
        reason = "; ".join(explain(error)[:2])
    except (OSError, ValueError, TooLargeError) as error:
        reason = str(error)
    raise DamagedTuningError(f"{file} is not usable: {reason}", f"rewrite it: specdec tune {name}")


def text_with(name: str, entry: TunedEntry) -> str:
    """Return the file's text with one entry more; it takes the place of one like it.

    A damaged file is as if there were none.
    """
    import yaml

    try:
        others = load(name).entries
    except DamagedTuningError:
        others = ()
    kept = [other for other in others if other.fingerprint != entry.fingerprint]
    whole = Tuned(schema_version=TUNED_VERSION, entries=(*kept, entry)[-_MAX_ENTRIES:])
    entries = [
        {**each.model_dump(mode="json"), "settings": each.settings.model_dump(exclude_none=True)}
        for each in whole.entries
    ]
    body = yaml.safe_dump(
        {"schema_version": whole.schema_version, "entries": entries},
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )
    return _HEADER.format(name=name) + body


def save(name: str, text: str) -> Path:
    """Write a file of tuned settings, all of it or nothing.

    Raises:
        UsageError: it cannot be written.
    """
    file = file_of(name)
    store.write(file, text)
    return file
