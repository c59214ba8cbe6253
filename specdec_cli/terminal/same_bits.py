"""Whether rows keep their bits, in one line for people."""

from __future__ import annotations

from specdec_cli.engine.same_bits import SameBitsReport


def same_bits(found: SameBitsReport) -> str:
    """What is promised, or why nothing is, and what the first passes showed."""
    sizes = ", ".join(map(str, found.rows_compared))
    off = found.largest_difference
    if found.kept:
        shown = f"; compared at this start with passes over {sizes} rows" if sizes else ""
        return f"yes, with drafts as without{shown}"
    why = found.reason or "this machine does not keep them"
    measured = f"; passes over {sizes} rows were off by up to {off:.2g} logits" if sizes else ""
    return f"no: {why}{measured}"
