"""The first word of a command line: the right model, or an error that says how to get it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants

from specdec_cli.cli import commands
from specdec_cli.errors import Exit

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    tmp_path: Path,
) -> Run:
    """Runs a command line in an empty folder, with an empty home and cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.chdir(tmp_path)

    def specdec(*arguments: str | Path) -> tuple[int, str, str]:
        code = commands.invoke([str(argument) for argument in arguments])
        done = capsys.readouterr()
        return code, done.out, done.err

    return specdec


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [
        ("qwen3:8b", Exit.NOT_FOUND, "did you mean qwen3-8b"),
        ("llama3.2", Exit.NOT_FOUND, "did you mean llama3.1-8b or llama3.3-70b?"),
        ("gemma", Exit.NOT_FOUND, "did you mean gemma"),
        ("Tiny", Exit.NOT_FOUND, "did you mean tiny?"),
        ("phi4", Exit.NOT_FOUND, '; as a prompt: specdec run -p "phi4 …"'),
        ("./tiny.gguf", Exit.NOT_FOUND, "./tiny.gguf does not exist"),
        ("/path/model.gguf", Exit.NOT_FOUND, "/path/model.gguf does not exist"),
        ("Qwen3-8b", Exit.NOT_FOUND, "Hint: specdec pull qwen3-8b\n"),
        ("qwen3-8b:latest", Exit.NOT_FOUND, "Hint: specdec pull qwen3-8b\n"),
        ("a/b:Q8_0", Exit.NOT_FOUND, "Hint: specdec pull a/b:Q8_0\n"),
        ("hf.co/a/b", Exit.NOT_FOUND, "Hint: specdec pull hf.co/a/b\n"),
        ("a/b", Exit.NOT_FOUND, "specdec pull a/b"),
        ("notes.txt", Exit.INCOMPATIBLE, "-f notes.txt"),
        ("empty.gguf", Exit.INCOMPATIBLE, "empty.gguf"),
        ("./folder", Exit.NOT_FOUND, "./folder is a folder"),
    ],
)
@pytest.mark.parametrize("rest", [(), ("hi",), ("say", "hi")])
def test_a_name_is_never_sent_to_another_model(
    run: Run, tmp_path: Path, word: str, code: int, said: str, rest: tuple[str, ...]
) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "folder").mkdir()
    found, out, err = run("run", word, *(rest or ("-p", "hi")))
    assert (found, out) == (code, ""), err
    assert said in err
    assert err.count("\n") == 2


def test_a_folder_is_one_error_however_it_is_named(run: Run, tmp_path: Path) -> None:
    by_word, by_option = run("run", tmp_path, "hi"), run("run", "-m", tmp_path, "hi")
    assert by_word[0] == by_option[0] == Exit.NOT_FOUND
    made = run("new", "mine", "--target", tmp_path)  # no profile is made of it
    lines = [told[2].splitlines()[0] for told in (by_word, by_option, made)]
    assert made[0] == Exit.NOT_FOUND
    assert lines[0] == lines[1] == lines[2] == f"Error: {tmp_path} is a folder, not a model"


@pytest.mark.parametrize("command", ["verify", "chat", "bench", "doctor"])
def test_what_only_run_can_do_is_not_proposed_elsewhere(
    run: Run, tmp_path: Path, command: str
) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    code, _, err = run(command, "notes.txt")
    assert code == Exit.INCOMPATIBLE and "-f notes.txt" not in err
    assert "name a GGUF file, or a profile" in err


@pytest.mark.parametrize(
    ("files", "said"), [(["a"], "a is empty"), (["a", "b"], "a and b are empty")]
)
def test_files_without_a_word_are_named(
    run: Run, tmp_path: Path, files: list[str], said: str
) -> None:
    for name in files:
        (tmp_path / name).write_text("\n")
    code, _, err = run("run", *(word for name in files for word in ("-f", name)))
    assert code == Exit.USAGE and f"Error: there is no prompt: {said}\n" in err


@pytest.mark.parametrize("words", [["hello"], ["qwen3-8b is what?"], ["Say", "a/b"], ["-"]])
def test_a_prompt_is_still_a_prompt(run: Run, words: list[str]) -> None:
    if words == ["-"]:
        assert "there is no prompt" in run("run", "-n", "1", *words)[2]
        return
    code, out, err = run("run", "--json", "-n", "1", *words)
    assert code == 0, err
    assert json.loads(out)["models"]["target"].endswith("tiny-target.gguf")


def test_a_file_is_the_target(run: Run, tiny_pair: tuple[Path, Path]) -> None:
    target, draft = tiny_pair
    code, out, err = run("run", "--json", "-n", "1", target, "hello")
    assert code == 0, err
    told = json.loads(out)
    assert told["models"] == {"target": str(target), "draft": None}
    code, out, err = run("run", "--json", "-n", "1", target, "-md", draft, "hello")
    assert code == 0, err
    assert json.loads(out)["models"]["draft"] == str(draft)
    code, out, err = run("run", "-m", target, draft, "hello")
    assert code == Exit.USAGE
    assert f"-md {draft}" in err


def test_a_downloaded_model_is_the_target(
    run: Run, home: Path, tiny_pair: tuple[Path, Path]
) -> None:
    folder = home / "hub" / "models--big--m-GGUF"
    link = folder / "snapshots" / ("c" * 40) / "m-Q4_K_M.gguf"
    for path in (link, folder / "refs" / "main"):
        path.parent.mkdir(parents=True)
    link.symlink_to(tiny_pair[0])
    (folder / "refs" / "main").write_text("c" * 40)
    for word in ("big/m-GGUF", "hf.co/big/m-GGUF:q4_k_m", "big/m-GGUF/m-Q4_K_M.gguf"):
        for option in ((), ("-m",), ("-hf",)):
            code, out, err = run("run", "--json", "-n", "1", *option, word, "hello")
            assert code == 0, err
            assert json.loads(out)["models"]["target"] == str(link)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "tiny", "hi"), "Error: tiny is a profile, not a file\nHint: name it without -m: "),
        (("-hf", "a/b", "hi"), "Error: a/b is neither a file here nor a model that is downloaded"),
        (("-hx",), "Error: no such option: -hx"),
    ],
)
def test_options_that_are_nearly_right(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run("run", *arguments)
    assert code in (Exit.USAGE, Exit.NOT_FOUND)
    assert out == ""
    assert said in err


@pytest.mark.parametrize("command", ["chat", "bench", "tune", "verify", "doctor", "export"])
def test_every_command_takes_the_same_words(
    run: Run, tiny_pair: tuple[Path, Path], command: str
) -> None:
    to = ("--to", "llama-server") if command == "export" else ()
    for word, said in (
        ("qwen3:8b", "did you mean qwen3-8b"),
        ("hello", "there is no profile 'hello'"),
        ("./absent.gguf", "./absent.gguf does not exist"),
        ("hf.co/a/b", "specdec pull hf.co/a/b"),
    ):
        code, out, err = run(command, word, *to)
        assert (code, out) == (Exit.NOT_FOUND, ""), (word, err)
        assert said in err
    if command != "doctor":
        show = to or ("--print-config",)
        code, out, err = run(command, tiny_pair[0], *show)
        assert code == 0, err
        assert str(tiny_pair[0]) in out
        assert run(command, "TINY:latest", *show)[0] == 0


@pytest.mark.parametrize("command", ["show", "edit", "rm", "pull", "check", "plan"])
def test_commands_about_names_take_them_too(run: Run, command: str) -> None:
    code, _, err = run(command, "qwen3:8b")
    assert code == Exit.NOT_FOUND
    assert "qwen3-8b" in err or "neither a file nor a profile" in err


def test_a_model_is_no_profile(run: Run, tiny_pair: tuple[Path, Path]) -> None:
    code, _, err = run("show", tiny_pair[0])
    assert code == Exit.NOT_FOUND
    assert f"specdec check {tiny_pair[0]}" in err
    assert run("rm", tiny_pair[0])[0] == Exit.USAGE
    assert run("show", "Tiny:latest")[0] == 0


def test_the_first_line_names_the_pair(run: Run, tiny_pair: tuple[Path, Path]) -> None:
    def first(*arguments: str | Path) -> str:
        code, _, err = run("run", "-n", "1", *arguments, "Say hello.")
        assert code == 0, err
        return err.splitlines()[0] if err else ""

    both = "tiny-target.gguf + tiny-draft.gguf"
    assert first() == f"tiny · {both} · drafted by model and n-grams"
    assert first("--drafter", "model") == f"tiny · {both} · drafted by model"
    assert first("--drafter", "none") == "tiny · tiny-target.gguf · nothing is drafted"
    assert first("-m", tiny_pair[0]) == "tiny-target.gguf · drafted by n-grams"
    assert first("--no-stats", "TINY:latest").startswith("tiny · ")
    for quiet in ("-q", "--json", "--jsonl"):
        assert first(quiet) == ""


@pytest.mark.parametrize(
    "command",
    [
        ("bench", "--arms", "k2"),
        ("tune", "--quick", "--dry-run", "-t", "2", "--draft-max", "3", "--verify", "match"),
        ("verify", "--draws", "10", "--contexts", "1"),
        ("doctor",),
    ],
)
def test_commands_that_measure_name_the_pair_first(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    prompts = ["What is 7 plus 12?", "Name three planets.", "Say hello."]
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in prompts))

    def said(*arguments: str) -> list[str]:
        code, out, err = run(*command, *arguments, "-n", "2", "--input", tasks)
        assert code == 0, err
        assert "drafted by" not in out
        return err.splitlines()

    first = "tiny · tiny-target.gguf + tiny-draft.gguf · drafted by model and n-grams"
    lines = said("tiny")
    assert lines[0] == first
    assert first not in lines[1:]
    for quiet in ("-q", "--json"):
        assert first not in said("tiny", quiet)
