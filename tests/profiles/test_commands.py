"""list, show, new, edit, validate, rm: the person's own profiles, and what is downloaded."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from huggingface_hub import constants

from specdec_cli import paths
from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from specdec_cli.profiles import store
from specdec_cli.terminal import ask
from tests.ggufs import write_gguf
from tests.waiting import PATIENCE


class Done(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> Run:
    """Runs a command line in this process, with a home and a cache of its own."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr("sys.stdin", None)

    def specdec(*arguments: str | Path) -> Done:
        code = commands.invoke([str(argument) for argument in arguments])
        done = capsys.readouterr()
        assert "\x1b" not in done.out + done.err
        return Done(code, done.out, done.err)

    return specdec


def cached(home: Path, repo: str, file: str, data: bytes) -> Path:
    """Puts a file into the cache as huggingface_hub does."""
    folder = home / "hub" / f"models--{repo.replace('/', '--')}"
    commit = "c" * 40
    blob = folder / "blobs" / (file[0] * 64)
    link = folder / "snapshots" / commit / file
    for path in (blob, link, folder / "refs" / "main"):
        path.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    link.symlink_to(blob)
    (folder / "refs" / "main").write_text(commit)
    return link


COMMANDS = ("pull", "list", "show", "rm", "new", "edit", "validate", "check")

PAIR = """\
schema_version: 1
target: {repo: big/m, file: a.gguf}
draft: {repo: small/m, quant: Q8_0}
"""


def own(name: str, text: str) -> Path:
    file = paths.user_profiles() / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def editor(home: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Sets EDITOR to a Python program that changes ``text``."""
    file = home / "editor.py"
    file.write_text(
        f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\n"
        f"path = Path(sys.argv[1])\ntext = path.read_text()\n{program}\npath.write_text(text)\n"
    )
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(file))


def test_list_says_what_is_here(run: Run, home: Path) -> None:
    own("mine", PAIR)
    own("broken", "schema_version: 1\ntarget: [\x1b")
    cached(home, "big/m", "a.gguf", b"x" * 1500)
    done = run("list")
    assert done.code == 0
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert "in part, 1.50 kB" in lines["mine"]
    assert "mine *" in lines["mine"]
    assert "not valid" in lines["broken"]
    assert " no " in lines["qwen3-8b"]
    cached(home, "small/m", "d-Q8_0.gguf", b"y" * 500)
    report = json.loads(run("ls", "--json").out)
    entry = next(entry for entry in report["profiles"] if entry["name"] == "mine")
    assert (entry["downloaded"], entry["bytes"], entry["own"]) == (True, 2000, True)


def test_show_has_every_value_with_its_origin(run: Run, home: Path) -> None:
    done = run("show", "qwen3-8b")
    assert done.code == 0
    assert "Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf" in done.out
    assert "not here: specdec pull qwen3-8b" in done.out
    assert "seen in public sources" in done.out
    rows = [line.split() for line in done.out.splitlines()]
    assert ["ctx-size", "8192", "shipped", "profile"] in rows
    run("new", "qwen3-8b", "--like", "qwen3-8b")
    config = paths.user_config()
    config.write_text("draft-max: 7\n")
    rows = [line.split() for line in run("show", "qwen3-8b").out.splitlines()]
    assert ["ctx-size", "8192", "your", "profile"] in rows
    assert ["draft-max", "7", "config"] in rows
    report = json.loads(run("show", "--json", "gpt-oss-20b").out)
    assert report["head"] == "eagle3"
    assert report["settings"]["temp"] == {"value": 1.0, "origin": "profile"}
    assert report["models"]["target"]["downloaded"] is False


def test_new_makes_a_profile_that_works(run: Run, home: Path, tmp_path: Path) -> None:
    write_gguf(tmp_path / "big.gguf")
    done = run("new", "mine", "--target", tmp_path / "big.gguf", "--draft", "a/b:Q8_0@v2")
    assert done.code == 0
    assert Path(done.out.strip()) == store.own_file("mine")
    profile = store.load("mine").profile
    assert profile.target.path == str(tmp_path / "big.gguf")
    assert profile.draft
    assert profile.draft.named() == "a/b:Q8_0@v2"
    assert run("new", "mine").code == Exit.USAGE
    assert run("new", "plain").code == 0
    assert run("validate", "plain").out == "plain: ok\n"
    assert run("new", "Bad Name").code == Exit.USAGE
    assert run("new", "../x").code == Exit.USAGE
    assert run("new", "x", "--draft", "a/b:Q8_0").code == Exit.USAGE


def test_edit_of_a_shipped_profile_makes_a_copy(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = (paths.shipped_profiles() / "qwen3-8b.yaml").read_text()
    editor(home, monkeypatch, "text = text.replace('context: 8192', 'context: 1024')")
    assert run("edit", "qwen3-8b").code == 0
    assert store.load("qwen3-8b").profile.context == 1024
    assert (paths.shipped_profiles() / "qwen3-8b.yaml").read_text() == shipped
    done = run("edit", "qwen3-8b")
    assert "nothing was changed" in done.err
    assert [path.name for path in paths.user_profiles().iterdir()] == ["qwen3-8b.yaml"]


def test_edit_loses_nothing(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own("mine", PAIR)
    editor(home, monkeypatch, "text += 'draft_mx: 3\\n'")
    done = run("edit", "mine")
    assert done.code == Exit.USAGE
    assert "did you mean draft_max?" in done.err
    assert "specdec edit mine" in done.err
    assert store.own_file("mine").read_text() == PAIR
    editor(home, monkeypatch, "raise SystemExit(3)")
    assert "ended with 3" in run("edit", "mine").err
    editor(home, monkeypatch, "text = text.replace('draft_mx', 'draft_max')")
    done = run("edit", "mine")
    assert done.code == 0
    assert "going on with the text of last time" in done.err
    assert store.load("mine").profile.draft_max == 3
    monkeypatch.setenv("EDITOR", "no-such-editor-anywhere")
    assert run("edit", "mine").code == Exit.NOT_FOUND
    assert run("edit", "nothing").code == Exit.NOT_FOUND


def test_edit_leaves_a_symlink_in_place(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many people keep their settings elsewhere, and link to them."""
    elsewhere = tmp_path / "dotfiles.yaml"
    elsewhere.write_text(PAIR)
    link = store.own_file("mine")
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    editor(home, monkeypatch, "text += 'draft_max: 3\\n'")
    assert run("edit", "mine").code == 0
    assert link.is_symlink()
    assert elsewhere.read_text() == f"{PAIR}draft_max: 3\n"


def test_edit_refuses_values_that_run_would(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own("mine", PAIR)
    editor(home, monkeypatch, "text += 'draft_max: 9999\\n'")
    done = run("edit", "mine")
    assert done.code == Exit.USAGE
    assert "9999 is not from 0 to 256" in done.err
    assert store.own_file("mine").read_text() == PAIR
    editor(home, monkeypatch, "text = text.replace('9999', '9')")
    assert run("edit", "mine").code == 0
    assert store.load("mine").profile.draft_max == 9


def test_validate_names_every_problem(run: Run, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "schema_version: 1\ntarget: {path: absent.gguf}\ndraft_min: 9\ndraft_max: 3\n"
        "sampling: {top_p: 7}\n"
    )
    done = run("validate", file, "tiny")
    assert done.code == Exit.USAGE
    assert "absent.gguf does not exist" in done.out
    assert "7 is not from 0 to 1" in done.out
    assert "draft_min 9 is more than draft_max 3" in done.out
    assert "tiny: ok" in done.out


def test_validate_names_what_is_not_there_as_other_commands_do(run: Run, tmp_path: Path) -> None:
    for word in ("nosuch", str(tmp_path / "none.yaml"), "~nosuch/x.yaml"):
        done = run("validate", word, "tiny")
        assert done.code == Exit.NOT_FOUND
        assert done.out == "tiny: ok\n"  # the others are looked at all the same
        error, hint = done.err.splitlines()
        assert error == f"Error: {word} is neither a profile nor a file"
        assert hint == "Hint: check the path; specdec list names the profiles"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target: {repo: a/b}", "repo goes with either file or quant"),
        ("target: {repo: a/b, file: x.gguf, quant: Q4_0}", "either file or quant"),
        ("target: {path: x, sha256: '12345678'}", "sha256 goes with repo"),
        ("target: {path: x, repo: a/b, file: x.gguf}", "either embedded or path or repo"),
        ("target: {repo: a/b, file: ../x.gguf}", "target.file"),
        ("target: {repo: a/b, file: /x.gguf}", "target.file"),
        ("target: {repo: ../b, file: x.gguf}", "target.repo"),
        ("target: {repo: a/b, file: x.gguf, revision: ../../x}", "target.revision"),
        ("target: {repo: a/b, file: x.gguf, sha: abc}", "did you mean sha256?"),
        ("target: {path: x}\nhead: {kind: eagle9}", "head.kind"),
        ("target: {path: x}\nhead: {kind: mtp, modle: {}}", "did you mean model?"),
    ],
)
def test_wrong_sources_are_explained(run: Run, text: str, said: str) -> None:
    own("mine", f"schema_version: 1\n{text}\n")
    assert said in run("validate", "mine").out


def test_rm_frees_what_nobody_else_needs(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own("one", PAIR)
    own("two", PAIR.replace("big/m", "bigger/m"))
    links = [
        cached(home, "big/m", "a.gguf", b"x" * 3000),
        cached(home, "bigger/m", "a.gguf", b"x" * 4000),
        cached(home, "small/m", "d-Q8_0.gguf", b"y" * 500),
    ]
    half = links[0].resolve().with_name("b" * 64 + ".incomplete")
    half.write_bytes(b"z" * 200)
    refused = run("rm", "one")
    assert (refused.code, half.exists()) == (Exit.USAGE, True)
    assert "--yes" in refused.err
    monkeypatch.setattr("specdec_cli.pairs.rm.confirmed", lambda question: False)
    assert "nothing was removed" in run("rm", "one").err
    done = run("rm", "--yes", "one")
    assert (done.code, done.out) == (0, "freed 3.20 kB\nremoved profile one\n")
    assert "two needs it" in done.err
    assert [link.exists() for link in links] == [False, True, True]
    assert not half.exists()
    assert not links[0].is_symlink()
    assert run("rm", "-y", "--keep-profile", "two").out == "freed 4.50 kB\n"
    assert "nothing to remove" in run("rm", "--keep-profile", "two").err
    assert "nothing to remove" in run("rm", "tiny").err
    assert run("rm").code == Exit.USAGE


def test_rm_deletes_a_profile_of_ones_own(
    run: Run, home: Path, tiny_pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"schema_version: 1\ntarget: {{path: {tiny_pair[0]}}}\n"
    files = [own(name, text) for name in ("mine", "tiny")]
    tuned = paths.tuned() / "mine.yaml"
    tuned.parent.mkdir(parents=True)
    tuned.write_text("{}")
    broken = own("broken", "schema_version: 1\ntarget: [")
    refused = run("rm", "mine")
    assert (refused.code, refused.out) == (Exit.USAGE, "")
    assert str(files[0]) in refused.err
    monkeypatch.setattr("specdec_cli.pairs.rm.confirmed", lambda question: False)
    assert "nothing was removed" in run("rm", "mine").err
    assert files[0].exists()
    done = run("rm", "--yes", "mine", "tiny", "broken")
    assert done.out == (
        "removed profile mine\nremoved profile tiny; the one that ships counts again\n"
        "removed profile broken\n"
    )
    assert not any(file.exists() for file in (*files, tuned, broken))
    assert tiny_pair[0].exists()
    assert not store.is_own("tiny")
    assert store.exists("tiny")
    assert run("rm", "--yes", "mine").code == Exit.NOT_FOUND
    assert "nothing to remove" in run("rm", "--yes", "tiny").err
    assert (paths.shipped_profiles() / "tiny.yaml").exists()


@pytest.mark.parametrize(("said", "answer"), [("y\n", True), ("\n", False), ("", False)])
def test_a_question_waits_for_its_answer(
    monkeypatch: pytest.MonkeyPatch, said: str, answer: bool
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return said

    monkeypatch.setattr("sys.stdin", Terminal())
    assert ask.confirmed("Really?") is answer


def test_a_head_nobody_can_use_is_said(run: Run, tiny_pair: tuple[Path, Path]) -> None:
    own(
        "headed",
        f"schema_version: 1\ntarget: {{path: {tiny_pair[0]}}}\nhead: {{kind: eagle3}}\n"
        "predict: 2\n",
    )
    done = run("run", "--no-stats", "headed", "Say hello.")
    assert done.code == 0, done.err
    assert "EAGLE-3 head, which this version cannot use" in done.err


def test_a_chat_template_of_ones_own(run: Run, tiny_pair: tuple[Path, Path], home: Path) -> None:
    file = own("mine", f"schema_version: 1\ntarget: {{path: {tiny_pair[0]}}}\npredict: 1\n")
    plain = json.loads(run("run", "--json", "mine", "hello").out)["prompt_tokens"]
    file.write_text(file.read_text() + "chat_template: long.jinja\n")
    (file.parent / "long.jinja").write_text("{{ messages[0].content }} and more and more and more")
    longer = json.loads(run("run", "--json", "mine", "hello").out)["prompt_tokens"]
    assert longer != plain
    (file.parent / "long.jinja").write_text(" ")
    assert "is empty" in run("run", "mine", "hello").err
    (file.parent / "long.jinja").unlink()
    assert run("run", "mine", "hello").code == Exit.NOT_FOUND


@pytest.mark.parametrize(
    "command", ["pull", "list", "show", "rm", "new", "edit", "validate", "check"]
)
def test_help_is_quick_and_plain(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.code == 0
    assert f"Usage: specdec {command} [OPTIONS]" in done.out
    assert "Examples:" in done.out


def test_starting_loads_nothing_heavy() -> None:
    heavy = ("huggingface_hub", "jinja2", "llama_cpp", "numpy", "pydantic", "rich", "yaml")
    program = (
        "import sys\n"
        "from specdec_cli.cli.commands import invoke\n"
        f"for name in {COMMANDS!r}:\n"
        "    invoke([name, '--help'])\n"
        f"sys.exit(' '.join(name for name in {heavy!r} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stderr.strip() == ""
