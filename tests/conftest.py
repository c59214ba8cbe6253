"""What all tests share: a home of their own, the embedded pair, hypothesis' settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from specdec_cli import paths
from tools import real_models

# The same examples every time: a failure is the change's, not the day's. Random ones, and many:
# HYPOTHESIS_PROFILE=search.
settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class TinyPair(NamedTuple):
    """The files of the embedded pair."""

    target: Path
    draft: Path


_OF_THE_TERMINAL = ("CI", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TERM")


def _settle(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in ("HOME", "USERPROFILE"):
        patch.setenv(name, str(home))
    for name, folder in (
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_STATE_HOME", ".local/state"),
        ("APPDATA", "AppData/Roaming"),
        ("LOCALAPPDATA", "AppData/Local"),
    ):
        patch.setenv(name, str(home / folder))


@pytest.fixture(scope="session", autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the person's files, settings, terminal and GPUs out of the tests, subprocesses included.

    GPUs compute a row of a batch otherwise than a row by itself, so that two tokens may swap
    whose logits are nearly equal: what the tests say of tokens and of buffers is the processor's.
    """
    with pytest.MonkeyPatch.context() as patch:
        _settle(patch, tmp_path_factory.mktemp("home"))
        for name in os.environ:
            if name.startswith("SPECDEC_") or name in _OF_THE_TERMINAL:
                patch.delenv(name)
        for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
            patch.setenv(name, "-1")
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for one test that writes settings, profiles or logs."""
    folder = tmp_path / "home"
    folder.mkdir()
    _settle(monkeypatch, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_pair() -> TinyPair:
    """The embedded pair: real models, always there."""
    return TinyPair(paths.embedded() / "tiny-target.gguf", paths.embedded() / "tiny-draft.gguf")


def _real(model: real_models.RealModel) -> Path:
    assert model.path.is_file(), "fetch it: python -m tools.real_models"
    return model.path


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """A public instruction-following model; for tests marked ``real_models``."""
    return _real(real_models.SMOLLM2)


@pytest.fixture(scope="session")
def gemma3() -> Path:
    """A public base model with another vocabulary; for tests marked ``real_models``."""
    return _real(real_models.GEMMA3)
