"""A short look at a pair: the same prompts plainly and with drafts, and what passes cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from specdec_cli.bench import arms, costs
from specdec_cli.bench.runner import Prompts
from specdec_cli.bench.samples import Sample
from specdec_cli.bench.workload import Task
from specdec_cli.core.limits import SPARE_ROWS
from specdec_cli.core.stats import RunStats
from specdec_cli.drafters.registry import Need
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loaded_models import LoadedModels
from specdec_cli.engine.same_bits import SameBits
from specdec_cli.engine.settings import ModelChoice, chosen_drafter
from specdec_cli.errors import Cancelled
from specdec_cli.gguf import traits
from specdec_cli.gguf.header import Header
from specdec_cli.memory.values import layer_count
from specdec_cli.models.environment import default_threads
from specdec_cli.tune import candidates, contest, search
from specdec_cli.tune.candidates import Candidate
from specdec_cli.tune.contest import PLAIN
from specdec_cli.tune.diagnosis import Measured
from specdec_cli.tune.rig import TuningRig
from specdec_cli.tune.search import Watch

_LENGTH = 4
_FORCED = f"always {_LENGTH} tokens"
_STEPS = 5
_DECODING = "decoding answers with and without drafts"


@dataclass(frozen=True, slots=True)
class Job:
    """What is looked at.

    Args:
        busy: threads of other programs that ran before anything was loaded, by processors.
    """

    default: Candidate
    tasks: Sequence[Task]
    prompts: Prompts
    max_tokens: int
    seed: int = 1
    busy: float = 0.0


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found, with figures for people.

    Args:
        prompts: that were answered.
    """

    measured: Measured
    tokens_per_second: float | None
    plain_tokens_per_second: float | None
    prompts: int
    warnings: tuple[str, ...]
    same_bits: SameBits


def probe(job: Job, watch: Watch) -> Probed:
    """Measure.

    Raises:
        Cancelled: a stop was asked for.
        SpecdecError: the pair cannot be loaded or fails, or no prompt fits into its context.
    """
    forced = _forced(job.default)
    # An adaptive drafter says nothing of acceptance where it does not draft.
    with LoadedModels(candidates.widest(job.default, forced), watch.loads) as models:
        watch.on_loaded()
        rig = TuningRig(models, job.prompts, job.max_tokens, watch.cancelled)
        tasks = dict(enumerate(rig.fitting(job.tasks)))
        found = _measure(job, [job.default, *forced], rig, tasks, watch)
    if watch.cancelled():
        raise Cancelled
    return found


def _forced(default: Candidate) -> list[Candidate]:
    room = default.pair.context.n_batch - SPARE_ROWS
    if Need.DRAFT_MODEL not in chosen_drafter(default.pair).needs or room < _LENGTH:
        return []
    return [default.but(_FORCED, {}, arms.fixed(default.pair, _LENGTH))]


def _measure(
    job: Job, tried: Sequence[Candidate], rig: TuningRig, tasks: dict[int, Task], watch: Watch
) -> Probed:
    samples: dict[str, list[Sample]] = {}
    total = 2 * len(tasks) * (len(tried) + 1)

    def measure(candidate: Candidate, task: Task, seed: int, plain: bool) -> Sample:
        watch.on_progress(_DECODING, sum(map(len, samples.values())), total)
        sample = rig.measure(candidate, task, seed, plain)
        samples.setdefault(PLAIN if plain else candidate.name, []).append(sample)
        return sample

    scores = contest.meet(tried, tasks, (job.seed,), measure, plain=True)
    default = job.default.name
    decoder = rig.decoder(job.default)
    speedup = scores.speedup(default, PLAIN) if decoder.spec.drafts else None
    watch.on_progress("measuring what passes cost", 0, 1)
    measured = Measured(
        drafter=decoder.spec.name,
        speedup=speedup.value if speedup else None,
        acceptance=_acceptance(samples.get(tried[-1].name, [])),
        overhead=_overhead(samples.get(default, [])),
        temperature=job.default.answer.sampling.temperature,
        busy=job.busy,
        experts=traits.experts(rig.models.target_header) is not None,
    )
    measured = _with_costs(measured, rig, decoder, watch)
    return Probed(
        measured=_with_places(measured, rig.models),
        tokens_per_second=scores.tokens_per_second(default),
        plain_tokens_per_second=scores.tokens_per_second(PLAIN),
        prompts=len(tasks),
        warnings=tuple(rig.models.warnings),
        same_bits=rig.models.same_bits,
    )


def _acceptance(samples: Sequence[Sample]) -> float | None:
    drafted = sum(sample.drafted for sample in samples)
    return sum(sample.accepted for sample in samples) / drafted if drafted else None


def _overhead(samples: Sequence[Sample]) -> float | None:
    """The share of time that was neither drafting nor a target pass."""
    stats = sum((sample.stats for sample in samples), RunStats())
    return stats.overhead_seconds / stats.decode_seconds if stats.decode_seconds else None


def _with_costs(measured: Measured, rig: TuningRig, decoder: Decoder, watch: Watch) -> Measured:
    """Add what passes and steps cost, and whether other numbers of threads would be quicker."""
    curve = costs.curve(decoder, watch.cancelled)
    usual = default_threads()
    threads = decoder.settings.target.threads or usual
    step = None
    if draft := decoder.settings.draft:
        own = draft.threads or threads
        times = [rig.models.pass_seconds("draft", 1, own) for _ in range(_STEPS + 1)]
        step = median(times[1:])
    quicker = None
    if search.computes_here(decoder.settings.target.load.gpu_layers):
        counts = candidates.thread_counts(threads, search.allowed_processors())
        found = rig.thread_times("target", counts, (1,))
        quicker = search.best_threads(found, threads)
    return replace(
        measured,
        step=step,
        passes={point.rows: point.seconds for point in curve},
        threads=threads,
        quicker_threads=quicker,
    )


def _with_places(measured: Measured, models: LoadedModels) -> Measured:
    """Add where the layers are."""
    loaded, header = models.settings, models.draft_header
    target = _on_gpu(loaded.target, models.target_header)
    draft = _on_gpu(loaded.draft, header) if loaded.draft and header else 0.0
    return replace(measured, target_on_gpu=target, draft_on_gpu=draft)


def _on_gpu(choice: ModelChoice, header: Header) -> float:
    """The share of a model's layers that are on a GPU."""
    layers = choice.load.gpu_layers
    if search.computes_here(layers) or choice.load.devices == ():
        return 0.0
    count = layer_count(header) + 1
    return 1.0 if layers == "auto" or layers < 0 else min(layers / count, 1.0)
