"""One model of a pair, wherever it is: its header, its size, and what fetching it would take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from specdec_cli.errors import NotFoundError
from specdec_cli.gguf.check import validate
from specdec_cli.gguf.header import Header
from specdec_cli.hub.client import Hub
from specdec_cli.hub.plan import ModelPlan, plan
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import meant
from specdec_cli.profiles.local import of_hub
from specdec_cli.profiles.schema import SourceRole
from specdec_cli.profiles.store import Stored

Role = Literal["target", "draft"]


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One model.

    Args:
        label: how a person would name it.
        size: bytes of all its files.
        plan: for one of the Hub, its files.
        file: where it is, of several files the first; ``None`` for one that is not here.
    """

    label: str
    header: Header
    size: int
    plan: ModelPlan | None = None
    file: Path | None = None

    @property
    def fetched(self) -> int:
        """Bytes that reading its header took."""
        return self.plan.header_bytes if self.plan else 0


def of_file(path: Path) -> ModelRef:
    """A model in a file, with all its parts.

    Raises:
        NotFoundError, DamagedFileError, UsageError: as :func:`validate`.
    """
    header = validate(path)
    return ModelRef(path.name, header, header.file_size, file=path)


def of_plan(found: ModelPlan) -> ModelRef:
    """A model of the Hub."""
    return ModelRef(str(found.model), found.header, found.size, found, found.files[0].path)


def of_profile(
    stored: Stored,
    role: SourceRole,
    hub: Hub,
    note: Callable[[str], None],
    *,
    accept_changed: bool = False,
) -> ModelRef:
    """A model that a profile names.

    Raises:
        NotFoundError: the profile names none, or it does not exist.
        NetworkError, DamagedFileError: as :func:`plan`.
    """
    source = stored.profile.in_role(role)
    if source is None:
        raise NotFoundError(
            f"profile {stored.name} names no {role} model", f"see: specdec show {stored.name}"
        )
    model = source.model()
    if model is not None:
        return of_plan(plan(hub, model, note, accept_changed=accept_changed))
    path = source.locate(stored.file)
    assert path is not None  # a local file has a place, whether it exists or not
    return of_file(path)


def of_word(word: str, role: Role, hub: Hub, note: Callable[[str], None]) -> ModelRef:
    """The model a word names: a profile, a file, or a model of the Hub.

    Raises:
        NotFoundError: it names none.
        NetworkError, DamagedFileError: as :func:`plan`.
    """
    found = meant(word)
    if found.kind == "profile":
        return of_profile(store.load(found.name), role, hub, note, accept_changed=True)
    if found.kind == "file" and Path(word).expanduser().exists():
        return of_file(Path(word).expanduser())
    if found.kind != "hub":
        raise NotFoundError(
            f"{word} is neither a file nor a profile nor a model on the Hub",
            "check the path; models on the Hub are OWNER/NAME/FILE.gguf or OWNER/NAME:QUANT",
        )
    return of_plan(plan(hub, of_hub(word), note))
