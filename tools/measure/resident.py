"""What loading one model really takes, measured in a process of its own.

python -m tools.measure.resident FILE '{"n_ctx": 1024}' '{"repack": false}'
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from specdec_cli.models.settings import ContextSettings, ModelSettings

_COPIED = re.compile(r"CPU_REPACK model buffer size =\s*([\d.]+) MiB")


def measure(path: Path, context: Mapping[str, Any], load: Mapping[str, Any]) -> dict[str, int]:
    """Load a model in a new process, use all of it, and return the growth of its memory in bytes.

    Returns:
        ``resident``: all of it. ``copied``: of that, weights that llama.cpp copied into another
        order, so that their pages of the file, which are resident as well, can be dropped.
    """
    arguments = [str(path), json.dumps(context), json.dumps(load)]
    command = [sys.executable, "-m", __spec__.name, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def _measure_here(path: Path, settings: ContextSettings, load: ModelSettings) -> dict[str, int]:
    from specdec_cli.models import binding
    from specdec_cli.models.llama import LlamaModel
    from specdec_cli.models.llama_context import LlamaContext

    binding.start()
    before = _resident()
    with binding.listening() as lines:
        model = LlamaModel(path, load)
    context = LlamaContext(model, settings)
    _use_all(context, settings)
    after = _resident()
    context.close()
    copied = (float(match[1]) for line in lines if (match := _COPIED.search(line)))
    return {"resident": after - before, "copied": round(sum(copied) * (1 << 20))}


def _use_all(context: Any, settings: ContextSettings) -> None:
    """Fill the cache batch by batch, then ask for all rows that can be had."""
    batch = min(settings.n_batch, settings.n_ctx)
    while context.length + batch <= settings.n_ctx:
        context.decode([5] * batch, 0)
    context.truncate(settings.n_ctx - settings.rows - settings.pad)
    context.decode([5] * settings.rows, settings.rows)


def _resident() -> int:
    """Bytes of this process that are in memory, of files too."""
    return int(psutil.Process().memory_info().rss)


def _main() -> None:
    path, context, load = sys.argv[1:]
    settings = ContextSettings(**json.loads(context))
    found = _measure_here(Path(path), settings, ModelSettings(**json.loads(load)))
    print(json.dumps(found))


if __name__ == "__main__":
    _main()
