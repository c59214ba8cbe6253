"""The loaded models on which candidates are tried, each by a decoder with its own settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import median

from specdec_cli.bench.runner import MIN_ROOM, WARM_UP_TOKENS, Prompts, answer
from specdec_cli.bench.samples import Sample
from specdec_cli.bench.workload import Task
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loaded_models import LoadedModels
from specdec_cli.engine.settings import ModelRole
from specdec_cli.errors import Cancelled, SpecdecError
from specdec_cli.tune.candidates import Candidate

_VISITS = 2
_PASSES = 3
_SLOW_SECONDS = 0.5
"""A pass that takes longer is timed once a visit."""


@dataclass(frozen=True, slots=True)
class ThreadTime:
    """Seconds of a pass over so many rows with so many threads, the median of a few."""

    role: ModelRole
    threads: int
    rows: int
    seconds: float


class TuningRig:
    """Measures candidates on models that are loaded for all of them.

    Args:
        max_tokens: of an answer.
    """

    def __init__(
        self, models: LoadedModels, prompts: Prompts, max_tokens: int, cancelled: Callable[[], bool]
    ) -> None:
        self.models = models
        self._prompts = prompts
        self._max_tokens = max_tokens
        self._cancelled = cancelled
        self._decoders: dict[str, Decoder] = {}
        self._tokens: dict[str, list[int]] = {}

    def fitting(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks whose prompts leave room for an answer.

        Raises:
            SpecdecError: there is none.
        """
        most = self.models.n_ctx - MIN_ROOM
        fitting = [task for task in tasks if 0 < len(self._prompt(task)) <= most]
        if not fitting:
            raise SpecdecError(
                f"no prompt fits into the context of {self.models.n_ctx} tokens", "see -c"
            )
        return fitting

    def decoder(self, candidate: Candidate, task: Task | None = None) -> Decoder:
        """A decoder with a candidate's settings, which has answered once before it is measured."""
        found = self._decoders.get(candidate.name)
        if found is None:
            found = self._decoders[candidate.name] = Decoder(
                self.models, candidate.pair, fresh=True
            )
            if task is not None:
                self._answer(found, candidate, task, min(self._max_tokens, WARM_UP_TOKENS))
        return found

    def measure(self, candidate: Candidate, task: Task, seed: int, plain: bool) -> Sample:
        """Let a candidate answer a prompt that is read again.

        Raises:
            Cancelled: a stop was asked for.
        """
        decoder = self.decoder(candidate, task)
        return self._answer(decoder, candidate, task, self._max_tokens, seed, plain=plain)

    def thread_times(
        self, role: ModelRole, counts: Sequence[int], rows: Sequence[int]
    ) -> list[ThreadTime]:
        """Time passes with each number of threads, in turn, there and back.

        The first pass after a change is not counted: it wakes threads and rebuilds a graph.

        Raises:
            Cancelled: a stop was asked for.
        """
        times: dict[tuple[int, int], list[float]] = {}
        self.models.forget()
        for _, threads in product(range(_VISITS), (*counts, *reversed(counts))):
            for n in rows:
                self._stop_if_asked()
                first = self.models.pass_seconds(role, n, threads)
                for _ in range(1 if first > _SLOW_SECONDS else _PASSES):
                    seconds = self.models.pass_seconds(role, n, threads)
                    times.setdefault((threads, n), []).append(seconds)
        return [ThreadTime(role, *key, median(times[key])) for key in sorted(times)]

    def _answer(
        self,
        decoder: Decoder,
        candidate: Candidate,
        task: Task,
        max_tokens: int,
        seed: int = 1,
        *,
        plain: bool = False,
    ) -> Sample:
        self._stop_if_asked()
        return answer(
            decoder,
            self._prompt(task),
            replace(candidate.answer, seed=seed, expect=task.expect or candidate.answer.expect),
            plain=plain,
            max_tokens=max_tokens,
            cancelled=self._cancelled,
        )

    def _prompt(self, task: Task) -> list[int]:
        if task.prompt not in self._tokens:
            self._tokens[task.prompt] = self._prompts(self.models, task)
        return self._tokens[task.prompt]

    def _stop_if_asked(self) -> None:
        if self._cancelled():
            raise Cancelled
