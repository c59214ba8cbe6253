"""What a model thinks is told from its answer in ``run`` and in ``chat``.

Models of random weights think what a grammar makes them write.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from specdec_cli.cli import commands
from tests.ggufs import CHATML, default_tokens, write_gguf

Run = Callable[..., tuple[int, str, str]]

GPT_OSS = (Path(__file__).parents[1] / "data/templates/gpt-oss.jinja").read_text()
TAGS = ("</think>", "<think>")
GEMMA = ("<|channel>", "<channel|>")
HARMONY = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>")
FAMILIES = {
    "tags": (TAGS, "<think>why</think>\n\nyes"),
    "control": (GEMMA, "<|channel>thought\nwhy<channel|>yes"),
    "channels": (
        HARMONY,
        "<|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>yes",
    ),
}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path) -> Run:
    def specdec(*arguments: str | Path, stdin: str | None = None) -> tuple[int, str, str]:
        given = None if stdin is None else io.TextIOWrapper(io.BytesIO(stdin.encode()))
        monkeypatch.setattr("sys.stdin", given)
        code = commands.invoke([str(argument) for argument in arguments])
        done = capsys.readouterr()
        return code, done.out, done.err

    return specdec


def model(folder: Path, marks: tuple[str, ...], template: str = CHATML) -> Path:
    tokens = [*default_tokens(), *marks]
    kinds = [3 if text.startswith("<|") or text.endswith("|>") else 1 for text in tokens]
    return write_gguf(
        folder / "model.gguf",
        tokens=tokens,
        token_types=kinds,
        context=1024,
        chat_template=template,
    )


def grammar(text: str) -> str:
    return f"root ::= {json.dumps(text)}"


@pytest.mark.parametrize("family", FAMILIES)
def test_run_answers_without_the_thoughts(run: Run, tmp_path: Path, family: str) -> None:
    marks, text = FAMILIES[family]
    given = ("run", "-m", model(tmp_path, marks), "--grammar", grammar(text), "hi")
    code, out, err = run(*given)
    assert (code, out) == (0, "yes\n"), err
    told = json.loads(run(*given, "--json")[1])
    assert (told["text"], told["thinking"]) == ("yes", "why")
    lines = [json.loads(line) for line in run(*given, "--jsonl")[1].splitlines()]
    parts = [(line["part"], line["text"]) for line in lines if line["kind"] == "text"]
    assert "".join(text for part, text in parts if part == "thought").strip() == "why"
    assert "".join(text for part, text in parts if part == "answer").strip() == "yes"


def test_raw_text_is_left_alone(run: Run, tmp_path: Path) -> None:
    marks, text = FAMILIES["tags"]
    given = ("run", "-m", model(tmp_path, marks), "--raw", "--grammar", grammar(text), "hi")
    assert run(*given)[1] == f"{text}\n"
    told = json.loads(run(*given, "--json")[1])
    assert (told["text"], told["thinking"]) == (text, None)


def opening(folder: Path) -> Path:
    """A model whose template opens the thinking block."""
    opens = CHATML.replace("assistant\n{%", "assistant\n<think>\n{%")
    assert opens != CHATML
    return write_gguf(folder / "m.gguf", chat_template=opens, context=1024)


def test_a_template_that_opens_the_block(run: Run, tmp_path: Path) -> None:
    given = ("run", "-m", opening(tmp_path), "--grammar", grammar("why</think>yes"), "hi")
    assert run(*given)[1] == "yes\n"


def test_an_answer_that_never_began_is_told(run: Run, tmp_path: Path) -> None:
    code, out, err = run("run", "-m", opening(tmp_path), "-n", "5", "hi")
    assert (code, out) == (0, "\n")
    assert "it ended at -n while the model was thinking" in err


@pytest.mark.parametrize("family", FAMILIES)
def test_chat_goes_on_from_the_answer(run: Run, tmp_path: Path, family: str) -> None:
    marks, text = FAMILIES[family]
    file = model(tmp_path, marks, template=GPT_OSS if family == "channels" else CHATML)
    code, out, err = run("chat", "-m", file, "--grammar", grammar(text), stdin="hi\nand you\n")
    assert code == 0, err
    assert out.split() == ["yes", "yes"]
