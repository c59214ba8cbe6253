"""What kind of model a header describes, as far as drafting is concerned."""

from __future__ import annotations

from typing import Literal

from specdec_cli.gguf.header import Header

Rollback = Literal["attention", "recurrent", "hybrid"]
"""What can be taken back after a rejected draft: any position, or only a copy of the state."""

_SNAPSHOTS = frozenset(
    {"bailingmoe3", "glm5-next", "kimi-k3", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe"}
    | {"qwen35", "qwen35moe", "qwen4exp"}
)
"""Architectures for which llama.cpp can keep snapshots of the state behind each token."""

_LOOKED_UP = "token_embd.weight"
_OUTPUT = "output.weight"


def rollback(header: Header) -> Rollback:
    """How the model remembers: by attention, by a recurrent state, or by both."""
    prefix = f"{header.architecture}."
    keys = {key.removeprefix(prefix) for key in header.metadata if key.startswith(prefix)}
    stateful = any(key.startswith(("ssm.", "wkv.", "shortconv.")) for key in keys)
    if not stateful:
        return "attention"
    heads = header.metadata.get(header.arch_key("attention.head_count"))
    attends = heads is not None and not (isinstance(heads, int) and heads == 0)
    return "hybrid" if attends else "recurrent"


def keeps_snapshots(header: Header) -> bool:
    """Whether rejected tokens can be taken back without a copy of the state."""
    return header.architecture in _SNAPSHOTS


def experts(header: Header) -> tuple[int, int] | None:
    """Experts used for a token, and experts there are; ``None`` for a dense model."""
    count = header.integer(header.arch_key("expert_count")) or 0
    used = header.integer(header.arch_key("expert_used_count")) or 0
    return (used, count) if count > 1 else None


def sliding_window(header: Header) -> int | None:
    """Tokens that windowed layers look back on."""
    return header.integer(header.arch_key("attention.sliding_window")) or None


def bytes_per_pass(header: Header) -> int:
    """Weights one target pass reads: all but an embedding table of which only rows are read.

    Where the embedding is the output matrix as well it is read whole. Of a mixture of experts a
    pass reads less than this.
    """
    sizes = {tensor.name: tensor.nbytes for tensor in header.tensors}
    skipped = sizes.get(_LOOKED_UP, 0) if _OUTPUT in sizes else 0
    return sum(sizes.values()) - skipped
