"""The line that names the pair a command uses, and how it is drafted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specdec_cli.engine.drafting import chosen_drafter

if TYPE_CHECKING:
    from specdec_cli.cli.config import Resolved
    from specdec_cli.engine.settings import PairSettings

_WAYS = {
    "hybrid": "drafted by model and n-grams",
    "model": "drafted by model",
    "ngram": "drafted by n-grams",
    "none": "nothing is drafted",
}


def banner(settings: PairSettings, profile: str | None) -> str:
    """Profile, files and drafter: ``tiny · big.gguf + small.gguf · drafted by model``."""
    drafter = chosen_drafter(settings)
    names = [settings.target.path.name]
    if settings.draft and drafter in ("model", "hybrid"):
        names.append(settings.draft.path.name)
    parts = [profile, " + ".join(names), _WAYS[drafter]]
    return " · ".join(part for part in parts if part)


def first_lines(options: Resolved, settings: PairSettings, profile: str | None) -> list[str]:
    """What a command that reports on a pair says first, once the pair is loaded.

    Nothing with ``--json``: the object names the models.
    """
    return [] if options["json"] else [banner(settings, profile)]
