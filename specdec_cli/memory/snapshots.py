"""How many snapshots of a recurrent state a context keeps, and what copies of it take."""

from __future__ import annotations

from dataclasses import replace

from specdec_cli.gguf import traits
from specdec_cli.gguf.header import Header
from specdec_cli.memory.caches import state_bytes
from specdec_cli.memory.weights import used_fraction
from specdec_cli.models.rewind import MAX_BYTES, MAX_KEPT
from specdec_cli.models.settings import ContextSettings

MAX_SNAPSHOTS = 8
"""Snapshots: nearly all drafts are that short, and each takes as much memory as the state."""

MAX_SHARE = 0.02
"""Of what a plain pass reads and writes, the part that keeping snapshots may add. A context keeps
them behind every pass, drafts or not, so that this is lost wherever drafting does not pay."""

MAX_SHARE_WITH_MODEL = 0.05
"""The same where a model drafts, in most rounds: to compute rejected rounds again costs more."""

_COPIED = 2
"""A state that is copied is read and written."""


def with_snapshots(header: Header, context: ContextSettings, *, model: bool) -> ContextSettings:
    """A layout with as many snapshots as the longest draft has tokens, where they are cheap.

    Elsewhere, and for longer drafts, a copy of the state is made before a draft. Rows of padding
    are taken back after every pass, and have no other way.

    Args:
        model: a model drafts, and not only the text.
    """
    if not traits.keeps_snapshots(header):
        return context
    padding = context.pad - 1
    drafted = 0
    if snapshot_share(header) <= (MAX_SHARE_WITH_MODEL if model else MAX_SHARE):
        drafted = min(context.rows - 1, MAX_SNAPSHOTS)
    return replace(context, snapshots=min(drafted + padding, context.n_ubatch - 1))


def snapshot_share(header: Header) -> float:
    """What keeping snapshots adds to a plain pass, as a part of the weights that it reads."""
    read = traits.bytes_per_pass(header) * used_fraction(header)
    return _COPIED * state_bytes(header) / read if read else 0.0


def copies(header: Header) -> int:
    """Bytes of the copies that are kept in main memory, once a conversation is long."""
    state = state_bytes(header)
    return min(MAX_KEPT * state, MAX_BYTES // state * state) if state else 0
