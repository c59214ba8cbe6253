"""Rounds of speculative decoding on simulated text and simulated machines.

A text is, for every position, whether a draft of it would be accepted and how sure the drafter is.
Both are drawn once, so all ways of choosing lengths are compared on the same text, and time is
added up from a cost curve: everything is deterministic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.draft_length.adaptive import AdaptiveLength
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.events import Round
from specdec_cli.models.rewind import joins

LONGEST = 16
BEYOND = LONGEST + 1


@dataclass(frozen=True)
class Text:
    accepted: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    chance: NDArray[np.float64]
    length: int


@dataclass(frozen=True)
class Machine:
    """``curve[n]`` is the time of a pass over ``n`` rows, in plain passes; index 0 is not used."""

    name: str
    step: float
    curve: tuple[float, ...]

    def price(self, k: int) -> float:
        return k * self.step + self.curve[k + 1]


def _curve(points: dict[int, float]) -> tuple[float, ...]:
    rows = np.arange(BEYOND + 1)
    curve = np.interp(rows, list(points), list(points.values()))
    return tuple(float(x) for x in curve)


def _tile(points: dict[int, float]) -> tuple[float, ...]:
    """Between measured sizes a kernel on tiles of four costs what the table says, or a line."""
    return _curve({1: 1.0, **points})


_FLAT = _curve({1: 1.0, 8: 1.14, 9: 1.6, 17: 1.9})
MACHINES = {
    machine.name: machine
    for machine in (
        Machine("GPU c.05", 0.05, _FLAT),
        Machine("GPU c.1", 0.1, _FLAT),
        Machine("GPU c.2", 0.2, _FLAT),
        Machine(
            "34B-Q8",
            0.1,
            (
                0.0,
                1.0,
                1.07,
                1.12,
                1.28,
                1.28,
                1.54,
                1.61,
                1.72,
                3.88,
                *(3.9 + 0.02 * i for i in range(8)),
            ),
        ),
        Machine("Orin", 0.15, _curve({1: 1.0, 2: 1.36, 4: 1.86, 8: 3.09, 17: 5.9})),
        Machine("CPU .3", 0.1, _curve({1: 1.0, 17: 5.8})),
        Machine("CPU .6", 0.1, _curve({1: 1.0, 17: 10.6})),
        Machine(
            "1.1B Q4, 2",
            0.1,
            _tile({2: 1.45, 3: 1.84, 4: 1.31, 5: 1.94, 6: 2.29, 8: 2.31, 12: 3.33, 17: 4.0}),
        ),
        Machine(
            "1.1B Q4, 1",
            0.1,
            _tile({2: 1.83, 3: 2.44, 4: 1.56, 5: 2.58, 6: 3.24, 8: 2.99, 12: 4.46, 17: 5.2}),
        ),
        Machine(
            "110M Q8",
            0.2,
            _tile({2: 1.11, 3: 1.26, 4: 1.57, 5: 1.85, 6: 2.45, 8: 2.56, 12: 3.04, 17: 4.1}),
        ),
        Machine(
            "30M Q4",
            0.2,
            _tile({2: 1.01, 3: 1.44, 4: 1.16, 5: 1.54, 6: 1.9, 8: 2.08, 12: 2.79, 17: 3.5}),
        ),
    )
}

_CENTRES = {"code": 3.4, "chat": 1.6, "prose": 0.1, "bad": -2.2}
REGIMES = (*_CENTRES, "mixed", "shift")


def text(regime: str, length: int, seed: int, *, gain: float = 0.8, noise: float = 0.8) -> Text:
    """A text of one regime; ``mixed`` changes every 60 tokens or so, ``shift`` every 500."""
    random = np.random.default_rng([seed, *regime.encode()])
    n = length + 2 * BEYOND
    if regime in _CENTRES:
        centre = np.full(n, _CENTRES[regime])
    else:
        names = list(_CENTRES)
        stretch = 60 if regime == "mixed" else 500
        kinds = random.permutation(np.arange(n // stretch + 1) % len(names))
        if regime == "mixed":
            ends = np.cumsum(random.geometric(1 / stretch, n // 4))
            kinds = random.integers(0, len(names), len(ends))
            which = kinds[np.searchsorted(ends, np.arange(n), side="right")]
        else:
            which = kinds[np.arange(n) // stretch]
        centre = np.array([_CENTRES[name] for name in names])[which]
    drift = np.zeros(n)
    for i in range(1, n):
        drift[i] = 0.9 * drift[i - 1] + 0.35 * random.standard_normal()
    logit = centre + drift + 1.5 * random.standard_normal(n)
    chance = 1 / (1 + np.exp(-logit))
    sure = 1 / (1 + np.exp(-(gain * logit + 0.6 + noise * random.standard_normal(n))))
    return Text(random.random(n) < chance, sure, chance, length)


def bursts(length: int, seed: int) -> Text:
    """40 tokens in 300 that are easy to draft, and the rest hard."""
    random = np.random.default_rng([seed, 300])
    n = length + 2 * BEYOND
    centre = np.where(np.arange(n) % 300 < 40, 5.0, -3.0)
    logit = centre + 1.2 * random.standard_normal(n)
    chance = 1 / (1 + np.exp(-logit))
    blurred = 0.8 * logit + 0.5 + 0.8 * random.standard_normal(n)
    return Text(random.random(n) < chance, 1 / (1 + np.exp(-blurred)), chance, length)


def adversarial(length: int, seed: int, turns: int = 1000) -> Text:
    """Good and sure of it; always wrong after ``turns`` tokens, and as sure as before."""
    good = text("code", length, seed)
    accepted = good.accepted.copy()
    accepted[turns:] = False
    chance = np.where(np.arange(len(accepted)) < turns, good.chance, 0.0)
    return Text(accepted, good.confidence, chance, length)


def fixed(the_text: Text, machine: Machine, k: int) -> float:
    """Time with ``k`` tokens drafted in every round."""
    return rounds_of(the_text, k) * machine.price(k)


def rounds_of(the_text: Text, k: int) -> int:
    n = len(the_text.accepted)
    run = np.zeros(n + 1, np.int64)
    for i in range(n - 1, -1, -1):
        run[i] = run[i + 1] + 1 if the_text.accepted[i] else 0
    hop = (np.minimum(run, k) + 1).tolist()
    position = rounds = 0
    while position < the_text.length:
        position += hop[position]
        rounds += 1
    return rounds


@dataclass
class Trace:
    """What happened: the text's length and the time after every round."""

    tokens: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    drafted: list[int] = field(default_factory=list)
    parked: list[bool] = field(default_factory=list)

    @property
    def speed(self) -> float:
        return self.tokens[-1] / self.seconds[-1]

    def speed_from(self, token: int, to: int | None = None) -> float:
        first = int(np.searchsorted(self.tokens, token))
        last = len(self.tokens) - 1 if to is None else int(np.searchsorted(self.tokens, to))
        tokens = self.tokens[last] - self.tokens[first]
        return tokens / (self.seconds[last] - self.seconds[first])


def calibrated(machine: Machine, *, pads: bool = True, slower: float = 1.0) -> CostModel:
    """Costs as a start measures them: some sizes, each a few times.

    Args:
        slower: how many times as slow the machine is during the start.
    """
    costs = CostModel(BEYOND, pads=pads)
    for rows in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16):
        for _ in range(5):
            costs.observe(rows, slower * machine.curve[rows])
    for _ in range(3):
        costs.observe_draft("model", 1, slower * machine.step)
    return costs


@dataclass
class State:
    """What it takes to take drafts back by copies of a recurrent state.

    Args:
        copy: seconds of one; ``None`` for a model that has no such state.
    """

    machine: Machine
    copy: float | None
    again: int = 0  # tokens since the last copy that the next pass computes again

    def seconds(self, rows: int, drafted: int, kept: int) -> float:
        """What comes to a pass; the draft's last tokens may be rejected."""
        if self.copy is None:
            return 0.0
        curve, again = self.machine.curve, self.again
        found = self._pass(rows + again) - curve[rows]
        if drafted and not joins(again, rows, curve.__getitem__, BEYOND):
            found = self._pass(again)
            self.again = 0
        self.again = self.again + 1 + kept if kept < drafted else 0
        return found + self.copy * (drafted > 0)

    def _pass(self, rows: int) -> float:
        return self.machine.curve[min(rows, BEYOND)] * max(rows / BEYOND, 1.0)


def run(
    the_text: Text,
    machine: Machine,
    controller: AdaptiveLength,
    *,
    jitter: Callable[[float], float] = lambda seconds: seconds,
    slower: Callable[[int], float] = lambda _: 1.0,
    asks: bool = True,
    expected: bool = False,
    true_time: bool = True,
    stall: Callable[[int], float] = lambda _: 1.0,
    switch: float = 0.0,
    copy: float | None = None,
) -> Trace:
    """Decode a text.

    Args:
        jitter: what a clock shows for a time; what is added up is the time itself.
        slower: the whole machine's slowness at a position.
        stall: how many times as long as usual a pass over so many rows takes; asked every pass.
        switch: seconds that a plain pass takes more right after one with a draft.
        copy: seconds that a copy of a recurrent state takes, which a draft needs to be taken back;
            tokens since the copy are computed again.
        asks: whether the drafter has confidences to ask about.
        expected: give acceptance probabilities, as at a temperature above zero.
    """
    trace = Trace()
    position, seconds, before = 0, 0.0, 1
    state = State(machine, copy)
    sure, accepted = the_text.confidence.tolist(), the_text.accepted.tolist()
    while position < the_text.length:
        limit = min(controller.next(10_000), controller.limit_for("model"))
        drafted = steps = 0
        confidence: Sequence[float] = ()
        if limit and asks:
            draft = controller.begin("model")
            confidence = draft.confidences
            while True:
                steps += 1
                if not draft.accepts_token(sure[position + drafted]):
                    break
                drafted += 1
                if drafted == limit or not draft.should_continue():
                    break
        elif limit:
            drafted = steps = limit
        kept = 0
        while kept < drafted and accepted[position + kept]:
            kept += 1
        factor = slower(position)
        rows = controller.rows(drafted + 1)
        draft_time = factor * steps * machine.step
        verify_time = factor * machine.curve[rows] * stall(rows)
        verify_time += switch * (rows == 1 < before)
        verify_time += factor * state.seconds(rows, drafted, kept)
        before = rows
        draft_shown = jitter(draft_time) if steps else 0.0
        verify_shown = jitter(verify_time)
        seconds += draft_time + verify_time if true_time else draft_shown + verify_shown
        acceptance: Sequence[float] = ()
        if expected:
            acceptance = the_text.chance[position : position + drafted].tolist()
        trace.parked.append(controller.parked is not None)
        controller.observe(
            Round((0,) * (kept + 1), drafted, kept, "model", draft_shown, verify_shown),
            confidence,
            acceptance,
            rows,
        )
        position += kept + 1
        trace.tokens.append(position)
        trace.seconds.append(seconds)
        trace.drafted.append(drafted)
    return trace


def stalls(seed: int, often: float, times: float, *, plain: bool) -> Callable[[int], float]:
    """Stalls of passes over several rows, and of plain ones where ``plain``."""
    random = np.random.default_rng(seed)
    return lambda rows: times if (rows > 1 or plain) and random.random() < often else 1.0


def clock(seed: int, spread: float = 0.08, stalls: float = 0.02) -> Callable[[float], float]:
    """A clock on a busy machine: spread, and now and then a stall of three times the time."""
    random = np.random.default_rng(seed)

    def shown(seconds: float) -> float:
        stall = 3.0 if random.random() < stalls else 1.0
        return float(seconds * stall * np.exp(spread * random.standard_normal()))

    return shown


def table(length: int = 2000, seeds: Sequence[int] = (1, 2, 3)) -> list[dict[str, float | str]]:
    """Speed against plain decoding: ours, the best fixed length in hindsight, and three."""
    rows: list[dict[str, float | str]] = []
    for regime in REGIMES:
        texts = [text(regime, length, seed) for seed in seeds]
        counts = {k: [rounds_of(each, k) for each in texts] for k in range(LONGEST + 1)}
        for machine in MACHINES.values():
            taken = 0.0
            for each in texts:
                policy = AdaptiveLength(0, LONGEST, calibrated(machine), sources=("model",))
                taken += run(each, machine, policy).seconds[-1]
            ours = length * len(seeds) / taken
            speeds = {k: length * len(seeds) / (sum(counts[k]) * machine.price(k)) for k in counts}
            best = max(speeds, key=speeds.__getitem__)
            rows.append(
                {
                    "regime": regime,
                    "machine": machine.name,
                    "ours": ours,
                    "best": speeds[best],
                    "best k": best,
                    "k=3": speeds[3],
                }
            )
    return rows


if __name__ == "__main__":
    for cell in table():
        ours, best = float(cell["ours"]), float(cell["best"])
        print(
            f"{cell['regime']:6} {cell['machine']:11} ours {ours:5.2f}  best fixed {best:5.2f} "
            f"(k={cell['best k']})  k=3 {cell['k=3']:5.2f}  ratio {ours / best:5.3f}"
        )
