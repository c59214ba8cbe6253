"""How many snapshots of a recurrent state a context keeps, and what copies of it take."""

from __future__ import annotations

from dataclasses import replace

from specdec_cli.gguf import traits
from specdec_cli.gguf.header import Header
from specdec_cli.memory.caches import state_bytes
from specdec_cli.models.rewind import MAX_BYTES, MAX_KEPT
from specdec_cli.models.settings import ContextSettings

_SHARE = 8
"""Of the weights a pass reads, the part that snapshots may take: each of them is as large as the
whole state, which for a large model is a hundred megabytes and more."""


def with_snapshots(header: Header, context: ContextSettings) -> ContextSettings:
    """A layout with as many snapshots as the longest draft has tokens, or as have room.

    Longer drafts are taken back by a copy of the state, which takes longer. Rows of padding are
    taken back after every pass, and have no other way.
    """
    padding = context.pad - 1
    if not traits.keeps_snapshots(header):
        return context
    state = state_bytes(header)
    most = traits.bytes_per_pass(header) // _SHARE // state if state else 0
    wanted = min(context.rows - 1, most) + padding if context.rows > 1 else padding
    return replace(context, snapshots=min(wanted, context.n_ubatch - 1))


def copies(header: Header) -> int:
    """Bytes of the copies that are kept in main memory, once a conversation is long."""
    state = state_bytes(header)
    return min(MAX_KEPT * state, MAX_BYTES // state * state) if state else 0
