"""Every way to fail ends with its code and two lines on stderr, and leaves stdout empty."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from tests.ggufs import default_tokens, write_gguf, write_t5
from tests.heads import KINDS, write_head


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path):
    """Runs a command line in this process and returns its exit code and both lines."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", None)
        code = commands.invoke([str(argument) for argument in arguments])
        done = capsys.readouterr()
        assert done.out == ""
        lines = done.err.splitlines()
        assert len(lines) == 2, done.err
        assert lines[0].startswith("Error: ")
        assert lines[1].startswith("Hint: ")
        return code, lines[0], lines[1]

    return run


def test_missing_file(fails, tmp_path: Path) -> None:
    code, error, _ = fails("run", "-m", tmp_path / "no.gguf", "hi")
    assert code == Exit.NOT_FOUND
    assert "no.gguf" in error


def test_not_a_gguf(fails, tmp_path: Path) -> None:
    file = tmp_path / "note.gguf"
    file.write_text("just a note, long enough to have a header " * 9)
    assert fails("run", "-m", file, "hi")[0] == Exit.INCOMPATIBLE


@pytest.mark.parametrize(
    "arguments", ["run -m {} hi", "check {}", "plan -m {}", "new x --target {}"]
)
@pytest.mark.parametrize("kind", ["t5", *KINDS])
def test_what_is_no_model_is_called_what_it_is(
    fails, tmp_path: Path, arguments: str, kind: str
) -> None:
    file = tmp_path / "x.gguf"
    _ = write_t5(file) if kind == "t5" else write_head(file, kind)
    code, error, hint = fails(*arguments.format(file).split())
    assert code == Exit.INCOMPATIBLE
    assert ("encoder-decoder model" if kind == "t5" else KINDS[kind]) in error
    assert "name " in hint


def test_a_profile_of_what_is_no_model_is_not_valid(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    profile = tmp_path / "t5.yaml"
    profile.write_text(f"schema_version: 1\ntarget: {{path: {write_t5(tmp_path / 'x.gguf')}}}\n")
    assert commands.invoke(["validate", str(profile)]) == Exit.INCOMPATIBLE
    assert "target: x.gguf is an encoder-decoder model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("broken", "options"),
    [
        ("target", ""),
        ("target", "--temp 0.8"),
        ("target", "--temp 0.8 --top-k 0 --top-p 1 --min-p 0"),
        ("target", "--repeat-penalty 1.2"),
        ("draft", ""),
        ("draft", "--temp 0.8"),
        ("draft", "--temp 0.8 --verify rejection"),
    ],
)
def test_logits_that_are_not_numbers(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    broken: str,
    options: str,
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    for role in ("target", "draft"):
        write_gguf(tmp_path / role, scale=float("nan") if role == broken else 1.0)
    arguments = ["run", "-m", str(tmp_path / "target"), "-md", str(tmp_path / "draft"), "-n", "4"]
    arguments += ["--drafter", "model", "--fixed", *options.split(), "hi"]
    assert commands.invoke(arguments) == Exit.BACKEND
    done = capsys.readouterr()
    assert not done.out.strip()
    who = "the target" if broken == "target" else "the draft model"
    assert f"Error: {who} computes logits that are not numbers" in done.err


@pytest.mark.parametrize("command", ["verify --quick", "bench --quick -n 4"])
def test_no_check_calls_a_broken_target_good(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    broken = write_gguf(tmp_path / "nan.gguf", scale=float("nan"))
    draft = write_gguf(tmp_path / "draft.gguf")
    arguments = [*command.split(), "-m", str(broken), "-md", str(draft)]
    assert commands.invoke(arguments) == Exit.BACKEND
    assert "are not numbers" in capsys.readouterr().err


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_truncated_gguf(fails, tmp_path: Path, models: Path, share: float) -> None:
    data = (models / "target.gguf").read_bytes()
    file = tmp_path / "cut.gguf"
    file.write_bytes(data[: int(len(data) * share)])
    assert fails("run", "-m", file, "hi")[0] == Exit.INCOMPATIBLE


def test_incompatible_pair(fails, models: Path) -> None:
    code, error, _ = fails("run", "-m", models / "target.gguf", "-md", models / "other.gguf", "hi")
    assert code == Exit.INCOMPATIBLE
    assert "65" in error


def test_context_too_large_for_memory(fails) -> None:
    code, _, hint = fails("run", "-c", "16777216", "hi")
    assert code == Exit.BACKEND
    assert "-c " in hint


def test_prompt_longer_than_context(fails, models: Path) -> None:
    model = models / "target.gguf"  # trained for 512 tokens
    code, error, hint = fails("run", "-m", model, "-c", "64", "word " * 10)
    assert code == Exit.USAGE
    assert "64" in error
    assert hint.endswith("a larger context: -c 512")
    _, _, hint = fails("run", "-m", model, "-c", "64", "-n", "9", "word " * 10)
    assert 64 < int(hint.rpartition(" ")[2]) < 512
    _, _, hint = fails("run", "-m", model, "-c", "64", "word " * 200)
    assert hint == "Hint: shorten the prompt: the model was trained for 512 tokens at most"


def test_an_architecture_of_tomorrow(fails, tmp_path: Path) -> None:
    model = write_gguf(tmp_path / "new.gguf", arch="nosuch")
    code, error, hint = fails("run", "-m", model, "hi")
    assert code == Exit.BACKEND
    assert "unknown model architecture: 'nosuch'" in error
    assert "a newer llama-cpp-python is needed" in hint


def test_plain_decoding_is_not_compared_with_itself(fails, models: Path) -> None:
    for option in ("--drafter=none", "--draft-max=0"):
        code, error, _ = fails("bench", "-m", models / "target.gguf", option)
        assert (code, "compared with itself" in error) == (Exit.USAGE, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--draft-min", "5", "--draft-max", "3"], "--draft-min 5"),
        (["--draft-max", "16", "-b", "8"], "batch of 8"),
        (["--ignore-eos", "--grammar", 'root ::= "a"'], "--ignore-eos leaves no token"),
        (["--expect", "old.py", "--drafter", "model"], "--expect is of no use"),
        (["--drafter", "medusa"], "not one of auto, model, ngram, hybrid, mtp"),
        (["--drafter", "nonsense"], "'nonsense' is not one of"),
        (["--temp", "warm"], "--temp: 'warm' is not a number"),
        (["--temp", "nan"], "not a number"),
        (["--top-p", "1.5"], "1.5 is not from 0 to 1"),
        (["--seed", "-2"], "--seed: -2 is not from -1"),
        (["-c", "99999999"], "99999999 is not from 0 to 16777216"),
        (["-ngl", "many"], "'many' is neither"),
        (["-ngl0"], "--predict: 'gl0' is not a whole number"),
        (["--logit-bias", "12"], "'12' is not a token id"),
        (["--json", "--jsonl"], "exclude each other"),
        (["--grammar", "root ::= x", "--json-schema", "{}"], "exclude each other"),
        (["--json-schema", "{"], "not JSON"),
        (["--json-schema", ""], "--json-schema is empty"),
        (["--json-schema", '{"items": {"uniqueItems": true}}'], '"uniqueItems" at #/items'),
        (["--json-schema", '{"a": NaN}'], "not JSON"),
        (["--json-schema", "[1]"], "not a JSON object"),
        (["--json-schema", "false"], "cannot be kept to"),
        (["--json-schema", '{"items":' * 5000 + "{}" + "}" * 5000], "nested too deep"),
        (["--json-schema", '{"items":' * 300 + "{}" + "}" * 300], "recursion limit"),
        (["--grammar", ""], "--grammar is empty"),
        (["--grammar", " \n"], "--grammar is empty"),
        (["--grammar-file", os.devnull], "--grammar-file is empty"),
        (["--grammar", 'root ::= "hi" !<|im_end|>+'], "names a token in line 1"),
        (["--grammar", 'root ::= "hi"\n    <[2]>'], "names a token in line 2"),
        (["--grammar", 'root ::= root "a" | "b"'], "left recursion"),
        (["--grammar", "root ::= " + "(" * 9999 + '"a"' + ")" * 9999], "nests more than"),
        (["--exact", "--temp", "0.8", "--verify", "block"], "--exact promises"),
        (["--temp", "1e-50"], "use 0, or at least"),
        (["--logit-bias", "1+inf"], "is not a token id"),
        (["--logit-bias", "999999-1"], "token 999999"),
        (["--grammar", "root ::= foo"], "GBNF"),
        (["--stop", ""], "--stop: it is empty"),
        (["--json-schema", '{"type": "nonsense"}'], "Invalid type: nonsense"),
        (["-ctv", "q8_0", "-fa", "off"], "needs flash attention"),
        (["--exact", "-fa", "off"], "needs flash attention"),
        (["--exact", "--kernels", "fast"], "--kernels fast gives up"),
        (["-md", "draft.gguf"], "-md is given without -m"),
        (["--raw", "--system", "Be brief."], "--raw leaves out"),
        (["-p", "another"], "two prompts"),
        (["--input", "lines.jsonl"], "exclude each other"),
        (["--frobnicate"], "no such option: --frobnicate"),
        (["--draft-mx", "3"], "--draft-max"),
    ],
)
def test_impossible_options(fails, arguments: list[str], said: str) -> None:
    code, error, _ = fails("run", *arguments, "Say hello.")
    assert code == Exit.USAGE
    assert said in error


@pytest.mark.parametrize("option", ["--json-schema", "--grammar"])
def test_the_help_that_is_named_has_the_example(
    fails, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    if option == "--json-schema":
        assert "specdec run --help shows an example" in fails("run", option, "{bad", "hi")[2]
    assert commands.invoke(["run", "--help"]) == Exit.OK
    examples = capsys.readouterr().out.partition("Examples:")[2].splitlines()
    line = next(line for line in examples if option in line)
    # What it shows is accepted: the next thing that is missing is the model or the prompt.
    words = shlex.split(line)[1:]
    value = words[words.index(option) + 1]
    code, error, _ = fails("run", "-m", "absent.gguf", option, value, "hi")
    assert code == Exit.NOT_FOUND and "absent.gguf" in error


def test_a_trace_erases_nothing_it_should_not(fails, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"prompt": "hi"}\n')
    code, error, _ = fails("run", "--input", lines, "--trace", lines)
    assert (code, lines.read_text()) == (Exit.USAGE, '{"prompt": "hi"}\n')
    assert "--trace would overwrite" in error
    fails("run", "--trace", lines, "--draft-min", "200", "hi")
    assert lines.read_text()


def test_a_missing_value(fails) -> None:
    assert fails("run", "hello", "--draft-max")[0] == Exit.USAGE


def test_no_model_drafts_for_itself(fails, models: Path) -> None:
    code, _, hint = fails("run", "-m", models / "target.gguf", "--drafter", "model", "hi")
    assert code == Exit.USAGE
    assert "-md" in hint


def test_bad_grammar(fails, models: Path) -> None:
    code, error, _ = fails("run", "-m", models / "target.gguf", "--grammar", "root ::= (", "hi")
    assert code == Exit.USAGE
    assert "grammar" in error


@pytest.mark.parametrize("prompt", ["-5 + 3", "-7", "--what is this"])
def test_a_prompt_that_begins_with_a_dash(fails, prompt: str) -> None:
    code, error, hint = fails("run", prompt)
    assert code == Exit.USAGE
    assert "no such option" in error
    quoted = f"'{prompt}'" if " " in prompt else prompt
    assert hint == f"Hint: to send it as a prompt: specdec run -- {quoted}, or -p {quoted}"


def test_unknown_command_is_told_how_to_ask(fails) -> None:
    code, _, hint = fails("Write a story.")
    assert code == Exit.USAGE
    assert "specdec run" in hint


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("-m x.gguf -p hi", "specdec run -m …"),
        ("--temp=0.5 hi", "specdec run --temp=0.5 …"),
        ("-ngl 3", "specdec run -ngl …"),
        ("--dry-run", "specdec pull --dry-run"),
        ("--nonsense", "see: specdec --help"),
        ("help", "specdec --help"),
        ("help chat", "specdec chat --help"),
        ("serve -m x.gguf", "specdec export --to llama-server"),
        ("hello", 'specdec run "…"'),
    ],
)
def test_what_belongs_to_a_command_names_it(fails, line: str, hint: str) -> None:
    code, _, told = fails(*line.split())
    assert code == Exit.USAGE and hint in told


@pytest.mark.parametrize(
    ("given", "meant"), [("--ctx", "--ctx-size"), ("--json-sch", "--json-schema")]
)
def test_the_beginning_of_an_option_proposes_it(fails, given: str, meant: str) -> None:
    _, error, _ = fails("run", given, "100", "hi")
    assert error == f"Error: no such option: {given} (Possible options: {meant})"


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["-f", "absent.txt"], "absent.txt"),
        (["--input", "absent.jsonl"], "absent.jsonl"),
        (["--grammar-file", "absent.gbnf", "hi"], "absent.gbnf"),
        (["--json-schema", "absent.json", "hi"], "absent.json"),
    ],
)
def test_other_missing_files(fails, arguments: list[str], missing: str) -> None:
    code, error, _ = fails("run", *arguments)
    assert code == Exit.NOT_FOUND
    assert missing in error


def test_other_reasons_come_with_v(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    tokens = default_tokens()
    tokens[65], tokens[66] = tokens[66], tokens[65]
    target = write_gguf(tmp_path / "a.gguf")
    draft = write_gguf(tmp_path / "b.gguf", add_bos=True, bos=1, tokens=tokens)
    pair = ("run", "-m", str(target), "-md", str(draft), "hi")
    assert commands.invoke([*pair]) == Exit.INCOMPATIBLE
    told = capsys.readouterr().err
    assert "  also: " not in told and told.endswith("; -v gives the other reasons\n")
    # Commands without -v do not send anybody to it.
    for others in (
        ["check", str(target), str(draft)],
        ["export", "--to", "llama-server", *pair[1:5]],
    ):
        assert commands.invoke(others) == Exit.INCOMPATIBLE
        done = capsys.readouterr()
        assert "-v gives" not in done.out + done.err
    assert commands.invoke(["chat", *pair[1:5], "-v"]) == Exit.INCOMPATIBLE
    assert "  also: " in capsys.readouterr().err
    assert commands.invoke([*pair, "-v"]) == Exit.INCOMPATIBLE
    error, *reasons, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("Error: ")
    assert reasons
    assert all(reason.startswith("  also: ") for reason in reasons)
    assert hint.startswith("Hint: ")


def test_a_word_that_looks_like_a_profile(fails) -> None:
    code, error, hint = fails("run", "tiny-2", "Say hello.")
    assert code == Exit.NOT_FOUND
    assert "'tiny-2'" in error
    assert "tiny" in hint
    assert "-p" in hint


def test_control_characters_in_errors_are_shown(fails) -> None:
    _, error, _ = fails("run", "--drafter", "\x1b[31mred", "hi")
    assert "\x1b" not in error


def test_the_unexpected_is_one_line(fails, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a wheel\ncame off")

    monkeypatch.setattr("specdec_cli.run.command.resolve_named", broken)
    code, error, hint = fails("run", "hi")
    assert code == Exit.FAILURE
    assert error == "Error: unexpected RuntimeError: a wheel came off"
    assert "SPECDEC_DEBUG=1" in hint


def test_out_of_memory(fails, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("specdec_cli.run.command.resolve_named", greedy)
    assert fails("run", "hi")[0] == Exit.BACKEND


def test_debug_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECDEC_DEBUG", "1")
    assert commands.invoke(["run", "--drafter", "nonsense", "hi"]) == Exit.USAGE
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "\nError: " in told


def test_typers_own_runner_works_too() -> None:
    assert CliRunner().invoke(commands.app, ["--help"]).exit_code == 0
