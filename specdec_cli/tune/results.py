"""What a tuning found, as plain values: for the report, for JSON, for the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from specdec_cli.bench.results import CostPoint, Estimate
from specdec_cli.tune.contest import Trial
from specdec_cli.tune.rig import ThreadTime


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
        calibration: by drafter, how often its confidence came true, by bin from least to most sure.
    """

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
    calibration: Mapping[str, Any]
    warnings: tuple[str, ...] = field(default=())

    def measured(self) -> dict[str, Any]:
        """Return the figures that are saved beside the settings."""
        return {
            "speedup_over_defaults": _estimate(self.speedup),
            "speedup_over_plain": _estimate(self.chosen_speedup),
            "prompts": self.prompts,
            "pass_seconds": {point.rows: _short(point.seconds) for point in self.costs},
            "draft_step_seconds": None if self.draft_step is None else _short(self.draft_step),
            "calibration": dict(self.calibration),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the measured part of the object of ``--json``."""
        return {
            "chosen": {"name": self.name, "settings": dict(self.changes)},
            "speedup": _estimate(self.speedup),
            "over_plain": {
                "default": _estimate(self.default_speedup),
                "chosen": _estimate(self.chosen_speedup),
            },
            "plain_tokens_per_second": self.plain_tokens_per_second,
            "tokens_per_second": self.tokens_per_second,
            "prompts": self.prompts,
            "threads": [asdict(each) for each in self.threads],
            "trials": [asdict(each) for each in self.trials],
            "costs": [asdict(point) for point in self.costs],
            "draft_step": self.draft_step,
            "calibration": dict(self.calibration),
            "warnings": list(self.warnings),
        }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {name: _short(value) for name, value in asdict(estimate).items()}


def _short(value: float | None) -> float | None:
    """Four digits: more would pretend to a precision that is not there."""
    return None if value is None else float(f"{value:.4g}")
