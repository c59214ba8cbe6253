"""``specdec export``: command lines of other servers, as programs of theirs would read them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from huggingface_hub import constants

from specdec_cli import paths
from specdec_cli.cli import commands
from specdec_cli.drafters import registry
from specdec_cli.errors import Exit
from specdec_cli.export import length
from specdec_cli.profiles import store, tuned
from specdec_cli.profiles.tuned import TunedEntry, TunedSettings
from tests.architectures import write
from tests.conftest import TinyPair
from tests.ggufs import write_gguf


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.out.replace("\\\n", " "))

    def option(self, name: str) -> str:
        return self.words[self.words.index(name) + 1]

    @property
    def drafting(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.option("--speculative-config"))
        return found


Export = Callable[..., Done]


@pytest.fixture
def export(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> Export:
    """Runs the command in this process, with a home and a cache of its own."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))

    def run(server: str | None, *arguments: str | Path) -> Done:
        words = ["export", *(["--to", server] if server else []), *map(str, arguments)]
        code = commands.invoke(words)
        return Done(code, *capsys.readouterr())

    return run


def save_tuning(profile: str, settings: TunedSettings, measured: dict[str, Any]) -> None:
    """Write what ``tune`` would have found for a profile here."""
    from specdec_cli.export.options import EXPORT
    from specdec_cli.options.resolve import resolve_named
    from specdec_cli.options.tuned import fingerprint

    options = resolve_named(EXPORT, profile, {})
    held = fingerprint(options)
    assert held is not None
    entry = TunedEntry(
        measured_on="2026-01-01", fingerprint=held, settings=settings, measured=measured
    )
    tuned.save(profile, tuned.text_with(profile, entry))


def test_llama_server_gets_the_files_and_fixed_lengths(export: Export, tiny_pair: TinyPair) -> None:
    done = export("llama-server")
    assert done.code == Exit.OK
    assert done.words[0] == "llama-server"
    assert done.option("-m") == str(tiny_pair.target)
    assert done.option("-md") == str(tiny_pair.draft)
    assert done.option("--spec-type") == "draft-simple"
    assert (done.option("--spec-draft-n-max"), done.option("--spec-draft-p-min")) == ("16", "0.6")
    assert (done.option("-c"), done.option("--temp"), done.option("-n")) == ("2048", "0", "512")
    assert "--top-k" not in done.words  # of no use to a temperature of 0
    notes = done.err.splitlines()
    assert all(note.startswith("note: ") for note in notes)
    assert any("draft lengths that follow the text" in note for note in notes)


def test_llama_server_gets_everything_else(export: Export, tmp_path: Path) -> None:
    template = tmp_path / "my template.jinja"
    template.write_text("{{ messages }}")
    done = export(
        "llama-server", "--draft-max", "5", "--draft-min", "2", "-dev", "CUDA0,CUDA1",
        "-devd", "CUDA1", "-ts", "3,1", "-sm", "row", "-mg", "1", "-ngl", "all", "-ngld", "7",
        "--rpc", "h:50052", "-t", "6", "-td", "2", "-fa", "on", "-ctk", "q8_0", "-ctv", "q4_0",
        "-b", "1024", "--temp", "0.7", "--top-k", "20", "--dry-multiplier", "0.8",
        "--chat-template", template, "--chat-template-kwargs", '{"enable_thinking": false}',
    )  # fmt: skip
    given = {
        "--spec-draft-n-max": "5", "--spec-draft-n-min": "2", "-dev": "CUDA0,CUDA1",
        "-devd": "CUDA1", "-ts": "3,1", "-sm": "row", "-mg": "1", "-ngl": "999", "-ngld": "7",
        "--rpc": "h:50052", "-t": "6", "-td": "2", "-fa": "on", "-ctk": "q8_0", "-ctkd": "q8_0",
        "-ctv": "q4_0", "-ctvd": "q4_0", "-b": "1024", "-ub": "512", "--temp": "0.7",
        "--top-k": "20", "--min-p": "0.05", "--dry-multiplier": "0.8",
        "--chat-template-file": str(template),
        "--chat-template-kwargs": '{"enable_thinking": false}',
    }  # fmt: skip
    assert done.code == Exit.OK, done.err
    assert {name: done.option(name) for name in given} == given


@pytest.mark.parametrize(
    ("options", "expected", "note"),
    [
        (("--drafter", "ngram"), ("--spec-type", "ngram-simple"), "n-grams are matched otherwise"),
        (("--drafter", "none"), (), "decodes plainly"),
        (("--draft-max", "0"), (), "decodes plainly"),
        (("--temp", "1", "--verify", "block"), ("--spec-type",), "--verify block has no"),
        (("--exact",), ("--spec-type",), "--exact has no equivalent"),
        (("-sys", "Be brief."), ("--spec-type",), "system message"),
        (("--rpc", "h:1"), ("--rpc", "h:1"), "name this machine's GPUs with -devd"),
    ],
)
def test_what_has_no_equivalent_is_said(
    export: Export, options: tuple[str, ...], expected: tuple[str, ...], note: str
) -> None:
    done = export("llama-server", *options)
    assert done.code == Exit.OK
    assert note in done.err
    assert set(expected) <= set(done.words)
    if not expected:
        assert "--spec-type" not in done.words and "-md" not in done.words
    assert export("llama-server", "-q", *options).err == ""


def test_a_target_alone_drafts_as_in_run(
    export: Export, tiny_pair: TinyPair, tmp_path: Path
) -> None:
    done = export("llama-server", "-m", tiny_pair.target)
    assert done.option("--spec-type") == "ngram-simple" and "plainly" not in done.err
    assert int(done.option("--spec-ngram-simple-size-m")) == length.usual(registry.NGRAM)
    recurrent = write_gguf(tmp_path / "recurrent.gguf", extra_metadata={"llama.ssm.state_size": 16})
    done = export("llama-server", "-m", recurrent)
    assert done.option("--spec-type") == "ngram-simple" and "plainly" not in done.err
    # Servers of original weights read no file.
    for model in (tiny_pair.target, recurrent, "not-here"):
        done = export("vllm", "-m", model, "--hf-target", "a/b")
        assert done.code == Exit.OK, done.err
        assert done.drafting["method"] == "ngram"


def test_files_are_named_from_anywhere_and_quoted(
    export: Export, tiny_pair: TinyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    (folder / "t.gguf").symlink_to(tiny_pair.target)
    (folder / "d.gguf").symlink_to(tiny_pair.draft)
    monkeypatch.chdir(folder)
    done = export("llama-server", "-m", "t.gguf", "-md", "d.gguf")
    # A link stays one: the other parts of a model lie beside it.
    assert done.option("-m") == str(folder / "t.gguf")
    assert done.option("-md") == str(folder / "d.gguf")


def test_vllm_gets_the_original_weights(export: Export) -> None:
    done = export("vllm", "qwen3-8b")
    assert done.code == Exit.OK  # nothing of it needs to be here
    assert done.words[:3] == ["vllm", "serve", "Qwen/Qwen3-8B"]
    assert done.drafting == {
        "method": "draft_model",
        "model": "Qwen/Qwen3-0.6B",
        "num_speculative_tokens": length.usual(registry.MODEL),
    }
    assert done.option("--max-model-len") == "8192"
    assert json.loads(done.option("--override-generation-config")) == {
        "temperature": 0.6,
        "top_k": 20,
        "top_p": 0.95,
        "min_p": 0.0,
    }
    assert "original weights" in done.err and "n-grams beside other drafts" in done.err


@pytest.mark.parametrize(
    ("rule", "method"), [("rejection", "standard"), ("block", "block"), ("match", None)]
)
def test_vllm_rules(export: Export, rule: str, method: str | None) -> None:
    done = export("vllm", "qwen3-8b", "--verify", rule, "--draft-max", "5")
    assert done.drafting.get("rejection_sample_method") == method
    assert done.drafting["num_speculative_tokens"] == 5
    assert ("--verify match has no equivalent" in done.err) == (rule == "match")


def test_vllm_ngrams_and_devices(export: Export) -> None:
    done = export(
        "vllm", "qwen3-8b", "--drafter", "ngram", "-dev", "CUDA0,CUDA1", "-ctk", "q8_0",
        "--top-k", "0", "-n", "99", "--dry-multiplier", "1",
    )  # fmt: skip
    assert done.drafting["method"] == "ngram" and "model" not in done.drafting
    assert done.drafting["prompt_lookup_max"] >= done.drafting["prompt_lookup_min"] > 0
    assert done.option("--tensor-parallel-size") == "2"
    sampling = json.loads(done.option("--override-generation-config"))
    assert (sampling["top_k"], sampling["max_new_tokens"]) == (-1, 99)
    assert "q8_0" in done.err and "--dry-multiplier" in done.err


def test_sglang_counts_the_token_that_is_checked_too(export: Export) -> None:
    done = export("sglang", "qwen3-8b", "--draft-max", "5", "--fixed")
    assert done.words[:3] == ["python", "-m", "sglang.launch_server"]
    assert done.option("--model-path") == "Qwen/Qwen3-8B"
    assert done.option("--speculative-algorithm") == "STANDALONE"
    assert done.option("--speculative-draft-model-path") == "Qwen/Qwen3-0.6B"
    assert done.option("--speculative-num-steps") == "5"
    assert done.option("--speculative-eagle-topk") == "1"
    assert done.option("--speculative-num-draft-tokens") == "6"
    assert "draft lengths that follow" not in done.err  # they do not, with --fixed
    ngram = export("sglang", "qwen3-8b", "--drafter", "ngram")
    assert ngram.option("--speculative-algorithm") == "NGRAM"
    assert "--speculative-draft-model-path" not in ngram.words


@pytest.mark.parametrize("server", ["vllm", "sglang"])
def test_configuration_files_say_the_same(export: Export, server: str) -> None:
    done = export(server, "qwen3-8b", "--format", "yaml")
    data = yaml.safe_load(done.out)
    shell = export(server, "qwen3-8b")
    assert data["model" if server == "vllm" else "model-path"] == "Qwen/Qwen3-8B"
    options = shell.words[3 if server == "vllm" else 5 :]
    for name, value in zip(options[::2], options[1::2], strict=True):
        assert str(data[name.removeprefix("--")]) == value


def test_original_weights_of_other_models_are_to_be_named(
    export: Export, tiny_pair: TinyPair
) -> None:
    files = ["-m", tiny_pair.target, "-md", tiny_pair.draft]
    done = export("vllm", *files)
    assert done.code == Exit.NOT_FOUND and done.out == ""
    assert done.err.splitlines()[1] == "Hint: name their repository: --hf-target OWNER/NAME"
    done = export("vllm", *files, "--hf-target", "me/big")
    assert done.err.splitlines()[1] == "Hint: name their repository: --hf-draft OWNER/NAME"
    done = export("vllm", *files, "--hf-target", "me/big", "--hf-draft", "me/small")
    assert done.words[2] == "me/big" and done.drafting["model"] == "me/small"
    # Where no draft model is served, nobody need say where it is.
    assert export("vllm", *files, "--hf-target", "a/b", "--drafter", "ngram").code == Exit.OK


def test_measured_lengths_win_over_the_usual_one(export: Export) -> None:
    measured = {
        "pass_seconds": {1: 0.1, 2: 0.101, 4: 0.102, 8: 0.104},
        "draft_step_seconds": 0.001,
        "calibration": {"model": {"seen": [10.0, 90.0], "accepted": [0.5, 0.95]}},
    }
    save_tuning("tiny", TunedSettings(), measured)
    weights = ("--hf-target", "a/b", "--hf-draft", "a/c")
    done = export("vllm", "tiny", *weights)
    assert done.drafting["num_speculative_tokens"] == 7
    assert "specdec tune's figures" in done.err
    assert export("vllm", "tiny", *weights, "--draft-max", "2").drafting[
        "num_speculative_tokens"
    ] == 2  # fmt: skip


def test_tuned_settings_count(export: Export) -> None:
    settings = TunedSettings(drafter="model", adaptive=False, draft_max=4, threads=1)
    save_tuning("tiny", settings, {})
    done = export("llama-server", "tiny")
    assert (done.option("--spec-draft-n-max"), done.option("-t")) == ("4", "1")
    assert "n-grams" not in done.err and "follow the text" not in done.err


@pytest.mark.parametrize(
    "measured",
    [
        {},
        {"pass_seconds": 3},
        {"pass_seconds": {"x": 1}},
        {"pass_seconds": {1: 0.1, 2: 0.1}, "draft_step_seconds": None},
        {"pass_seconds": {1: 0.1, 2: 0.1}, "draft_step_seconds": 0.01, "calibration": {}},
        {
            "pass_seconds": {1: 0.1, 2: 0.1},
            "draft_step_seconds": 0.01,
            "calibration": {"model": {"seen": [0.0], "accepted": [None]}},
        },
        {
            "pass_seconds": {1: 0.1, 2: 0.1},
            "draft_step_seconds": 0.01,
            "calibration": {"model": {"seen": [1.0], "accepted": [7.0]}},
        },
    ],
)
def test_figures_that_tell_nothing_are_passed_over(measured: dict[str, Any]) -> None:
    assert length.from_tuning(measured, registry.MODEL) is None


def test_as_json(export: Export) -> None:
    done = export("vllm", "qwen3-8b", "--json")
    found = json.loads(done.out)
    assert done.err == ""
    assert found["command"][:3] == ["vllm", "serve", "Qwen/Qwen3-8B"]
    assert shlex.split(found["text"].replace("\\\n", " ")) == found["command"]
    assert (found["server"], found["profile"], found["draft_length"]) == ("vllm", "qwen3-8b", 3)
    assert found["notes"]


@pytest.mark.parametrize(
    ("server", "arguments", "code", "hint"),
    [
        (None, (), Exit.USAGE, "add --to"),
        ("ollama", (), Exit.USAGE, "--help"),
        ("llama-server", ("qwen3-8b",), Exit.NOT_FOUND, "specdec pull qwen3-8b"),
        ("llama-server", ("no-such",), Exit.NOT_FOUND, "specdec list"),
        ("llama-server", ("tiny", "more"), Exit.USAGE, "one profile"),
        ("llama-server", ("--format", "yaml"), Exit.USAGE, "--format"),
        ("llama-server", ("-m", "missing.gguf"), Exit.NOT_FOUND, ""),
        ("llama-server", ("--draft-min", "9", "--draft-max", "2"), Exit.USAGE, "--draft-max 9"),
        ("vllm", ("--hf-target", "no repository"), Exit.USAGE, "OWNER/NAME"),
    ],
)
def test_wrong_input(
    export: Export, server: str | None, arguments: tuple[str, ...], code: int, hint: str
) -> None:
    done = export(server, *arguments)
    assert done.code == code and done.out == ""
    error, *rest = done.err.splitlines()
    assert error.startswith("Error: ")
    assert hint in " ".join(rest)


def test_what_profiles_name_as_base(export: Export, home: Path) -> None:
    shipped = [store.load(name).profile for name in store.names() if name != "tiny"]
    named = [each for each in shipped if each.draft and each.target.base and each.draft.base]
    assert len(named) >= 15
    paths.user_profiles().mkdir(parents=True)
    mine = paths.user_profiles() / "mine.yaml"
    mine.write_text("schema_version: 1\ntarget: {path: t.gguf, base: me/big}\n")
    assert export("vllm", "mine").words[2] == "me/big"
    mine.write_text("schema_version: 1\ntarget: {path: t.gguf, base: ../big}\n")
    done = export("vllm", "mine")
    assert done.code == Exit.USAGE and "target.base" in done.err


@pytest.mark.parametrize(
    ("server", "drafting"),
    [
        ("llama-server", "--spec-type draft-mtp"),
        ("vllm", '"method": "mtp"'),
        ("sglang", "--speculative-algorithm EAGLE"),
    ],
)
def test_a_model_s_own_head_drafts_there_too(
    export: Export, tmp_path: Path, server: str, drafting: str
) -> None:
    file = write(tmp_path / "model.gguf", "qwen35", heads=1)
    done = export(server, "-m", file, "--hf-target", "owner/model")
    assert done.code == Exit.OK, done.err
    assert drafting in done.out
    assert "draft-model" not in done.out and "STANDALONE" not in done.out
