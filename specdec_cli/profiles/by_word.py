"""The profile, or the model as one, that a word of the command line names."""

from __future__ import annotations

from pathlib import Path

from specdec_cli.errors import NotFoundError, UsageError
from specdec_cli.profiles import store
from specdec_cli.profiles.local import of_hub
from specdec_cli.profiles.names import Meaning, meaning
from specdec_cli.profiles.store import Stored


def meant(word: str) -> Meaning:
    """What a word stands for, with the profiles and files there are."""
    return meaning(word, store.names())


def stored(word: str) -> Stored:
    """What can be downloaded under a name: a profile's models, or one model of the Hub.

    Raises:
        NotFoundError: there is no such profile, and it is no name of a model on the Hub.
        UsageError: it is a file; or the profile is not valid.
    """
    found = meant(word)
    if found.kind == "hub":
        return store.of_model(of_hub(word))
    if found.kind == "file" and Path(word).expanduser().exists():
        raise UsageError(
            f"{word} is a file, not a profile or a model on the Hub", "specdec list names profiles"
        )
    return store.load(profile(word))


def profile(word: str) -> str:
    """The name of the profile that is meant.

    Raises:
        NotFoundError: there is none; or the word names a model, and a profile is needed.
    """
    found = meant(word)
    if found.kind == "profile":
        return found.name
    if found.kind in ("file", "hub"):
        raise NotFoundError(
            f"{word} is not a profile but a model", f"to look into a model: specdec check {word}"
        )
    raise store.unknown(word)
