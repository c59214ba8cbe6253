"""The one import of llama_cpp: the C functions the rest uses, and llama.cpp's log.

Only the low-level functions are used. The package's own ``Llama`` class keeps logits of the whole
context in host memory, has no draft model file, and moves file descriptors 1 and 2 while loading.
"""

from __future__ import annotations

import ctypes
import logging
import os
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llama_cpp.llama_cpp as lib
from llama_cpp.llama_grammar import json_schema_to_gbnf

__all__ = [
    "captured_stderr",
    "get_logits_address",
    "json_schema_to_gbnf",
    "last_errors",
    "lib",
    "offloads",
    "start",
]

log = logging.getLogger("specdec.llama")
log.addHandler(logging.NullHandler())

# The binding types a float pointer, which costs a cast per call; an address is all a view needs.
get_logits_address: Any = lib._lib["llama_get_logits"]  # noqa: SLF001
get_logits_address.argtypes = [ctypes.c_void_p]
get_logits_address.restype = ctypes.c_void_p

_LEVELS = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}
_CONTINUED = 5
_recent: deque[str] = deque(maxlen=8)
_started = threading.Lock()
_is_started = False


@lib.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _on_log(level: int, text: bytes, _user_data: object) -> None:
    message = text.decode("utf-8", "replace").rstrip("\n")
    if level >= 3 and level != _CONTINUED and message.strip(". "):
        _recent.append(message)
    log.log(_LEVELS.get(level, logging.DEBUG), "%s", message)


def start() -> None:
    """Initialise the backends once, with the log going to Python's ``specdec.llama`` logger."""
    global _is_started
    with _started:
        if not _is_started:
            lib.llama_log_set(_on_log, ctypes.c_void_p(0))
            lib.llama_backend_init()
            _is_started = True


@contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Catch what C code prints to stderr past the log; the lines are there at the end."""
    lines: list[str] = []
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines += file.read().decode("utf-8", "replace").splitlines()


def offloads() -> bool:
    """Whether this build of llama.cpp puts layers on a GPU."""
    return bool(lib.llama_supports_gpu_offload())


def last_errors() -> str:
    """The most recent warnings and errors llama.cpp logged, and forget them."""
    text = "; ".join(_recent)
    _recent.clear()
    return text
