"""The speed to expect, estimated from sizes and memory bandwidths before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specdec_cli.core.draft_length.expected_speedup import expected_speedup
from specdec_cli.core.limits import DRAFT_MAX
from specdec_cli.memory.needs import ModelNeeds
from specdec_cli.memory.placement import Placement
from specdec_cli.memory.plan import Plan

_IN_CACHE = 100_000_000
"""Bytes of a model that processors' own caches may hold; then memory does not decide."""

_PER_LAYER = 25e-6
"""Seconds to start a layer's kernels on a GPU, which small models feel."""

_EXTRA_ROW = (0.25, 0.02)
"""Cost of each row more in a pass as a fraction of the first: a processor computes, a GPU reads."""


@dataclass(frozen=True, slots=True)
class Speed:
    """An estimate.

    Args:
        plain_tokens_per_second: of the target alone, at most.
        draft_step: seconds of a draft step by those of a target pass.
        acceptance: rates at which drafted tokens are assumed to be accepted, low and high.
        speedup: over plain decoding for each of them, with the best draft length; 1 where drafting
            does not pay.
        draft_length: that draft length for the middle of them; 0 for none.
    """

    plain_tokens_per_second: float
    draft_step: float | None
    acceptance: tuple[float, float]
    speedup: tuple[float, float]
    draft_length: int


def acceptance(temperature: float) -> tuple[float, float]:
    """Acceptance rates of drafts by a model of the same family, low and high.

    The range seen in published measurements between stories and code; sampling hot lowers it.
    """
    if temperature > 1:
        return 0.3, 0.5
    return (0.5, 0.7) if temperature > 0.7 else (0.6, 0.8)


def estimate(plan: Plan, bandwidths: Sequence[float | None], temperature: float) -> Speed | None:
    """What to expect of a plan.

    ``None`` where a device's bandwidth is not known, nothing fits, or the target is tiny.

    Args:
        bandwidths: bytes per second of reading each device's memory, main memory first.
    """
    placement = plan.choice.placement
    target = pass_seconds(plan.target, placement.target, 1, bandwidths)
    small = sum(bytes_read(plan.target, placement.target)) < _IN_CACHE
    if not target or small or plan.verdict in ("no", "slow"):
        return None
    rates = acceptance(temperature)
    if plan.draft is None or placement.draft is None:
        return Speed(1 / target, None, rates, (1.0, 1.0), 0)
    step = pass_seconds(plan.draft, placement.draft, 1, bandwidths)
    if not step:
        return None
    passes = {
        rows: pass_seconds(plan.target, placement.target, rows, bandwidths) or 0
        for rows in range(1, DRAFT_MAX + 2)
    }
    low, high = (expected_speedup(rate, step, passes)[0] for rate in rates)
    length = expected_speedup(sum(rates) / 2, step, passes)[1]
    return Speed(1 / target, step / target, rates, (low, high), length)


def pass_seconds(
    needs: ModelNeeds, placement: Placement, rows: int, bandwidths: Sequence[float | None]
) -> float | None:
    """Seconds of one pass over so many tokens, by how long reading takes on each device."""
    total = 0.0
    for device, size in enumerate(bytes_read(needs, placement, rows)):
        if not size:
            continue
        speed = bandwidths[device]
        if not speed:
            return None
        total += size / speed * (1 + _EXTRA_ROW[device > 0] * (rows - 1))
        if device:
            total += _PER_LAYER * placement.homes.count(device)
    return total


def bytes_read(needs: ModelNeeds, placement: Placement, rows: int = 1) -> list[int]:
    """Bytes a pass reads on each device: weights, and a context that is half full.

    Of a mixture of experts, those that so many tokens use between them, if each chooses for itself.
    """
    found = [0] * len(placement.shares)
    used = 1 - (1 - needs.used) ** rows
    for layer, cache, home in zip(
        needs.weights.layers, needs.caches, placement.homes[:-1], strict=True
    ):
        found[home] += layer.weights - round(layer.experts * (1 - used)) + cache // 2
    found[placement.homes[-1]] += needs.weights.output + needs.weights.embedding
    return found
