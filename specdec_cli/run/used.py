"""The models and settings that something was made with, as reports tell them."""

from __future__ import annotations

from dataclasses import dataclass

from specdec_cli.engine.settings import PairSettings
from specdec_cli.models.kernels import Kernels


@dataclass(frozen=True, slots=True)
class Models:
    """Paths of a pair's files."""

    target: str
    draft: str | None

    @classmethod
    def of(cls, settings: PairSettings) -> Models:
        """Those that are loaded."""
        return cls(str(settings.target.path), str(settings.draft.path) if settings.draft else None)


@dataclass(frozen=True, slots=True)
class Drafting:
    """How long drafts may be, and how the target's passes are computed."""

    draft_min: int
    draft_max: int
    draft_p_min: float
    adaptive: bool
    exact: bool
    kernels: Kernels


def drafting(
    settings: PairSettings, *, adaptive: bool
) -> tuple[int, int, float, bool, bool, Kernels]:
    """The fields of ``Drafting`` in their order."""
    lengths = settings.draft_min, settings.draft_max, settings.draft_p_min
    return (*lengths, adaptive, settings.exact, settings.kernels)
