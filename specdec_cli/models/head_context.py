"""A context of a trained head: tokens and what the target said before each, to logits."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from specdec_cli.core.types import Logits
from specdec_cli.models import binding
from specdec_cli.models.binding import lib
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.models.native_context import NativeContext, context_params
from specdec_cli.models.settings import ContextSettings

_FLOATS = ctypes.POINTER(ctypes.c_float)
_INTS = ctypes.POINTER(ctypes.c_int32)


class HeadContext(NativeContext):
    """One sequence on the next-token layers of a model (multi-token prediction, MTP).

    Such a head guesses the token after next: it is given a token and the hidden state of the last
    layer one position before, and gives logits and a hidden state of its own, from which it can be
    asked again (DeepSeek-V3, arXiv 2412.19437, section 2.2).

    Args:
        weights: with the head's layers, of the target's file or a file of its own.
        target: the context of the model it guesses for.
        settings: of the target's context; a head has as many positions.

    Attributes:
        width: numbers of a hidden state.
        heads: layers that were trained for one step each; with several, step ``i`` is made by
            layer ``i``, over all tokens of the draft.
        shares_cache: it looks at the target's keys and values, and has none of its own.
    """

    def __init__(
        self, weights: LlamaModel, target: LlamaContext, settings: ContextSettings
    ) -> None:
        self._ext = binding.staging()
        params = context_params(settings)
        params.n_ctx = settings.n_ctx
        params.n_outputs_max = 1
        params.n_rs_seq = 0
        params.ctx_type = lib.LLAMA_CONTEXT_TYPE_MTP
        params.ctx_other = target.handle
        binding.last_errors()
        super().__init__(lib.llama_init_from_model(weights.handle, params), params)
        if not self.handle:
            raise binding.failure(
                f"llama.cpp could not make a context for the head of {weights.path.name}",
                "answer without it: --drafter none",
            )
        self._memory = lib.llama_get_memory(self.handle)
        self.width = int(lib.llama_model_n_embd_out(weights.handle))
        self.shares_cache = self._ext.llama_get_ctx_other(self.handle) == _address(target.handle)
        layers = int(lib.llama_model_n_layer_nextn(weights.handle))
        self.heads = 1 if self.shares_cache else max(layers, 1)
        self._ext.llama_set_embeddings_nextn(self.handle, True, True)
        self.n_batch = settings.n_batch
        self.n_ctx = settings.n_ctx
        self._vocab_size = weights.vocab.size
        self._head = 0
        self._logits_address = 0
        self._logits: Logits = np.empty(0, np.float32)
        self._make_batch(settings.n_batch)

    def _make_batch(self, capacity: int) -> None:
        self._tokens = np.zeros(capacity, np.int32)
        self._positions = np.zeros(capacity, np.int32)
        self._counts = np.ones(capacity, np.int32)
        self._wanted = np.zeros(capacity, np.int8)
        self._sequence = (ctypes.c_int32 * 1)(0)
        one = ctypes.cast(self._sequence, _INTS)
        self._sequences = (_INTS * (capacity + 1))(*[one] * capacity)
        self.states = np.zeros((capacity, self.width), np.float32)
        batch: Any = lib.llama_batch()
        batch.token = self._tokens.ctypes.data_as(_INTS)
        batch.pos = self._positions.ctypes.data_as(_INTS)
        batch.n_seq_id = self._counts.ctypes.data_as(_INTS)
        batch.seq_id = self._sequences
        batch.logits = self._wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        batch.embd = self.states.ctypes.data_as(_FLOATS)
        self._batch = batch

    def decode(self, tokens: Sequence[int], position: int, *, wanted: bool, head: int = 0) -> None:
        """Append tokens; their hidden states are to be in the first rows of ``states``.

        Args:
            position: of the first.
            wanted: the logits and the hidden state after the last are asked for next.
            head: the layer that is to do it.

        Raises:
            BackendError: the backend failed.
        """
        n = len(tokens)
        self._tokens[:n] = tokens
        self._positions[:n] = np.arange(position, position + n)
        self._wanted[:n] = 0
        self._wanted[n - 1] = wanted
        self._batch.n_tokens = n
        if head != self._head:
            self._ext.llama_set_nextn_layer_offset(self.handle, head)
            self._head = head
        code = lib.llama_decode(self.handle, self._batch)
        if code != 0:
            raise binding.failure(
                f"llama.cpp failed to draft from the model's head (code {code})",
                "answer without it: --drafter none",
            )

    def logits(self) -> Logits:
        """The row after the last token, shape (n_vocab,), valid until the next decode."""
        address = binding.get_logits_address(self.handle)
        if address != self._logits_address:
            buffer = (ctypes.c_float * self._vocab_size).from_address(address)
            self._logits = np.ctypeslib.as_array(buffer)
            self._logits_address = address
        return self._logits

    def state(self) -> np.ndarray:
        """The head's own hidden state after the last token, valid until the next decode."""
        found = self._ext.llama_get_embeddings_nextn_ith(self.handle, -1)
        row: np.ndarray = np.ctypeslib.as_array(found, (self.width,))
        return row

    def truncate(self, length: int) -> None:
        """Drop everything from position ``length`` on."""
        lib.llama_memory_seq_rm(self._memory, 0, length, -1)


def _address(pointer: Any) -> Any:
    return getattr(pointer, "value", pointer)
