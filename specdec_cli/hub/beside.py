"""What a repository has beside a model: heads that draft for it, and projectors of images."""

from __future__ import annotations

import re
from dataclasses import replace

from specdec_cli.errors import SpecdecError
from specdec_cli.gguf import heads
from specdec_cli.hub.client import Hub
from specdec_cli.hub.failures import HubError
from specdec_cli.hub.remote import HubFile

_PROJECTOR = re.compile(r"mmproj[^/]*\.gguf$", re.IGNORECASE)
_QUANT = re.compile(r"[-.]([A-Za-z0-9_]+)\.gguf$")


def heads_beside(hub: Hub, file: HubFile) -> tuple[dict[heads.Head, HubFile], list[str]]:
    """Look for what belongs to a model and is no part of it, by the names of files.

    Args:
        file: of the model.

    Returns:
        A head of each kind, that of the model's own quantisation if there is one; and the names of
        projectors. Nothing where the Hub does not answer, as nothing depends on it.
    """
    try:
        names = hub.names(file.repo, file.revision)
    except (HubError, SpecdecError):
        return {}, []
    found: dict[heads.Head, list[str]] = {}
    for name in names:
        kind = heads.named_like(name)
        if kind is not None and name.endswith(".gguf") and name != file.file:
            found.setdefault(kind, []).append(name)
    quant = _quant(file.file)

    def order(name: str) -> tuple[bool, int, str]:
        return _quant(name) != quant, len(name), name

    chosen = {kind: replace(file, file=min(group, key=order), sha256=None, size=None)
              for kind, group in found.items()}  # fmt: skip
    return chosen, [name for name in names if _PROJECTOR.search(name)]


def _quant(name: str) -> str:
    """The quantisation that a file's name ends with."""
    match = _QUANT.search(name)
    return match[1].lower() if match else ""
