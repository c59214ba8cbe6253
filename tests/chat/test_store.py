"""Conversations on disk: whole, private, and found again after a crash."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from specdec_cli.chat import store
from specdec_cli.chat.conversation import Conversation, Turn
from specdec_cli.chat.document import BadConversationError, from_text, to_text
from specdec_cli.errors import NotFoundError, SpecdecError
from tests.waiting import PATIENCE

MODELS = {"target": "t.gguf", "draft": None}
SAID = [
    Turn("Hi “there”\n", "Hello 漢字 \U0001f600", "stop"),
    Turn("and?", "\x1b[31m", "cancelled"),
]


def same(a: Conversation, b: Conversation) -> bool:
    return (a.system, list(a)) == (b.system, list(b))


def test_there_and_back(tmp_path: Path) -> None:
    conversation = Conversation("Be brief.", [*SAID, Turn("unanswered")])
    file = tmp_path / "new" / "a.json"
    store.save(file, conversation, MODELS)
    assert same(store.load(file), conversation)
    written = json.loads(file.read_text("utf-8"))
    assert written["v"] == 1
    assert written["models"] == MODELS
    assert [each["role"] for each in written["messages"]] == [
        *("system", "user", "assistant", "user", "assistant", "user"),
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_files_of_other_programs() -> None:
    text = '{"model": "x", "messages": [{"role": "user", "content": "Hi", "name": "me"}]}'
    conversation, rest = from_text(text, "it")
    assert list(conversation) == [Turn("Hi")]
    assert rest == {"model": "x"}


def test_what_other_programs_write() -> None:
    messages = [
        {"role": "assistant", "content": "Hello, I am here."},
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "What "}, "time?"]},
        {"role": "assistant", "content": None, "tool_calls": [{"name": "clock"}]},
        {"role": "tool", "tool_call_id": "1", "content": "noon"},
        {"role": "user", "content": "So?"},
        {"role": "assistant", "content": "It is"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "noon."}]},
        {"from": "human", "value": "Thanks!"},
    ]
    conversation, rest = from_text(json.dumps(messages), "it")
    assert rest == {}
    assert conversation.system == "Be brief."
    assert list(conversation) == [
        Turn("", "Hello, I am here."),
        Turn("What time?", '[{"name": "clock"}]'),
        Turn("noon\n\nSo?", "It is\n\nnoon."),
        Turn("Thanks!"),
    ]
    again, _ = from_text(to_text(conversation, MODELS), "it")
    assert same(again, conversation)


def test_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b'\xef\xbb\xbf[{"role": "user", "content": "Hi"}]')
    assert list(store.load(file)) == [Turn("Hi")]


def test_a_device_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(BadConversationError, match="too large"):
        store.load(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("1", "neither a JSON object nor a list"),
        ('{"v": 2, "messages": []}', "version 2"),
        ('{"messages": {}}', "no list of messages"),
        ('{"messages": [1]}', "messages[0] of it is not an object"),
        ('{"messages": [{"role": "user"}]}', "no text as its content"),
        ('{"messages": [{"role": "user", "content": "\\ud800"}]}', "surrogate"),
        ('{"messages": [{"role": "god", "content": ""}]}', "messages[0] of it has the role 'god'"),
        ('{"messages": [{"role": [], "content": ""}]}', "has the role []"),
        (
            '[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]',
            "messages[0] of it has a part of the type 'image_url'",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told(text: str, told: str) -> None:
    with pytest.raises(BadConversationError) as caught:
        from_text(text, "it")
    assert told in caught.value.message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        store.load(tmp_path / "none.json")
    with pytest.raises(NotFoundError, match="cannot be read"):
        store.load(tmp_path)
    file = tmp_path / "latin.json"
    file.write_bytes(b'{"a": "\xe9"}')
    with pytest.raises(BadConversationError, match="offset 7"):
        store.load(file)


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    store.save(file, Conversation("one"), MODELS)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SpecdecError, match="No space left"):
        store.save(file, Conversation("two"), MODELS)
    assert store.load(file).system == "one"
    assert list(tmp_path.iterdir()) == [file]


def test_autosave_keeps_until_the_end(tmp_path: Path) -> None:
    autosave = store.Autosave(tmp_path)
    conversation = Conversation()
    autosave.keep(conversation, MODELS)
    assert list(tmp_path.iterdir()) == []
    conversation.ask("Hi")
    autosave.keep(conversation, MODELS)
    assert list(store.interrupted(tmp_path)) == []  # its program lives
    assert store.latest(tmp_path) is None
    conversation.answer("Hello", "stop")
    autosave.end(conversation, MODELS)
    (file,) = tmp_path.iterdir()
    assert same(store.load(file), conversation)
    assert list(store.interrupted(tmp_path)) == []
    latest = store.latest(tmp_path)
    assert latest is not None
    assert same(latest.conversation, conversation)
    autosave.keep(Conversation("", [Turn("other")]), MODELS)
    assert len(list(tmp_path.iterdir())) == 2


CRASH = """
import os, sys, pathlib
from specdec_cli.chat.store import Autosave
from specdec_cli.chat.conversation import Conversation, Turn
Autosave(pathlib.Path(sys.argv[1])).keep(Conversation("", [Turn("Hi", "Hel")]), {})
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")
def test_a_program_that_ended_without_its_parent_noticing_lives_no_more(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", CRASH, str(tmp_path)])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    (saved,) = store.interrupted(tmp_path)
    assert saved.conversation.last == Turn("Hi", "Hel")
    assert process.wait() != 0


def test_what_a_killed_program_kept_is_found_and_settled(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], check=False, timeout=PATIENCE)
    (saved,) = store.interrupted(tmp_path)
    assert list(saved.conversation) == [Turn("Hi", "Hel")]
    assert len(saved.when) == 16
    store.mark_ended(saved)
    assert list(store.interrupted(tmp_path)) == []
    latest = store.latest(tmp_path)
    assert latest is not None
    assert list(latest.conversation) == [Turn("Hi", "Hel")]


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    autosave = store.Autosave(tmp_path)
    for number in range(25):
        autosave.end(Conversation("", [Turn(str(number), "")]), MODELS)
    kept = [next(iter(store.load(path))).user for path in tmp_path.iterdir()]
    assert len(kept) == 20
    assert "24" in kept


def test_nothing_is_kept_without_a_folder_and_a_bad_one_is_told_once(tmp_path: Path) -> None:
    conversation = Conversation("", [Turn("Hi")])
    nothing = store.Autosave(None)
    nothing.keep(conversation, MODELS)
    nothing.end(conversation, MODELS)
    assert nothing.failure == ""
    (tmp_path / "file").touch()
    bad = store.Autosave(tmp_path / "file" / "folder")
    bad.keep(conversation, MODELS)
    assert "not kept from now on" in bad.failure


def test_damaged_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text("{")
    (tmp_path / "2.json").write_text(to_text(Conversation("", SAID), {}, ended=False, process=3))
    (tmp_path / "3.json").write_text('{"messages": [], "process": {"id": "x", "started": 1}}')
    found = store.interrupted(tmp_path)
    assert [saved.path.name for saved in found] == ["2.json"]
    assert list(store.interrupted(tmp_path / "none")) == []
