"""The array that llama.cpp's samplers work on."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.types import Logits
from specdec_cli.models.binding import lib
from specdec_cli.models.samplers import Chain

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Candidates:
    """Tokens with their logits, in memory of our own that is used again and again.

    Args:
        size: how many there can be.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._buffer = np.zeros(size, _CANDIDATE)
        self._ids, self._logits = self._buffer["id"], self._buffer["logit"]
        self._every = np.arange(size, dtype=np.int32)
        self._data = self._buffer.ctypes.data_as(lib.llama_token_data_p)
        self._address = self._buffer.ctypes.data
        self._array: Any = lib.llama_token_data_array()
        self._reference = ctypes.byref(self._array)
        self._begins = ctypes.c_void_p.from_buffer(self._array)  # its first field, as a number

    def fill(self, logits: Logits) -> Logits:
        """Begin with every token; returns the logits as the samplers will see them, to change."""
        self._ids[:] = self._every
        self._logits[:] = logits
        self._hold(len(self._buffer))
        return self._logits

    def fill_with(self, ids: NDArray[np.intp], logits: Logits) -> None:
        """Begin with some tokens, shape (n,), and their logits, shape (n,)."""
        n = len(ids)
        self._ids[:n] = ids
        self._logits[:n] = logits
        self._hold(n)

    def apply(self, chain: Chain) -> None:
        """Let samplers change the logits, leave tokens out and sort them."""
        lib.llama_sampler_apply(chain.handle, self._reference)

    @property
    def left(self) -> NDArray[np.void]:
        """What the samplers left: fields ``id``, ``logit`` and ``p``; valid until filled again."""
        address = self._begins.value
        if address == self._address:
            return self._buffer[: self._array.size]
        # A sampler may have moved the array.
        size = self._array.size * _CANDIDATE.itemsize
        return np.frombuffer((ctypes.c_char * size).from_address(address or 0), _CANDIDATE)

    def _hold(self, n: int) -> None:
        array = self._array
        array.data = self._data
        array.size = n
        array.selected = -1
        array.sorted = False
