"""What all tests share: a home of their own, the embedded pair, hypothesis' settings."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from specdec_cli import paths
from tests.surroundings import own_home, settle, usual_signals
from tools import real_models

# At once, so that test files are already imported in it. Its end is the process's.
_HOME = Path(tempfile.mkdtemp(prefix="specdec-tests-home-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
settle(pytest.MonkeyPatch(), _HOME)
usual_signals()
os.umask(0o022)

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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for one test that writes settings, profiles or logs."""
    folder = tmp_path / "home"
    folder.mkdir()
    own_home(monkeypatch, folder)
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
