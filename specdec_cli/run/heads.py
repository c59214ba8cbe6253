"""Profiles may name a trained head that no drafter of this version can use; that must be said."""

from __future__ import annotations

from specdec_cli.drafters import registry
from specdec_cli.gguf.heads import in_words
from specdec_cli.profiles import store


def unused_head(profile: str | None) -> list[str]:
    """A warning about the profile's head, where it is all that the profile drafts with."""
    found = store.load(profile).profile if profile else None
    if found is None or found.head is None or found.draft or registry.uses_head(found.head.kind):
        return []
    warning = (
        f"profile {profile} comes with {in_words(found.head.kind)}, which this version cannot use; "
        f"{registry.NGRAM.drafted_by} draft instead, which helps with texts that repeat themselves"
    )
    return [warning]
