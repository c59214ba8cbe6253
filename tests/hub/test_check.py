"""``specdec check``: headers alone, from files and from the tests' own Hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from specdec_cli.cli import commands
from specdec_cli.errors import Exit
from specdec_cli.gguf import traits
from specdec_cli.gguf.header import read_header
from specdec_cli.hub.client import Hub
from specdec_cli.pairs.check.suggest import family
from tests.ggufs import CHATML, MERGES, default_tokens, write_gguf
from tests.heads import KINDS, write_head, write_with_own_head
from tests.hub.server import FakeHub, Fault, Repo

Check = Callable[..., tuple[int, dict[str, Any]]]
GIGABYTE = 1_000_000_000


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs ``specdec check --json``; the exit code and the report."""

    def run(*words: str | Path) -> tuple[int, dict[str, Any]]:
        code = commands.invoke(["check", "--json", *map(str, words)])
        done = capsys.readouterr()
        return code, json.loads(done.out) if done.out else {"error": done.err}

    return run


def large_gguf(path: Path, tokens: Sequence[str], layers: int, add_bos: bool | None = None) -> Path:
    """A model of many gigabytes whose weights are a hole in the file."""
    writer = gguf.GGUFWriter(path, "llama")
    for key, value in {
        "context_length": 8192,
        "block_count": layers,
        "embedding_length": 4096,
        "feed_forward_length": 14336,
        "attention.head_count": 32,
        "attention.head_count_kv": 8,
    }.items():
        writer.add_uint32(f"llama.{key}", value)
    writer.add_string("tokenizer.ggml.model", "gpt2")
    writer.add_string("tokenizer.ggml.pre", "llama-bpe")
    writer.add_array("tokenizer.ggml.tokens", list(tokens))
    writer.add_array("tokenizer.ggml.merges", list(MERGES))
    writer.add_uint32("tokenizer.ggml.bos_token_id", 5)
    writer.add_uint32("tokenizer.ggml.eos_token_id", 6)
    writer.add_string("tokenizer.chat_template", CHATML)
    if add_bos is not None:
        writer.add_bool("tokenizer.ggml.add_bos_token", add_bos)
    shapes = {"token_embd.weight": (len(tokens), 4096), "output_norm.weight": (4096,)}
    shapes |= {f"blk.{i}.ffn_up.weight": (14336, 4096) for i in range(layers)}
    total = 0
    for name, shape in shapes.items():
        kind = np.dtype(np.float32 if len(shape) == 1 else np.float16)
        size = int(np.prod(shape)) * kind.itemsize
        writer.add_tensor_info(name, shape, kind, size)
        total += -(-size // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with path.open("r+b") as file:
        end = -(-path.stat().st_size // 32) * 32
        file.truncate(end + total)
    return path


def vocabulary(count: int) -> list[str]:
    return [*default_tokens(), *(f"word{i}" for i in range(count - len(default_tokens())))]


def test_headers_of_large_files_cost_little(
    hub: Hub, server: FakeHub, check: Check, tmp_path: Path
) -> None:
    words = vocabulary(60_000)
    large = large_gguf(tmp_path / "large.gguf", words, 60)
    differs = list(words)
    differs[31_000] = "another"
    small = large_gguf(tmp_path / "small.gguf", [*words, "extra1", "extra2"], 1)
    other = large_gguf(tmp_path / "other.gguf", differs, 1)
    assert large.stat().st_size > 7 * GIGABYTE
    server.repos["a/large"] = Repo({"large-F16.gguf": large})
    server.repos["a/small"] = Repo({"small-F16.gguf": small})
    server.repos["a/other"] = Repo({"other.gguf": other})
    code, report = check("a/large:f16", "a/small/small-F16.gguf")
    assert (code, report["verdict"]) == (Exit.OK, "compatible")
    assert report["target"]["bytes"] == large.stat().st_size
    assert report["draft"]["tokens"] == 60_002
    assert report["fetched_bytes"] <= server.sent < 6_000_000
    code, report = check("a/large:F16", "a/other/other.gguf@main")
    assert (code, report["verdict"]) == (Exit.INCOMPATIBLE, "incompatible")
    difference = {"id": 31_000, "target": f"'{words[31_000]}'", "draft": "'another'"}
    assert report["first_difference"] == difference
    assert not list(hub.cache.rglob("*.gguf"))


def test_verdicts_on_files_that_are_not_here(
    hub: Hub, server: FakeHub, check: Check, tmp_path: Path
) -> None:
    """Each from a few megabytes of headers, though the target has gigabytes."""
    words = vocabulary(60_000)
    names = {
        "equal": words,
        "within": [*words, *(f"extra{i}" for i in range(128))],
        "beyond": [*words, *(f"extra{i}" for i in range(129))],
    }
    server.repos["a/large"] = Repo({"large.gguf": large_gguf(tmp_path / "large.gguf", words, 60)})
    drafts: dict[str, bytes | Path] = {
        f"{name}.gguf": large_gguf(tmp_path / f"{name}.gguf", tokens, 10)
        for name, tokens in names.items()
    }
    drafts["bos.gguf"] = large_gguf(tmp_path / "bos.gguf", words, 10, add_bos=False)
    drafts["page.gguf"] = b"<html>please log in</html>" * 1000
    server.repos["a/drafts"] = Repo(drafts)
    for name, code, said in (
        ("equal", Exit.OK, '"compatible"'),
        ("within", Exit.OK, "the draft 60,128; only tokens that both have are drafted"),
        ("beyond", Exit.INCOMPATIBLE, "at most 128 more or fewer will do"),
        ("bos", Exit.INCOMPATIBLE, "the target adds a BOS token to prompts, the draft does not"),
        ("page", Exit.INCOMPATIBLE, "web page"),
        ("absent", Exit.NOT_FOUND, "has no file"),
    ):
        before = server.sent
        found, report = check("a/large/large.gguf", f"a/drafts/{name}.gguf")
        assert found == code, name
        assert said in json.dumps(report), name
        assert server.sent - before < 6_000_000, name
    assert not list(hub.cache.rglob("*.gguf"))


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({}, Exit.OK, None),
        ({"vocab": 280}, Exit.OK, "only tokens that both have are drafted"),
        ({"vocab": 600}, Exit.INCOMPATIBLE, "at most 128"),
        ({"add_bos": True}, Exit.INCOMPATIBLE, "adds a BOS token"),
        ({"eos": 3}, Exit.OK, "EOS token is"),
        ({"extra_metadata": {"tokenizer.ggml.eot_token_id": 3}}, Exit.OK, "end a turn"),
        ({"chat_template": None}, Exit.OK, "chat templates differ"),
        ({"extra_metadata": {"tokenizer.ggml.model": "rwkv"}}, Exit.INCOMPATIBLE, None),
        ({"extra_metadata": {"llama.expert_count": 0}}, Exit.OK, None),
    ],
)
def test_what_is_compared(
    check: Check, tmp_path: Path, change: dict[str, Any], code: int, said: str | None
) -> None:
    target = write_gguf(tmp_path / "target.gguf", d=256, ff=512, n_layers=2)
    draft = write_gguf(tmp_path / "draft.gguf", **change)
    found, report = check(target, draft)
    assert found == code, report
    if said:
        assert said in json.dumps(report["findings"])


def test_what_is_no_model(hub: Hub, server: FakeHub, check: Check, tmp_path: Path, ggufs) -> None:
    server.repos["a/page"] = Repo({"page.gguf": b"<!doctype html><html>log in</html>" * 99})
    server.repos["a/cut"] = Repo({"cut.gguf": ggufs["target"][: len(ggufs["target"]) // 2]})
    known = "big/model-GGUF:Q4_K_M"
    for word, code, said in (
        ("a/page/page.gguf", Exit.INCOMPATIBLE, "web page"),
        ("a/cut/cut.gguf", Exit.INCOMPATIBLE, "truncated"),
        ("a/absent/x.gguf", Exit.NOT_FOUND, "does not exist"),
        ("big/model-GGUF/x.gguf", Exit.NOT_FOUND, "has no file"),
        ("big/model-GGUF:Q2_K", Exit.NOT_FOUND, "model-Q4_K_M.gguf"),
        ("no-such-thing", Exit.NOT_FOUND, "neither"),
        (str(tmp_path / "x.gguf"), Exit.NOT_FOUND, "neither"),
        ("a--b/c:Q4_0", Exit.NOT_FOUND, "neither"),
        ("a.git/b.git:Q4_0", Exit.NOT_FOUND, "does not exist"),
        ("a/b..c:Q4_0", Exit.NOT_FOUND, "neither"),
        ("../../nothing.gguf", Exit.NOT_FOUND, "neither"),
    ):
        found, report = check(known, word)
        assert (found, said in report["error"]) == (code, True), (word, report)
        assert report["error"].count("\n") == 2


def test_a_server_without_ranges_is_read_too(hub: Hub, server: FakeHub, check: Check) -> None:
    server.faults = [Fault("bytes", no_ranges=True, times=99)]
    assert check("big/model-GGUF:Q4_K_M", "small/model-GGUF:Q8_0")[0] == Exit.OK


def test_changed_bytes_of_a_header_never_break_it(
    hub: Hub, server: FakeHub, check: Check, ggufs
) -> None:
    random = np.random.default_rng(3)
    data = np.frombuffer(ggufs["draft"], np.uint8)
    codes = set()
    for number in range(20):
        mutated = data.copy()
        places = random.integers(0, 9000, 1 + number % 5)
        mutated[places] = random.integers(0, 256, len(places))
        server.repos["a/mutated"] = Repo({"m.gguf": mutated.tobytes()})
        code, report = check("big/model-GGUF:Q4_K_M", "a/mutated/m.gguf")
        assert "unexpected" not in report.get("error", "")
        codes.add(code)
    assert codes <= {Exit.OK, Exit.INCOMPATIBLE, Exit.USAGE}
    assert Exit.INCOMPATIBLE in codes


def test_the_report_is_for_people_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tokens = default_tokens()
    tokens[70] = "\x1b[31m"
    target = write_gguf(tmp_path / "Qwen3-8B-Q4_K_M.gguf", name="Qwen3 8B\x1b[2J")
    draft = write_gguf(tmp_path / "draft.gguf", tokens=tokens)
    assert commands.invoke(["check", str(target), str(draft)]) == Exit.INCOMPATIBLE
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "token 70 is" in out
    assert "rejected" in out
    assert "a known draft for this model: Qwen/Qwen3-0.6B-GGUF/" in out
    assert commands.invoke(["check", str(target)]) == Exit.OK
    assert "a known draft" in capsys.readouterr().out


def test_a_profile_brings_its_own_draft(check: Check) -> None:
    code, report = check("tiny")
    assert (code, report["verdict"]) == (Exit.OK, "compatible")
    assert report["draft"]["model"] == "tiny-draft.gguf"
    assert report["fetched_bytes"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_heads_are_no_models(check: Check, tmp_path: Path, kind: str) -> None:
    target = write_gguf(tmp_path / "target.gguf")
    code, report = check(target, write_head(tmp_path / "head.gguf", kind))
    assert code == Exit.INCOMPATIBLE
    assert KINDS[kind] in report["findings"][0]["message"]


def test_a_head_of_its_own_is_told(check: Check, tmp_path: Path) -> None:
    code, report = check(write_with_own_head(tmp_path / "target.gguf"))
    assert code == Exit.OK
    assert report["target"]["own_head"]
    assert any("(MTP), which drafts" in finding["message"] for finding in report["findings"])


@pytest.mark.parametrize(
    ("metadata", "rollback"),
    [
        ({}, "attention"),
        ({"llama.ssm.state_size": 16}, "hybrid"),
        ({"llama.ssm.state_size": 16, "llama.attention.head_count": 0}, "recurrent"),
        ({"llama.shortconv.l_cache": 3}, "hybrid"),
    ],
)
def test_how_a_model_remembers(tmp_path: Path, metadata: dict[str, int], rollback: str) -> None:
    file = write_gguf(tmp_path / "model.gguf", extra_metadata=metadata)
    assert traits.rollback(read_header(file)) == rollback


def test_experts_and_windows_are_seen(tmp_path: Path) -> None:
    metadata = {
        "llama.expert_count": 8,
        "llama.expert_used_count": 2,
        "llama.attention.sliding_window": 128,
    }
    header = read_header(write_gguf(tmp_path / "model.gguf", extra_metadata=metadata))
    assert traits.experts(header) == (2, 8)
    assert traits.sliding_window(header) == 128


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unsloth/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf", ("qwen3", "8b")),
        ("bartowski/Qwen_Qwen3-32B-GGUF/Qwen_Qwen3-32B-Q4_K_M.gguf", ("qwen3", "32b")),
        ("Qwen/Qwen3-14B-GGUF:Q4_K_M", ("qwen3", "14b")),
        ("qwen2.5-coder-7b-instruct-q4_k_m.gguf", ("qwen2.5-coder", "7b")),
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", ("llama-3.1", "8b")),
        ("gemma 3 12b it", ("gemma-3", "12b")),
        ("note.gguf", ("", "")),
    ],
)
def test_families(name: str, expected: tuple[str, str]) -> None:
    assert family(name) == expected
