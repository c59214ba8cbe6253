"""Limits that several parts hold to."""

from __future__ import annotations

DEFAULT_CONTEXT = 4096
"""Tokens of context where nothing is asked for and the target was trained for as many."""

LONGEST_DRAFT = 256
"""Tokens of a draft, whatever is asked for."""

DRAFT_MAX, DRAFT_MAX_FIXED = 16, 3
"""Most tokens of a draft where nothing is asked for: with a controller, and without."""

SPARE_ROWS = 4
"""Tokens of a batch beside the draft: the pending one, and the padding of exact mode."""
