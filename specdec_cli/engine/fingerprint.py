"""What measurements hold for: this machine, this build of llama.cpp, these two files."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from specdec_cli.engine.settings import ModelChoice
from specdec_cli.models.settings import ModelSettings

_LIBRARIES = (".so", ".dylib", ".dll")


def machine() -> list[Any]:
    """Return its name, its kind of processor, and how many there are."""
    return [platform.node(), platform.machine(), platform.processor(), os.cpu_count()]


def build() -> dict[str, str]:
    """Return the binding's version, where llama.cpp is if that was chosen, and which files it has.

    Names and sizes of the libraries tell builds of one version apart, for instance with and
    without support for a GPU.
    """
    chosen = os.environ.get("LLAMA_CPP_LIB_PATH", "")
    listed = "\n".join(_libraries(Path(chosen) if chosen else _own_folder()))
    return {
        "backend": version("llama-cpp-python"),
        "library": chosen,
        "files": sha256(os.fsencode(listed)).hexdigest()[:16],
    }


def model(choice: ModelChoice) -> dict[str, Any]:
    """Return a model's file and how it is loaded, without its threads.

    Raises:
        OSError: there is no such file.
    """
    file = choice.path.stat()
    return {
        "path": str(choice.path.resolve()),
        "size": file.st_size,
        "changed": file.st_mtime_ns,
        **_load(choice.load),
    }


def _load(settings: ModelSettings) -> dict[str, Any]:
    """How a model is loaded, as JSON and YAML give it back; what is not set is left out."""
    found: dict[str, Any] = {"gpu_layers": settings.gpu_layers, "repack": settings.repack}
    usual = asdict(ModelSettings())
    for name, value in asdict(settings).items():
        if value != usual[name]:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def of_pair(
    target: ModelChoice, draft: ModelChoice | None, layout: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all that measured settings depend on, by the names that :func:`differing` gives.

    Args:
        layout: whatever else is meant, JSON-able.

    Raises:
        OSError: a file does not exist.
    """
    return {
        "machine": machine(),
        "build": build(),
        "target": model(target),
        "draft": model(draft) if draft else None,
        "layout": dict(layout),
    }


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Return the parts in which two fingerprints differ."""
    return [name for name in dict.fromkeys((*a, *b)) if a.get(name) != b.get(name)]


def _own_folder() -> Path | None:
    found = find_spec("llama_cpp")
    places = found.submodule_search_locations if found else None
    return Path(places[0]) / "lib" if places else None


def _libraries(folder: Path | None) -> list[str]:
    try:
        files = sorted(folder.iterdir()) if folder else []
        return [f"{file.name} {file.stat().st_size}" for file in files if _is_library(file)]
    except OSError:
        return []


def _is_library(file: Path) -> bool:
    return any(suffix in file.suffixes for suffix in _LIBRARIES)
