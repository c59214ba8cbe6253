"""The expected speed-up of drafts of a fixed length."""

from __future__ import annotations

from collections.abc import Mapping

_LONGEST = 16


def expected_speedup(rate: float, step: float, passes: Mapping[int, float]) -> tuple[float, int]:
    """The largest speed-up over plain decoding with a fixed length, and that length.

    1.0 and 0 where drafting does not pay; of equals the shorter length. A draft of ``k`` tokens
    gives ``1 + a + … + a^k`` tokens for ``k`` steps and a pass over ``k + 1`` (Leviathan et al.,
    arXiv 2211.17192).

    Args:
        rate: ``a``, of drafted tokens that are accepted, each as likely as the others.
        step: seconds of a draft step.
        passes: seconds of a target pass by its number of tokens, that over one among them; what
            is missing between costs as much as the next larger one.
    """
    found = [(1.0, 0)]
    for length in range(1, _LONGEST + 1):
        larger = [rows for rows in passes if rows > length]
        if not larger:
            break
        tokens = sum(rate**i for i in range(length + 1))
        found.append((tokens * passes[1] / (length * step + passes[min(larger)]), length))
    return max(found, key=lambda each: (each[0], -each[1]))
