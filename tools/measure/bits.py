"""Do drafts change the bits? Texts with and without them, rows of passes, and what it costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import get_args

import numpy as np

from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.same_bits import difference
from specdec_cli.engine.settings import AnswerSettings, PairSettings
from specdec_cli.models.kernels import Kernels
from tools.measure.answers import answer, encode
from tools.measure.prompts import heldout

EACH = 6
_SIZES = (2, 3, 4, 8, 12, 16, 17, 32, 64, 100, 128)
_TIMED = (1, 4, 8, 16)
_PROMPT = 256
_PREFIX = 600
_BEFORE = 64
_REPEATS = 12
_DRAFTS = {"long fixed drafts": (15, False), "adaptive drafts": (16, True)}


def report(settings: PairSettings, arguments: Sequence[str], tokens: int, each: int) -> None:
    """Measure with the kernels of ``settings``; each choice of them takes a process of its own.

    Args:
        arguments: of this program, to start it again for the other choice.
        each: prompts of each of the four kinds; 0 leaves the texts out.
    """
    if "--kernels" not in arguments:
        for kernels in get_args(Kernels):
            command = [sys.executable, "-m", "tools.measure", *arguments, "--kernels", kernels]
            subprocess.run(command, check=True)
        return
    drafting = replace(settings, draft=None, drafter="ngram", remember=False)
    print(f"{settings.target.path.name}, --kernels {settings.kernels}")
    for name, (longest, adaptive) in _DRAFTS.items() if each else ():
        with Decoder.load(replace(drafting, draft_max=longest, adaptive=adaptive)) as decoder:
            print(f"  {name}: {_texts(decoder, tokens, each)}", flush=True)
    with Decoder.load(replace(drafting, draft_max=max(_SIZES) - 1, adaptive=False)) as decoder:
        print(f"  rows: {_rows(decoder)}")
        print(f"  {_costs(decoder)}", flush=True)


def _texts(decoder: Decoder, tokens: int, each: int) -> str:
    """Answers without drafts, and with those of n-grams that know the answer to expect."""
    parted = drafted = 0
    prompts = heldout(each)
    for prompt in prompts:
        encoded = encode(decoder, prompt.text)
        plain = answer(decoder, encoded, AnswerSettings(), plain=True, max_tokens=tokens)
        text = b"".join(map(decoder.models.vocab.piece, plain.tokens)).decode("utf-8", "replace")
        settings = AnswerSettings(expect=text)
        run = answer(decoder, encoded, settings, plain=False, max_tokens=tokens)
        parted += plain.tokens != run.tokens
        drafted += run.stats.drafted
    return f"{parted} of {len(prompts)} texts part, {drafted} tokens drafted"


def _rows(decoder: Decoder) -> str:
    """The largest difference of a row from the row alone, by the size of the pass."""
    text = _random_text(decoder, _PREFIX + max(_SIZES) + 1)
    target = decoder.models.target.cache
    before, rest = text[:_PREFIX], text[_PREFIX:]
    alone = [target.score([*before, *rest[: i + 1]])[0].copy() for i in range(max(_SIZES))]
    found = {}
    for rows in _SIZES:
        target.forget()
        target.restart(text)
        for _ in target.prefill(before):
            pass
        several = target.score(text[: _PREFIX + 1], rest[1:rows])
        found[rows] = max(map(difference, alone, several))
    off = [f"{rows}: {value:.2g}" for rows, value in found.items() if value]
    return f"off by {', '.join(off)} logits" if off else f"equal in passes over {[*found]}"


def _costs(decoder: Decoder) -> str:
    text = _random_text(decoder, _BEFORE + _PROMPT)
    model = decoder.models.target.context
    model.truncate(0)
    model.decode(text[:_BEFORE], 1)
    times: dict[int, list[float]] = {}
    for rows in [*_TIMED] * _REPEATS:
        times.setdefault(rows, []).append(_seconds(decoder, text[:rows], rows))
    passes = {rows: median(found) for rows, found in times.items()}
    prompt = median(_seconds(decoder, text[:_PROMPT], 1) for _ in range(_REPEATS // 2))
    costs = ", ".join(f"v({rows}) {passes[rows] / passes[1]:.2f}" for rows in _TIMED[1:])
    return f"v(1) {1e3 * passes[1]:.2f} ms, {costs}, prompt {_PROMPT / prompt:.0f} tok/s"


def _seconds(decoder: Decoder, tokens: Sequence[int], rows: int) -> float:
    began = perf_counter()
    decoder.models.target.context.decode(tokens, rows)
    seconds = perf_counter() - began
    decoder.models.target.context.truncate(_BEFORE)
    return seconds


def _random_text(decoder: Decoder, length: int) -> list[int]:
    rng = np.random.default_rng(0)
    return [int(token) for token in rng.integers(3, decoder.models.vocab.size - 3, length)]
