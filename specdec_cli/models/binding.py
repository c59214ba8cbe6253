"""The one import of llama_cpp: the C functions the rest uses, and llama.cpp's log.

Only the low-level functions are used. The package's own ``Llama`` class keeps logits of the whole
context in host memory, has no draft model file, and moves file descriptors 1 and 2 while loading.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import re
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import llama_cpp.llama_cpp as lib

from specdec_cli.errors import BackendError, OutOfMemoryError

__all__ = [
    "captured_stderr",
    "failure",
    "get_logits_address",
    "ggml",
    "last_errors",
    "lib",
    "library",
    "listening",
    "offloads",
    "staging",
    "start",
    "token_to_piece",
]

log = logging.getLogger("specdec.llama")
log.addHandler(logging.NullHandler())

# The binding types a float pointer, which costs a cast per call; an address is all a view needs.
get_logits_address: Any = lib._lib["llama_get_logits"]  # noqa: SLF001
get_logits_address.argtypes = [ctypes.c_void_p]
get_logits_address.restype = ctypes.c_void_p

# Likewise, with a buffer that is made once: text is made of thousands of pieces.
token_to_piece: Any = lib._lib["llama_token_to_piece"]  # noqa: SLF001
token_to_piece.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_char_p, *[ctypes.c_int32] * 2]
token_to_piece.argtypes += [ctypes.c_bool]
token_to_piece.restype = ctypes.c_int32

_LEVELS = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}
_CONTINUED = 5
_GPUS = (1, 2)  # with memory of their own, and sharing the main memory
_recent: deque[str] = deque(maxlen=8)
_listeners: list[list[str]] = []
_OUT_OF_MEMORY = re.compile(
    r"alloc|out of memory|insufficient memory|OutOf\w*Memory", re.IGNORECASE
)
_started = threading.Lock()
_is_started = False


@lib.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _on_log(level: int, text: bytes, _user_data: object) -> None:
    message = text.decode("utf-8", "replace").rstrip("\n")
    if level >= 3 and level != _CONTINUED and message.strip(". "):
        _recent.append(message)
    for lines in _listeners:
        lines.append(message)
    log.log(_LEVELS.get(level, logging.DEBUG), "%s", message)


def start() -> None:
    """Initialise the backends once, with the log going to Python's ``specdec.llama`` logger."""
    global _is_started
    with _started:
        if not _is_started:
            lib.llama_log_set(_on_log, ctypes.c_void_p(0))
            lib.llama_backend_init()
            if not ggml("ggml_backend_dev_count", ctypes.c_size_t)():
                _load_backends()
            _is_started = True


def ggml(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of ggml, which the binding leaves out, from the very library llama.cpp uses.

    Args:
        name: of the C function.
        result, arguments: their ctypes; ``None`` for no result.

    Raises:
        AttributeError: this build has no such function.
    """
    found: Any = None
    for library in _libraries():
        with contextlib.suppress(AttributeError):
            found = library[name]
            break
    if found is None:
        raise AttributeError(f"this build of llama.cpp has no {name}")
    found.argtypes = list(arguments)
    found.restype = result
    return cast("Callable[..., Any]", found)


def _libraries() -> Iterator[ctypes.CDLL]:
    """llama.cpp's library, then those it depends on.

    On Linux and macOS the first finds the functions of all; Windows looks only where it is told.
    """
    yield lib._lib  # noqa: SLF001
    folder = Path(lib._lib._name).parent  # noqa: SLF001
    for name in ("ggml", "ggml-base", "ggml-rpc"):
        for file in (folder / f"{name}.dll", folder / f"lib{name}.dll"):
            if file.exists():
                yield ctypes.CDLL(str(file))


def library() -> str:
    """The file of llama.cpp's library."""
    return str(lib._lib._name)  # noqa: SLF001


def _load_backends() -> None:
    """Load the backends of a build that keeps them in files of their own, as releases do."""
    load = ggml("ggml_backend_load_all_from_path", None, ctypes.c_char_p)
    load(os.fsencode(Path(lib._lib._name).parent))  # noqa: SLF001


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


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect llama.cpp's log while it lasts, on its way to where it goes anyway."""
    lines: list[str] = []
    _listeners.append(lines)
    try:
        yield lines
    finally:
        _listeners.pop()


def failure(message: str, hint: str) -> BackendError:
    """An error with the reasons llama.cpp logged; what it names out of memory becomes that."""
    reasons = list(_recent)
    _recent.clear()
    of_memory = [reason for reason in reasons if _OUT_OF_MEMORY.search(reason)]
    kind = OutOfMemoryError if of_memory else BackendError
    return kind(f"{message}: {'; '.join(of_memory or reasons) or 'no reason given'}", hint)


def staging() -> Any:
    """llama.cpp's staging calls, which trained heads need; any version may change them.

    Raises:
        BackendError: this build has none.
    """
    try:
        import llama_cpp.llama_cpp_ext as ext
    except (ImportError, AttributeError) as error:
        raise BackendError(
            f"this llama.cpp cannot draft from a model's own head: {error}",
            "install the llama-cpp-python that specdec asks for, or use --drafter ngram",
        ) from error
    return ext


def offloads() -> bool:
    """Whether llama.cpp finds a device to put layers on, here or on a connected machine."""
    start()
    by_type = ggml("ggml_backend_dev_by_type", ctypes.c_void_p, ctypes.c_int)
    return any(by_type(kind) for kind in _GPUS)


def last_errors() -> str:
    """The most recent warnings and errors llama.cpp logged, and forget them."""
    text = "; ".join(_recent)
    _recent.clear()
    return text
