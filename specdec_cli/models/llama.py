"""Weights and vocabulary of a GGUF file, loaded by llama.cpp's low-level API."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from specdec_cli.errors import Cancelled, NotAModelError
from specdec_cli.gguf.reader import shown
from specdec_cli.models import binding
from specdec_cli.models.binding import lib
from specdec_cli.models.placement import place
from specdec_cli.models.settings import ModelSettings

_UNKNOWN = "unknown model architecture"
_NEWER = (
    "the model is newer than this llama.cpp; a newer llama-cpp-python is needed: "
    "pip install --upgrade llama-cpp-python"
)


class LlamaModel:
    """Weights and vocabulary of one GGUF file.

    Args:
        path: a GGUF already checked by ``gguf_header`` (llama.cpp may abort on a damaged one).
        on_progress: called with the loaded fraction; return False to give up.
        simulate: lay everything out, contexts too, and load nothing: what that would take is in
            llama.cpp's log.

    Raises:
        Cancelled: ``on_progress`` returned False.
        BackendError: llama.cpp could not load it.
        NotAModelError: it is no model that writes from left to right.
        UsageError, NetworkError: a device is not there.
    """

    def __init__(
        self,
        path: Path,
        settings: ModelSettings,
        on_progress: Callable[[float], bool] | None = None,
        *,
        simulate: bool = False,
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
        params.n_gpu_layers = -1 if settings.gpu_layers == "auto" else settings.gpu_layers
        params.use_extra_bufts = settings.repack
        params.load_mtp = settings.head
        params.progress_callback = progress
        arrays = place(settings, params)
        if simulate:
            params.no_alloc = True
            params.load_mode = lib.LLAMA_LOAD_MODE_NONE  # nothing to map
        binding.last_errors()
        self.handle: Any = lib.llama_model_load_from_file(os.fsencode(path), params)
        del arrays  # only now: llama.cpp has read them
        if not self.handle:
            if gave_up:
                raise Cancelled
            error = binding.failure(
                f"llama.cpp could not load {path}",
                "see what llama.cpp says: specdec run -vv -m FILE -md FILE",
            )
            if _UNKNOWN in error.message:
                error.hint = _NEWER
            raise error
        self.path = path
        self._refuse_other_kinds()
        self.vocab = LlamaVocabulary(self.handle)

    @property
    def is_recurrent(self) -> bool:
        """Whether it keeps a state of all tokens so far, beside attention or without it."""
        return bool(
            lib.llama_model_is_recurrent(self.handle) or lib.llama_model_is_hybrid(self.handle)
        )

    def _refuse_other_kinds(self) -> None:
        """What the header did not tell: decoding with these would end the process."""
        encodes = lib.llama_model_has_encoder(self.handle)
        if not encodes and not lib.llama_model_is_diffusion(self.handle):
            return
        self.close()
        raise NotAModelError(
            f"{shown(self.path.name, 200)} is an encoder or a diffusion model: it does not write "
            "from left to right",
            "name a language model that writes text; most write from left to right",
        )

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
        self._read_piece = _PieceReader(self.handle)

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

    def pieces(self) -> list[bytes]:
        """The bytes of every token, as ``piece`` gives them."""
        return self._read_every(special=False)

    def texts(self) -> list[bytes]:
        """The bytes of every token, of control tokens too: what a grammar reads."""
        return self._read_every(special=True)

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

    @cached_property
    def ends(self) -> list[int]:
        """All tokens that end the generation."""
        return [token for token in range(self.size) if self.is_end(token)]

    @property
    def bos(self) -> str:
        return self.text(lib.llama_vocab_bos(self.handle))

    @property
    def eos(self) -> str:
        return self.text(lib.llama_vocab_eos(self.handle))

    @property
    def adds_bos(self) -> bool:
        return bool(lib.llama_vocab_get_add_bos(self.handle))

    def _read_every(self, *, special: bool) -> list[bytes]:
        """All pieces, in memory of its own: threads read them beside other work."""
        read = _PieceReader(self.handle)
        return [read(token, special=special) for token in range(self.size)]


class _PieceReader:
    """Reads the bytes of tokens into memory of its own, that is used again."""

    def __init__(self, vocabulary: Any) -> None:
        self._vocabulary = vocabulary
        self._buffer = ctypes.create_string_buffer(256)

    def __call__(self, token: int, *, special: bool) -> bytes:
        """``special``: control tokens by name."""
        while True:
            room = len(self._buffer)
            n = binding.token_to_piece(self._vocabulary, token, self._buffer, room, 0, special)
            if n >= 0:
                return ctypes.string_at(self._buffer, n)
            self._buffer = ctypes.create_string_buffer(-n)
