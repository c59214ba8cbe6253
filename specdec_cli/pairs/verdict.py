"""Whether ``run`` would take the pair of a profile, for commands that load no models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specdec_cli.drafters import registry

if TYPE_CHECKING:
    from pathlib import Path

    from specdec_cli.profiles.schema import Source
    from specdec_cli.profiles.store import Stored


def require_pair(stored: Stored) -> None:
    """Refuse a profile whose models are here and do not work as ``run`` would use them.

    Raises:
        NotAModelError, IncompatiblePairError: as when the pair is loaded.
        DamagedFileError, NotFoundError: a file is no sound model.
    """
    profile = stored.profile
    drafter = profile.drafter or registry.AUTO
    target = _here(stored, profile.target)
    drafting = profile.drafting if registry.may_read_draft_file(drafter) else None
    draft = _here(stored, drafting) if drafting else None
    if target is None or (drafting and draft is None):
        return
    from specdec_cli.gguf import compat
    from specdec_cli.gguf.check import validate

    compat.require_pair(validate(target), validate(draft) if draft else None)


def _here(stored: Stored, source: Source) -> Path | None:
    """A model's file, where it is on this machine."""
    path = source.locate(stored.file)
    return path if path is not None and path.exists() else None
