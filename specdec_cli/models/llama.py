"""Language models on llama.cpp's low-level API: weights, vocabulary, and a context with its cache."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np

from specdec_cli.core.types import Logits
from specdec_cli.errors import BackendError, Cancelled
from specdec_cli.models import binding
from specdec_cli.models.binding import lib
from specdec_cli.models.settings import ContextSettings, ModelSettings

_FLASH = {"auto": -1, "off": 0, "on": 1}
_CACHE_TYPES = {
    "f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "iq4_nl": 20,
    "bf16": 30,
}  # fmt: skip
_ABORTED = 2
_NO_SLOT = 1


class LlamaModel:
    """Weights and vocabulary of one GGUF file.

    Args:
        path: a GGUF already checked by ``gguf_header`` (llama.cpp may abort on a damaged one).
        on_progress: called with the loaded fraction; return False to give up.

    Raises:
        Cancelled: ``on_progress`` returned False.
        BackendError: llama.cpp could not load it.
    """

    def __init__(
        self,
        path: Path,
        settings: ModelSettings,
        on_progress: Callable[[float], bool] | None = None,
    ) -> None:
        binding.start()
        gave_up = False

        @lib.llama_progress_callback  # type: ignore[untyped-decorator, unused-ignore]
        def progress(fraction: float, _user_data: object) -> bool:
            nonlocal gave_up
            if on_progress is not None and not on_progress(fraction):
                gave_up = True
            return not gave_up

        params = lib.llama_model_default_params()
        params.n_gpu_layers = settings.gpu_layers
        params.use_extra_bufts = settings.repack
        params.progress_callback = progress
        binding.last_errors()
        self.handle: Any = lib.llama_model_load_from_file(str(path).encode(), params)
        if not self.handle:
            if gave_up:
                raise Cancelled
            raise BackendError(
                f"llama.cpp could not load {path}: {binding.last_errors() or 'no reason given'}",
                "check the file with: specdec run -v -m FILE -md FILE",
            )
        self.path = path
        self.vocab = LlamaVocabulary(self.handle)

    @property
    def can_truncate(self) -> bool:
        """Whether the end of the cache can be cut off; recurrent states cannot be rewound."""
        return not (
            lib.llama_model_is_recurrent(self.handle) or lib.llama_model_is_hybrid(self.handle)
        )

    @property
    def trained_context(self) -> int:
        """The context length the model was trained for, in tokens."""
        return int(lib.llama_model_n_ctx_train(self.handle))

    @property
    def size_bytes(self) -> int:
        """Bytes of all tensors."""
        return int(lib.llama_model_size(self.handle))

    def close(self) -> None:
        """Free the weights; contexts on them must be closed before."""
        if self.handle:
            lib.llama_model_free(self.handle)
            self.handle = None


class LlamaVocabulary:
    """Tokens and pieces of a loaded model."""

    def __init__(self, model: Any) -> None:
        self.handle: Any = lib.llama_model_get_vocab(model)
        self.size = int(lib.llama_vocab_n_tokens(self.handle))
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        while True:
            buffer = (ctypes.c_int32 * room)()
            n = lib.llama_tokenize(
                self.handle, data, len(data), buffer, room, add_special, parse_special
            )
            if n >= 0:
                return buffer[:n]
            room = -n

    def piece(self, token: int) -> bytes:
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._read_piece(token, special=False)
        return known

    def text(self, token: int) -> str:
        """The token as text, control tokens by name; empty for an id that does not exist."""
        if not 0 <= token < self.size:
            return ""
        return self._read_piece(token, special=True).decode("utf-8", "replace")

    def is_end(self, token: int) -> bool:
        known = self._ends.get(token)
        if known is None:
            known = self._ends[token] = bool(lib.llama_vocab_is_eog(self.handle, token))
        return known

    @property
    def bos(self) -> str:
        return self.text(lib.llama_vocab_bos(self.handle))

    @property
    def eos(self) -> str:
        return self.text(lib.llama_vocab_eos(self.handle))

    @property
    def adds_bos(self) -> bool:
        return bool(lib.llama_vocab_get_add_bos(self.handle))

    def _read_piece(self, token: int, *, special: bool) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            n = lib.llama_token_to_piece(self.handle, token, buffer, room, 0, special)
            if n >= 0:
                return buffer.raw[:n]
            room = -n


class LlamaContext:
    """A context of one sequence on a model: the ``LanguageModel`` the engine drives.

    Batches are views over arrays made once, positions and sequence ids are left to llama.cpp, and
    logits are returned as a view of its own buffer: a decode costs a few microseconds here.
    """

    def __init__(self, model: LlamaModel, settings: ContextSettings) -> None:
        params = lib.llama_context_default_params()
        # Rows of padding sit behind the real ones for the length of one decode.
        params.n_ctx = settings.n_ctx + settings.pad - 1
        params.n_batch = settings.n_batch
        params.n_ubatch = min(settings.n_ubatch, settings.n_batch)
        self._rows = _round_up(settings.rows, settings.pad)
        params.n_outputs_max = self._rows
        params.n_threads = settings.threads
        params.n_threads_batch = settings.threads_batch or settings.threads
        params.flash_attn_type = _FLASH[settings.flash_attention]
        params.type_k = _CACHE_TYPES[settings.cache_type_k]
        params.type_v = _CACHE_TYPES[settings.cache_type_v]
        params.no_perf = True
        binding.last_errors()
        self._handle: Any = lib.llama_init_from_model(model.handle, params)
        if not self._handle:
            raise BackendError(
                f"llama.cpp could not make a context of {settings.n_ctx} tokens for "
                f"{model.path.name}: {binding.last_errors() or 'no reason given'}",
                "try a smaller context (-c 2048) or smaller cache types (-fa on -ctk q8_0 -ctv q8_0)",
            )
        self._memory = lib.llama_get_memory(self._handle)
        self._settings = settings
        self._vocab_size = model.vocab.size
        self.length = 0
        self._filled = 0  # tokens physically in the cache: ``length`` and padding not yet cut off
        self.busy_seconds = 0.0
        self._abort: Any = None

        capacity = max(settings.n_batch, self._rows)
        self._tokens = np.zeros(capacity, np.int32)
        self._wanted = np.zeros(capacity, np.int8)
        self._batch = lib.llama_batch()
        self._batch.token = self._tokens.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        self._batch.logits = self._wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        self._logits_address = 0
        self._logits = np.empty((0, self._vocab_size), np.float32)

    @property
    def n_ctx(self) -> int:
        return self._settings.n_ctx

    @property
    def n_batch(self) -> int:
        return self._settings.n_batch

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        n = len(tokens)
        if rows > min(n, self._rows):
            raise ValueError(f"{rows} rows of logits asked for, at most {min(n, self._rows)} can be")
        if n > self._settings.n_batch or self.length + n > self._settings.n_ctx:
            raise ValueError(f"{n} tokens after {self.length} exceed the batch or the context")
        if self._filled > self.length:
            self._cut(self.length)
        padded = _round_up(n, self._settings.pad) if rows else n
        self._tokens[:n] = tokens
        wanted_from = 0 if padded > n or (rows and self._settings.pad > 1) else n - rows
        if padded > n:
            self._tokens[n:padded] = tokens[-1]
        self._want(wanted_from, padded)
        batch = self._batch
        batch.n_tokens = padded
        began = perf_counter()
        code = lib.llama_decode(self._handle, batch)
        address = binding.get_logits_address(self._handle) if rows and code == 0 else 0
        self.busy_seconds += perf_counter() - began
        if code != 0:
            self._fail(code, n)
        self.length += n
        self._filled = self.length + padded - n
        if not rows:
            return self._logits[:0]
        if address != self._logits_address:
            self._map_logits(address)
        first = n - rows - wanted_from
        return self._logits[first : first + rows]

    def truncate(self, length: int) -> None:
        if length < self._filled:
            self._cut(length)
            self.length = length

    def interrupt_when(self, cancelled: Callable[[], bool] | None) -> None:
        if cancelled is None:
            lib.llama_set_abort_callback(self._handle, lib.ggml_abort_callback(), None)
            self._abort = None
        else:
            self._abort = lib.ggml_abort_callback(lambda _data: cancelled())
            lib.llama_set_abort_callback(self._handle, self._abort, None)

    def set_threads(self, threads: int, threads_batch: int) -> None:
        """Change the CPU threads used for single tokens and for batches."""
        lib.llama_set_n_threads(self._handle, threads, threads_batch)

    def close(self) -> None:
        """Free the context."""
        if self._handle:
            lib.llama_free(self._handle)
            self._handle = None

    def __enter__(self) -> LlamaContext:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _want(self, start: int, end: int) -> None:
        """Ask for logits of batch rows ``start`` to ``end``."""
        self._wanted[:start] = 0
        self._wanted[start:end] = 1

    def _cut(self, length: int) -> None:
        if not lib.llama_memory_seq_rm(self._memory, 0, length, -1):
            raise BackendError(
                "this model's cache cannot be cut back to an earlier token",
                "use --drafter none for recurrent and hybrid models",
            )
        self._filled = length

    def _map_logits(self, address: int) -> None:
        size = self._rows * self._vocab_size
        buffer = (ctypes.c_float * size).from_address(address)
        self._logits = np.frombuffer(buffer, np.float32).reshape(self._rows, self._vocab_size)
        self._logits_address = address

    def _fail(self, code: int, n: int) -> None:
        """Restore the cache to what it was before the call and say why it failed."""
        self._cut(self.length)
        if code == _ABORTED:
            raise Cancelled
        if code == _NO_SLOT:
            raise BackendError(
                f"no room in the cache for {n} more tokens after {self.length}",
                "give a larger context with -c",
            )
        raise BackendError(
            f"llama.cpp failed to decode {n} tokens (code {code}): {binding.last_errors()}",
            "run again with -v to see llama.cpp's log; try fewer GPU layers (-ngl) or a smaller -ub",
        )


def _round_up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def require_rewindable(model: LlamaModel) -> None:
    """Refuse to speculate where a rejected draft could not be taken back.

    Raises:
        BackendError: the model keeps a recurrent state.
    """
    if not model.can_truncate:
        raise BackendError(
            f"{model.path.name} keeps a recurrent state, which cannot be taken back to an earlier "
            "token, so drafts cannot be rejected",
            "use --drafter none",
        )
