"""Drafting with the layers of a model that were trained to guess further tokens (MTP)."""

from __future__ import annotations

from specdec_cli.drafters import registry
from specdec_cli.drafters.base import Parts
from specdec_cli.drafters.stepped import SteppedDrafter


def make(parts: Parts) -> SteppedDrafter:
    """The drafter of an answer."""
    head = parts.head
    assert head is not None
    return SteppedDrafter(registry.MTP.stepped, head.stepper, head.chain, parts, head.cache)
