"""Profiles may name a trained head that no drafter of this version can use; that must be said."""

from __future__ import annotations

from specdec_cli.profiles import store

_NAMES = {"eagle3": "EAGLE-3", "mtp": "MTP", "dflash": "DFlash"}


def unused_head(profile: str | None) -> list[str]:
    """A warning about the profile's head, if it has one."""
    head = store.load(profile).profile.head if profile else None
    if head is None:
        return []
    warning = (
        f"profile {profile} comes with an {_NAMES[head.kind]} head, which this version cannot use; "
        "it answers without it (--drafter ngram helps with texts that repeat themselves)"
    )
    return [warning]
