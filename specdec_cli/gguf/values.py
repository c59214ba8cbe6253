"""What a GGUF file says about its model: the parsed header and its questions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specdec_cli.gguf.reader import StringArray, Value
from specdec_cli.gguf.types import TensorType

# Tokenizers whose prompts start with BOS when the file does not say (llama-vocab.cpp).
_BOS_MODELS = frozenset({"llama", "bert"})
_BOS_PRES = frozenset(
    {"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"}
    | {"jina-v5-nano", "tekken", "chameleon"}
)
_DEFAULT_BOS = {"llama": 1, "bert": 101, "gpt2": 11, "plamo2": 1}
_DEFAULT_EOS = {"llama": 2, "gpt2": 11, "t5": 1, "plamo2": 2}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: ``shape`` is in ggml's order, the contiguous dimension first.

    ``offset`` and ``nbytes`` are in bytes, ``offset`` counted from the header's ``data_offset``.
    """

    name: str
    shape: tuple[int, ...]
    type: TensorType
    offset: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Split:
    """This file is part ``number`` (from 0) of a model in ``count`` files."""

    number: int
    count: int


@dataclass(frozen=True)
class Header:
    """What a GGUF file says about its model. Sizes and offsets are in bytes.

    Strings that are not UTF-8 have replacement characters; token texts keep their bytes.
    """

    filename: str
    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]
    data_offset: int
    file_size: int

    def text(self, key: str) -> str | None:
        """A string of the metadata, or ``None`` when it is missing or of another type."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def integer(self, key: str) -> int | None:
        """An integer of the metadata, or ``None`` when it is missing or of another type."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def arch_key(self, key: str) -> str:
        """``key`` with the architecture in front, as hyperparameters are stored."""
        return f"{self.architecture}.{key}"

    @property
    def architecture(self) -> str:
        return self.text("general.architecture") or ""

    @property
    def name(self) -> str:
        """The model's own name, else the file's."""
        return self.text("general.name") or self.filename

    @property
    def context_length(self) -> int | None:
        """Tokens the model was trained to attend to."""
        return self.integer(self.arch_key("context_length"))

    @property
    def n_layers(self) -> int | None:
        return self.integer(self.arch_key("block_count"))

    @property
    def embedding_length(self) -> int | None:
        return self.integer(self.arch_key("embedding_length"))

    @property
    def chat_template(self) -> str | None:
        """The Jinja source of the chat template."""
        return self.text("tokenizer.chat_template")

    @property
    def tokenizer_model(self) -> str:
        return self.text("tokenizer.ggml.model") or ""

    @property
    def tokenizer_pre(self) -> str:
        return self.text("tokenizer.ggml.pre") or ""

    @property
    def tokens(self) -> StringArray | None:
        """The text of every token id."""
        value = self.metadata.get("tokenizer.ggml.tokens")
        return value if isinstance(value, StringArray) else None

    @property
    def token_types(self) -> NDArray[np.int32] | None:
        """llama.cpp's kind of every token: 1 normal, 3 control, 5 unused, 6 byte."""
        value = self.metadata.get("tokenizer.ggml.token_type")
        return value if isinstance(value, np.ndarray) else None

    @property
    def n_vocab(self) -> int:
        tokens = self.tokens
        if tokens is not None:
            return len(tokens)
        return self.integer(self.arch_key("vocab_size")) or 0

    @property
    def bos_id(self) -> int | None:
        return self._special("tokenizer.ggml.bos_token_id", _DEFAULT_BOS)

    @property
    def eos_id(self) -> int | None:
        return self._special("tokenizer.ggml.eos_token_id", _DEFAULT_EOS)

    @property
    def add_bos(self) -> bool:
        """Whether a prompt starts with BOS: as the file says, else as llama.cpp assumes."""
        value = self.metadata.get("tokenizer.ggml.add_bos_token")
        if isinstance(value, bool):
            return value
        model = self.tokenizer_model
        return model in _BOS_MODELS or (model == "gpt2" and self.tokenizer_pre in _BOS_PRES)

    @property
    def add_eos(self) -> bool:
        """Whether llama.cpp would end a prompt with EOS."""
        value = self.metadata.get("tokenizer.ggml.add_eos_token")
        return value if isinstance(value, bool) else self.tokenizer_model == "t5"

    @property
    def parameter_count(self) -> int:
        return sum(math.prod(tensor.shape) for tensor in self.tensors)

    @property
    def weights_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors)

    @property
    def split(self) -> Split | None:
        """Which part of a model in several files this is; ``None`` for a model in one file."""
        count = self.integer("split.count") or 1
        return Split(self.integer("split.no") or 0, count) if count > 1 else None

    def _special(self, key: str, defaults: Mapping[str, int]) -> int | None:
        """A special id; out of range it falls back to the default, as in llama.cpp."""
        for value in (self.integer(key), defaults.get(self.tokenizer_model)):
            if value is not None and 0 <= value < self.n_vocab:
                return value
        return None
