"""The line that names the pair a command uses, and how it is drafted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specdec_cli.drafters.registry import Need
from specdec_cli.engine.settings import chosen_drafter

if TYPE_CHECKING:
    from specdec_cli.engine.settings import PairSettings
    from specdec_cli.options.table import Options


def banner(settings: PairSettings, profile: str | None) -> str:
    """Profile, files and drafter: ``tiny · big.gguf + small.gguf · drafted by model``."""
    spec = chosen_drafter(settings)
    names = [settings.target.path.name]
    if settings.draft and Need.DRAFT_MODEL in spec.needs:
        names.append(settings.draft.path.name)
    drafted = f"drafted by {spec.drafted_by or spec.name}" if spec.drafts else "nothing is drafted"
    parts = [profile, " + ".join(names), drafted]
    return " · ".join(part for part in parts if part)


def first_lines(options: Options, settings: PairSettings) -> list[str]:
    """What a command that reports on a pair says first, once the pair is loaded.

    Nothing with ``--json``: the object names the models.
    """
    return [] if options.output.json else [banner(settings, options.profile)]
