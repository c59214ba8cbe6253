"""All that ``specdec verify`` tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from specdec_cli.engine.same_bits import SameBitsReport
from specdec_cli.engine.settings import RuleName
from specdec_cli.run.used import Drafting, Models
from specdec_cli.verify.check import Findings


@dataclass(frozen=True, slots=True)
class Settings(Drafting):
    """What was checked."""

    drafter: str
    verify: RuleName
    seed: int
    quick: bool
    context: int


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The findings, and what they are about."""

    JSON: ClassVar = ("**found", "same_bits", "seconds", "settings", "models", "profile")
    found: Findings
    same_bits: SameBitsReport
    seconds: float
    settings: Settings
    models: Models
    profile: str | None
