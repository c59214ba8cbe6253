"""A context of a model with a recurrent state: what it can take back, and copies of the state."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from specdec_cli.core.types import Logits
from specdec_cli.errors import BackendError
from specdec_cli.models.base import Checkpoint
from specdec_cli.models.binding import lib
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.models.settings import ContextSettings

_STATE = lib.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY  # keys and values are there anyway
_NEAR = _STATE | lib.LLAMA_STATE_SEQ_FLAGS_ON_DEVICE
_NOWHERE = sys.maxsize
_BYTES = ctypes.POINTER(ctypes.c_uint8)


class RecurrentContext(LlamaContext):
    """One sequence on the weights of a model that keeps a state, beside attention or without it.

    llama.cpp writes snapshots behind the last tokens of a decode, and brings the state back to one
    of them when it is asked to remove what follows. It does so as well where there is none: one
    token further back than the last decode began, a second time, or after a state was restored, it
    answers that all is well and goes on with a wrong state. ``earliest`` says how far back there
    are snapshots, and ``truncate`` goes no further.

    Attributes:
        snapshots: tokens that can be taken back from the end of a decode; fewer than were asked for
            where llama.cpp cannot keep as many.
        earliest: the shortest length, 0 aside, that ``truncate`` can bring it back to now.
    """

    def __init__(
        self,
        model: LlamaModel,
        settings: ContextSettings,
        *,
        shared: int | None = None,
        followed: int = 0,
    ) -> None:
        super().__init__(model, settings, shared=shared, followed=followed)
        self._snapshots = int(lib.llama_n_rs_seq(self.handle))
        self.snapshots = self._snapshots - (settings.pad - 1)
        self.earliest = 0
        if self.snapshots < 0:
            self.close()
            raise BackendError(
                f"{model.path.name} keeps a recurrent state, so its passes cannot be padded as "
                "--exact needs it for these weights",
                "use a quantized model (Q8_0, Q4_K_M), or leave --exact out",
            )

    def decode(self, tokens: Sequence[int], rows: int) -> Logits:
        logits = super().decode(tokens, rows)
        # A decode of n tokens leaves the states behind each of them, never the one before.
        self.earliest = self._filled - min(self._padded - 1, self._snapshots)
        return logits

    def truncate(self, length: int) -> None:
        """Keep only the first tokens: none, or no fewer than ``earliest``.

        Raises:
            ValueError: the state behind ``length`` tokens is not there any more.
        """
        if 0 < length < self.earliest:
            raise ValueError(f"no state is kept behind {length} tokens, only from {self.earliest}")
        super().truncate(length)

    def save(self, *, near: bool) -> Checkpoint | None:
        if self._filled > self.length:
            self._cut(self.length)
        flags = _NEAR if near else _STATE
        size = lib.llama_state_seq_get_size_ext(self.handle, 0, flags)
        data = np.empty(size, np.uint8)
        written = lib.llama_state_seq_get_data_ext(self.handle, _address(data), size, 0, flags)
        if not size or written != size:
            return None
        return Checkpoint(self.length, size, (flags, data))

    def restore(self, checkpoint: Checkpoint) -> bool:
        flags, data = checkpoint.data
        size = len(data)
        read = lib.llama_state_seq_set_data_ext(self.handle, _address(data), size, 0, flags)
        if read != size:
            self._undo()
            return False
        self._cut(checkpoint.length)  # the keys and values that came after
        self.length = checkpoint.length
        return True

    def _cut(self, length: int) -> None:
        super()._cut(length)
        self.earliest = length  # llama.cpp goes back once

    def _undo(self) -> None:
        """Nobody knows what the state is of: nothing is held until one is restored."""
        self._filled += self._padded  # at most, so that the next decode begins with an empty cache
        self.length = 0
        self.earliest = _NOWHERE


def _address(data: np.ndarray) -> Any:
    return data.ctypes.data_as(_BYTES)
