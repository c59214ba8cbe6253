"""What a benchmark found, as plain values: for tables, pages and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from specdec_cli.run.used import Drafting, Models


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; without one where there are too few prompts."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Where an answer first parts from the plain one at temperature 0.

    Args:
        prompt: number of the prompt in the workload, from 1.
        position: tokens of the answer that are equal.
    """

    kind: str
    prompt: int
    position: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What the answers to some prompts amounted to; rates are over all of them together.

    Args:
        prompts: prompts that were measured both ways.
        pairs: pairs of prompt and seed.
        speedup: plain time per token over this one's; ``None`` before anything was measured.
        tokens_per_second: of decoding, the prompt left out.
        kept_by_position: of the drafts that reached a position, the share that was kept there;
            index 0 is the first drafted token.
        mean_draft_length: drafted tokens of a round that drafted.
        compared: answers compared with the plain one.
        same: how many of them were the same, token for token.
        bandwidth_share: bytes of the target's weights that were read per second, as a share of
            the memory bandwidth; ``plain_bandwidth_share`` for plain decoding.
    """

    prompts: int
    pairs: int
    speedup: Estimate | None
    tokens_per_second: float
    plain_tokens_per_second: float
    acceptance_rate: float | None
    mean_accepted_length: float
    mean_draft_length: float | None
    kept_by_position: tuple[float, ...]
    draft_share: float | None
    verify_share: float | None
    overhead_share: float | None
    compared: int
    same: int
    bandwidth_share: float | None = None
    plain_bandwidth_share: float | None = None


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One way to decode, by kind of task and over all kinds.

    Args:
        overall: its ``speedup`` is the geometric mean of the kinds' medians.
        draft_max: the fixed draft length, for arms that are one.
    """

    name: str
    drafter: str
    verify: str
    draft_max: int | None
    kinds: Mapping[str, Figures]
    overall: Figures
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class CostPoint:
    """Seconds of one target pass over ``rows`` tokens."""

    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Settings(Drafting):
    """What it was run with."""

    workload: str
    max_tokens: int
    seeds: tuple[int, ...]
    repeats: int
    temperature: float
    threads: int


@dataclass(frozen=True, slots=True)
class BenchResult:
    """A whole benchmark.

    Args:
        complete: whether it ran to its end.
        bandwidth: bytes per second the roofline shares refer to.
        bandwidth_source: ``given``, ``measured`` or ``as its maker states``; ``None`` without one.
        costs: the cost curve, empty unless it was asked for.
    """

    JSON: ClassVar = (
        *("complete", "profile", "models", "settings", "bandwidth", "bandwidth_source"),
        *("arms", "costs", "warnings"),
    )
    complete: bool
    profile: str | None
    target: str
    draft: str | None
    settings: Settings
    arms: tuple[ArmResult, ...]
    bandwidth: float | None = None
    bandwidth_source: str | None = None
    costs: tuple[CostPoint, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def default(self) -> ArmResult | None:
        """The arm with the settings of the command line, ``None`` if it was not measured."""
        return next((arm for arm in self.arms if arm.name == "default"), None)

    @property
    def models(self) -> Models:
        """Paths of the pair's files."""
        return Models(self.target, self.draft)
