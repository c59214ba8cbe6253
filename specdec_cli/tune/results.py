"""What a tuning found: for people, for ``--json`` and for the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from specdec_cli.bench.results import CostPoint, Estimate
from specdec_cli.run.used import Models
from specdec_cli.terminal.jsonl import as_json
from specdec_cli.tune.contest import Trial
from specdec_cli.tune.rig import ThreadTime


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings in words, and by option name."""

    name: str
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class OverPlain:
    """Speed-ups over plain decoding."""

    default: Estimate | None
    chosen: Estimate | None


@dataclass(frozen=True, slots=True)
class Confidence:
    """By bin from least to most sure: tokens seen, old ones forgotten, and the share accepted."""

    seen: tuple[float, ...]
    accepted: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was measured, and what is to be used.

    Args:
        name: the chosen settings in words, ``default`` where nothing was better.
        changes: what they set, by option name; empty where nothing was better.
        speedup: of the chosen settings over the default ones; ``None`` where they are the same.
        default_speedup, chosen_speedup: over plain decoding.
        costs: the target's cost curve with the chosen settings.
        draft_step: seconds of a step of the draft model.
        calibration: by drafter, how often its confidence came true.
    """

    JSON: ClassVar = (
        *("chosen", "speedup", "over_plain", "plain_tokens_per_second", "tokens_per_second"),
        *("prompts", "threads", "trials", "costs", "draft_step", "calibration", "warnings"),
    )
    name: str
    changes: Mapping[str, object]
    speedup: Estimate | None
    default_speedup: Estimate | None
    chosen_speedup: Estimate | None
    plain_tokens_per_second: float | None
    tokens_per_second: float | None
    prompts: int
    threads: tuple[ThreadTime, ...]
    trials: tuple[Trial, ...]
    costs: tuple[CostPoint, ...]
    draft_step: float | None
    calibration: Mapping[str, Confidence]
    warnings: tuple[str, ...] = field(default=())

    @property
    def chosen(self) -> Chosen:
        return Chosen(self.name, self.changes)

    @property
    def over_plain(self) -> OverPlain:
        return OverPlain(self.default_speedup, self.chosen_speedup)

    def figures(self) -> dict[str, Any]:
        """What is saved beside the settings."""
        return {
            "speedup_over_defaults": as_json(self.speedup),
            "speedup_over_plain": as_json(self.chosen_speedup),
            "prompts": self.prompts,
            "pass_seconds": {point.rows: _short(point.seconds) for point in self.costs},
            "draft_step_seconds": _short(self.draft_step),
            "calibration": as_json(self.calibration),
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """What it was measured with."""

    workload: str
    max_tokens: int
    temperature: float
    exact: bool
    kernels: str
    quick: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Saved:
    """Where the settings are, or would be; ``text`` of the file where it was not written."""

    file: str | None = None
    written: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True)
class TuneReport:
    """What was found, with what, and where it is; ``options`` are words of a command line."""

    JSON: ClassVar = (
        *("profile", "models", "settings", "searched", "not_searched", "**found"),
        *("options", "**saved", "busy", "seconds"),
    )
    profile: str | None
    models: Models
    settings: Settings
    searched: tuple[str, ...]
    not_searched: Mapping[str, str]
    found: Found
    options: tuple[str, ...]
    saved: Saved
    busy: bool
    seconds: float


def rounded(estimate: Estimate | None) -> Estimate | None:
    """An estimate as it is told and saved."""
    if estimate is None:
        return None
    return Estimate(float(f"{estimate.value:.4g}"), _short(estimate.low), _short(estimate.high))


def _short(value: float | None) -> float | None:
    """Four digits: more would pretend to a precision that is not there."""
    return None if value is None else float(f"{value:.4g}")
