"""The sound models that mutants are made of: small ones of several kinds, the embedded draft."""

from __future__ import annotations

import struct
from pathlib import Path

from specdec_cli import paths
from tests.ggufs import write_gguf

_SPM = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
_SPM += ["▁", "▁the", "e", "t", "h", "th", "the", "▁t", "a", "n"]


def write_seeds(folder: Path) -> list[Path]:
    """Write the models; the first is the partner of all mutants."""
    types = [2, 3, 3, *[6] * 256, *[1] * (len(_SPM) - 259)]
    scores = struct.unpack("<1f", struct.pack("<f", -1.0)) * len(_SPM)
    written = [
        write_gguf(folder / "plain.gguf", seed=1),
        write_gguf(folder / "layers.gguf", seed=2, n_layers=2, heads=4, kv_heads=2, d=64),
        write_gguf(folder / "quantized.gguf", seed=3, tensor_type="Q8_0", tied=False),
        write_gguf(
            folder / "q4.gguf", seed=4, tensor_type="Q4_0", d=64, ff=128, chat_template=None
        ),
        write_gguf(
            folder / "spm.gguf",
            seed=5,
            tokens=_SPM,
            token_types=types,
            bos=1,
            eos=2,
            add_bos=True,
            merges=("t h",),
            extra_metadata={
                "tokenizer.ggml.model": "llama",
                "tokenizer.ggml.pre": "default",
                "tokenizer.ggml.scores": [float(score) for score in scores],
                "tokenizer.ggml.merges": None,
            },
        ),
    ]
    return [*written, paths.embedded() / "tiny-draft.gguf"]
