"""The measured costs of target passes and draft steps."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping
from statistics import median

_SLOWEST_GAIN = 1 / 32
_CLIP = 0.3
_STRAYS = 4
_TRUSTED = 4
_SETTLED = 5
_CACHED_COUNT = 4
_DRIFT = 0.15
_DRIFT_GAIN = 1 / 16
_LOOPS = 8
"""One round in so many is measured, once the time of the loop around a pass is known."""
_PLAIN_AGE, _PLAIN_AGE_WHERE_BUSY = 512, 64
_PLAIN_AFTER_CHANGE = _STRAYS + 1  # the first counts at once, and the others can overrule it
_PLAIN_AT_FIRST = 2
"""Plain rounds that an answer after a pause makes before it drafts."""
_PAUSE = 1.0
"""Seconds between two answers after which the processor's clock and caches may have changed."""
_WORTH_PADDING = 0.97
_PADDED = 12
"""One such pass in so many is not padded, or its own size would never be measured again."""
_MOVED = 0.15
"""Change of a size's cost, as a logarithm, after which plain passes are measured again: the whole
machine may have changed, and an old plain cost would make drafts look cheap or expensive."""
_PLAIN_AFTER_MOVE = 5
_MOVES_APART = 24
"""Passes between two such changes at least: each of a few measurements may move a size as far."""
_REFRESH = 32
_PRIOR_SLOPE = 0.1
_PRIOR_STEP = 0.1
_MIN_PASS, _MAX_PASS = 0.3, 2.0  # plausible pass, in plain passes (per row)
_MIN_STEP, _MAX_STEP = 1e-6, 1e4  # plausible costs, in plain passes
_AGREES = 0.3


class _Estimate:
    """A mean of recent measurements that outliers do not move, but a lasting change does.

    A measurement further than e^0.3 from the estimate counts as if it were that far. Four in a row
    on the same side are no outliers: the estimate restarts from their median.
    """

    __slots__ = ("_strays", "count", "value")

    def __init__(self, value: float = 0.0, count: int = 0) -> None:
        self.value = value
        self.count = count
        self._strays: list[float] = []

    def observe(self, seconds: float) -> None:
        if not self.count:
            self.value, self.count = seconds, 1
            return
        step = math.log(seconds / self.value)
        if abs(step) <= _CLIP:
            self._strays.clear()
        else:
            if self._strays and (self._strays[-1] > self.value) != (step > 0):
                self._strays.clear()
            self._strays.append(seconds)
            if len(self._strays) == _STRAYS:
                self.value, self.count = median(self._strays), _STRAYS
                self._strays.clear()
                return
            step = math.copysign(_CLIP, step)
        self.count += 1
        self.value *= math.exp(step * max(1 / self.count, _SLOWEST_GAIN))

    def lower(self, seconds: float) -> None:
        """It is no more than that, whatever was measured."""
        self.value = seconds
        self._strays.clear()


class CostModel:
    """Seconds of a target pass by its number of rows, and of a draft step by its source.

    The curve is kept as measured. It is not monotone: repacked CPU kernels work on tiles of four
    rows, so a pass over four may cost less than one over two.

    If the sizes in use show that the whole machine got slower or faster, the whole curve is scaled
    and the plain pass is to be measured again (``stale``).

    Args:
        largest: the most rows a pass can have.
        pads: whether a pass may be given rows that are thrown away, to reach a cheaper size.
        first: how many passes of each size are not measured. On a GPU the first ones load kernels
            and record graphs, which can take several times as long.

    Attributes:
        passes, interrupted: how many passes were observed, and how many of them were interrupted.
        plain_age: passes since plain decoding was last measured.
    """

    def __init__(self, largest: int, *, pads: bool = False, first: int = 0) -> None:
        self.largest = largest
        self.pads = pads
        self.first = first
        self._left_out: dict[int, int] = {}
        self._passes: dict[int, _Estimate] = {}
        self._steps: dict[str, _Estimate] = {}
        # Estimates that are scaled with the plain pass until they are measured again, with their
        # counts.
        self._related: list[tuple[_Estimate, int]] = []
        self._previous = 0
        # What each size cost when it was first used after the machine last changed.
        self._anchors: dict[int, float] = {}
        self._drift = 0.0
        self._changes: deque[float] = deque(maxlen=_STRAYS + 1)
        self.plain_age = 0
        self._plain_due = _PLAIN_AGE
        self.passes = self.interrupted = 0
        self._loop = _Estimate()
        self._loop_is_plain = False
        self._loops = 0
        self._plain_wanted = 1
        self._since_moved = 0
        self._ended = -math.inf  # when the last answer ended
        self._padded = 0
        self._curve: list[float] | None = None
        self._pending = 0  # measurements since the curve was computed

    def observe(
        self, rows: int, seconds: float, *, interrupted: bool = False, looked: bool = False
    ) -> bool:
        """Learn from a target pass; returns whether it was one to learn from.

        The first one-row pass after one of another size is not counted: it rebuilds llama.cpp's
        compute graph, which plain decoding does only once.

        Args:
            interrupted: other programs took the processors, so its time is no measurement.
            looked: the pass got its rows as a probe. If it is much quicker than believed, that
                counts at once: nothing makes a pass quicker than it is.
        """
        steady = rows != 1 or self._previous == 1
        self._previous = rows
        self.plain_age += 1
        self._plain_due -= 1
        if not self._plain_due:
            self._plain_wanted = 1
        if not steady or seconds <= 0.0 or self._is_first(rows):
            return False
        self.passes += 1
        if rows == 1:
            self.plain_age = 0
            self._plain_wanted = max(self._plain_wanted - 1, 0)
            self._plain_due = _PLAIN_AGE_WHERE_BUSY if interrupted else _PLAIN_AGE
        if interrupted:
            self.interrupted += 1
            self._bound(rows, seconds)
            return False
        estimate = self._passes.get(rows)
        known = estimate is not None
        if estimate is None:
            estimate = self._passes[rows] = self._new_estimate(related=rows > 1)
        if estimate.count >= _SETTLED:
            anchor = self._anchors.setdefault(rows, estimate.value)
            step = min(max(math.log(seconds / anchor), -2 * _CLIP), 2 * _CLIP)
            self._drift += _DRIFT_GAIN * (step - self._drift)
            self._changes.append(step)
        before = estimate.value
        if looked and seconds < before * math.exp(-_CLIP):
            estimate = self._passes[rows] = _Estimate(seconds, _TRUSTED)
        elif rows == 1 and estimate.count == 1 and seconds < before:
            # The longer of the first two may be a stall.
            estimate.value, estimate.count = seconds, 2
        else:
            estimate.observe(seconds)
        self._since_moved += 1
        if rows == 1 and before:
            self._scale_related(estimate.value / before)
        elif seconds < self.plain:
            # A plain pass takes no longer than one over more rows: it had stalled when measured.
            self.limit_plain(seconds)
            self._plain_wanted = max(self._plain_wanted, _PLAIN_AT_FIRST)
        elif before and abs(math.log(estimate.value / before)) > _MOVED:
            self._remeasure_plain()
        self._pending += 1
        if self._curve is not None and known and self._pending < _REFRESH and rows <= self.largest:
            self._curve[rows] = estimate.value  # sizes that were never seen can wait
        else:
            self._curve = None
        if abs(self._drift) > _DRIFT:
            self._rebase()
        return True

    def begin(self, at: float) -> None:
        """An answer begins, at this time in seconds.

        Passes at start-up, back to back on an empty cache, are quicker than those of an answer,
        where text, events and the draft model are at work in between; and after a pause everything
        is slower for some time. Costs relative to each other stay, and the first plain rounds of
        the answer give the scale.
        """
        self._previous = 0  # its first pass follows the prompt
        if at - self._ended > _PAUSE:
            self._relate_to_plain()
            self._plain_wanted = max(self._plain_wanted, _PLAIN_AT_FIRST)

    def end(self, at: float) -> None:
        """An answer has ended, at this time in seconds."""
        self._ended = at

    def _remeasure_plain(self) -> None:
        if self._since_moved >= _MOVES_APART:
            self._plain_wanted = max(self._plain_wanted, _PLAIN_AFTER_MOVE)
            self._since_moved = 0

    def _bound(self, rows: int, seconds: float) -> None:
        """Interruptions only add time, so a quicker pass shows that the estimate was too high.

        A much quicker one is believed at once: weights may have come from the disk before.
        """
        estimate = self._passes.get(rows)
        if estimate is not None and seconds < estimate.value:
            before = estimate.value
            if seconds < before * math.exp(-_CLIP):
                estimate.lower(seconds)
            else:
                estimate.observe(seconds)
            if rows == 1:
                self._scale_related(estimate.value / before)
            self._curve = None

    def _scale_related(self, factor: float) -> None:
        """Scale the estimates that follow the plain pass."""
        if not self._related:
            return
        self._related = [(each, count) for each, count in self._related if each.count <= count]
        for estimate, _ in self._related:
            estimate.value *= factor
        self._curve = None

    def _new_estimate(self, *, related: bool = True) -> _Estimate:
        estimate = _Estimate()
        if related:
            self._related.append((estimate, 1))
        return estimate

    def _is_first(self, rows: int) -> bool:
        """Whether a pass is one of those that are left out."""
        seen = self._left_out.get(rows, 0)
        if seen < self.first:
            self._left_out[rows] = seen + 1
        return seen < self.first

    def observe_draft(
        self, source: str, steps: int, seconds: float, *, interrupted: bool = False
    ) -> None:
        """Learn from ``steps`` draft steps that took ``seconds`` together."""
        if steps > 0 and seconds > 0.0:
            known = self._steps.get(source)
            if interrupted and (known is None or seconds / steps >= known.value):
                return
            if known is None:
                known = self._steps[source] = self._new_estimate()
            known.observe(seconds / steps)

    def observe_loop(self, seconds: float, *, plain: bool) -> None:
        """Learn from the time between two passes: text, events and their readers.

        Args:
            plain: both passes were plain; others count only until there are such.
        """
        if seconds <= 0.0 or (self._loop_is_plain and not plain):
            return
        if plain and not self._loop_is_plain:
            self._loop, self._loop_is_plain = _Estimate(), True
        if self._loop.count < _SETTLED or self._loops % _LOOPS == 0:
            self._loop.observe(seconds)
        self._loops += 1

    @property
    def token(self) -> float:
        """Seconds of a token of plain decoding, with the loop's own time; 0.0 if not known."""
        return self.plain + self._loop.value if self.plain else 0.0

    @property
    def stale(self) -> bool:
        """Whether plain decoding should be measured again, by one-row passes in a row."""
        return self._plain_wanted > 0

    @property
    def plain(self) -> float:
        """Seconds of a one-row pass; 0.0 before it is known."""
        estimate = self._passes.get(1)
        return estimate.value if estimate else 0.0

    def step(self, source: str) -> float:
        """Seconds of one draft step; a guess before it is known."""
        estimate = self._steps.get(source)
        return estimate.value if estimate else _PRIOR_STEP * self.plain

    def seconds(self, rows: int) -> float:
        """Seconds of a pass over exactly ``rows``, interpolated if that size was never seen.

        Beyond the largest size seen the curve continues with its mean slope, so that a new size
        looks good until it was tried.
        """
        return self._seconds()[min(max(rows, 1), self.largest)]

    def rows(self, needed: int) -> int:
        """Return how many rows to give a pass that needs ``needed``: more where that is cheaper.

        Now and then it is not padded, to see whether padding still pays.
        """
        best = self._cheapest(needed)
        if best == needed:
            return needed
        self._padded += 1
        return best if self._padded % _PADDED else needed

    def _cheapest(self, needed: int) -> int:
        if not self.pads or needed == 1 or needed >= self.largest:
            return needed
        own = self._passes.get(needed)
        if own is None or own.count < _TRUSTED:
            return needed
        curve = self._seconds()
        best = min(range(needed, self.largest + 1), key=curve.__getitem__)
        known = best in self._passes and curve[best] < _WORTH_PADDING * curve[needed]
        return best if known else needed

    def effective(self, needed: int) -> float:
        """Seconds of the pass that ``rows`` asks for."""
        return self.seconds(self._cheapest(needed))

    def as_dict(self) -> dict[str, dict[str, float]]:
        """Return what was measured, in plain passes, for a cache.

        Seconds vary with the state of the machine; costs relative to a plain pass hardly do.
        """
        if not self.plain:
            return {"passes": {}, "steps": {}}
        passes, steps = sorted(self._passes.items()), sorted(self._steps.items())
        return {
            "passes": {str(rows): each.value / self.plain for rows, each in passes if rows > 1},
            "steps": {source: each.value / self.plain for source, each in steps},
        }

    def restore(self, cached: Mapping[str, Mapping[str, float]]) -> None:
        """Take over what ``as_dict`` gave; new measurements soon outweigh it.

        Raises:
            ValueError: it is no such dict, or no plain pass was measured yet; nothing is taken
                over.
        """
        try:
            passes = {int(rows): _ratio(value) for rows, value in cached["passes"].items()}
            steps = {str(source): _ratio(value) for source, value in cached["steps"].items()}
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"not a table of costs: {error}") from error
        if any(
            rows < 2 or not _MIN_PASS <= value <= _MAX_PASS * rows for rows, value in passes.items()
        ):
            raise ValueError("not a table of costs: no pass takes as long as that")
        if not self.plain:
            raise ValueError("costs against plain passes, of which none was measured")
        for rows, value in passes.items():
            if rows <= self.largest:
                self._passes[rows] = _Estimate(value * self.plain, _CACHED_COUNT)
        for source, value in steps.items():
            self._steps[source] = _Estimate(value * self.plain, _CACHED_COUNT)
        self._curve = None

    def limit_plain(self, seconds: float) -> None:
        """A plain pass takes no longer than that, whatever was measured before."""
        if self.plain > seconds:
            self._scale_related(seconds / self.plain)
            self._passes[1] = _Estimate(seconds, 1)
            self._curve = None

    def agrees(self, rows: int, seconds: float) -> bool:
        """Whether a pass just measured agrees with the estimate for its size."""
        known = self._passes.get(rows)
        return known is None or abs(math.log(seconds / known.value)) < _AGREES

    def forget(self) -> None:
        """Forget all sizes but the plain pass."""
        self._passes = {rows: each for rows, each in self._passes.items() if rows == 1}
        self._anchors.clear()
        self._curve = None

    def _seconds(self) -> list[float]:
        """The whole curve; index 0 is not used."""
        if self._curve is None:
            self._curve = self._interpolated()
            self._pending = 0
        return self._curve

    def _interpolated(self) -> list[float]:
        known = sorted((rows, each.value) for rows, each in self._passes.items())
        if not known or known[0][0] > 1:
            # Only without a measured start-up; measurements soon replace it.
            first = known[0][1] if known else 1.0
            known.insert(0, (1, first))
        if known[-1][0] < self.largest:
            (first_rows, first), (last_rows, last) = known[0], known[-1]
            slope = _PRIOR_SLOPE * first
            if last_rows > first_rows:
                slope = max(last - first, 0.0) / (last_rows - first_rows)
            known.append((self.largest, last + slope * (self.largest - last_rows)))
        sizes = [rows for rows, _ in known]
        curve = [0.0]
        for rows in range(1, self.largest + 1):
            i = bisect_left(sizes, rows)
            (right, high) = known[i]
            if right == rows:
                curve.append(high)
            else:
                left, low = known[i - 1]
                curve.append(low + (high - low) * (rows - left) / (right - left))
        return curve

    def machine_changed(self) -> None:
        """The number of threads changed: plain passes are measured again at once.

        Other costs keep their ratio to a plain pass until they are measured.
        """
        for estimate in self._others():
            estimate.count = 1
        self._relate_to_plain()
        self._measure_again()

    def _relate_to_plain(self) -> None:
        """Make all costs follow the plain pass, which is to be measured again."""
        self._related = [(each, each.count) for each in self._others()]
        if 1 in self._passes:
            self._passes[1].count = 0

    def _others(self) -> Iterator[_Estimate]:
        """All estimates but that of a plain pass."""
        yield from (each for rows, each in self._passes.items() if rows > 1)
        yield from self._steps.values()

    def _rebase(self) -> None:
        """The machine has changed: scale the whole curve, and measure plain passes again."""
        factor = math.exp(median(self._changes))
        for rows, estimate in self._passes.items():
            estimate.value = self._anchors.get(rows, estimate.value) * factor
            estimate.count = min(estimate.count, 0 if rows == 1 else _CACHED_COUNT)
        self._measure_again()

    def _measure_again(self) -> None:
        self._plain_wanted = _PLAIN_AFTER_CHANGE
        self._anchors.clear()
        self._changes.clear()
        self._drift = 0.0
        self._curve = None


def _ratio(value: float) -> float:
    ratio = float(value)
    if not _MIN_STEP <= ratio <= _MAX_STEP:
        raise ValueError(f"{value} times a plain pass")
    return ratio
