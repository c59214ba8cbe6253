"""How fast memory can be read, for the roofline."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

_CHUNK_BYTES = 64 << 20
_TRIES = 12
_MAX_THREADS = 16


def measured(threads: int) -> float:
    """Bytes per second of reading main memory with as many threads; the best of a dozen tries.

    Each thread reduces an array of its own that fits into no cache. An estimate: a model's own
    kernels may come out a little above it.
    """
    n = min(max(threads, 1), _MAX_THREADS)
    arrays = [np.ones(_CHUNK_BYTES // 8, np.int64) for _ in range(n)]
    best = 0.0
    with ThreadPoolExecutor(len(arrays)) as pool:
        for _ in range(_TRIES):
            began = perf_counter()
            list(pool.map(np.bitwise_or.reduce, arrays))
            best = max(best, len(arrays) * _CHUNK_BYTES / (perf_counter() - began))
    return best
