"""Models that answers are made with are files on this machine: nothing is fetched unasked."""

from __future__ import annotations

import os
from pathlib import Path

from specdec_cli.errors import NotFoundError
from specdec_cli.hub.remote import SITE, HubModel, parse
from specdec_cli.profiles import store


def local_file(name: str) -> Path:
    """The file of a model: a path, or what was downloaded of a model on the Hub.

    A path need not exist.

    Raises:
        NotFoundError: it is a model of the Hub that was not downloaded.
    """
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - Path.expanduser may raise
    model = parse(name)
    if os.path.lexists(path) or (model is None and not SITE.match(name)):
        return path
    profile = store.with_model(str(model))
    return downloaded(name, f"specdec pull {profile}" if profile else "")


def downloaded(name: str, way: str = "") -> Path:
    """The file of a model on the Hub, which was downloaded.

    Args:
        way: the command that gets it, if not the name alone.

    Raises:
        NotFoundError: it was not; or it is no name of a model.
    """
    model = of_hub(name)
    from specdec_cli.hub.cache import find

    found = find(model)
    if found is None:
        if way or SITE.match(name) or ":" in name:
            raise NotFoundError(f"{name} is not downloaded", way or f"specdec pull {name}")
        raise NotFoundError(
            f"{name} is neither a file here nor a model that is downloaded",
            f"if it is on the Hub: specdec pull {name}",
        )
    return found


def of_hub(name: str) -> HubModel:
    """The model of the Hub that has this name.

    Raises:
        NotFoundError: it is no such name.
    """
    model = parse(name)
    if model is None:
        raise NotFoundError(
            f"{name} is no name of a model on the Hub",
            "write it as OWNER/NAME:QUANT or OWNER/NAME/FILE.gguf",
        )
    return model
