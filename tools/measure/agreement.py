"""Speed at real cost and any acceptance: pairs of real shapes that agree as often as asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from specdec_cli.bench.bandwidth import measured
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.gguf.traits import bytes_per_pass
from specdec_cli.memory import gpus
from specdec_cli.models.devices import devices
from specdec_cli.models.environment import default_threads
from tools.measure.answers import Timed, answer
from tools.measure.shapes import PAIRS, scale_rest, write_pair

RESTS = (0.0, 0.1, 0.2, 0.4)
"""How much the layers that the draft lacks add, in turn; less is needed where they are many."""

_PROMPTS, _PROMPT_TOKENS = 4, 24
_STRIDE = 7919  # a prime, so that prompts have nothing in common
_HEAD = " rest  accept  length   step  plain ms  of peak  speedup"


def report(
    settings: PairSettings,
    name: str,
    answering: AnswerSettings,
    max_tokens: int,
    rests: Sequence[float] = RESTS,
    bandwidth: float | None = None,
) -> None:
    """Print a line for each level of agreement, and what passes cost.

    Random models soon repeat themselves, so that n-grams would win: the draft model drafts alone.

    Args:
        bandwidth: bytes per second of reading the memory the target is in; without it that of its
            GPU, as the maker states, or what reading main memory measures.
    """
    last = max(rests)
    with TemporaryDirectory() as folder:
        target, draft = (Path(folder) / f"{role}.gguf" for role in ("target", "draft"))
        write_pair(target, draft, name, last)
        settings = replace(
            settings,
            target=replace(settings.target, path=target),
            draft=replace(settings.draft or ModelChoice(draft), path=draft),
            drafter="model",
            remember=False,
        )
        print(_HEAD, flush=True)
        for rest in sorted(rests, reverse=True):
            if rest < last:
                scale_rest(target, PAIRS[name][1], rest / last)
                last = rest
            with Decoder.load(settings) as decoder:
                bandwidth = (
                    bandwidth or gpus.of_target(decoder.models.plan) or measured(default_threads())
                )
                least = bytes_per_pass(decoder.models.target_header) / bandwidth
                plain, drafted = _compared(decoder, answering, max_tokens)
                print(_row(rest, plain, drafted, decoder, least), flush=True)
                ends = (
                    f"passes over n rows, in one-row passes: {_curve(decoder)}",
                    f"reading the target: {1e3 * least:.2f} ms at {bandwidth / 1e9:.0f} GB/s",
                    *_memory(decoder),
                )
        print("\n".join(ends))


def _compared(
    decoder: Decoder, answering: AnswerSettings, max_tokens: int
) -> tuple[list[Timed], list[Timed]]:
    """Plain and drafted answers to the same prompts, in turn, there and back."""
    runs: dict[bool, list[Timed]] = {True: [], False: []}
    for number in range(_PROMPTS):
        prompt = [(number * _STRIDE + i * i) % 30_000 + 10 for i in range(_PROMPT_TOKENS)]
        for plain in (True, False, False, True):
            timed = answer(decoder, prompt, answering, plain=plain, max_tokens=max_tokens)
            runs[plain].append(timed)
    return runs[True], runs[False]


def _row(
    rest: float, plain: Sequence[Timed], drafted: Sequence[Timed], decoder: Decoder, least: float
) -> str:
    stats = sum((run.stats for run in drafted), RunStats())
    slow, fast = (
        sum(run.stats.decode_seconds for run in runs)
        / sum(run.stats.completion_tokens for run in runs)
        for runs in (plain, drafted)
    )
    step = decoder.length.costs.step("model") / slow if decoder.length else 0.0
    rate = stats.acceptance_rate if stats.drafted else 0.0
    return (
        f"{rest:>5.2f} {rate:>7.3f} {stats.mean_accepted_length:>7.2f} {step:>6.3f} "
        f"{1e3 * slow:>9.2f} {least / slow:>8.0%} {slow / fast:>8.2f}"
    )


def _memory(decoder: Decoder) -> Iterator[str]:
    """What was planned for each GPU, and what is now in use there."""
    used = {device.name: device.total - device.free for device in devices()}
    placement = decoder.models.plan.choice.placement
    for i, gpu in enumerate(decoder.models.plan.machine.gpus, 1):
        more = used[gpu.name] - gpu.total + gpu.free
        yield f"{gpu.name}: {placement.needed(i) / 1e6:,.0f} MB planned, {more / 1e6:,.0f} MB used"


def _curve(decoder: Decoder) -> str:
    if decoder.length is None:
        return "not measured"
    costs = decoder.length.costs
    sizes = range(1, costs.largest + 1)
    return " ".join(f"{rows}:{costs.seconds(rows) / costs.plain:.2f}" for rows in sizes)
