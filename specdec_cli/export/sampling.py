"""How answers are drawn, as vLLM and SGLang call it."""

from __future__ import annotations

from typing import Any

from specdec_cli.export.served import Served

_NAMES = {
    "temp": "temperature",
    "top-k": "top_k",
    "top-p": "top_p",
    "min-p": "min_p",
    "repeat-penalty": "repetition_penalty",
    "presence-penalty": "presence_penalty",
    "frequency-penalty": "frequency_penalty",
}
_EVERY_TOKEN = -1
"""Of top-k, where 0 is not always understood."""


def defaults(served: Served) -> dict[str, Any]:
    """What requests mean that say nothing else."""
    found: dict[str, Any] = {
        _NAMES[name]: value for name, value in served.sampling.items() if name in _NAMES
    }
    if found.get("top_k") == 0:
        found["top_k"] = _EVERY_TOKEN
    if served.predict is not None and served.predict > 0:
        found["max_new_tokens"] = served.predict
    return found


def lost(served: Served) -> str:
    """The options that have no name there, for a sentence; empty if all have one."""
    return ", ".join(f"--{name}" for name in served.sampling if name not in _NAMES)
