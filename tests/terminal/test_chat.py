"""``specdec chat`` at a terminal, as a person has it."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from specdec_cli import paths
from specdec_cli.chat.commands import COMMANDS
from specdec_cli.errors import Exit
from tests.ggufs import byte_tokens, default_tokens, write_gguf
from tests.terminal.session import Session

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")

LETTERS = [byte_tokens().index(mark) for mark in "abcdefghijklmnopqrstuvwxyzĠ"]  # Ġ is a space
ANSWER = re.compile(r"^[a-z ]{40}", re.MULTILINE)
"""A line of such letters; what the program itself says has capitals or marks before that."""
FOX = "Write a short story about a fox."


@pytest.fixture(autouse=True)
def _own_home(home: Path) -> None:
    """Every conversation begins without another's history."""
    assert str(paths.conversations()).startswith(str(home))


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options under which an answer has 100,000 letters.

    A terminal that is not read holds a fifth of them, so whoever reads it can stop the answer.
    """
    model = tmp_path_factory.mktemp("endless") / "long.gguf"
    write_gguf(model, seed=3, context=1 << 17, n_layers=2)
    biases = [word for token in LETTERS for word in ("--logit-bias", f"{token}+100")]
    return ["-m", str(model), "-c", "0", "-n", "100000", "--temp", "1", *biases]


def answers(session: Session) -> int:
    """How many answers have ended; the end of what is said of one may be cut."""
    return len(re.findall(r"(?m)^\d+ tokens? · .*tok/s", session.text()))


def answered(session: Session, count: int = 1) -> None:
    """Wait until so many answers have ended."""
    session.wait(lambda: answers(session) >= count)


def test_a_conversation_with_every_command(tmp_path: Path) -> None:
    used: set[str] = set()
    file, code = tmp_path / "saved.json", tmp_path / "old.py"
    code.write_text("def double(x):\n    return x + x\n")

    # Wide enough for all that an answer's line may say, that the machine is too busy to tell too.
    # With fixed lengths something is drafted, whatever a controller would think of it here.
    with Session("chat", "--fixed", "-sys", "Be helpful.", rows=40, columns=140) as chat:

        def command(text: str, told: str) -> None:
            used.add(text[1:].split()[0])
            before = chat.text().count(told)
            chat.enter(text)
            chat.wait(lambda: chat.text().count(told) > before)

        chat.enter("What is the capital of France?")
        chat.wait_for("Paris")
        answered(chat)
        chat.enter("And of Italy?")
        answered(chat, 2)
        chat.wait(lambda: re.search(r"prompt \d+ tokens \(\d+ kept\)", chat.text()) is not None)

        command("/help", "searches what was typed before")
        command("/stats", "kept by position")
        chat.wait_for("█")
        chat.wait_for("all answers")
        command("/system", "Be helpful.")
        command("/system Be brief.", "/system Be brief.")
        command("/show history", "system: Be brief.")
        command("/set temp 0.7", "temp 0.7")
        command("/set tmp 1", "did you mean temp?")
        command("/show settings", "temp                0.7")
        command("/set temp default", "temp 0.0")
        command("/regen", "at temperature 0 the answer stays the same")
        answered(chat, 3)
        command("/undo", "1 is left")
        chat.wait(lambda: ">>> And of Italy?" in chat.line)
        chat.send("\x03")
        command("/drafter ngram", "drafting: ngram")
        command("/draft-max 4", "draft-max 4")
        command("/draft-min 1", "draft-min 1")
        chat.enter("Write a Python function that adds two numbers.")
        answered(chat, 4)
        chat.wait(lambda: chat.at_prompt and "tiny-target · ngram" in " ".join(chat.from_cursor()))
        command("/compare", "the texts are equal")
        chat.wait_for("plain")
        command(f"/save {file}", "saved to")
        command("/copy code", "copied")
        found = re.findall(rb"\x1b]52;c;([A-Za-z0-9+/=]+)\x07", chat.raw)
        assert b"def add(" in base64.b64decode(found[-1])
        command(f"/read {code}", "2 lines of")
        chat.enter("What does this do?")
        answered(chat, 5)
        command("/multiline on", "Alt-Enter (or Esc, then Enter) sends")
        chat.wait(lambda: chat.at_prompt)
        chat.send("/multiline off\x1b\r")
        chat.wait_for("multiline off")
        command("/edit Say hello.", "Say hello.")
        answered(chat, 6)
        command("/clear", "the conversation is empty")
        command(f"/load {file}", "loaded 2 turns")
        command("/show system", "Be brief.")
        command("/reset", "the conversation is empty")
        command("/show system", "Be helpful.")
        command("/show models", "tiny-draft.gguf")
        command("/sav x", "did you mean /save?")
        chat.enter("//etc/hosts")
        answered(chat, 7)
        used.add("exit")
        chat.enter("/exit")
        assert chat.code() == Exit.OK
    assert used >= {each.name for each in COMMANDS}
    saved = json.loads(file.read_text("utf-8"))
    assert [each["role"] for each in saved["messages"]] == ["system", *["user", "assistant"] * 2]
    kept = paths.conversations()
    assert any("/etc/hosts" in path.read_text("utf-8") for path in kept.iterdir())


def test_an_answer_is_stopped_kept_and_gone_on_from(endless: list[str]) -> None:
    with Session("chat", *endless) as chat:
        chat.enter(FOX)
        chat.wait(lambda: ANSWER.search(chat.text()) is not None)
        chat.send("\x03")
        chat.wait_for("stopped; what was said is kept")
        chat.wait(lambda: chat.at_prompt)
        chat.send("half a line\x03")  # only clears it
        chat.wait(lambda: chat.at_prompt)
        assert "Ctrl-D" not in chat.text()
        chat.send("\x03")
        chat.wait_for("Ctrl-D or /exit leaves")
        chat.enter("/show history")
        chat.wait_for(FOX, 2)
        chat.wait(lambda: chat.at_prompt)
        chat.send("\x04")
        assert chat.code() == Exit.OK


def test_the_terminal_may_change_its_size_in_an_answer(endless: list[str]) -> None:
    with Session("chat", *endless, columns=90) as chat:
        chat.enter(FOX)
        chat.wait(lambda: ANSWER.search(chat.text()) is not None)
        for columns, rows in ((50, 20), (120, 30), (35, 10), (80, 24)):
            before = len(chat.raw)
            chat.resize(columns, rows)
            # The end that is looked at below was written for the last size.
            chat.wait(lambda before=before: len(chat.raw) > before + 1024)  # type: ignore[misc]
        chat.interrupt()
        chat.wait_for("stopped; what was said is kept")
        chat.wait(lambda: chat.at_prompt)
        (kept,) = paths.conversations().iterdir()
        answer = json.loads(kept.read_text("utf-8"))["messages"][1]["content"]
        # The emulator cuts what was there before, but nothing of the end is missing or repeated.
        end = re.sub(r"\s", "", answer)[-120:]
        shown = re.sub(r"\s", "", chat.text())
        assert shown.partition("stopped;")[0].endswith(end)
        chat.send("\x04")
        assert chat.code() == Exit.OK


def test_what_is_typed_in_an_answer_waits_for_its_end() -> None:
    with Session("chat", "-n", "600") as chat:
        chat.enter(FOX)
        chat.wait_for("fox", 2)
        chat.send("typed meanwhile")
        answered(chat)
        chat.wait(lambda: "typed meanwhile" in chat.line)
        assert chat.text().count("typed meanwhile") == 1
        chat.send("\x03")
        chat.wait(lambda: chat.at_prompt)
        chat.send("\x04")
        assert chat.code() == Exit.OK


def test_two_hundred_lines_are_pasted_as_one_message() -> None:
    pasted = "\n".join(f"{number}." for number in range(200))
    with Session("chat", "--multiline") as chat:
        chat.wait(lambda: chat.at_prompt)
        chat.send(f"\x1b[200~{pasted}\x1b[201~")
        chat.wait_for("... 199.")
        chat.send("\x1b\r")
        answered(chat)
        chat.send("\x04")
        assert chat.code() == Exit.OK
    (kept,) = paths.conversations().iterdir()
    assert json.loads(kept.read_text("utf-8"))["messages"][0]["content"] == pasted
    assert "199." in paths.chat_history().read_text("utf-8")


def test_a_long_line_has_no_mark_of_a_new_one() -> None:
    with Session("chat", columns=40, rows=10) as chat:
        chat.wait(lambda: chat.at_prompt)
        chat.send(f"{'x' * 50}\x1b\ryz")
        shown = [f">>> {'x' * 36}", "x" * 14, "... yz"]
        chat.wait(lambda: chat.on_screen()[:3] == shown)


def test_blocks_unicode_and_lines_of_the_last_time() -> None:
    with Session("chat", "-n", "8") as chat:
        chat.enter('"""')
        chat.send("naïve 漢字\r\rand 👩‍👩‍👧\r")
        chat.wait_for("👧")
        chat.send('"""\r')
        answered(chat)
        chat.send("\x04")
        assert chat.code() == Exit.OK
    (kept,) = paths.conversations().iterdir()
    said = json.loads(kept.read_text("utf-8"))["messages"][0]["content"]
    assert said == "naïve 漢字\n\nand 👩‍👩‍👧"
    with Session("chat", "--resume") as chat:
        chat.wait_for("going on after 1 turn")
        chat.wait(lambda: chat.at_prompt)
        chat.send("\x1b[A")
        chat.wait(lambda: "naïve" in chat.text().rpartition(">>>")[2])
        chat.send("\x03")
        chat.wait(lambda: chat.at_prompt)
        chat.send("/sta")
        chat.wait_for("/stats")
        chat.send("\t")
        chat.wait(lambda: "/stats" in chat.line)
        chat.send("\r")
        chat.wait_for("there are no statistics yet")


@pytest.mark.parametrize("answer", ["y", "n"])
def test_what_was_said_survives_a_kill(endless: list[str], answer: str) -> None:
    with Session("chat", *endless) as chat:
        chat.enter(FOX)
        (folder := paths.conversations()).mkdir(parents=True, exist_ok=True)
        chat.wait(
            # Beside the files there may be one that is being written, and gone the next moment.
            lambda: any('"assistant"' in each.read_text("utf-8") for each in folder.glob("*.json"))
        )
        os.kill(chat.process.pid, signal.SIGKILL)
        chat.code()
    with Session("chat") as chat:
        chat.wait_for("Interrupted")
        chat.send(f"{answer}\r")
        if answer == "y":
            chat.wait_for("going on after 1 turn")
        else:
            chat.wait(lambda: chat.at_prompt)
            assert "going on" not in chat.text()
        chat.enter("/exit")
        assert chat.code() == Exit.OK
    with Session("chat", "--resume") as chat:  # it is not offered again, but still there
        chat.wait_for(FOX)
        assert "Interrupted" not in chat.text()


def test_no_history_leaves_no_trace(home: Path) -> None:
    with Session("chat", "--no-history", "-n", "8") as chat:
        chat.enter("My secret is 4711.")
        answered(chat)
        chat.send("\x04")
        assert chat.code() == Exit.OK
    assert [file for file in home.rglob("*") if file.is_file()] == []


def test_a_key_is_never_a_line_s_where_no_prompt_is() -> None:
    with Session("chat", "-n", "8") as chat:
        chat.enter("Tell me a story.")
        modes = set()
        while not answers(chat) or not chat.at_prompt:
            modes.add(chat.reads_lines)
        assert modes == {False}  # else a Ctrl-D is the end of a line's input, and lost
        chat.send("\x04")
        assert chat.code() == Exit.OK
        assert chat.reads_lines  # as it was found


def test_a_question_between_prompts_is_typed_as_usual(tmp_path: Path) -> None:
    file = tmp_path / "there.json"
    file.write_text("old")
    with Session("chat", "-n", "8", columns=200) as chat:
        chat.enter("Hello.")
        answered(chat)
        chat.enter(f"/save {file}")
        chat.wait_for("[y/N]")
        chat.send("yes\r")
        chat.wait_for("saved to")
        assert "[y/N] yes" in chat.text()
        chat.enter("/exit")
        assert chat.code() == Exit.OK
    assert file.read_text() != "old"


def test_what_goes_wrong_behind_the_prompt_ends_it(tmp_path: Path) -> None:
    other = default_tokens()
    other[65], other[66] = other[66], other[65]
    target = write_gguf(tmp_path / "target.gguf", seed=1, context=512)
    draft = write_gguf(tmp_path / "draft.gguf", seed=2, context=512, tokens=other)
    with Session("chat", "-m", str(target), "-md", str(draft)) as chat:
        assert chat.code() == Exit.INCOMPATIBLE
        assert "Error: " in chat.text()
        assert "Hint: " in chat.text()
        assert "Traceback" not in chat.text()


def test_a_file_that_is_no_model_is_told_before_the_prompt(tmp_path: Path) -> None:
    empty, cut = tmp_path / "empty.gguf", tmp_path / "cut.gguf"
    empty.touch()
    sound = write_gguf(tmp_path / "sound.gguf")
    cut.write_bytes(sound.read_bytes()[:-100])
    missing = tmp_path / "missing.gguf"
    for arguments, code, said in (
        ((str(empty),), Exit.INCOMPATIBLE, "is empty"),
        (("-m", str(missing)), Exit.NOT_FOUND, "does not exist"),
        (("-m", str(sound), "-md", str(cut)), Exit.INCOMPATIBLE, "cut.gguf is truncated"),
    ):
        with Session("chat", *arguments, columns=200) as chat:
            assert chat.code() == code
            assert said in chat.text()
            assert ">>>" not in chat.text() and b">>>" not in chat.raw


def test_a_dumb_terminal_gets_no_escapes() -> None:
    with Session("chat", env={"TERM": "dumb"}) as chat:
        chat.wait_for(">>>")
        chat.send("What is the capital of France?\n")
        answered(chat)
        chat.wait_for(">>>", 2)
        chat.send("/copy\n")
        chat.wait_for("there is no clipboard here")
        chat.wait_for(">>>", 3)
        chat.send("\x03")
        chat.wait_for("Ctrl-D or /exit leaves")
        chat.wait_for(">>>", 4)
        chat.send("\x04")
        assert chat.code() == Exit.OK
    assert "Paris" in chat.text()
    assert b"\x1b" not in chat.raw
