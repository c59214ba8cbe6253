"""Drafts that cost nothing to find, where they are worth more than those of a model's own head."""

from __future__ import annotations

from specdec_cli.drafters import mtp, ngram
from specdec_cli.drafters.base import Parts
from specdec_cli.drafters.hybrid import HybridDrafter


def make(parts: Parts) -> HybridDrafter:
    """The drafter of an answer."""
    return HybridDrafter(ngram.make(parts), mtp.make(parts), parts.length)
