"""The cost curve: seconds of a target pass by its number of tokens."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

from specdec_cli.bench.results import CostPoint
from specdec_cli.engine.decoder import Decoder
from specdec_cli.models.cached import CachedModel

ROWS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32)
_CONTEXT = 256
_PASSES = 5
_SECONDS = 2.0


def curve(decoder: Decoder, cancelled: Callable[[], bool] = lambda: False) -> list[CostPoint]:
    """Measure it behind a context of 256 tokens, or what half the cache holds.

    Each size is the median of five passes, fewer where one takes long, after one that is not
    counted, since a pass of another size rebuilds llama.cpp's compute graph. Sizes the pair was
    not loaded for are left out, as is what comes after a cancellation.
    """
    cache = decoder.models.target.cache
    most = decoder.settings.draft_max + 1 if decoder.spec.drafts else 1
    context = [0] * min(_CONTEXT, decoder.models.n_ctx // 2)
    decoder.forget()
    decoder.use_threads()
    cache.restart(context)
    for _ in cache.prefill(context):
        pass
    points = []
    for rows in ROWS:
        if rows > most or rows + len(context) > decoder.models.n_ctx or cancelled():
            break
        points.append(CostPoint(rows, _pass_seconds(cache, context, rows)))
    decoder.forget()
    return points


def _pass_seconds(cache: CachedModel, context: list[int], rows: int) -> float:
    times: list[float] = []
    began = perf_counter()
    for number in range(_PASSES + 1):
        start = perf_counter()
        cache.score([*context, 0], [0] * (rows - 1))
        if number:
            times.append(perf_counter() - start)
        if times and perf_counter() - began > _SECONDS:
            break
    return median(times)
