"""The search: threads, then drafter and draft length, then the rule, then a final comparison.

Each stage starts from the best settings of the stages before it. At the end the default, the steps
that led away from it and plain decoding answer fresh prompts in turn. A step is kept if the lower
end of its speed-up's interval is above 1.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

from specdec_cli.bench import costs
from specdec_cli.bench.results import Estimate
from specdec_cli.bench.runner import Prompts
from specdec_cli.bench.samples import Sample
from specdec_cli.bench.workload import Task
from specdec_cli.engine.loaded_models import LoadedModels
from specdec_cli.engine.settings import Loading, ModelRole
from specdec_cli.errors import Cancelled
from specdec_cli.models.environment import default_threads
from specdec_cli.models.settings import GpuLayers
from specdec_cli.tune import candidates, contest
from specdec_cli.tune.candidates import Candidate
from specdec_cli.tune.contest import DECIDING, PLAIN, Scores, Trial
from specdec_cli.tune.prompts import Pool
from specdec_cli.tune.results import Confidence, Found, rounded
from specdec_cli.tune.rig import ThreadTime, TuningRig

GROUPS = ("threads", "drafting", "rule")
_ROWS = (1, 4)
_WORTH_TRYING = 0.95
"""The most of the usual pass time with which other threads are worth a comparison."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Args:
        tokens: of each answer.
        rounds: prompts of each kind in the rounds of the halving.
        final: prompts of each kind that decide.
        seeds: for each deciding prompt, when sampling.
    """

    tokens: int = 64
    rounds: tuple[int, ...] = (1, 2)
    final: int = 4
    seeds: int = 2


QUICK = Effort(tokens=32, rounds=(1,), final=2, seeds=1)


@dataclass(frozen=True, slots=True)
class Job:
    """What is tuned.

    Args:
        default: the settings as they are without tuning.
        groups: which of ``GROUPS`` may be changed.
    """

    default: Candidate
    groups: frozenset[str]
    tasks: Sequence[Task]
    prompts: Prompts
    effort: Effort
    seed: int = 1


@dataclass(slots=True)
class Watch:
    """Observers of a search.

    Args:
        on_loading: told how far loading is.
        on_loaded: told that the pair is loaded.
        on_progress: told the stage, the answers measured in it, and how many there will be.
        cancelled: polled; True ends it after the token under way.
    """

    on_loading: Callable[[Loading], None] = lambda _: None
    on_loaded: Callable[[], None] = lambda: None
    on_progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None
    cancelled: Callable[[], bool] = lambda: False

    def loads(self, progress: Loading) -> bool:
        """Tell how far loading is; whether to go on."""
        self.on_loading(progress)
        return not self.cancelled()


def tune(job: Job, watch: Watch) -> Found:
    """Find the best settings.

    Raises:
        Cancelled: a stop was asked for.
        SpecdecError: the pair cannot be loaded or fails, or no prompt fits into its context.
    """
    others = candidates.drafting(job.default) if "drafting" in job.groups else []
    with LoadedModels(candidates.widest(job.default, others), watch.loads) as models:
        watch.on_loaded()
        search = _Search(job, watch, models)
        found = search.run()
    if watch.cancelled():
        raise Cancelled
    return found


@dataclass(slots=True)
class _Search:
    """One search on loaded models."""

    job: Job
    watch: Watch
    models: LoadedModels
    rig: TuningRig = field(init=False)
    pool: Pool = field(init=False)
    threads: list[ThreadTime] = field(init=False, default_factory=list)
    trials: list[Trial] = field(init=False, default_factory=list)
    warnings: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        job = self.job
        self.rig = TuningRig(self.models, job.prompts, job.effort.tokens, self.watch.cancelled)
        tasks = self.rig.fitting(job.tasks)
        self.pool = Pool(tasks)
        self.warnings += self.models.warnings
        if left_out := len(job.tasks) - len(tasks):
            self.warnings.append(
                f"{left_out} of {len(job.tasks)} prompts do not fit into the context of "
                f"{self.models.n_ctx} tokens and are left out; see -c"
            )

    def run(self) -> Found:
        """All stages."""
        job = self.job
        steps = [job.default]
        if "threads" in job.groups and (found := self._other_threads(job.default)):
            steps.append(found)
        if "drafting" in job.groups:
            self._search("drafting", steps, candidates.drafting(steps[-1]))
        if "rule" in job.groups:
            self._search("rule", steps, self._other_rules(steps[-1]))
        last = job.effort.final if len(steps) > 1 else job.effort.rounds[0]
        tasks = self.pool.take(last)
        sampled = job.default.answer.sampling.temperature > 0
        seeds = range(job.seed, job.seed + (job.effort.seeds if sampled else 1))
        total = 2 * len(tasks) * len(seeds) * (len(steps) + 1)
        scores = contest.meet(steps, tasks, seeds, self._measure(DECIDING, total), plain=True)
        chosen = contest.judge(steps, scores)
        self.trials += contest.decided(steps, scores, chosen)
        return self._found(chosen, scores, tasks)

    def _search(self, stage: str, steps: list[Candidate], others: Sequence[Candidate]) -> None:
        """Add the best of others to the steps, if one seems better."""
        if not others:
            return
        rounds = [self.pool.take(n) for n in self.job.effort.rounds]
        total = sum(
            2 * len(tasks) * (1 + -(-len(others) // 2**number))
            for number, tasks in enumerate(rounds)
        )
        best, trials = contest.halve(
            steps[-1], others, rounds, self.job.seed, self._measure(stage, total), stage
        )
        self.trials += trials
        if best:
            steps.append(best)

    def _measure(self, stage: str, total: int) -> contest.Measure:
        done = 0

        def measure(candidate: Candidate, task: Task, seed: int, plain: bool) -> Sample:
            nonlocal done
            self.watch.on_progress(f"measuring answers ({stage})", done, total)
            sample = self.rig.measure(candidate, task, seed, plain)
            done += 1
            return sample

        return measure

    def _other_threads(self, default: Candidate) -> Candidate | None:
        """Numbers of threads with which passes are quicker than with the usual ones."""
        usual, allowed = default_threads(), allowed_processors()
        decoder = self.rig.decoder(default)
        rows = _ROWS if decoder.spec.drafts else _ROWS[:1]
        chosen: dict[ModelRole, int | None] = {"target": None, "draft": None}
        roles: list[tuple[ModelRole, tuple[int, ...]]] = []
        if computes_here(default.pair.target.load.gpu_layers):
            roles.append(("target", rows))
        draft = default.pair.draft if decoder.settings.draft else None
        if draft and computes_here(draft.load.gpu_layers):
            roles.append(("draft", _ROWS[:1]))
        for number, (role, of_role) in enumerate(roles):
            self.watch.on_progress("measuring threads, model by model", number, len(roles))
            counts = candidates.thread_counts(usual, allowed)
            times = self.rig.thread_times(role, counts, of_role)
            self.threads += times
            chosen[role] = best_threads(times, usual)
        if chosen["target"] is None and chosen["draft"] is None:
            return None
        # Left alone, the draft model would follow the target.
        of_draft = chosen["draft"] or (usual if decoder.settings.draft else None)
        return candidates.with_threads(default, chosen["target"], of_draft)

    def _other_rules(self, of: Candidate) -> list[Candidate]:
        """Rules but the one that is in use already."""
        decoder = self.rig.decoder(of)
        present = decoder.rule(of.answer)
        found = candidates.rules(of) if decoder.settings.draft else []
        return [each for each in found if decoder.rule(each.answer) != present]

    def _found(self, chosen: Candidate, scores: Scores, tasks: Mapping[int, Task]) -> Found:
        default = self.job.default
        decoder = self.rig.decoder(chosen)
        self.watch.on_progress("measuring what passes cost", 0, 1)
        curve = costs.curve(decoder, self.watch.cancelled)
        decoder.keep()
        length = decoder.length
        steps = length is not None and decoder.settings.draft is not None
        return Found(
            name=chosen.name,
            changes=chosen.changes,
            speedup=rounded(
                scores.speedup(chosen.name, default.name) if chosen is not default else None
            ),
            default_speedup=rounded(self._over_plain(default, scores)),
            chosen_speedup=rounded(self._over_plain(chosen, scores)),
            plain_tokens_per_second=scores.tokens_per_second(PLAIN),
            tokens_per_second=scores.tokens_per_second(chosen.name),
            prompts=len(tasks),
            threads=tuple(self.threads),
            trials=tuple(self.trials),
            costs=tuple(curve),
            draft_step=length.costs.step(decoder.spec.stepped) if length and steps else None,
            calibration=_calibration(length.as_dict()["calibration"]) if length else {},
            warnings=tuple(self.warnings),
        )

    def _over_plain(self, candidate: Candidate, scores: Scores) -> Estimate | None:
        """Its speed-up over plain decoding, ``None`` where it is plain decoding itself."""
        drafts = self.rig.decoder(candidate).spec.drafts
        return scores.speedup(candidate.name, PLAIN) if drafts else None


def best_threads(times: Sequence[ThreadTime], usual: int) -> int | None:
    """The number of threads with the shortest passes, by the geometric mean over their rows.

    ``None`` where none is clearly shorter than with the usual number.
    """
    known = {(each.threads, each.rows): each.seconds for each in times}
    rows = sorted({each.rows for each in times})
    if any((usual, n) not in known for n in rows):
        return None
    shares = {
        threads: sum(log(known[threads, n] / known[usual, n]) for n in rows) / len(rows)
        for threads in sorted({each.threads for each in times})
    }
    best = min(shares, key=lambda threads: shares[threads])
    return best if shares[best] < log(_WORTH_TRYING) else None


def allowed_processors() -> int:
    """Processors this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def computes_here(gpu_layers: GpuLayers) -> bool:
    """Whether the processor does the work, so that its threads matter."""
    from specdec_cli.models.binding import offloads

    return gpu_layers == 0 or not offloads()


def _calibration(learnt: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, Confidence]:
    return {
        name: Confidence(
            tuple(round(seen, 1) for seen in known["seen"]),
            tuple(
                round(wins / seen, 3) if seen >= 0.5 else None
                for wins, seen in zip(known["wins"], known["seen"], strict=True)
            ),
        )
        for name, known in learnt.items()
    }
