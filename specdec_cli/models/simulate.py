"""llama.cpp's own word on what computing takes: it lays a model out without loading it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from specdec_cli.models import binding
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.models.settings import ContextSettings, ModelSettings

_BUFFER = re.compile(r"(\S+)\s+compute buffer size =\s*([\d.]+) MiB")
_MEBIBYTE = 1 << 20


def compute_buffers(path: Path, load: ModelSettings, context: ContextSettings) -> Mapping[str, int]:
    """Bytes of the compute buffer of each device, by its name.

    ``CPU``, and what ends in ``_Host``, is main memory. Nothing is allocated for the weights, and
    none are read; the vocabulary is.

    Raises:
        BackendError: llama.cpp refuses the file or the context.
    """
    with binding.listening() as lines:
        model = LlamaModel(path, load, simulate=True)
        try:
            LlamaContext(model, context).close()
        finally:
            model.close()
    found: dict[str, int] = {}
    for line in lines:
        if match := _BUFFER.search(line):
            found[match[1]] = max(found.get(match[1], 0), round(float(match[2]) * _MEBIBYTE))
    return found
