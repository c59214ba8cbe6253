"""``specdec run`` from outside: what comes out where."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import specdec_cli.cli
from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.terminal.signals import Interrupts
from tests.cli.conftest import Specdec
from tests.conftest import TinyPair
from tests.ggufs import default_tokens, write_gguf
from tests.waiting import PATIENCE

SCHEMA = json.loads(
    (Path(specdec_cli.cli.__file__).parent / "schema" / "run.schema.json").read_text("utf-8")
)
PROMPT = "What is the capital of France?"


def answered(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    """The object of ``--json``, checked; runs in this process."""
    code = commands.invoke(["run", "--json", *map(str, arguments)])
    done = capsys.readouterr()
    assert code == Exit.OK, done.err
    assert done.out.count("\n") == 1
    result = json.loads(done.out)
    jsonschema.validate(result, SCHEMA)
    return result


@pytest.fixture(autouse=True)
def _no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)


def test_answer_on_stdout_the_rest_on_stderr(specdec: Specdec) -> None:
    done = specdec("run", "-n", "12", PROMPT)
    assert done.code == Exit.OK
    assert done.out.endswith("\n")
    assert not done.out.endswith("\n\n")
    assert "tok/s" in done.err
    assert "tok/s" not in done.out
    assert "\x1b" not in done.out + done.err


@pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="it was measured on x86"
)
def test_it_says_whether_a_row_keeps_its_bits(specdec: Specdec) -> None:
    kept = specdec("run", "-v", "--json", "-n", "4", PROMPT)
    assert json.loads(kept.out)["settings"]["same_bits"] is True
    assert "same bits: yes" in kept.err
    given_up = specdec("run", "--json", "-n", "4", "-ctk", "f16", PROMPT)
    assert json.loads(given_up.out)["settings"]["same_bits"] is False
    assert "with -ctk f16 greedy answers may part" in given_up.err
    fast = specdec("run", "--json", "-n", "4", "--kernels", "fast", PROMPT)
    settings = json.loads(fast.out)["settings"]
    assert (settings["kernels"], settings["same_bits"]) == ("fast", False)
    assert "Warning" not in fast.err


def test_an_answer_that_was_stopped_before_its_first_token_has_no_numbers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading: list[int] = []

    class Stops(Interrupts):
        def asked(self) -> bool:
            return len(reading) > 1

    read = LlamaContext.decode

    def decode(self: LlamaContext, tokens: Sequence[int], rows: int) -> Any:
        if rows == 0 and len(tokens) == 32:
            reading.append(len(tokens))
        return read(self, tokens, rows)

    monkeypatch.setattr("specdec_cli.run.action.Interrupts", Stops)
    monkeypatch.setattr(LlamaContext, "decode", decode)
    code = commands.invoke(["run", "-b", "32", "word " * 100])
    done = capsys.readouterr()
    assert reading
    assert (code, done.out.strip()) == (Exit.INTERRUPTED, "")
    assert done.err == "stopped before the first token\n"


def test_quiet_is_quiet_and_stdin_comes_first(specdec: Specdec) -> None:
    whole = specdec("run", "-q", "-n", "8", f"Answer this.\n{PROMPT}")
    done = specdec("run", "-q", "-n", "8", PROMPT, stdin="Answer this.\n")
    assert done == whole
    assert done.err == ""


def test_wrong_bytes_on_stdin(specdec: Specdec) -> None:
    done = specdec("run", stdin=b"caf\xe9 au lait")
    assert done.code == Exit.USAGE
    assert "offset 3" in done.err
    assert done.out == ""


def test_json(capsys: pytest.CaptureFixture[str], tiny_pair: TinyPair) -> None:
    result = answered(capsys, "-n", "16", PROMPT)
    assert result["profile"] == "tiny"
    assert result["models"] == {"target": str(tiny_pair.target), "draft": str(tiny_pair.draft)}
    stats = result["stats"]
    assert result["completion_tokens"] <= 16
    parts = stats["draft_seconds"] + stats["verify_seconds"] + stats["overhead_seconds"]
    assert parts == pytest.approx(stats["decode_seconds"])
    assert stats["backend_seconds"] > 0
    assert result["settings"]["seed"] == 1


def test_speculation_changes_nothing_that_is_read(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    pair = ["-m", models / "target.gguf", "-md", models / "draft.gguf", "-n", "24", "--exact"]
    drafted = answered(capsys, *pair, PROMPT)
    plain = answered(capsys, *pair, "--drafter", "none", PROMPT)
    assert drafted["text"] == plain["text"]
    assert drafted["settings"]["drafter"] == "hybrid"
    assert plain["settings"]["drafter"] == "none"
    assert plain["models"]["draft"] is None


def test_a_sampled_answer_can_be_had_again(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    sampled = ["-m", models / "target.gguf", "-n", "16", "--temp", "1.5", PROMPT]
    first = answered(capsys, *sampled)
    again = answered(capsys, "--seed", str(first["settings"]["seed"]), *sampled)
    assert again["text"] == first["text"]
    assert answered(capsys, *sampled)["settings"]["seed"] != first["settings"]["seed"]


@pytest.mark.parametrize("size", [14, 16, 21])
@pytest.mark.parametrize("options", [[], ["--exact"], ["--drafter", "ngram"], ["--fixed"]])
def test_a_context_shorter_than_a_draft(
    capsys: pytest.CaptureFixture[str], size: int, options: list[str]
) -> None:
    whole = answered(capsys, *options, "hi")["text"]
    part = answered(capsys, *options, "-c", str(size), "hi")
    assert part["finish_reason"] == "context"
    assert part["completion_tokens"] == size - 12, "the prompt has 12"
    assert whole.startswith(part["text"])


def test_limits(capsys: pytest.CaptureFixture[str], models: Path) -> None:
    model = ["-m", models / "long.gguf"]
    nothing = answered(capsys, *model, "-n", "0", PROMPT)
    assert (nothing["text"], nothing["finish_reason"]) == ("", "length")
    assert answered(capsys, *model, "-n", "5", PROMPT)["completion_tokens"] == 5
    full = answered(capsys, *model, "-c", "128", PROMPT)
    assert full["finish_reason"] == "context"
    assert full["prompt_tokens"] + full["completion_tokens"] == 128


def test_stop_string(capsys: pytest.CaptureFixture[str], models: Path) -> None:
    model = ["-m", models / "long.gguf", "-n", "40"]
    text = answered(capsys, *model, PROMPT)["text"]
    stop = text[10:13]
    cut = answered(capsys, *model, "--stop", stop, PROMPT)
    assert cut["finish_reason"] == "stop"
    assert cut["stop"] == stop
    assert cut["text"] == text[: text.index(stop)]


def test_json_schema_is_kept_to(capsys: pytest.CaptureFixture[str]) -> None:
    schema = '{"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}'
    text = answered(capsys, "--json-schema", schema, "-n", "20", PROMPT)["text"]
    assert json.loads(text)["n"] in (1, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-n", "4"], "cut at -n: it may not fit the schema"),
        (["--stop", "e"], "cut at --stop: it may not fit the schema"),
        (["-c", "24"], "cut where the context is full: it may not fit the schema"),
    ],
)
def test_an_answer_cut_before_its_schema_is_met_is_told(
    capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    schema = '{"type": "array", "items": {"type": "boolean"}, "minItems": 40}'
    assert commands.invoke(["run", "-q", "--json-schema", schema, *options, "hi"]) == Exit.OK
    assert f"Warning: the answer was {said}" in capsys.readouterr().err
    short = '{"const": 1}'
    assert commands.invoke(["run", "-q", "--json-schema", short, "hi"]) == Exit.OK
    assert capsys.readouterr().err == ""


def test_every_line_of_an_input_keeps_to_the_schema(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"prompt": "hi"}\n{"prompt": "ho"}\n{"prompt": "hm", "max_tokens": 1}\n')
    schema = '{"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2}'
    code = commands.invoke(["run", "-q", "--json-schema", schema, "--input", str(lines)])
    done = capsys.readouterr()
    assert code == Exit.OK
    answers = [json.loads(line) for line in done.out.splitlines()]
    for each in answers[:2]:
        assert [type(part) for part in json.loads(each["text"])] == [bool, bool]
    assert answers[2]["finish_reason"] == "length"
    assert done.err.splitlines()[-1].startswith("Warning: line 3: the answer was cut at -n")


def test_jsonl_and_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    code = commands.invoke(["run", "--jsonl", "--trace", str(trace), "-n", "8", PROMPT])
    done = capsys.readouterr()
    assert code == Exit.OK
    events = [json.loads(line) for line in done.out.splitlines()]
    assert all(event["v"] == 1 for event in events)
    assert events[-1]["kind"] == "finished"
    assert events[-1]["settings"]["seed"] == 1
    assert events[-1]["models"]["draft"].endswith("tiny-draft.gguf")
    assert "round" in {event["kind"] for event in events}
    traced = [json.loads(line) for line in trace.read_text("utf-8").splitlines()]
    assert [event["kind"] for event in traced] == [event["kind"] for event in events]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-m", "plain.gguf"], "no chat template"),
        (["-m", "target.gguf", "-c", "1024"], "1024 tokens is more than the 512"),
    ],
)
def test_warnings(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    models: Path,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(models)
    assert commands.invoke(["run", "-q", "-n", "1", *arguments, "hi"]) == Exit.OK
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Warning: ")
    assert said in lines[0]


def test_raw_skips_the_template(capsys: pytest.CaptureFixture[str], models: Path) -> None:
    model = ["-m", models / "target.gguf", "-n", "1"]
    raw = answered(capsys, *model, "--raw", "abc")
    assert raw["prompt_tokens"] == 3
    assert answered(capsys, *model, "--raw", "<|im_end|>")["prompt_tokens"] == 1
    plain = answered(capsys, *model, "abc")["prompt_tokens"]
    hostile = answered(capsys, *model, "<|im_end|>")["prompt_tokens"]
    assert hostile == plain - 3 + len("<|im_end|>")


def test_the_default_context_is_not_more_than_trained(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    for name, size in (("target", 512), ("long", 4096)):
        result = answered(capsys, "-m", models / f"{name}.gguf", "-n", "1", "hi")
        assert result["settings"]["context"] == size


def test_the_format_of_a_file_without_a_template_is_guessed_by_its_vocabulary(
    specdec: Specdec, tmp_path: Path
) -> None:
    tokens = [
        each.replace("<|im_start|>", "<start_of_turn>").replace("<|im_end|>", "<end_of_turn>")
        for each in default_tokens()
    ]
    marks = ("<start_of_turn>", "<end_of_turn>", "<|endoftext|>")
    model = write_gguf(
        tmp_path / "bare.gguf",
        context=512,
        tokens=tokens,
        token_types=[3 if each in marks else 1 for each in tokens],
        bos=tokens.index(marks[0]),
        eos=tokens.index(marks[1]),
        chat_template=None,
    )
    done = specdec("run", "-m", model, "-n", "1", "hi")
    assert "the marks of gemma: if it was trained to chat, --chat-template gemma\n" in done.err


def test_a_context_that_is_too_long_for_the_draft_is_told_of(
    specdec: Specdec, tmp_path: Path
) -> None:
    target = write_gguf(tmp_path / "target.gguf", context=512)
    draft = write_gguf(tmp_path / "draft.gguf", context=128, seed=2)
    done = specdec("run", "-m", target, "-md", draft, "-n", "1", "hi")
    assert "512 tokens is more than the 128 the draft was trained for" in done.err
    assert "the target was trained for" not in done.err
    assert "trained" not in specdec("run", "-m", target, "-n", "1", "hi").err


def test_verbose_says_what_is_loaded_and_how(specdec: Specdec, models: Path) -> None:
    pair = ("-m", models / "target.gguf", "-md", models / "draft.gguf")
    done = specdec("run", "-v", *pair, "-n", "3", "--temp", "0.8", "-s", "4", "hi")
    before, _, after = done.err.partition("3 tokens in ")
    first = [line.partition(" ")[0] for line in before.splitlines()]
    loading = ["target:", "draft:", "memory:", "drafting:", "sampling:", "loaded", "same"]
    assert first == [*loading, "target.gguf"]
    assert "llama" in before
    assert f"{models / 'draft.gguf'} (llama" in before
    assert "temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, seed 4" in before
    assert "verify" in after
    assert specdec("run", "-v", "-q", *pair, "-n", "3", "hi").err == ""


def test_the_end_is_ignored_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert answered(capsys, "-n", "60", PROMPT)["finish_reason"] == "stop"
    result = answered(capsys, "-n", "60", "--ignore-eos", PROMPT)
    assert (result["finish_reason"], result["completion_tokens"]) == ("length", 60)


def test_a_window_may_be_the_whole_context(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("-n", "60", "--ignore-eos", "--repeat-penalty", "1.5", PROMPT)
    whole = answered(capsys, "--repeat-last-n", "2048", *options)["text"]
    assert answered(capsys, "--repeat-last-n", "-1", *options)["text"] == whole
    assert answered(capsys, "--repeat-last-n", "4", *options)["text"] != whole


def test_very_verbose_shows_the_log_of_llama(specdec: Specdec, models: Path) -> None:
    done = specdec("run", "-vv", "-m", models / "target.gguf", "-n", "1", "hi")
    assert done.code == Exit.OK
    assert "llama_model_loader" in done.err
    assert "llama_model_loader" not in done.out


def test_the_log_goes_to_a_file_if_it_can(specdec: Specdec, models: Path, home: Path) -> None:
    arguments = ("run", "-q", "-m", models / "target.gguf", "-n", "1", "hi")
    assert specdec(*arguments).err == ""
    (log,) = home.rglob("llama.log")
    assert "llama" in log.read_text("utf-8")
    (blocked := home / "blocked").write_text("a file where a folder should be")
    assert specdec(*arguments, env={"XDG_STATE_HOME": str(blocked)}).err == ""


def piped(command: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    script = f'{command}; echo "${{PIPESTATUS[0]}}" >&2'
    return subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": sys.executable, **env},
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and their signal are another matter")
@pytest.mark.parametrize("output", ["", "--jsonl"])
def test_broken_pipe(models: Path, output: str) -> None:
    """The answer is longer than a pipe, so it cannot end before its reader does."""
    options = f"-c 0 -n 100000 {output}"
    done = piped(
        f'"$PYTHON" -m specdec_cli run -q -m "$MODEL" {options} hi </dev/null | head -c1',
        {"MODEL": str(models / "long.gguf")},
    )
    assert done.stderr.split() == [str(int(Exit.BROKEN_PIPE))]
    assert len(done.stdout) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and their signal are another matter")
def test_broken_pipe_of_help() -> None:
    done = piped('"$PYTHON" -m specdec_cli run --help | true', {})
    assert done.stderr.split() in ([str(int(Exit.BROKEN_PIPE))], ["0"])


def test_a_trace_goes_to_whatever_its_name_leads_to(specdec: Specdec, models: Path) -> None:
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "specdec_cli", "run", "-m", str(models / "target.gguf")]
    command += ["-n", "2", "--trace", f"/dev/fd/{writer}", "hi"]
    done = subprocess.run(
        command, pass_fds=[writer], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    os.close(writer)
    with os.fdopen(reader) as trace:
        kinds = [json.loads(line)["kind"] for line in trace]
    assert done.returncode == 0, done.stderr
    assert kinds[-1] == "finished"
    assert (
        specdec("run", "-m", models / "target.gguf", "-n", "2", "--trace", os.devnull, "hi").code
        == 0
    )


def test_a_system_message_that_the_template_refuses_is_not_lost(
    specdec: Specdec, tiny_pair: TinyPair, tmp_path: Path
) -> None:
    template = tmp_path / "refuses.jinja"
    template.write_text(
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{{ messages[0].content }}"
    )
    arguments = ("run", "--json", "-m", tiny_pair.target, "-n", "1", "--chat-template", template)
    plain = specdec(*arguments, "Be brief.\n\nHi")
    merged = specdec(*arguments, "-sys", "Be brief.", "Hi")
    assert merged.code == Exit.OK, merged.err
    assert json.loads(merged.out)["prompt_tokens"] == json.loads(plain.out)["prompt_tokens"]
    assert merged.err.count("no place for a system message") == 1
    assert "leave -sys out" in merged.err
