"""The embedded pair in another type: python -m tools.tinypair.requantize FILE TYPE OUT.

As ``llama-quantize`` does it, from F16. No training is needed, and the bytes are always the same.
"""

from __future__ import annotations

import argparse
import ctypes
from pathlib import Path

from specdec_cli.models.binding import lib, start

KINDS = {"F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8}
"""llama.cpp's numbers of the kinds of file that rows of 128 and 384 weights allow."""


def requantize(source: Path, kind: str, out: Path) -> None:
    """Write ``source`` with its matrices in another type.

    Raises:
        ValueError: llama.cpp cannot do it.
    """
    start()
    params = lib.llama_model_quantize_default_params()
    params.ftype = KINDS[kind]
    if lib.llama_model_quantize(str(source).encode(), str(out).encode(), ctypes.byref(params)):
        raise ValueError(f"{source} cannot be written as {kind}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("type", choices=KINDS)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    requantize(options.file, options.type, options.out)


if __name__ == "__main__":
    main()
