"""One verdict on a pair, whichever command is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from specdec_cli.gguf.header import read_header
from specdec_cli.pairs.check.suggest import drafts_for
from specdec_cli.profiles import store
from tests.architectures import write
from tests.ggufs import default_tokens, write_gguf
from tests.heads import KINDS, write_head

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> Run:
    monkeypatch.setattr("sys.stdin", None)

    def specdec(*arguments: str | Path) -> tuple[int, str]:
        code = commands.invoke([str(argument) for argument in arguments])
        done = capsys.readouterr()
        return code, done.out + done.err

    return specdec


def swapped() -> list[str]:
    tokens: list[str] = list(default_tokens())
    tokens[65], tokens[66] = tokens[66], tokens[65]
    return tokens


@pytest.mark.parametrize(
    ("target", "draft", "said"),
    [
        ({}, {"tokens": swapped()}, "token 65 is"),
        ({}, {"add_bos": True}, "adds a BOS token"),
    ],
)
def test_what_run_refuses_everybody_refuses(
    run: Run, tmp_path: Path, target: dict[str, object], draft: dict[str, object], said: str
) -> None:
    big = write_gguf(tmp_path / "big.gguf", n_layers=2, **target)  # type: ignore[arg-type]
    small = write_gguf(tmp_path / "small.gguf", **draft)  # type: ignore[arg-type]
    mine = store.own_file("mine")
    mine.parent.mkdir(parents=True)
    mine.write_text(f"schema_version: 1\ntarget: {{path: {big}}}\ndraft: {{path: {small}}}\n")
    for arguments in (
        ("run", "-m", big, "-md", small, "hi"),
        ("run", "mine", "hi"),
        ("plan", "-m", big, "-md", small),
        ("plan", big, small),
        ("plan", "mine"),
        ("check", big, small),
        ("check", "mine"),
        ("new", "other", "--target", big, "--draft", small),
        ("validate", "mine"),
        ("export", "mine", "--to", "llama-server"),
    ):
        code, told = run(*arguments)
        assert code == Exit.INCOMPATIBLE, (arguments, told)
        assert said in told, arguments
    assert not store.exists("other")
    assert run("validate", mine)[0] == Exit.INCOMPATIBLE
    mine.write_text(mine.read_text() + "drafter: none\n")
    for arguments in (("run", "-n", "1", "mine", "hi"), ("validate", "mine"), ("plan", "mine")):
        code, told = run(*arguments)
        assert code == 0, (arguments, told)


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_never_drafts_as_if_it_were_a_model(run: Run, tmp_path: Path, kind: str) -> None:
    big = write_gguf(tmp_path / "big.gguf")
    head = write_head(tmp_path / "small-Q4_K_M.gguf", kind)
    for arguments in (
        ("run", "-m", big, "-md", head, "hi"),
        ("bench", "-m", big, "-md", head),
        ("doctor", "-m", big, "-md", head),
        ("plan", big, head),
        ("check", big, head),
        ("new", "other", "--target", big, "--draft", head),
        ("export", "-m", big, "-md", head, "--to", "llama-server"),
    ):
        code, told = run(*arguments)
        assert code == Exit.INCOMPATIBLE, (arguments, told)
        assert KINDS[kind] in told, arguments
        assert "--drafter ngram" in told, arguments
    # What is advised works, even with the head still named.
    code, told = run("run", "-m", big, "-md", head, "--drafter", "ngram", "-n", "1", "hi")
    assert code == 0, told


def test_what_run_takes_everybody_takes(run: Run, tiny_pair: tuple[Path, Path]) -> None:
    target, draft = tiny_pair
    for arguments in (
        ("plan", target, draft),
        ("check", target, draft),
        ("new", "mine", "--target", target, "--draft", draft),
        ("validate", "mine"),
        ("run", "-n", "1", "mine", "hi"),
    ):
        code, told = run(*arguments)
        assert code == 0, (arguments, told)


def test_recurrent_pairs_are_taken_by_everybody(run: Run, tmp_path: Path) -> None:
    target = write(tmp_path / "target.gguf", "granite-hybrid")
    draft = write(tmp_path / "draft.gguf", "mamba2")
    for arguments in (
        ("plan", target, draft),
        ("check", target, draft),
        ("new", "mine", "--target", target, "--draft", draft),
        ("validate", "mine"),
        ("export", "mine", "--to", "llama-server"),
        ("run", "-n", "4", "mine", "hi"),
        ("run", "-n", "4", "-m", target, "hi"),
    ):
        code, told = run(*arguments)
        assert code == 0, (arguments, told)
    told = json.loads(run("run", "--json", "-n", "1", target, "hi")[1])
    assert told["settings"]["drafter"] == "ngram"


def test_a_model_that_is_not_there_makes_no_profile(run: Run, tmp_path: Path) -> None:
    for word in ("absent.gguf", tmp_path / "absent.gguf", "llama3.2"):
        code, told = run("new", "mine", "--target", word)
        assert code == Exit.NOT_FOUND, told
        assert "neither a file nor a model" in told
    assert not store.exists("mine")


def test_a_target_alone_has_n_grams(run: Run, tmp_path: Path, tiny_pair: tuple[Path, Path]) -> None:
    told = json.loads(run("run", "--json", "-n", "1", tiny_pair[0], "hi")[1])
    assert told["settings"]["drafter"] == "ngram"


@pytest.mark.parametrize(
    "name", ["Qwen3-0.6B-Q8_0.gguf", "Qwen3-0.6B-GGUF:Q8_0", "Qwen3-0.5B-Q4_K_M.gguf"]
)
def test_no_model_is_a_draft_of_itself(tmp_path: Path, name: str) -> None:
    header = read_header(write_gguf(tmp_path / "m.gguf", name=""))
    assert drafts_for(header, name) == []


def test_the_draft_that_was_tried_is_not_suggested(run: Run, tmp_path: Path) -> None:
    target = write_gguf(tmp_path / "Qwen3-8B-Q4_K_M.gguf", name="")
    tried = write_gguf(tmp_path / "Qwen3-0.6B-Q8_0.gguf", name="", tokens=swapped())
    other = write_gguf(tmp_path / "other.gguf", name="", tokens=swapped())
    suggested = json.loads(run("check", "--json", target, other)[1])["suggestions"]
    assert [each["draft"] for each in suggested if "0.6B" in each["draft"]]
    suggested = json.loads(run("check", "--json", target, tried)[1])["suggestions"]
    assert not [each["draft"] for each in suggested if "0.6B" in each["draft"]]
