"""The tests' own Hub, and a cache of its files that is empty at first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from specdec_cli.hub.client import Hub
from tests.ggufs import default_tokens, write_gguf
from tests.hub.server import FakeHub, Repo

TOKEN = "hf_thisIsASecretOfTheTests"


@pytest.fixture(scope="session")
def ggufs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small models: a pair, and a draft of another vocabulary."""
    folder = tmp_path_factory.mktemp("ggufs")
    other = default_tokens()
    other[65], other[66] = other[66], other[65]
    made = {
        "target": write_gguf(folder / "target.gguf", seed=1, context=512, d=256, ff=1024),
        "draft": write_gguf(folder / "draft.gguf", seed=2, context=512),
        "other": write_gguf(folder / "other.gguf", seed=3, context=512, tokens=other),
    }
    return {name: path.read_bytes() for name, path in made.items()}


@pytest.fixture
def server(ggufs: dict[str, bytes]) -> Iterator[FakeHub]:
    """A Hub with a pair in two repositories."""
    with FakeHub() as hub:
        hub.repos["big/model-GGUF"] = Repo(
            {"model-Q4_K_M.gguf": ggufs["target"], "README.md": b"#"}
        )
        hub.repos["small/model-GGUF"] = Repo({"draft-Q8_0.gguf": ggufs["draft"]})
        hub.repos["other/model-GGUF"] = Repo({"other-Q8_0.gguf": ggufs["other"]})
        yield hub


@pytest.fixture
def environment(server: FakeHub, tmp_path: Path) -> dict[str, str]:
    """Variables that point a program at the tests' Hub and an empty cache."""
    return {
        "HF_ENDPOINT": server.endpoint,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_TOKEN": TOKEN,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


@pytest.fixture
def hub(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The real client, in this process, pointed at the tests' Hub."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    endpoint = environment["HF_ENDPOINT"]
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", f"{environment['HF_HOME']}/hub")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    huggingface_hub.close_session()
    return Hub()
