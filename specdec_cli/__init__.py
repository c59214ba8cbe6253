"""Speculative decoding for local GGUF models; ``docs/library.md`` shows its use from Python.

The names are imported when they are first used, so that ``import specdec_cli`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # What type checkers see of ``__getattr__``.
    from specdec_cli.api import (
        Answer,
        AnswerOptions,
        Baseline,
        Cancelled,
        Event,
        Finished,
        LoadedPair,
        Loading,
        LoadOptions,
        Message,
        Parked,
        PromptDone,
        PromptProgress,
        Resumed,
        Round,
        RunStats,
        SpecdecError,
        Text,
        load,
    )

    __version__: str

__all__ = [
    "Answer",
    "AnswerOptions",
    "Baseline",
    "Cancelled",
    "Event",
    "Finished",
    "LoadOptions",
    "LoadedPair",
    "Loading",
    "Message",
    "Parked",
    "PromptDone",
    "PromptProgress",
    "Resumed",
    "Round",
    "RunStats",
    "SpecdecError",
    "Text",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from specdec_cli.version import version

        value: Any = version()
    elif name in __all__:
        value = getattr(import_module("specdec_cli.api"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
