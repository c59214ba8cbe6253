"""Why drafting pays or does not, from measured values alone. Pure: same values, same causes.

The cost of a cause is how much faster drafting would be without it: with a cheaper step, better
acceptance, or passes that do not grow. The most expensive comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from specdec_cli.core.draft_length.expected_speedup import expected_speedup
from specdec_cli.drafters import registry
from specdec_cli.models.environment import BUSY, busy_in_words

Verdict = Literal["faster", "same", "slower", "unknown"]

_FASTER, _SLOWER = 1.05, 0.97
_DEAR_STEP, _GOOD_STEP = 0.15, 0.05
_LOW_ACCEPTANCE, _GOOD_ACCEPTANCE = 0.6, 0.75
_STEEP, _FLAT = 0.2, 0.03
"""Cost of each token more in a pass as a share of the first: what is much, what is little."""

_LOOKED_AT = 4
_WORTH_NAMING = 1.1
_MUCH_OVERHEAD = 0.2
_HOT = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a probe found.

    Args:
        drafter: its name, with the settings that are examined.
        speedup: over plain decoding with these settings; ``None`` where nothing drafts.
        acceptance: of drafted tokens, the share kept in drafts of a fixed length, so that it is
            known where the controller drafts little.
        step: seconds of a draft step; ``None`` without a draft model.
        passes: seconds of a target pass by its number of tokens.
        overhead: share of the decoding time outside the two models.
        busy: threads of other programs that ran before the probe, by processors.
        threads: of the target; ``quicker_threads`` where another number was clearly faster.
        target_on_gpu, draft_on_gpu: shares of layers that are on a GPU.
        experts: the target is a mixture of experts.
    """

    drafter: str
    speedup: float | None = None
    acceptance: float | None = None
    step: float | None = None
    passes: Mapping[int, float] | None = None
    overhead: float | None = None
    temperature: float = 0.0
    busy: float = 0.0
    threads: int = 1
    quicker_threads: int | None = None
    target_on_gpu: float = 0.0
    draft_on_gpu: float = 0.0
    experts: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that keeps drafting from paying.

    Args:
        gain: how much faster it would be without, as a factor; ``None`` where nobody can tell.
    """

    name: str
    what: str
    fix: str
    gain: float | None = None


def verdict(measured: Measured) -> Verdict:
    """Whether drafting makes this pair faster here."""
    if measured.speedup is None:
        return "unknown"
    if measured.speedup >= _FASTER:
        return "faster"
    return "slower" if measured.speedup < _SLOWER else "same"


def diagnose(measured: Measured, pair: str) -> list[Cause]:
    """What keeps the pair from being faster, the most expensive cause first.

    What concerns the machine is told even where drafting pays; what concerns the pair only where
    it does not.

    Args:
        pair: how the command line names it, for the commands that help.
    """
    found = list(_of_machine(measured, pair))
    if verdict(measured) == "faster":
        return found
    if not registry.named(measured.drafter).drafts:
        return [*found, _nothing_drafts(pair)]
    of_pair = sorted(_of_pair(measured, pair), key=lambda cause: -(cause.gain or 0.0))
    if not found and not of_pair:
        return [_unexplained(pair)]
    return found + of_pair


def _of_machine(measured: Measured, pair: str) -> Iterator[Cause]:
    if measured.busy >= BUSY:
        yield Cause(
            "busy machine",
            f"{busy_in_words(measured.busy)}, and passes wait for them",
            f"close them, or use fewer threads: -t {measured.threads - 1}"
            if measured.threads > 1
            else "close them, or wait",
        )
    quicker = measured.quicker_threads
    # Where others compute, fewer threads are quicker for that reason alone.
    if quicker is not None and (quicker > measured.threads or measured.busy < BUSY):
        counted = "1 thread is" if quicker == 1 else f"{quicker} threads are"
        more = quicker > measured.threads
        yield Cause(
            "threads",
            f"{counted} clearly quicker than {measured.threads}"
            + ("" if more else ", which get in each other's way"),
            f"use -t {quicker}, or let it be found: specdec tune {pair}",
        )


def _of_pair(measured: Measured, pair: str) -> Iterator[Cause]:
    passes, share = measured.passes or {}, measured.acceptance
    if 1 not in passes:
        return
    plain, step = passes[1], measured.step or 0.0
    slope = _slope(passes)
    known = 0.5 if share is None else share
    now = expected_speedup(known, step, passes)[0]

    def gain(share: float = known, step: float = step, slope: float | None = None) -> float:
        grown = passes if slope is None else {n: plain * (1 + slope * (n - 1)) for n in passes}
        return expected_speedup(share, step, grown)[0] / now

    if measured.step is not None and step > _DEAR_STEP * plain:
        yield _dear_step(measured, pair, step / plain, gain(step=_GOOD_STEP * plain))
    if share is not None and share < _LOW_ACCEPTANCE:
        yield _low_acceptance(measured, pair, share, gain(share=_GOOD_ACCEPTANCE))
    if slope > _STEEP and gain(slope=_FLAT) > _WORTH_NAMING:
        yield _growing(measured, pair, passes, gain(slope=_FLAT))
    if measured.overhead is not None and measured.overhead > _MUCH_OVERHEAD:
        yield Cause(
            "small target",
            f"{measured.overhead:.0%} of the time passes outside the models: a pass of the target "
            f"takes {plain * 1e3:.2f} ms, too little to save much of",
            "a larger target gains more: specdec list",
            1 / (1 - measured.overhead),
        )


def _dear_step(measured: Measured, pair: str, ratio: float, gain: float) -> Cause:
    said = f"a draft step takes {ratio:.0%} of a target pass"
    if measured.draft_on_gpu < 1.0 and measured.target_on_gpu > measured.draft_on_gpu:
        return Cause(
            "draft in main memory",
            f"{said}: the draft model is in main memory while its target is on the GPU",
            f"put it there too: specdec run {pair} -ngld all; what fits: specdec plan {pair}",
            gain,
        )
    return Cause(
        "slow draft",
        f"{said}; a draft of a tenth or less pays best",
        "use a smaller or more quantized draft model: specdec check TARGET names known ones; "
        "--drafter ngram needs none",
        gain,
    )


def _low_acceptance(measured: Measured, pair: str, share: float, gain: float) -> Cause:
    said = f"{share:.0%} of the drafted tokens are accepted"
    if measured.step is None:
        return Cause(
            "few repetitions",
            f"{said}: these texts repeat little of what came before",
            "n-grams help with code and edits, see --expect; else use a draft model: -md FILE",
            gain,
        )
    if measured.temperature > _HOT:
        return Cause(
            "temperature",
            f"{said} at temperature {measured.temperature:g}",
            f"lower it: specdec run {pair} --temp 0.7",
            gain,
        )
    return Cause(
        "low acceptance",
        f"{said}: the draft model says other things than its target",
        "use a draft of the same family and version: specdec check TARGET names known ones; "
        "is the chat template right for both?",
        gain,
    )


def _growing(measured: Measured, pair: str, passes: Mapping[int, float], gain: float) -> Cause:
    rows = max(n for n in passes if n <= _LOOKED_AT)
    said = f"a pass over {rows} tokens takes {passes[rows] / passes[1]:.1f} times one over 1"
    if measured.experts:
        return Cause(
            "experts",
            f"{said}: each drafted token reads other experts",
            "a dense target gains more; drafts of one or two tokens cost least: --draft-max 2",
            gain,
        )
    if measured.target_on_gpu >= 1.0:
        return Cause(
            "compute-bound passes",
            f"{said}: this GPU computes no faster than it reads",
            f"a pass of one type of weights may grow less: specdec tune {pair} finds the length",
            gain,
        )
    return Cause(
        "compute-bound passes",
        f"{said}: the processor has no arithmetic to spare",
        "short drafts cost least: --draft-max 3; Q4_0 files have kernels for four tokens at once, "
        "and a GPU has more to spare",
        gain,
    )


def _slope(passes: Mapping[int, float]) -> float:
    """Cost of each token more in short passes, as a share of the first."""
    rows = max((n for n in passes if n <= _LOOKED_AT), default=1)
    return (passes[rows] / passes[1] - 1) / (rows - 1) if rows > 1 else 0.0


def _nothing_drafts(pair: str) -> Cause:
    return Cause(
        "no drafter",
        "nothing drafts with these settings",
        f"add a draft model with -md FILE, or try: specdec doctor {pair} --drafter ngram",
    )


def _unexplained(pair: str) -> Cause:
    return Cause(
        "unexplained",
        "steps are cheap, drafts are accepted, passes hardly grow: this should be faster",
        f"measure for longer: specdec bench {pair}; search settings: specdec tune {pair}",
    )
