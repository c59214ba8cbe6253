"""The plan against the memory that loads really take, over models of several shapes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from specdec_cli import paths
from specdec_cli.gguf.header import read_header
from specdec_cli.memory.needs import needs_of
from specdec_cli.models.settings import ContextSettings
from tools.measure.resident import measure
from tools.measure.shapes import SHAPES, Shape, write

_SHAPES = {
    "0.1b": SHAPES["0.1b"],
    "0.3b, large vocabulary": Shape(1024, 3072, 16, 16, 8, 151936),
    "0.5b": Shape(1536, 4096, 20, 12, 2),
    "1b": SHAPES["1b"],
}
_LAYOUTS: dict[str, dict[str, Any]] = {
    "-c 2048": {"n_ctx": 2048, "rows": 17},
    "-c 8192 -ctk q8_0 -ctv q8_0": {
        "n_ctx": 8192, "rows": 17, "cache_type_k": "q8_0", "cache_type_v": "q8_0",
    },
    "-c 1024 -ub 64": {"n_ctx": 1024, "rows": 17, "n_ubatch": 64},
    "-c 2048 -b 1024 -ub 1024": {"n_ctx": 2048, "rows": 17, "n_batch": 1024, "n_ubatch": 1024},
    "-c 2048 -fa off": {"n_ctx": 2048, "rows": 17, "flash_attention": "off"},
    "-c 2048 --draft-max 64": {"n_ctx": 2048, "rows": 65},
    "-c 2048 --exact": {"n_ctx": 2048, "rows": 17, "pad": 4},
}  # fmt: skip
_THREADS = {"threads": 2, "threads_batch": 2}


def report() -> None:
    """Print, for each shape and layout, what was planned and what was measured."""
    worst = 0.0
    print(f"{'model':<24}{'layout':<30}{'planned':>9}{'measured':>9}{'':>8}  (MB)")
    with TemporaryDirectory() as folder:
        for name, path in _models(Path(folder)):
            for layout, values in _LAYOUTS.items():
                planned, measured = compare(path, values)
                error = planned / measured - 1
                worst = max(worst, abs(error))
                print(
                    f"{name:<24}{layout:<30}{planned / 1e6:>9,.0f}{measured / 1e6:>9,.0f}"
                    f"{error:>+8.1%}",
                    flush=True,
                )
    print(f"largest difference {worst:.1%}")


def compare(path: Path, layout: dict[str, Any], *, repack: bool = True) -> tuple[int, int]:
    """Bytes that one model with one context is planned to take, and that it takes.

    Weights count once: pages of the file that llama.cpp has copied into another order are left out,
    as the system can drop them.
    """
    context = layout | _THREADS
    planned = needs_of(read_header(path), ContextSettings(**context)).in_memory
    found = measure(path, context, {"gpu_layers": 0, "repack": repack})
    return planned, found["resident"] - found["copied"]


def _models(folder: Path) -> list[tuple[str, Path]]:
    found = [("tiny target", paths.embedded() / "tiny-target.gguf")]
    for number, (name, shape) in enumerate(_SHAPES.items()):
        path = folder / f"{number}.gguf"
        write(path, shape)
        found.append((name, path))
    return found
