"""The devices that llama.cpp can compute on, and their memory, as ggml tells them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Literal, get_args

import psutil

from specdec_cli.models import binding

Kind = Literal["cpu", "gpu", "igpu", "accel"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
"""By ggml's number."""
_CPU = _KINDS.index("cpu")


@dataclass(frozen=True, slots=True)
class Device:
    """Something that computes.

    Args:
        name: as ``--device`` takes it, ``CUDA0`` for instance.
        kind: ``igpu`` shares the main memory; ``accel`` helps the processor with its own work.
        free: bytes, at the time of asking.
        total: bytes; of the main memory where the device has none of its own.
        backend: the part of llama.cpp that drives it, ``CUDA`` or ``RPC`` for instance.
    """

    name: str
    description: str
    kind: Kind
    free: int
    total: int
    backend: str = ""

    @property
    def takes_layers(self) -> bool:
        """Whether layers can be put on it, in the sense of ``-ngl``."""
        return self.kind in ("gpu", "igpu")


def devices() -> tuple[Device, ...]:
    """All devices of this build on this machine, in llama.cpp's order.

    Raises:
        ImportError, OSError: llama.cpp cannot be loaded.
    """
    binding.start()
    count = binding.ggml("ggml_backend_dev_count", ctypes.c_size_t)()
    return tuple(_read(handle(index)) for index in range(count))


def handle(index: int) -> int:
    """The handle that ggml has for a device, by its place in :func:`devices`."""
    get = binding.ggml("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    return int(get(index))


def _read(device: int) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    size = ctypes.POINTER(ctypes.c_size_t)
    memory = binding.ggml("ggml_backend_dev_memory", None, ctypes.c_void_p, size, size)
    memory(device, ctypes.byref(free), ctypes.byref(total))
    kind = binding.ggml("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)(device)
    if kind == _CPU:
        main = psutil.virtual_memory()  # ggml calls all of it free
        free.value, total.value = main.available, main.total
    return Device(
        name=_text("name", device),
        description=_text("description", device),
        kind=_KINDS[kind] if kind < len(_KINDS) else "accel",
        free=free.value,
        total=total.value,
        backend=_backend(device),
    )


def _backend(device: int) -> str:
    registered = binding.ggml("ggml_backend_dev_backend_reg", ctypes.c_void_p, ctypes.c_void_p)
    name = binding.ggml("ggml_backend_reg_name", ctypes.c_char_p, ctypes.c_void_p)
    return (name(registered(device)) or b"").decode("utf-8", "replace")


def _text(what: str, device: int) -> str:
    read = binding.ggml(f"ggml_backend_dev_{what}", ctypes.c_char_p, ctypes.c_void_p)
    return (read(device) or b"").decode("utf-8", "replace")
