"""Random rounds and edits on a model that llama.cpp loads, against contexts that saw nothing else.

python -m tests.models.patterns 500 [NAME…] runs as many on each architecture, in F32 and Q8_0.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from specdec_cli.engine.same_bits import difference
from specdec_cli.models.cached import CachedModel
from specdec_cli.models.environment import tiled_kernels
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.models.recurrent_context import RecurrentContext
from specdec_cli.models.rewind import Checkpoints
from specdec_cli.models.settings import ContextSettings, ModelSettings
from tests.architectures import ARCHITECTURES, write

LAYOUT = ContextSettings(
    n_ctx=512,
    n_batch=64,
    n_ubatch=32,
    rows=9,
    threads=1,
    flash_attention="on",
    cache_type_k="bf16",
    cache_type_v="bf16",
)
LENGTHS = (0, 1, 2, 3, 5, 8)
TOKENS = 256


@dataclass
class Found:
    """What patterns showed.

    Args:
        compared: rows.
        largest: difference of a row from the one of a fresh context, in logits.
        by_draft: the largest by the number of drafted tokens.
    """

    compared: int = 0
    largest: float = 0.0
    by_draft: dict[int, float] = field(default_factory=dict)


class Patterns:
    """Plays them on one model; close it.

    Args:
        snapshots: that its context keeps where it can.
    """

    def __init__(self, file: Path, snapshots: int, layout: ContextSettings = LAYOUT) -> None:
        tiled_kernels(wanted=False)  # as the engine does before it loads the first model
        self._weights = LlamaModel(file, ModelSettings(gpu_layers=0))
        layout = replace(layout, snapshots=snapshots)
        self._fresh = LlamaContext(self._weights, layout)
        self._context: LlamaContext
        if self._weights.is_recurrent:
            recurrent = RecurrentContext(self._weights, layout)
            self._context = recurrent
            self.cached = CachedModel(recurrent, rewind=Checkpoints(recurrent))
        else:
            self._context = LlamaContext(self._weights, layout)
            self.cached = CachedModel(self._context)
        self.found = Found()

    def close(self) -> None:
        self._context.close()
        self._fresh.close()
        self._weights.close()

    def play(self, random: Random, steps: int = 8) -> None:
        """One conversation: a prompt, rounds of either kind, and edits."""
        cached = self.cached
        text = _tokens(random, random.randrange(1, 90))
        for _ in range(steps):
            cached.restart(text)
            for _ in cached.prefill(text[:-1]):
                pass
            for _ in range(random.randrange(1, 4)):
                drafted = _tokens(random, random.choice(LENGTHS))
                if random.random() < 0.6:
                    rows = cached.score(text, drafted, random.choice((None, 4, 8)))
                    self.compare(text, drafted, [rows[0].copy(), rows[-1].copy()])
                else:
                    first = last = cached.score(text)[0].copy()
                    for token in drafted:
                        last = cached.step(token)
                    self.compare(text, drafted, [first, last.copy()])
                accepted = drafted[: random.randrange(len(drafted) + 1)]
                text = [*text, *accepted, *_tokens(random, 1)]
            if random.random() < 0.4:
                text = text[: random.randrange(1, len(text) + 1)]
            text = (text + _tokens(random, random.randrange(1, 30)))[:300]

    def compare(self, text: list[int], drafted: list[int], rows: Sequence) -> None:  # type: ignore[type-arg]
        """Rows after the text and after the draft, with those that a fresh context has."""
        for tokens, row in ((text, rows[0]), (text + drafted, rows[1])):
            self._fresh.truncate(0)
            for at in range(0, len(tokens) - 1, 64):
                self._fresh.decode(tokens[at : min(at + 64, len(tokens) - 1)], 0)
            apart = difference(self._fresh.decode(tokens[-1:], 1)[0], row)
            found = self.found
            found.compared += 1
            found.largest = max(found.largest, apart)
            n = len(drafted)
            found.by_draft[n] = max(found.by_draft.get(n, 0.0), apart)


def _tokens(random: Random, n: int) -> list[int]:
    return [random.randrange(TOKENS) for _ in range(n)]


def main(patterns: int, names: Sequence[str]) -> None:
    """Print what each architecture showed."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names or ARCHITECTURES:
            for kind in ("F32", "Q8_0"):
                file = write(Path(folder) / f"{name}-{kind}.gguf", name, tensor_type=kind)
                for snapshots in (0, 8, 3):
                    played = Patterns(file, snapshots)
                    keeps = getattr(played.cached.model, "snapshots", None)
                    if snapshots and keeps != snapshots:
                        played.close()
                        continue
                    random = Random(f"{name} {kind}")
                    for _ in range(patterns):
                        played.play(random, steps=4)
                    played.close()
                    print(
                        f"{name:16} {kind:5} snapshots {snapshots}: {played.found.compared} rows, "
                        f"largest difference {played.found.largest:.2g}",
                        flush=True,
                    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
