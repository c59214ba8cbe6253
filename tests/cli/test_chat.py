"""``specdec chat`` in a pipe: answers on stdout, the rest on stderr, exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specdec_cli import paths
from specdec_cli.chat import action as main
from specdec_cli.chat import lines
from specdec_cli.chat import slash_command as table
from specdec_cli.chat.commands import COMMANDS
from specdec_cli.chat.options import CHAT
from specdec_cli.errors import Exit, UsageError
from specdec_cli.options.resolve import resolve_named
from specdec_cli.terminal.console import Streams
from tests.cli.conftest import Specdec
from tests.ggufs import default_tokens, write_gguf
from tests.waiting import PATIENCE

CAPITAL = "What is the capital of France?\n"


def test_lines_are_answered_one_by_one(specdec: Specdec) -> None:
    alone = specdec("run", "-q", stdin=CAPITAL).out
    done = specdec(
        "chat", "--fixed", stdin=f'{CAPITAL}\n/system Be brief.\n"""\nTwo\nlines\n"""\n/stats\n'
    )
    assert done.code == Exit.OK
    first, _, second = done.out.partition("\n\n")
    assert first + "\n" == alone
    assert second.endswith("\n") and not second.endswith("\n\n")
    assert "kept)" in done.err
    assert "kept by position" in done.err
    (kept,) = paths.conversations().glob("*.json")
    said = json.loads(kept.read_text("utf-8"))
    assert said["ended"] is True
    assert [each["content"] for each in said["messages"] if each["role"] == "user"] == [
        CAPITAL.strip(),
        "Two\nlines",
    ]
    kept.unlink()


def test_a_failure_does_not_keep_the_others_from_being_answered(specdec: Specdec) -> None:
    done = specdec("chat", "-q", "--no-history", stdin=f"/regne\n/load none.json\n{CAPITAL}")
    assert done.code == Exit.USAGE
    assert "Paris" in done.out
    assert "Hint: did you mean /regen? As a message: //regne" in done.err
    assert "none.json does not exist" in done.err
    assert "tok/s" not in done.err
    assert specdec("chat", "-q", "--no-history", stdin="\n\n").code == Exit.OK


def test_what_makes_room_in_a_full_context_is_told(specdec: Specdec) -> None:
    long = "word " * 300
    done = specdec("chat", "-q", "--no-history", "-c", "256", stdin=f"{long}\nhi\n{long}\n")
    first, second = (line for line in done.err.splitlines() if line.startswith("Hint:"))
    assert first == "Hint: send a shorter message; -c at the start makes more"
    assert second == "Hint: /clear or /undo makes room; -c at the start makes more"


def test_the_last_question_of_a_conversation_is_answered(specdec: Specdec, tmp_path: Path) -> None:
    """With or without more questions, and the file may be another program's."""
    alone = specdec("run", "-q", stdin=CAPITAL).out
    file = tmp_path / "asked.json"
    file.write_text(
        f'\ufeff[{{"role": "user", "content": {json.dumps(CAPITAL.strip())}}}]', "utf-8"
    )
    done = specdec("chat", "--no-history", "--load", file)
    assert done.out == alone
    assert "going on after 1 turn" in done.err
    loaded = specdec("chat", "-q", "--no-history", stdin=f"/load {file}\n/save {file}\n")
    assert loaded.out == alone
    said = json.loads(file.read_text("utf-8"))["messages"]
    assert [each["role"] for each in said] == ["user", "assistant"]


def test_a_huge_last_message_is_not_shown_whole(specdec: Specdec, tmp_path: Path) -> None:
    file = tmp_path / "long.json"
    said = [
        {"role": "user", "content": "x" * 1_000_000},
        {"role": "assistant", "content": "y\n" * 99},
    ]
    file.write_text(json.dumps(said))
    done = specdec("chat", "--no-history", "--load", file)
    assert "… (1,000,000 characters in all)" in done.err
    assert "… (198 characters in all)" in done.err
    assert len(done.err) < 5000


def test_bad_bytes_are_told(specdec: Specdec) -> None:
    done = specdec("chat", "-q", "--no-history", stdin=CAPITAL.encode() + b"\n\xff\n")
    assert done.code == Exit.USAGE
    assert "line 3 of standard input is not UTF-8: byte 0xff at offset 0" in done.err
    assert "Paris" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nosuch"], Exit.NOT_FOUND, "there is no profile 'nosuch'"),
        (["tiny", "Hello"], Exit.USAGE, "specdec run"),
        (["--temp", "x"], Exit.USAGE, "--temp"),
        (["-m", "none.gguf"], Exit.NOT_FOUND, "none.gguf"),
        (["--load", "none.json"], Exit.NOT_FOUND, "none.json"),
        (["--load", "a", "--resume"], Exit.USAGE, "exclude each other"),
        (["-md", "a.gguf"], Exit.USAGE, "-md is given without -m"),
    ],
)
def test_what_cannot_begin_says_so(
    specdec: Specdec, arguments: list[str], code: Exit, told: str
) -> None:
    done = specdec("chat", "--no-history", *arguments, stdin=CAPITAL)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_model_without_a_template_talks(specdec: Specdec, models: Path) -> None:
    done = specdec("chat", "--no-history", "-m", models / "plain.gguf", "-n", "4", stdin="a\nb\n")
    assert done.code == Exit.OK
    assert done.err.count("has no chat template; its vocabulary has the marks of chatml") == 1


def test_a_model_without_any_format_reads_messages_as_they_are(
    specdec: Specdec, tmp_path: Path
) -> None:
    tokens = [each.replace("<|im_start|>", "<|begin|>") for each in default_tokens()]
    model = write_gguf(tmp_path / "bare.gguf", context=512, tokens=tokens, chat_template=None)
    done = specdec("chat", "--no-history", "-m", model, "-n", "4", stdin="a\nb\n")
    assert done.code == Exit.OK
    assert done.err.count("the prompt is sent as it is") == 1
    assert "prompt 1 token" in done.err


def test_a_command_in_a_pipe_may_be_wrong(specdec: Specdec) -> None:
    for text, told in (
        ("/regne", "did you mean /regen? As a message: //regne"),
        ("/xyzzy", "/help lists them"),
        ("/save", "/save FILE"),
        ("/stats now", "takes no argument"),
        ("/set tmp 1", "did you mean temp?"),
        ("/show nothing", "/show settings|system|models|history"),
        ("/help regne", "did you mean /regen?"),
    ):
        done = specdec("chat", "--no-history", stdin=f"{text}\n")
        assert (done.code, done.out) == (Exit.USAGE, ""), text
        assert told in done.err
    done = specdec("chat", "--no-history", stdin="/help\n/help set\n")
    assert (done.code, done.out) == (Exit.OK, "")
    assert all(f"/{command.name}" in done.err for command in COMMANDS)
    assert done.err.count("/set [OPTION [VALUE]]") == 2


def test_a_file_too_large_for_the_context_is_not_sent_again(
    specdec: Specdec, tmp_path: Path
) -> None:
    (file := tmp_path / "a.txt").write_text("word")
    (huge := tmp_path / "b.txt").write_text("word " * 4000)
    done = specdec(
        *("chat", "-c", "512", "-n", "4"),
        stdin=f"/read {huge}\nWhat?\n/read {file}\nWhat?\n/show history\n",
    )
    assert "the prompt has" in done.err
    assert ">>> word\n>>> \n>>> What?" in done.err


@pytest.mark.parametrize("word", ["exit", "Quit", "/exit", "/quit"])
def test_words_that_leave_are_not_answered(specdec: Specdec, word: str) -> None:
    done = specdec("chat", "--no-history", stdin=f"{word}\n/system\n")
    assert (done.code, done.out, done.err) == (Exit.OK, "", "")


def test_a_question_mark_asks_for_help(specdec: Specdec) -> None:
    done = specdec("chat", "--no-history", stdin="/?\n/? set\n")
    assert (done.code, done.out) == (Exit.OK, "")
    assert done.err.count("/set [OPTION [VALUE]]") == 2


def test_a_conversation_is_not_saved_where_there_is_no_folder(
    specdec: Specdec, tmp_path: Path
) -> None:
    file = tmp_path / "nosuch" / "x.json"
    done = specdec("chat", "--no-history", "-n", "2", stdin=f"Hi\n/save {file}\n")
    assert done.code == Exit.NOT_FOUND
    assert f"Error: there is no folder {file.parent}\nHint: /save x.json\n" in done.err
    assert not file.parent.exists()


@pytest.mark.parametrize("option", ["--drafter=none", "--draft-max=0"])
def test_nothing_is_compared_where_nothing_drafts(specdec: Specdec, option: str) -> None:
    done = specdec("chat", "--no-history", option, stdin="/compare Hi\n")
    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "nothing drafts, so there is nothing to compare" in done.err


def test_models_that_are_missing_are_told_of_though_nothing_is_asked(
    specdec: Specdec, models: Path
) -> None:
    for arguments, code in (
        (["qwen3-8b"], Exit.NOT_FOUND),
        (["-m", "none.gguf", "-c", "64"], Exit.NOT_FOUND),
        (["-m", str(models / "target.gguf"), "-md", str(models / "other.gguf")], Exit.INCOMPATIBLE),
        ([], Exit.OK),
    ):
        done = specdec("chat", "--no-history", *arguments)
        assert (done.code, done.out) == (code, "")
        assert ("Error: " in done.err) == bool(arguments)


def test_settings_follow_and_a_new_context_keeps_the_conversation(specdec: Specdec) -> None:
    done = specdec(
        *("chat", "--no-history"),
        stdin=f"{CAPITAL}/set ctx-size 512\n/set drafter none\nAnd of Italy?\n"
        "/show models\n/set model x\n/set threads 999999\n/set ctx-size 4\n"
        "/set drafter hybrid\nAnd of Spain?\n",
    )
    assert "the pair is reloaded" in done.err
    assert "tiny-target · none" in done.err
    assert "/512" in done.err
    assert "model cannot be changed during a conversation" in done.err
    assert "999999 is not from 0 to 1024" in done.err
    assert "the prompt has" in done.err, "4 tokens hold nothing"
    assert done.out.rstrip().count("\n\n") == 1


def test_ctrl_c_ends_a_script(specdec: Specdec) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "specdec_cli", "chat", "--no-history", "-n", "4"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin and process.stderr
    process.stdin.write(b"Hi\n")
    process.stdin.flush()
    assert process.stderr.readline() == (
        b"tiny \xc2\xb7 tiny-target.gguf + tiny-draft.gguf \xc2\xb7 drafted by model and n-grams\n"
    )
    assert b"tok/s" in process.stderr.readline()
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.INTERRUPTED
    assert b"Traceback" not in err


def test_an_interrupt_while_an_error_is_printed_leaves_the_conversation(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at the prompt, which the person is about to see again."""
    told = io.StringIO()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specdec_cli.chat.session.print_error", interrupted)
    monkeypatch.setattr(
        main, "stdin_reader", lambda _: lines.LineReader(io.BytesIO(b"/xyzzy\n/exit\n"), told)
    )

    gathered = resolve_named(CHAT, None, {})
    streams = Streams(told, told, False, False, False, {})
    assert main.converse(lambda: gathered, gathered, streams) == Exit.OK
    assert told.getvalue() == ">>> Ctrl-D or /exit leaves, /help lists the commands\n>>> "


def test_print_config_has_its_own_options(specdec: Specdec) -> None:
    done = specdec("chat", "--print-config", "--no-markdown")
    assert done.code == Exit.OK
    assert "markdown" in done.out
    assert "profile" in done.out


def test_blocks() -> None:
    assert lines.is_open('"""')
    assert lines.is_open('"""a\nb')
    assert not lines.is_open('"""a\nb"""')
    assert not lines.is_open('a"""')
    assert lines.unwrapped('"""\na\n\nb\n"""') == ("a\n\nb", True)
    assert lines.unwrapped("a") == ("a", False)


def test_commands_are_found_in_any_spelling() -> None:
    assert table.find(COMMANDS, "Draft_Max").name == "draft-max"
    assert table.find(COMMANDS, "quit").name == "exit"
    with pytest.raises(UsageError, match="no command /xyzzy"):
        table.find(COMMANDS, "xyzzy")
    assert not table.is_command("/usr/bin/env is a path")
    assert not table.is_command("/ 2")
    assert table.is_command("/help")


def test_the_contract_names_every_command() -> None:
    names = (
        "help clear reset system set show save load stats drafter draft-max draft-min compare "
        "regen undo edit read multiline copy exit"
    )
    assert [each.name for each in COMMANDS] == names.split()
