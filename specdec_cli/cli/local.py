"""Models that answers are made with are files on this machine: nothing is fetched unasked."""

from __future__ import annotations

from pathlib import Path

from specdec_cli.errors import NotFoundError
from specdec_cli.hub.remote import parse
from specdec_cli.profiles import store


def local_file(name: str) -> Path:
    """The file of a model.

    It need not exist, unless a profile names it as a model on the Hub.

    Raises:
        NotFoundError: one does, and it was not downloaded.
    """
    path = Path(name).expanduser()
    if path.exists() or parse(name) is None:
        return path
    profile = store.with_model(name)
    if profile is None:  # a path that only looks like such a name
        return path
    raise NotFoundError(f"{name} is not downloaded", f"specdec pull {profile}")
