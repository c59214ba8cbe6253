"""Which heads llama.cpp can draft with: layers that were trained to guess further tokens (MTP).

They are in the model's own file, or in one beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from specdec_cli.errors import SpecdecError
from specdec_cli.gguf.header import Header, read_header
from specdec_cli.gguf.heads import further_layers, head_of
from specdec_cli.gguf.parts import join_parts

_DRIVEN = frozenset(
    {"bailingmoe3", "cohere2moe", "deepseek2", "deepseek32", "deepseek4", "glm-dsa", "glm4moe"}
    | {"glm5-next", "hy_v3", "mimo2", "nemotron_h_moe", "qwen35", "qwen35moe", "qwen3next"}
)
"""Architectures whose one further layer llama.cpp computes by itself."""

_CHAINED = frozenset({"step35"})
"""Those with several, one for each step of a draft."""

_FOR = {"gemma4-assistant": "gemma4"}
"""Heads that look at the keys and values of a target, and the target's architecture."""


def drafts_itself(header: Header) -> bool:
    """Whether a model's file has such layers, and llama.cpp can compute them.

    Asked for other numbers of them, or where a conversion left them out, it ends the process.
    """
    return head_of(header) is None and _has_layers(header)


def drafts_beside(header: Header) -> bool:
    """Whether a file holds such layers alone, and llama.cpp can compute them."""
    return head_of(header) == "mtp" and (header.architecture in _FOR or _has_layers(header))


def architecture_of_target(head: Header) -> str:
    """The architecture of the models that a head in a file of its own drafts for."""
    return _FOR.get(head.architecture, head.architecture)


def file_drafts_itself(path: Path) -> bool:
    """The same of a file; not of one that cannot be read, which is reported when it is loaded."""
    return _asked_of(path, drafts_itself)


def file_drafts_beside(path: Path) -> bool:
    """The same of a file; not of one that cannot be read, which is reported when it is loaded."""
    return _asked_of(path, drafts_beside)


def _has_layers(header: Header) -> bool:
    layers = further_layers(header)
    most = 1 if header.architecture in _DRIVEN else layers
    if not 1 <= layers <= most or header.architecture not in _DRIVEN | _CHAINED:
        return False
    count = header.integer(header.arch_key("block_count")) or 0
    names = {tensor.name for tensor in header.tensors}
    return all(
        f"blk.{layer}.nextn.{part}.weight" in names
        for layer in range(count - layers, count)
        for part in ("eh_proj", "enorm", "hnorm")
    )


def _asked_of(path: Path, question: Callable[[Header], bool]) -> bool:
    try:
        header = read_header(path)
        return question(join_parts(path, header) if header.split else header)
    except SpecdecError:
        return False
