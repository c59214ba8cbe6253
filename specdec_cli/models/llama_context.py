"""A context of one sequence on llama.cpp: the ``LanguageModel`` the engine drives."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from specdec_cli.core.clock import now
from specdec_cli.core.types import Logits
from specdec_cli.errors import BackendError, Cancelled
from specdec_cli.models import binding
from specdec_cli.models.binding import lib
from specdec_cli.models.hidden_states import HiddenStates
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.native_context import NativeContext, context_params
from specdec_cli.models.settings import ContextSettings

_ABORTED = 2
_NO_SLOT = 1


class LlamaContext(NativeContext):
    """One sequence on a model's weights.

    Batches are views over arrays made once, positions and sequence ids are left to llama.cpp, and
    logits are returned as a view of its own buffer: a decode costs a few microseconds here.

    Args:
        shared: for a draft model, how many tokens it shares with its target; its logits of
            others are not shown.
        followed: for a draft model, how many tokens its target has. What it reads for those it
            lacks only changes how well it guesses, while llama.cpp would refuse them.

    Attributes:
        hidden: what the last layer said of each token, where that is kept.

    Attributes:
        hidden: what the last layer said of each token, where that is kept.
    """

    def __init__(
        self,
        model: LlamaModel,
        settings: ContextSettings,
        *,
        shared: int | None = None,
        followed: int = 0,
    ) -> None:
        params = context_params(settings)
        # Rows of padding sit behind the real ones for the length of one decode.
        params.n_ctx = settings.n_ctx + settings.pad - 1
        self._rows = _round_up(settings.rows, settings.pad)
        params.n_outputs_max = self._rows
        params.n_rs_seq = settings.snapshots
        binding.last_errors()
        super().__init__(lib.llama_init_from_model(model.handle, params), params)
        if not self.handle:
            raise binding.failure(
                f"llama.cpp could not make a context of {settings.n_ctx} tokens for "
                f"{model.path.name}",
                "try a smaller context (-c 2048) or smaller cache types (-ctk q8_0 -ctv q8_0)",
            )
        self._memory = lib.llama_get_memory(self.handle)
        self._settings = settings
        self._vocab_size = model.vocab.size
        self._shown = shared or model.vocab.size
        self._reads_unknown = followed > model.vocab.size
        self.n_ctx = settings.n_ctx
        self.n_batch = settings.n_batch
        self.length = 0
        self._filled = 0  # tokens physically in the cache: ``length`` and padding not yet cut off
        self.busy_seconds = 0.0
        self.hidden: HiddenStates | None = None
        if settings.hidden:
            self._staging = binding.staging()
            self._staging.llama_set_embeddings_nextn(self.handle, True, False)
            self.hidden = HiddenStates(int(lib.llama_model_n_embd_out(model.handle)))
        self._abort: Any = None

        capacity = max(settings.n_batch, self._rows)
        self._tokens = (ctypes.c_int32 * capacity)()
        # Of a batch the last rows are wanted, so that all batches are parts of one array.
        self._wanted = np.repeat(np.array([0, 1], np.int8), capacity)
        self._all_wanted = self._wanted.ctypes.data + capacity
        self._unwanted = 0
        batch: Any = lib.llama_batch()
        batch.token = ctypes.cast(self._tokens, ctypes.POINTER(ctypes.c_int32))
        batch.logits = ctypes.cast(self._all_wanted, ctypes.POINTER(ctypes.c_int8))
        self._batch = batch
        self._logits_address = 0
        self._logits = np.empty((0, self._shown), np.float32)
        self._shape = (0, 0)  # tokens and rows of the last batch, for which the next are kept:
        self._padded = 0
        self._rows_of_batch = slice(0, 0)
        self._view = self._logits

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        n = len(tokens)
        if (n, rows) != self._shape:
            self._lay_out(n, rows)
        if self.length + n > self.n_ctx:
            raise ValueError(f"{n} tokens after {self.length} exceed the context")
        if self._filled > self.length:
            self._cut(self.length)
        batch: list[ctypes.c_int32 | int] = [*tokens]
        if self._reads_unknown:
            batch = [min(token, self._vocab_size - 1) for token in tokens]
        batch += batch[-1:] * (self._padded - n)
        self._tokens[: self._padded] = batch
        began = now()
        code = lib.llama_decode(self.handle, self._batch)
        address = binding.get_logits_address(self.handle) if rows and code == 0 else 0
        self.busy_seconds += now() - began
        if code != 0:
            self._fail(code, n)
        if self.hidden is not None:
            self._note_hidden_states(n)
        self.length += n
        self._filled = self.length + self._padded - n
        if rows and address != self._logits_address:
            self._map_logits(address)
        return self._view

    def _lay_out(self, n: int, rows: int) -> None:
        """Set the batch up for ``n`` tokens and ``rows`` logits; rounds mostly repeat the last."""
        pad = self._settings.pad
        padded = _round_up(n, pad) if rows else n
        # Padded batches return all their rows: rows that are not asked for use other kernels.
        wanted = padded if pad > 1 and rows else rows
        if rows > n or wanted > self._rows:
            raise ValueError(f"{rows} rows of logits for {n} tokens, at most {self._rows} can be")
        if padded > len(self._tokens):
            raise ValueError(f"{n} tokens exceed the batch of {self.n_batch}")
        if padded - wanted != self._unwanted:
            self._unwanted = padded - wanted
            self._batch.logits = ctypes.cast(
                self._all_wanted - self._unwanted, ctypes.POINTER(ctypes.c_int8)
            )
        self._batch.n_tokens = self._padded = padded
        first = wanted - (padded - n) - rows
        self._rows_of_batch = slice(first, first + rows)
        self._view = self._logits[self._rows_of_batch]
        self._shape = (n, rows)

    def truncate(self, length: int) -> None:
        if length < self._filled or length == 0:
            self._cut(min(length, self.length))
            self.length = self._filled

    def interrupt_when(self, cancelled: Callable[[], bool] | None) -> None:
        if cancelled is None:
            lib.llama_set_abort_callback(self.handle, lib.ggml_abort_callback(), None)
            self._abort = None
        else:
            self._abort = lib.ggml_abort_callback(lambda _data: cancelled())
            lib.llama_set_abort_callback(self.handle, self._abort, None)

    def _note_hidden_states(self, n: int) -> None:
        assert self.hidden is not None
        found = self._staging.llama_get_embeddings_nextn(self.handle)
        self.hidden.note(self.length, np.ctypeslib.as_array(found, (n, self.hidden.width)))

    def _cut(self, length: int) -> None:
        if not lib.llama_memory_seq_rm(self._memory, 0, length, -1):
            raise BackendError(
                f"llama.cpp could not take back what it read after {length} tokens",
                "see llama.cpp's log with -v",
            )
        self._filled = length

    def _map_logits(self, address: int) -> None:
        size = self._rows * self._vocab_size
        buffer = (ctypes.c_float * size).from_address(address)
        rows = np.ctypeslib.as_array(buffer).reshape(self._rows, self._vocab_size)
        self._logits = rows[:, : self._shown]
        self._logits_address = address
        self._view = self._logits[self._rows_of_batch]

    def _fail(self, code: int, n: int) -> None:
        """Restore the cache to what it was before the call and say why it failed."""
        self._undo()
        if code == _ABORTED:
            raise Cancelled
        if code == _NO_SLOT:
            raise BackendError(
                f"no room in the cache for {n} more tokens after {self.length}",
                "give a larger context with -c",
            )
        raise binding.failure(
            f"llama.cpp failed to decode {n} tokens (code {code})",
            "see llama.cpp's log with -v; try fewer GPU layers (-ngl) or a smaller -ub",
        )

    def _undo(self) -> None:
        """A decode failed somewhere in the middle."""
        self._cut(self.length)


def _round_up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple
