"""What a start decides, and what speed-up it shows, while other programs take the processors.

Each start is a process of its own, and all share one home, so that what one keeps the next one
finds. It decodes a prompt with drafts and plainly, in turn, and says what it did: the decision of
the first answer, and the speed-up of all, as shown and as measured against the plain answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from specdec_cli import paths
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from tools.measure.answers import answer, encode

LOADS = (0, 2, 4, 8)
_PROMPT = "Write a Python function that reverses a string."
_TOKENS = 64
_PAIRS = 6
_PATIENCE = 30
_LOAD = "while True: sum(range(10000))"
_HEAD = "programs starts too slow  drafted    parked  shown ×  paired ×  off by  not shown  kept"


def report(starts: int, loads: Sequence[int] = LOADS) -> None:
    """Print a table by the number of programs: decisions, and speed-ups shown and measured.

    Args:
        starts: processes in all, over the loads in every order, or in as many as there is room for.
    """
    found: dict[int, list[dict[str, Any]]] = {load: [] for load in loads}
    slow = dict.fromkeys(loads, 0)
    orders = list(permutations(loads))
    Random(1).shuffle(orders)
    with TemporaryDirectory() as home:
        for number in range(starts):
            order = orders[number // len(loads) % len(orders)]
            load = order[number % len(loads)]
            with _programs(load):
                done = _start(Path(home))
            if done is None:
                slow[load] += 1
                print(f"{number + 1:3} {load} programs: not done in {_PATIENCE} s", file=sys.stderr)
                continue
            found[load].append(done)
            print(f"{number + 1:3} {load} programs: {json.dumps(done)}", file=sys.stderr)
    print(_HEAD)
    for load, runs in found.items():
        if runs:
            print(_line(load, runs, slow[load]))


def one() -> None:
    """One start: print its decision and speed-ups as JSON."""
    folder = paths.embedded()
    settings = PairSettings(
        ModelChoice(folder / "tiny-target.gguf"),
        ModelChoice(folder / "tiny-draft.gguf"),
        n_ctx=2048,
        draft_max=16,
        adaptive=True,
        proven=True,
    )
    greedy = AnswerSettings(Sampling(temperature=0.0))
    drafted, plain, first = RunStats(), RunStats(), None
    with Decoder.load(settings) as decoder:
        prompt = encode(decoder, _PROMPT)
        for _ in range(_PAIRS):
            with_drafts = answer(decoder, prompt, greedy, plain=False, max_tokens=_TOKENS).stats
            first = first or with_drafts
            drafted += with_drafts
            plain += answer(decoder, prompt, greedy, plain=True, max_tokens=_TOKENS).stats
        kept = decoder.is_worth_keeping
    assert first is not None
    told = {
        "parked": round(first.parked_rounds / first.rounds, 3),
        "length": round(first.mean_accepted_length, 2),
        "shown": drafted.speedup,
        "paired": drafted.tokens_per_second / plain.tokens_per_second,
        "interrupted": round(drafted.interrupted_seconds / drafted.decode_seconds, 2),
        "kept": kept,
    }
    print(json.dumps(told))


def _line(load: int, runs: Sequence[dict[str, Any]], slow: int) -> str:
    shown = [run for run in runs if run["shown"] is not None]
    off = max((abs(run["shown"] / run["paired"] - 1) for run in shown), default=None)
    cells = [
        f"{load:>8}",
        f"{len(runs) + slow:>6}",
        f"{slow:>8}",
        f"{median(run['length'] for run in runs):>8.2f}",
        f"{max(run['parked'] for run in runs):>9.0%}",
        f"{median(run['shown'] for run in shown):>8.2f}" if shown else f"{'–':>8}",
        f"{median(run['paired'] for run in runs):>9.2f}",
        f"{off:>7.0%}" if off is not None else f"{'–':>7}",
        f"{len(runs) - len(shown):>10}",
        f"{sum(run['kept'] for run in runs):>5}",
    ]
    return " ".join(cells)


@contextmanager
def _programs(count: int) -> Iterator[None]:
    """As many programs that compute without end."""
    running = [subprocess.Popen([sys.executable, "-c", _LOAD]) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def _start(home: Path) -> dict[str, Any] | None:
    """One start in a process of its own; ``None`` where that takes too long."""
    code = "from tools.measure.busy import one; one()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "XDG_CACHE_HOME": str(home)},
            capture_output=True,
            check=True,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
