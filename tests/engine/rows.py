"""Compares rows of passes with the rows alone.

python -m tests.engine.rows FILE auto|fast [exact] [f16]

A program of its own, since llama.cpp reads one of the switches once for a process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.same_bits import difference
from specdec_cli.engine.settings import ModelChoice, PairSettings
from specdec_cli.models.settings import CacheType, ContextSettings

if TYPE_CHECKING:
    from specdec_cli.models.llama_context import LlamaContext

SIZES = (*range(2, 18), 31, 32, 33, 60, 61, 64, 100, 127, 128)
BEFORE = 600
"""Tokens before the passes: from 512 on, flash attention may divide a long cache among threads."""


def main(file: str, kernels: str, *rest: str) -> None:
    cache: CacheType = "f16" if "f16" in rest else "auto"
    settings = PairSettings(
        ModelChoice(Path(file), threads=2),
        n_ctx=1024,
        context=ContextSettings(n_ctx=0, threads_batch=2, cache_type_k=cache, cache_type_v=cache),
        drafter="ngram",
        draft_max=max(SIZES) - 1,
        kernels=kernels,  # type: ignore[arg-type]
        exact="exact" in rest,
        remember=False,
    )
    with Decoder.load(settings) as pair:
        sizes = [rows for rows in SIZES if rows <= pair.settings.draft_max + 1]
        found = off_by(pair, sizes)
        json.dump(
            {**asdict(pair.models.same_bits.report()), "sizes": sizes, "off": found}, sys.stdout
        )


def off_by(pair: Decoder, sizes: Sequence[int]) -> dict[int, float]:
    """How far rows are off, by the number of them in a pass; equal ones are left out."""
    rng = np.random.default_rng(0)
    text = [int(t) for t in rng.integers(0, pair.models.vocab.size, BEFORE + max(sizes))]
    target = pair.models.target.cache
    target.restart(text)
    for _ in target.prefill(text[:BEFORE]):
        pass
    alone = [target.score(text[: BEFORE + 1 + i])[0].copy() for i in range(max(sizes))]
    found: dict[int, float] = {}
    context = cast("LlamaContext", target.model)
    for rows in sizes:
        context.limit_threads(1 + rows % 2)  # as beside other programs: the bits do not follow it
        target.forget()
        target.restart(text)
        for _ in target.prefill(text[:BEFORE]):
            pass
        several = target.score(text[: BEFORE + 1], text[BEFORE + 1 : BEFORE + rows])
        worst = max(map(difference, alone, several))
        if worst:
            found[rows] = worst
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
