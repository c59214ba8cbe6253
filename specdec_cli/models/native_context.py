"""What all contexts of llama.cpp share: how they are laid out, their threads and their end."""

from __future__ import annotations

from typing import Any

from specdec_cli.models.binding import lib
from specdec_cli.models.settings import ContextSettings

_FLASH = {"auto": -1, "off": 0, "on": 1}
_CACHE_TYPES = {
    "auto": 1, "f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8,
    "iq4_nl": 20, "bf16": 30,
}  # fmt: skip


class NativeContext:
    """A context that llama.cpp made.

    Args:
        handle: llama.cpp's; none where it could not make it.
        params: it was made with.

    Attributes:
        handle: as given, until it is closed.
    """

    def __init__(self, handle: Any, params: Any) -> None:
        self.handle = handle
        self._threads = params.n_threads, params.n_threads_batch
        self._most_threads = max(self._threads)

    def use_threads(self, single: int, batch: int) -> None:
        """Compute with other numbers of threads from now on: single tokens, and batches."""
        self._threads = single, batch
        most = self._most_threads
        lib.llama_set_n_threads(self.handle, min(single, most), min(batch, most))

    def limit_threads(self, most: int) -> None:
        """Compute with no more threads than that, whatever ``use_threads`` says."""
        self._most_threads = most
        self.use_threads(*self._threads)

    def close(self) -> None:
        """Free the context."""
        if self.handle:
            lib.llama_free(self.handle)
            self.handle = None


def context_params(settings: ContextSettings) -> Any:
    """What every context of a pair has in common, for llama.cpp."""
    params = lib.llama_context_default_params()
    params.n_batch = settings.n_batch
    params.n_ubatch = min(settings.n_ubatch, settings.n_batch)
    params.n_threads = settings.threads
    params.n_threads_batch = settings.threads_batch or settings.threads
    params.flash_attn_type = _FLASH[settings.flash_attention]
    params.type_k = _CACHE_TYPES[settings.cache_type_k]
    params.type_v = _CACHE_TYPES[settings.cache_type_v]
    params.no_perf = True
    return params
