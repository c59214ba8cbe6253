"""Runs an exported file in llama.cpp, to check the export and to read what it says."""

from __future__ import annotations

from pathlib import Path

import llama_cpp
import numpy as np
from numpy.typing import NDArray


class Exported:
    """A GGUF file loaded on the processor."""

    def __init__(self, path: Path, context: int = 2048) -> None:
        self.llama = llama_cpp.Llama(
            str(path), n_ctx=context, n_batch=512, n_threads=2, logits_all=True, verbose=False
        )

    def tokenize(self, text: str) -> list[int]:
        return list(self.llama.tokenize(text.encode(), add_bos=False, special=True))

    def logits(self, tokens: list[int]) -> NDArray[np.float32]:
        """One row for each token."""
        self.llama.reset()  # type: ignore[no-untyped-call]
        self.llama.eval(tokens)
        return np.array(self.llama.scores[: len(tokens)])

    def answer(self, prompt: list[int], end: int, room: int = 320) -> tuple[list[int], bool]:
        """The greedy answer, and whether it ended by itself."""
        self.llama.reset()  # type: ignore[no-untyped-call]
        self.llama.eval(prompt)
        said: list[int] = []
        while len(said) < room:
            token = int(np.argmax(self.llama.scores[self.llama.n_tokens - 1]))
            if token == end:
                return said, True
            said.append(token)
            self.llama.eval([token])
        return said, False
