"""Peak memory of ``specdec run`` against the files, the caches and an allowance."""

from __future__ import annotations

import resource
import subprocess
import sys

from specdec_cli.engine.settings import PairSettings
from specdec_cli.gguf.header import read_header
from specdec_cli.memory.caches import cache_bytes

_ALLOWANCE = 150e6


def report(settings: PairSettings, context: int) -> None:
    """Print the peak resident size of one run and what it may be."""
    assert settings.draft
    models = [settings.target.path, settings.draft.path]
    command = [sys.executable, "-m", "specdec_cli", "run", "--quiet", "-c", str(context)]
    command += ["-m", str(models[0]), "-md", str(models[1]), "-n", "400", "Tell me a short story."]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    headers = [read_header(path) for path in models]
    files = sum(header.file_size for header in headers)
    from dataclasses import replace

    layout = replace(settings.context, n_ctx=context)
    caches = sum(cache_bytes(header, layout) for header in headers)
    print(
        f"peak {peak / 1e6:.0f} MB; files {files / 1e6:.0f} MB + caches {caches / 1e6:.0f} MB + "
        f"150 MB = {(files + caches + _ALLOWANCE) / 1e6:.0f} MB"
    )
