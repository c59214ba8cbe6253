"""The chi-square distribution: tails, quantiles, power. scipy is no dependency of the program."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, lgamma, log

_PRECISION = 1e-15
_TINY = 1e-300
_MAX_STEPS = 100_000


def upper_gamma(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function Q(a, x), for a > 0 and x >= 0.

    A series where it converges fast, Lentz's continued fraction elsewhere (DLMF 8.11.4, 8.9.2).
    """
    if x <= 0.0:
        return 1.0
    if x == inf:
        return 0.0
    front = exp(a * log(x) - x - lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        for n in range(1, _MAX_STEPS):
            term *= x / (a + n)
            total += term
            if term < total * _PRECISION:
                break
        return max(0.0, 1.0 - front * total)
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    fraction = d
    for n in range(1, _MAX_STEPS):
        numerator = -n * (n - a)
        b += 2.0
        d = 1.0 / (numerator * d + b or _TINY)
        c = b + numerator / c or _TINY
        step = c * d
        fraction *= step
        if abs(step - 1.0) < _PRECISION:
            break
    return front * fraction


def survival(x: float, df: int) -> float:
    """The probability that chi-square with ``df`` degrees of freedom exceeds ``x``."""
    return upper_gamma(df / 2.0, x / 2.0)


def critical(level: float, df: int) -> float:
    """The value that chi-square exceeds with probability ``level``, from 0 to 1 exclusive."""
    return _solve(lambda x: survival(x, df) <= level)


def power(df: int, level: float, noncentrality: float) -> float:
    """The probability that a test at ``level`` notices a deviation of this noncentrality.

    The non-central chi-square is a Poisson mixture of central ones with ``df + 2j`` degrees.
    """
    x = critical(level, df)
    half = noncentrality / 2.0
    if half == 0.0:
        return survival(x, df)
    # Outside this range the Poisson weights together are below 1e-12.
    spread = 8.0 * half**0.5 + 12.0
    first, last = max(0, int(half - spread)), int(half + spread)
    total = 0.0
    for j in range(first, last + 1):
        weight = exp(j * log(half) - half - lgamma(j + 1))
        total += weight * survival(x, df + 2 * j)
    return min(total, 1.0)


def detectable(df: int, levels: tuple[float, float], powers: float = 0.9) -> float:
    """The noncentrality per draw unit that two tests in a row both notice with probability 0.9.

    Args:
        levels: of the first test, and of the second, which has twice the draws.
        powers: the probability that both notice.

    Returns:
        The noncentrality of the first test; the second's is twice that.
    """

    def enough(noncentrality: float) -> bool:
        both = power(df, levels[0], noncentrality) * power(df, levels[1], 2 * noncentrality)
        return both >= powers

    return _solve(enough, precision=1e-6)


def _solve(reached: Callable[[float], bool], precision: float = 1e-13) -> float:
    """The least positive number from which on ``reached`` is true."""
    high = 1.0
    while not reached(high):
        high *= 2.0
    low = 0.0
    while high - low > precision * high:
        middle = (low + high) / 2.0
        if reached(middle):
            high = middle
        else:
            low = middle
    return high
