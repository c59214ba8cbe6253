"""What it costs to take a draft back, on recurrent models of real shapes with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import thread_time

from specdec_cli.models.cached import CachedModel
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.recurrent_context import RecurrentContext
from specdec_cli.models.rewind import Checkpoints
from specdec_cli.models.settings import ContextSettings, ModelSettings
from tests.architectures import Shape, write

SHAPES = {
    "lfm2": Shape(768, layers=12, ff=2048, heads=12, vocab=32000),
    "qwen35": Shape(768, layers=12, ff=2048, heads=6, vocab=32000, state=128),
    "mamba2": Shape(768, layers=24, vocab=32000, state=128),
    "granite-hybrid": Shape(768, layers=12, ff=2048, heads=12, vocab=32000, state=128),
}
_HELD = 200
_PASSES = 15
_DRAFTED = 4


def report() -> None:
    """Print the costs of each shape on one thread, in milliseconds and in plain passes."""
    with TemporaryDirectory() as folder:
        for name, shape in SHAPES.items():
            file = write(Path(folder) / f"{name}.gguf", name, shape, tensor_type="Q8_0")
            print(f"{name}: {file.stat().st_size / 1e6:.0f} MB")
            weights = LlamaModel(file, ModelSettings(gpu_layers=0))
            _one(weights)
            weights.close()
            file.unlink()


def _one(weights: LlamaModel) -> None:
    layout = ContextSettings(
        n_ctx=1024,
        rows=17,
        threads=1,  # so that its processor time can be told from that of other programs
        flash_attention="on",
        cache_type_k="bf16",
        cache_type_v="bf16",
    )
    contexts = {}
    for snapshots in (0, 4, 16):
        made = RecurrentContext(weights, replace(layout, snapshots=snapshots))
        if snapshots and not made.snapshots:
            made.close()
            continue
        contexts[snapshots] = made
        made.decode(tuple(range(_HELD)), 1)
    without = contexts[0]
    whole = without.save(near=False)
    near = without.save(near=True)
    of_others = {n: each.save(near=True) for n, each in contexts.items()}

    def passes(snapshots: int, rows: int) -> Callable[[], object]:
        def once() -> object:
            contexts[snapshots].restore(of_others[snapshots])
            return _timed(lambda: contexts[snapshots].decode((1,) * rows, rows))

        return once

    def of_copies(copy: Callable[[], object]) -> Callable[[], object]:
        return lambda: _timed(copy)

    tried: dict[str, Callable[[], object]] = {}
    for rows in (1, 2, 4, 1 + _DRAFTED, 8):
        for n in contexts:
            tried[f"pass of {rows}, {n} snapshots"] = passes(n, rows)
    tried["copy near"] = of_copies(lambda: without.save(near=True))
    tried["copy to main memory"] = of_copies(lambda: without.save(near=False))
    tried["restore from near"] = of_copies(lambda: without.restore(of_others[0]))
    tried["restore from main memory"] = of_copies(lambda: without.restore(whole))
    found = _interleaved(tried)
    # Of a context the last copy near it is the one that can be restored.
    del near
    found |= _rounds(contexts)
    plain = found["pass of 1, 0 snapshots"]
    print(f"  state {whole.size / 1e6:.2f} MB; plain pass {plain * 1e3:.2f} ms")
    for what, seconds in found.items():
        print(f"  {what:44} {seconds * 1e3:8.3f} ms  {seconds / plain:6.3f}")
    for context in contexts.values():
        context.close()


def _rounds(contexts: dict[int, RecurrentContext]) -> dict[str, float]:
    """Rounds of drafts of which one token is accepted, or all of them."""
    tried: dict[str, Callable[[], object]] = {}
    for snapshots, context in contexts.items():
        context.truncate(0)
        for accepted in (1, _DRAFTED):
            tried[f"round, {accepted} of {_DRAFTED} accepted, {snapshots} snapshots"] = _round(
                CachedModel(context, rewind=Checkpoints(context)), accepted
            )
    return {what: _repeated(once) for what, once in tried.items()}


def _round(cached: CachedModel, accepted: int) -> Callable[[], object]:
    text: list[int] = []

    def once() -> object:
        if not text or len(text) > _HELD + 300:
            text[:] = range(_HELD)
            cached.forget()
            cached.restart(text)
            for _ in cached.prefill(text[:-1]):
                pass
            cached.score(text, [1] * _DRAFTED)
            text.extend([1] * accepted + [2])
        seconds = _timed(lambda: cached.score(text, [1] * _DRAFTED))
        text.extend([1] * accepted + [2])
        return seconds

    return once


def _interleaved(tried: dict[str, Callable[[], object]]) -> dict[str, float]:
    times: dict[str, list[float]] = {what: [] for what in tried}
    for _ in range(_PASSES):
        for what, once in tried.items():
            once()  # another size builds its graph
            times[what].append(float(once()))  # type: ignore[arg-type]
    return {what: median(each) for what, each in times.items()}


def _repeated(once: Callable[[], object]) -> float:
    once()
    return median(float(once()) for _ in range(2 * _PASSES))  # type: ignore[arg-type]


def _timed(work: Callable[[], object]) -> float:
    began = thread_time()
    work()
    return thread_time() - began
