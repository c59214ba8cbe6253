"""Profiles: what a file may say, and which file a name means."""

from __future__ import annotations

from pathlib import Path

import pytest

from specdec_cli import paths
from specdec_cli.errors import NotFoundError, UsageError
from specdec_cli.options.resolve import Layer, read_layers
from specdec_cli.options.table import RUN
from specdec_cli.profiles import store

MINIMAL = "schema_version: 1\ntarget: {path: target.gguf}\n"


def add(name: str, text: str) -> Path:
    file = paths.user_profiles() / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_tiny_names_the_models_that_ship() -> None:
    stored = store.load("tiny")
    defaults = stored.defaults()
    for name in ("model", "draft-model"):
        assert Path(str(defaults[name])).is_file()
    assert stored.profile.licence
    assert stored.profile.description


@pytest.mark.parametrize("name", store.names())
def test_shipped_profiles_set_valid_options(name: str) -> None:
    defaults = store.load(name).defaults()
    assert defaults.keys() <= {option.name for option in RUN.options}
    found = read_layers(RUN, [Layer("profile", defaults)])
    assert found.origins["model"] == "profile"


def test_own_profiles_come_first(home: Path) -> None:
    add("mine", MINIMAL)
    add("tiny", MINIMAL + "draft_max: 9\n")
    assert {"mine", "tiny"} <= set(store.names())
    assert store.load("tiny").defaults()["draft-max"] == 9


def test_paths_are_relative_to_the_profile(home: Path) -> None:
    file = add("mine", MINIMAL + "draft: {path: ~/draft.gguf, threads: 1}\n")
    defaults = store.load("mine").defaults()
    assert defaults["model"] == str(file.parent / "target.gguf")
    assert defaults["draft-model"] == str(home / "draft.gguf")
    assert defaults["threads-draft"] == 1


@pytest.mark.parametrize("name", ["nothing", "../tiny", "Tiny", "", "tiny.yaml"])
def test_only_exact_names_exist(name: str) -> None:
    assert not store.exists(name)


def test_an_unknown_name_suggests_a_close_one() -> None:
    with pytest.raises(NotFoundError) as caught:
        store.load("tinny")
    assert "tiny" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL + "draft_mx: 3\n", "draft_mx is not a field; did you mean draft_max?"),
        (MINIMAL + "sampling: {temprature: 0}\n", "did you mean temperature?"),
        (MINIMAL + "draft_max: many\n", "draft_max"),
        (MINIMAL + "draft_p_min: 2\n", "draft_p_min"),
        ("schema_version: 1\n", "target is missing"),
        ("schema_version: 1\ntarget: {}\n", "either embedded or path"),
        ("schema_version: 1\ntarget: {embedded: ../../x.gguf}\n", "target.embedded"),
        ("schema_version: 2\ntarget: {path: a}\n", "newer"),
        ("target: {path: a}\n", "schema_version is missing"),
        ("[]", "not a mapping"),
        ("a: [", "not YAML"),
        ("!!python/object/apply:os.getcwd []", "not YAML"),
    ],
)
def test_a_wrong_profile_is_explained(home: Path, text: str, said: str) -> None:
    file = add("mine", text)
    with pytest.raises(UsageError) as caught:
        store.load("mine")
    assert said in caught.value.message
    assert "mine" in caught.value.message
    assert caught.value.hint in (f"correct the file: {file}", "upgrade specdec")


def test_names_that_are_near_are_listed_as_a_person_would() -> None:
    for name, told in (
        ("qwen3-8", "did you mean qwen3-8b, qwen3-8b-q8 or qwen3-32b?"),
        ("tinny", "did you mean tiny?"),
    ):
        assert store.unknown(name).hint == told
