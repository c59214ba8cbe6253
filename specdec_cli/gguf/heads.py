"""Heads: what drafts from the states of another model, by itself or inside the model's own file.

A file's header says what it is; its name says nothing for certain. How the files of heads, and of
other things that come beside a model, are usually named is needed only where a model is looked for
in a repository.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from specdec_cli.gguf.header import Header

Head = Literal["mtp", "eagle3", "dflash", "dspark"]

_NAMES: dict[Head, str] = {
    "mtp": "an MTP head",
    "eagle3": "an EAGLE-3 head",
    "dflash": "a DFlash head",
    "dspark": "a DSpark head",
}
_BY_ARCHITECTURE: dict[str, Head] = {
    "eagle3": "eagle3",
    "dflash": "dflash",
    "gemma4-assistant": "mtp",
}
_BY_PREFIX: dict[str, Head] = {f"{head}-": head for head in _NAMES}
_NEXT_TOKENS = ".nextn."
_FIRST_LAYER = "blk.0."
_OF_DSPARK = "markov_w1.weight"
_BESIDE = re.compile(r"mmproj|imatrix|^(?:mtp|eagle3|dflash|dspark)-", re.IGNORECASE)
_MAYBE_BESIDE = re.compile(r"(?<![a-z0-9])(?:eagle-?3|dflash\d*|dspark)(?![a-z0-9])", re.IGNORECASE)


def in_words(head: Head) -> str:
    """The kind of head with its article: ``an MTP head``."""
    return _NAMES[head]


def head_of(header: Header) -> Head | None:
    """What the file is if it is a head and no model of its own.

    An MTP head in a file of its own has its model's architecture, and of the layers only those
    that predict further tokens.
    """
    head = _BY_ARCHITECTURE.get(header.architecture)
    names = [tensor.name for tensor in header.tensors]
    if head == "dflash" and _OF_DSPARK in names:
        return "dspark"
    if head is not None or not further_layers(header):
        return head
    alone = any(_NEXT_TOKENS in name for name in names)
    return "mtp" if alone and not any(name.startswith(_FIRST_LAYER) for name in names) else None


def has_own_head(header: Header) -> bool:
    """Whether a model's file has layers that predict further tokens (MTP), and is no head itself.

    Some conversions leave those layers out but keep their number. Of a model in several files the
    first alone does not show them; then the number is believed.
    """
    if not further_layers(header) or head_of(header):
        return False
    names = [tensor.name for tensor in header.tensors]
    return header.split is not None or any(_NEXT_TOKENS in name for name in names)


def is_beside(name: str) -> bool:
    """Whether a file of a repository is named like what lies beside a model, and is none."""
    return _BESIDE.search(name.rsplit("/", 1)[-1]) is not None


def may_be_beside(name: str) -> bool:
    """Whether a file's name speaks of a head somewhere, so that others are rather the model.

    Not of MTP: that is how models are called that bring their head with them.
    """
    return _MAYBE_BESIDE.search(name.rsplit("/", 1)[-1]) is not None


def named_like(name: str) -> Head | None:
    """The kind of head that a file is named like."""
    last = name.rsplit("/", 1)[-1].lower()
    return next((head for prefix, head in _BY_PREFIX.items() if last.startswith(prefix)), None)


def further_layers(header: Header) -> int:
    """How many layers that predict further tokens the header speaks of."""
    return header.integer(header.arch_key("nextn_predict_layers")) or 0
