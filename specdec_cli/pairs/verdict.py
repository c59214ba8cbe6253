"""Whether ``run`` would take the pair of a profile, for commands that load no models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import Need

if TYPE_CHECKING:
    from specdec_cli.profiles.store import Stored


def require_pair(stored: Stored) -> None:
    """Refuse a profile whose models are here and do not fit together.

    Raises:
        IncompatiblePairError: as when the pair is loaded.
        DamagedFileError, NotFoundError: a file is no sound model.
    """
    profile = stored.profile
    drafter = profile.drafter or registry.AUTO
    if profile.draft is None or not registry.may_need(drafter, Need.DRAFT_MODEL):
        return
    files = [source.locate(stored.file) for source in (profile.target, profile.draft)]
    target, draft = files
    if target is None or draft is None or not (target.is_file() and draft.is_file()):
        return
    from specdec_cli.gguf.check import validate
    from specdec_cli.gguf.compat import require_compatible

    require_compatible(validate(target), validate(draft))
