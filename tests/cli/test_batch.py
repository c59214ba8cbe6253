"""``--input``: one result per line, in order, whatever single lines hold."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from specdec_cli.errors import Exit
from specdec_cli.run import batch
from specdec_cli.templates.message import Message
from tests.cli.conftest import Specdec
from tests.cli.test_run import SCHEMA

GOOD = [
    {"prompt": "Say hello.", "id": "first", "max_tokens": 4},
    {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4},
    {"prompt": "Say hello.", "system": "Be brief.", "seed": 3, "max_tokens": 0},
]


def test_good_lines(specdec: Specdec, models: Path, tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text("\n\n".join(map(json.dumps, GOOD)) + "\n")
    done = specdec("run", "-q", "-m", models / "long.gguf", "--input", file)
    assert done.code == Exit.OK
    assert done.err == ""
    results = [json.loads(line) for line in done.out.splitlines()]
    for result in results:
        jsonschema.validate(result, SCHEMA)
    assert [result["line"] for result in results] == [1, 3, 5]
    assert [result["completion_tokens"] for result in results] == [4, 4, 0]
    assert results[0]["id"] == "first"
    assert results[0]["text"] == results[1]["text"]
    assert results[2]["settings"]["seed"] == 3


def test_every_line_is_drawn_anew_unless_a_seed_is_given(
    specdec: Specdec, models: Path, tmp_path: Path
) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text((json.dumps({"prompt": "Say hello.", "max_tokens": 12}) + "\n") * 4)
    asked = ("run", "-q", "-m", models / "long.gguf", "--temp", "1.5", "--input", file)
    results = [json.loads(line) for line in specdec(*asked).out.splitlines()]
    assert len({result["settings"]["seed"] for result in results}) == 4
    assert len({result["text"] for result in results}) > 1
    again = [json.loads(line) for line in specdec(*asked, "--seed", "7").out.splitlines()]
    assert {result["settings"]["seed"] for result in again} == {7}
    assert len({result["text"] for result in again}) == 1
    repeated = specdec(*asked, "--seed", str(results[2]["settings"]["seed"])).out.splitlines()
    assert json.loads(repeated[0])["text"] == results[2]["text"]


def test_bad_lines_do_not_stop_the_rest(specdec: Specdec, models: Path) -> None:
    lines = [b"{", b'{"prompt": "\xff"}', b'{"prompt": 3}', json.dumps(GOOD[0]).encode()]
    lines.append(json.dumps({"prompt": "long " * 999, "id": 7}).encode())
    done = specdec(
        "run", "-m", models / "target.gguf", "-n", "4", "--input", "-", stdin=b"\n".join(lines)
    )
    assert done.code == Exit.FAILURE
    results = [json.loads(line) for line in done.out.splitlines()]
    assert [result["line"] for result in results] == [1, 2, 3, 4, 5]
    assert ["error" in result for result in results] == [True, True, True, False, True]
    assert results[4]["id"] == 7
    assert results[4]["error"]["type"] == "ContextFullError"
    assert all(result["v"] == 1 for result in results)
    assert done.err.count("tok/s") <= 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[]", "not a JSON object"),
        ("{}", "either prompt or messages"),
        ('{"prompt": "a", "messages": []}', "either prompt or messages"),
        ('{"prompt": "a", "temp": 1}', "unknown field 'temp'"),
        ('{"messages": []}', "not a list of messages"),
        ('{"messages": ["a"]}', r"messages\[0\]"),
        ('{"messages": [{"role": "god", "content": "a"}]}', r"messages\[0\] has the role 'god'"),
        ('{"messages": [{"role": "user", "content": null}]}', r"messages\[0\] has no text"),
        ('{"prompt": "a", "seed": -1}', "seed"),
        ('{"prompt": "a", "seed": true}', "seed"),
        ('{"prompt": "a", "max_tokens": 1.5}', "max_tokens"),
        ('{"prompt": "a", "system": 1}', "system"),
        ('{"prompt": "\\ud800"}', "surrogate"),
        ("[" * 100_000, "not JSON"),
        ('{"prompt": "a", "id": NaN}', "NaN is not JSON"),
    ],
)
def test_what_is_wrong_is_said(line: str, said: str) -> None:
    with pytest.raises(batch.BadLineError, match=said):
        batch.parse(line.encode(), None)


def test_the_lines_own_system_message_wins() -> None:
    user = Message("user", "a")
    assert batch.parse(b'{"prompt": "a"}', None).messages == (user,)
    assert batch.parse(b'{"prompt": "a"}', "b").messages == (Message("system", "b"), user)
    own = batch.parse(b'{"prompt": "a", "system": "c"}', "b")
    assert own.messages == (Message("system", "c"), user)
    other = b'\xef\xbb\xbf{"messages": [{"role": "user", "name": "x", "content": [{"text": "a"}]}]}'
    assert batch.parse(other, None).messages == (user,)
    turns = b'{"messages": [{"role": "system", "content": "d"}, {"role": "user", "content": "a"}]}'
    assert batch.parse(turns, "b").messages == (Message("system", "d"), user)
