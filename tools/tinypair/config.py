"""The shapes of the two models and what they share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

VOCABULARY = 3072
SEPARATOR = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
SPECIALS = (SEPARATOR, TURN_START, TURN_END)
SEED = 20_26


@dataclass(frozen=True)
class ModelConfig:
    """A llama-shaped decoder."""

    name: str
    dim: int
    layers: int
    heads: int
    ff: int
    vocab: int = VOCABULARY
    context: int = 2048
    rope_theta: float = 100_000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    @property
    def parameters(self) -> int:
        """Weights in total; the embedding is counted once, because the output shares it."""
        layer = 4 * self.dim**2 + 3 * self.dim * self.ff + 2 * self.dim
        return self.vocab * self.dim + self.layers * layer + self.dim

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


TARGET = ModelConfig("target", dim=384, layers=7, heads=6, ff=1024)
DRAFT = ModelConfig("draft", dim=128, layers=2, heads=2, ff=352)
