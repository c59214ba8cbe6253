"""The profiles that ship: complete, honest about what they were compared with, and usable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from specdec_cli import paths
from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from specdec_cli.gguf.heads import named_like
from specdec_cli.hub.remote import HubFile, HubModel, choose, parse
from specdec_cli.profiles import store

NAMES = [name for name in store.names() if name != "tiny"]


def test_there_are_pairs_to_choose_from() -> None:
    assert len(NAMES) >= 15
    pairs = [name for name in NAMES if store.load(name).profile.draft]
    assert len(pairs) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_profile_is_complete(name: str) -> None:
    profile = store.load(name).profile
    assert profile.description
    assert profile.licence
    assert profile.memory_gb
    # What drafts: a draft model, or what the notes tell of.
    assert profile.draft or profile.head or "n-grams draft" in profile.notes
    if profile.head:
        assert "n-grams" in profile.notes.lower()  # they draft where the head cannot be used
    for source in profile.all_sources:
        assert source.repo
        # Nothing is claimed to have been compared with the Hub that was not.
        assert source.confirmed in ("guess", "named", "hashed")
        assert (source.confirmed == "hashed") == bool(source.sha256)
        assert parse(source.named()) == HubModel(
            HubFile(source.repo, source.file or "", source.revision), (), source.quant
        )


@pytest.mark.parametrize(
    "name",
    [
        *("qwen3.8-27b", "qwen3.6-27b", "qwen3.6-35b-a3b", "qwen3.5-4b", "qwen3.5-9b"),
        *("gemma4-e2b", "gemma4-e4b", "gemma4-12b", "gemma4-26b-a4b", "gemma4-31b"),
        *("gemma4-31b-e2b", "gpt-oss-20b", "gpt-oss-120b", "lfm2-2.6b", "nemotron-nano-9b"),
    ],
)
def test_what_to_expect_is_said(name: str) -> None:
    """Of the models of 2026: published figures, or that there are none."""
    notes = store.load(name).profile.notes.lower()
    assert re.search(r"\d times|\d %|no figures|like plain decoding", notes)


@pytest.mark.parametrize("name", NAMES)
def test_a_head_is_the_targets_own_repositorys(name: str) -> None:
    profile = store.load(name).profile
    if profile.head and profile.head.model:
        assert profile.head.model.repo == profile.target.repo
        assert profile.head.model.file is not None
        assert named_like(profile.head.model.file) == profile.head.kind


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_it_was_not_measured(name: str) -> None:
    """Draft lengths follow from measuring, so none is shipped for models nobody measured."""
    data = yaml.safe_load((paths.shipped_profiles() / f"{name}.yaml").read_text())
    assert not data.keys() & {"draft_max", "draft_min", "draft_p_min"}


def test_all_of_them_are_valid(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert commands.invoke(["validate"]) == Exit.OK
    out = capsys.readouterr().out
    assert out.splitlines() == [f"{name}: ok" for name in store.names()]


@pytest.mark.parametrize(
    ("quant", "expected"),
    [
        ("q4_k_m", "m-Q4_K_M.gguf"),
        ("Q4_K", None),
        ("Q8_0", "big/m-Q8_0-00001-of-00002.gguf"),
        ("F16", None),
        ("IQ2_S", None),
        ("Q5_0", None),
        ("Q6_K", "m-long-name-Q6_K.gguf"),
        ("BF16", "m.BF16.gguf"),
    ],
)
def test_a_quantisation_names_one_file(quant: str, expected: str | None) -> None:
    names = [
        "README.md",
        "m-Q4_K_M.gguf",
        "m-long-name-Q4_K_M.gguf",
        "big/m-Q8_0-00001-of-00002.gguf",
        "big/m-Q8_0-00002-of-00002.gguf",
        "mmproj-F16.gguf",
        "mtp-m-IQ2_S.gguf",
        "eagle3-m-Q5_0.gguf",
        "m-DFlash-Q6_K.gguf",
        "m-long-name-Q6_K.gguf",
        "m.BF16.gguf",
        "../../m-F16.gguf",
        "/m-F16.gguf",
    ]
    found = choose(HubModel(HubFile("a/b", ""), (), quant), names)
    assert (found.first.file if found else None) == expected


def test_parts_are_known_from_the_first() -> None:
    model = HubModel(HubFile("a/b", "x/m-00001-of-00003.gguf", "v1"))
    assert [file.file for file in model.files] == [
        f"x/m-0000{number}-of-00003.gguf" for number in (1, 2, 3)
    ]
    assert {file.revision for file in model.files} == {"v1"}


@pytest.mark.parametrize(
    "text",
    ["a/b/c.txt", "a/b/../c.gguf", "/a/b/c.gguf", "a/b:", "x.gguf", "a/b:Q4@../x"],
)
def test_what_is_no_reference(text: str) -> None:
    assert parse(text) is None


def test_a_reference_is_read_at_once() -> None:
    assert parse("a/b:Q4@" + "a" * 5000 + "!") is None
    assert parse("a/b/" + "a." * 5000 + "!") is None
