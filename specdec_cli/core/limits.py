"""Limits that several parts hold to."""

from __future__ import annotations

LONGEST_DRAFT = 256
"""Tokens of a draft."""

SPARE_ROWS = 4
"""Tokens of a batch beside the draft: the pending one, and the padding of exact mode."""
