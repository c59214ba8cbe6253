"""What of the Hub is on this machine already. Nothing here uses the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from specdec_cli.hub.remote import HubModel, choose

if TYPE_CHECKING:
    from specdec_cli.hub.client import Hub


def hub() -> Hub:
    """The Hub; imported when it is needed, as its client takes a quarter of a second."""
    from specdec_cli.hub.client import Hub

    return Hub()


def find(model: HubModel) -> Path | None:
    """The model's file, of several the first, if all of them are here."""
    paths = present(model)
    return paths[0] if paths else None


def present(model: HubModel) -> list[Path]:
    """All files of the model, in order; none unless all are here."""
    cache = hub()
    first = model.first
    if not first.file:
        named = choose(model, cache.cached_names(first.repo, first.revision))
        if named is None:
            return []
        model = named
    paths = [cache.cached(file) for file in model.files]
    found = [path for path in paths if path is not None]
    return found if len(found) == len(paths) else []


def interrupted(model: HubModel) -> list[Path]:
    """Files of downloads into the model's repository that have not come to their end."""
    blobs = hub().folder(model.first.repo) / "blobs"
    return sorted(path for path in blobs.glob("*.incomplete") if path.name.count(".") == 1)
