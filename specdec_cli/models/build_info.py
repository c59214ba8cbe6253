"""What llama.cpp was built with, as the loaded libraries tell it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from specdec_cli.models import binding
from specdec_cli.models.binding import lib

_SPELLED = {
    "AVX512_VNNI": "AVX512-VNNI",
    "AVX512_VBMI": "AVX512-VBMI",
    "AVX512_BF16": "AVX512-BF16",
    "AVX_VNNI": "AVX-VNNI",
    "OPENMP": "OpenMP",
    "LLAMAFILE": "llamafile",
    "REPACK": "repack",
}
"""Names of ggml that others know in another spelling."""


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """One build of llama.cpp.

    Args:
        backends: what can compute, such as ``CPU``, ``CUDA``, ``Metal``, ``Vulkan``, ``BLAS``,
            ``RPC``.
        features: of all backends, such as ``AVX2``, ``AVX512-VNNI``, ``OpenMP``.
        gpu_offload: layers can be put on a GPU, or on another machine.
        rpc: models can be spread over machines.
        commit: of llama.cpp's sources; empty where the build does not say.
    """

    backends: tuple[str, ...]
    features: tuple[str, ...]
    gpu_offload: bool
    rpc: bool
    mmap: bool
    mlock: bool
    commit: str
    ggml: str


def build_info() -> BuildInfo:
    """Ask the loaded libraries.

    Raises:
        ImportError, OSError: llama.cpp cannot be loaded.
    """
    binding.start()
    return BuildInfo(
        backends=_backends(),
        features=features(lib.llama_print_system_info().decode("utf-8", "replace")),
        gpu_offload=bool(lib.llama_supports_gpu_offload()),
        rpc=bool(lib.llama_supports_rpc()),
        mmap=bool(lib.llama_supports_mmap()),
        mlock=bool(lib.llama_supports_mlock()),
        commit=_text("ggml_commit"),
        ggml=_text("ggml_version"),
    )


def features(system_info: str) -> tuple[str, ...]:
    """Names of what is switched on in llama.cpp's line of ``NAME = VALUE`` pairs.

    The line has parts like ``CPU : SSE3 = 1 | AVX2 = 1 | CUDA : ARCHS = 800,900 | ``. Values that
    are no switch stay with their names.
    """
    found: dict[str, None] = {}
    for part in system_info.split("|"):
        name, mark, value = part.rpartition(":")[2].partition("=")
        name, value = name.strip(), value.strip()
        if not mark or not name or value in ("", "0"):
            continue
        name = _SPELLED.get(name, name)
        found[name if value == "1" else f"{name}={value}"] = None
    return tuple(found)


def _backends() -> tuple[str, ...]:
    count = binding.ggml("ggml_backend_reg_count", ctypes.c_size_t)()
    get = binding.ggml("ggml_backend_reg_get", ctypes.c_void_p, ctypes.c_size_t)
    name = binding.ggml("ggml_backend_reg_name", ctypes.c_char_p, ctypes.c_void_p)
    return tuple(name(get(index)).decode("utf-8", "replace") for index in range(count))


def _text(function: str) -> str:
    try:
        return (binding.ggml(function, ctypes.c_char_p)() or b"").decode("utf-8", "replace")
    except AttributeError:
        return ""
