"""The line that names the pair that answers, and how it is drafted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specdec_cli.engine.build import Pair

_WAYS = {
    "hybrid": "drafted by model and n-grams",
    "model": "drafted by model",
    "ngram": "drafted by n-grams",
    "none": "nothing is drafted",
}


def banner(pair: Pair, profile: str | None) -> str:
    """Profile, files and drafter: ``tiny · big.gguf + small.gguf · drafted by model``."""
    draft = pair.settings.draft
    names = [pair.settings.target.path.name]
    names += [draft.path.name] if draft and pair.drafts else []
    parts = [profile, " + ".join(names), _WAYS[pair.drafter]]
    return " · ".join(part for part in parts if part)
