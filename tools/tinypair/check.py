"""Holds an exported file against what was trained: the same tokens for any text, like logits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from tools.tinypair.config import SEED, SEPARATOR, TURN_END, TURN_START
from tools.tinypair.llama import Exported
from tools.tinypair.model import Model
from tools.tinypair.text.corpus import conversations
from tools.tinypair.tokenizer import Codec

ODD = (
    "", " ", "  ", "\n", "\n\n", "\t\tx", " \n x", "a  b   c    d", "trailing   ", "\r\n\r\n",
    "x\u00a0y", "\u3000", "naïve café über straße", "Привет, мир! 123", "你好世界 2024",
    "こんにちは", "مرحبا ١٢٣", "हिन्दी १२३", "🙂👩‍👩‍👧‍👦🏳️‍🌈", "½ ² ³ Ⅷ ①",
    "e\u0301 a\u0308", "\u200b\u200d\ufeff", "\x00\x01\x7f", "don't I'll we've they'RE",
    "'s'S''t", "3.14159e-10", "1234567890", "a1b22c333", "__init__(self, *args, **kwargs):",
    "if x<=y&&z||!w:", "<|im_start|>user\nhi<|im_end|>\n", "<|im_start", "|im_end|>",
    "<|endoftext|><|endoftext|>", " <|im_end|> ", "\n  indented\n\tmore\n",
    "\u2028line\u2029para", "\U0010ffff\ue000", "ﬁ ﬂ Ω K Å",
)  # fmt: skip


def texts(count: int) -> Iterator[str]:
    yield from ODD
    for conversation in islice(conversations(SEED + 1, "heldout"), count):
        parts = [f"{TURN_START}{m.role}\n{m.content}{TURN_END}\n" for m in conversation.messages]
        yield "".join(parts)
        yield conversation.messages[-1].content + SEPARATOR


def tokens_differ(exported: Exported, codec: Codec, count: int = 1000) -> list[str]:
    """The texts that llama.cpp splits otherwise."""
    return [text for text in texts(count) if exported.tokenize(text) != codec.encode(text)]


@torch.no_grad()
def logits_differ(exported: Exported, model: Model, codec: Codec, count: int = 8) -> float:
    """The largest difference of a log-probability of a likely token, over a few conversations."""
    worst = 0.0
    for conversation in islice(conversations(SEED + 2, "heldout"), count):
        tokens = codec.conversation(conversation).tokens
        ours = torch.log_softmax(model(torch.tensor([tokens]))[0], dim=-1).numpy()
        theirs = torch.log_softmax(torch.from_numpy(exported.logits(tokens)), dim=-1).numpy()
        worst = max(worst, float(np.abs(ours - theirs)[ours > -5].max()))
    return worst


def check(path: Path, model: Model, codec: Codec, tolerance: float) -> None:
    exported = Exported(path)
    different = tokens_differ(exported, codec)
    if different:
        raise ValueError(
            f"{path}: llama.cpp splits {len(different)} texts otherwise, such as {different[0]!r}"
        )
    worst = logits_differ(exported, model, codec)
    if worst > tolerance:
        raise ValueError(f"{path}: log-probabilities differ by {worst:.3f}")
