"""What ``specdec doctor`` finds, for people and for ``--json``; sizes are bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from specdec_cli.engine.same_bits import SameBitsReport
from specdec_cli.run.used import Models

if TYPE_CHECKING:
    from specdec_cli.bench.results import CostPoint
    from specdec_cli.models.build_info import BuildInfo
    from specdec_cli.models.devices import Device
    from specdec_cli.tune.diagnosis import Cause, Measured, Verdict


@dataclass(frozen=True, slots=True)
class Build:
    """A library, and what it was built with."""

    JSON: ClassVar = ("library", "**info")
    library: str
    info: BuildInfo


@dataclass(frozen=True, slots=True)
class Llama:
    """Whether llama.cpp can be loaded, why not, and what it was built with where it can."""

    JSON: ClassVar = ("loads", "reason", "**build")
    reason: str
    build: Build | None = None

    @property
    def loads(self) -> bool:
        return self.build is not None


@dataclass(frozen=True, slots=True)
class Threads:
    """How many are used, how busy others keep the processors, and how threads wait."""

    used: int
    processors: int
    busy: float
    waiting: Mapping[str, str]
    waiting_set_here: bool


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder; ``reason`` says why nothing can be written into it."""

    path: str
    exists: bool
    writable: bool
    reason: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that may be there."""

    path: str
    exists: bool


@dataclass(frozen=True, slots=True)
class HubMissing:
    """Why the Hub's client cannot be loaded."""

    reason: str


@dataclass(frozen=True, slots=True)
class HubCache:
    """The Hub's cache, and what is set; of a token only whether there is one."""

    endpoint: str
    cache: str
    bytes: int
    free: int | None
    reason: str
    token: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was measured here before: files of learnt costs, and profiles that were tuned."""

    learnt: int
    learnt_in: str
    tuned: tuple[str, ...]
    tuned_in: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What is installed and found."""

    versions: Mapping[str, str]
    llama: Llama
    devices: tuple[Device, ...]
    threads: Threads
    directories: Mapping[str, Folder]
    configuration: File
    hub: HubCache | HubMissing
    measured: Learnt


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong, and what may mend it."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class PairReport:
    """The diagnosis of a pair."""

    JSON: ClassVar = (
        *("profile", "models", "tuned", "verdict", "prompts", "tokens_per_second"),
        *("plain_tokens_per_second", "**measured", "passes", "same_bits", "causes", "warnings"),
    )
    profile: str | None
    models: Models
    tuned: bool
    verdict: Verdict
    prompts: int
    tokens_per_second: float | None
    plain_tokens_per_second: float | None
    measured: Measured
    passes: tuple[CostPoint, ...]
    same_bits: SameBitsReport
    causes: tuple[Cause, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """An error, for programs."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class PairFailed:
    """A pair that could not be examined."""

    error: Reason


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The machine, what is wrong with it, and the pair if one was examined."""

    JSON: ClassVar = ("**machine", "problems", "pair")
    machine: Machine
    problems: tuple[Problem, ...]
    pair: PairReport | PairFailed | None = None
