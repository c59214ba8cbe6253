"""``specdec pull`` as people run it, against the tests' own Hub."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import gguf
import pytest
from huggingface_hub import constants

from specdec_cli import paths
from specdec_cli.cli import commands
from specdec_cli.drafters import registry
from specdec_cli.errors import Exit
from specdec_cli.hub.client import Hub
from tests.architectures import write
from tests.ggufs import write_gguf
from tests.heads import write_head
from tests.hub.conftest import TOKEN
from tests.hub.server import FakeHub, Fault, Repo
from tests.hub.socks import SocksProxy
from tests.waiting import PATIENCE, until

PAIR = """\
schema_version: 1
description: a pair of the tests
licence: mit
target: {repo: big/model-GGUF, file: model-Q4_K_M.gguf}
draft: {repo: small/model-GGUF, quant: q8_0}
"""


def profile(name: str, text: str = PAIR) -> None:
    file = paths.user_profiles() / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def run(
    home: Path, server: FakeHub, environment: dict[str, str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``specdec`` with the tests' Hub around it; the token may appear nowhere."""

    def specdec(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "specdec_cli", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **environment, **variables},
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert TOKEN not in done.stdout + done.stderr
        assert "signature=" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert server.strange == []
        return done

    return specdec


class Done(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def here(
    home: Path,
    hub: Hub,
    server: FakeHub,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Done]:
    """The same in this process, which is quicker."""
    monkeypatch.setattr("sys.stdin", None)

    def specdec(*arguments: str) -> Done:
        code = commands.invoke(list(arguments))
        done = capsys.readouterr()
        assert TOKEN not in done.out + done.err
        return Done(code, done.out, done.err)

    return specdec


def test_pull_then_run_offline(
    run, here, hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile("pair")
    before = here("run", "pair", "Hello")
    assert before.returncode == Exit.NOT_FOUND
    assert "specdec pull pair" in before.stderr
    assert server.seen == []
    done = run("pull", "pair")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "model-Q4_K_M.gguf" in done.stderr
    assert "draft-Q8_0.gguf" in done.stderr
    assert "fits together" in done.stderr
    assert "(100 %)" in done.stderr
    asked = len(server.seen)
    answer = here("run", "pair", "-n", "4", "-q", "Hello")
    assert answer.returncode == 0, answer.stderr
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    again = here("pull", "pair")
    assert again.returncode == 0, again.stderr
    assert len(server.seen) == asked
    assert "draft-Q8_0.gguf" in here("show", "pair").stdout
    freed = here("rm", "--yes", "pair")
    assert freed.stdout.startswith("freed ")
    assert not list(hub.cache.rglob("*.gguf"))
    assert all(path.is_dir() or path.parent.name != "blobs" for path in hub.cache.rglob("*"))


@pytest.mark.parametrize("word", ["hf.co/big/model-GGUF", "big/model-GGUF:Q4_K_M"])
def test_a_model_without_a_profile(here, hub: Hub, server: FakeHub, word: str) -> None:
    before = here("run", word, "Hello")
    assert before.returncode == Exit.NOT_FOUND
    assert f"specdec pull {word}" in before.stderr
    done = here("pull", word)
    assert done.returncode == 0, done.stderr
    answer = here("run", word, "-n", "4", "--json", "Hello")
    assert answer.returncode == 0, answer.stderr
    assert "model-Q4_K_M.gguf" in answer.stdout
    assert here("rm", "--yes", word).stdout.startswith("freed ")
    assert not list(hub.cache.rglob("*.gguf"))


OWN_HEAD = PAIR.replace(
    "draft: {repo: small/model-GGUF, quant: q8_0}",
    "head: {kind: mtp, model: {repo: big/model-GGUF, file: mtp-model-Q4_0.gguf}}",
)


@pytest.fixture
def headed(server: FakeHub, tmp_path: Path) -> None:
    """Heads and a projector beside the target."""
    files = server.repos["big/model-GGUF"].files
    files["model-Q4_K_M.gguf"] = write(tmp_path / "model.gguf", "qwen35").read_bytes()
    for name in ("mtp-model-Q4_0.gguf", "MTP/mtp-model-Q4_K_M.gguf"):
        files[name] = write_head(tmp_path / "head.gguf", "mtp").read_bytes()
    files["eagle3-model-Q4_K_M.gguf"] = write_head(tmp_path / "head.gguf", "eagle3").read_bytes()
    files["mmproj-F16.gguf"] = b"GGUF"


def uses(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    monkeypatch.setattr(registry, "uses_head", kinds.__contains__)


def test_a_head_is_never_taken_for_the_model(here, headed: None, server: FakeHub) -> None:
    done = here("pull", "big/model-GGUF:Q4_K_M")
    assert done.returncode == Exit.OK, done.stderr
    assert "/model-Q4_K_M.gguf ·" in done.stderr
    assert "mmproj-F16.gguf, for images or sound: it is left out" in done.stderr
    assert "EAGLE" not in done.stderr  # as nothing uses such heads
    missing = here("pull", "big/model-GGUF:Q4_0")
    assert missing.returncode == Exit.NOT_FOUND


def test_a_head_beside_the_model_is_offered(
    here, headed: None, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses(monkeypatch, "mtp")
    done = here("pull", "big/model-GGUF:Q4_K_M")
    name = "big/model-GGUF/MTP/mtp-model-Q4_K_M.gguf"
    assert f"an MTP head that drafts for it: specdec pull {name}" in done.stderr
    assert "EAGLE" not in done.stderr
    # What is offered works.
    fetched = here("pull", name)
    assert fetched.returncode == Exit.OK, fetched.stderr
    assert f"-md {name}" in fetched.stderr
    assert hub.cached_names("big/model-GGUF", "main") == [
        "MTP/mtp-model-Q4_K_M.gguf",
        "model-Q4_K_M.gguf",
    ]


def test_a_profiles_own_head_is_fetched_where_something_uses_it(
    here, headed: None, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses(monkeypatch)
    profile("headed", OWN_HEAD)
    done = here("pull", "headed")
    assert done.returncode == Exit.OK, done.stderr
    assert "an MTP head, which this version cannot use: it is left out" in done.stderr
    assert hub.cached_names("big/model-GGUF", "main") == ["model-Q4_K_M.gguf"]
    uses(monkeypatch, "mtp")
    done = here("pull", "headed")
    assert done.returncode == Exit.OK, done.stderr
    assert "mtp-model-Q4_0.gguf" in hub.cached_names("big/model-GGUF", "main")
    assert json.loads(here("show", "--json", "headed").stdout)["models"]["head"]["downloaded"]
    assert here("rm", "--yes", "--keep-profile", "headed").returncode == Exit.OK
    assert hub.cached_names("big/model-GGUF", "main") == []


def test_what_a_profile_calls_a_head_has_to_be_one(
    here, headed: None, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses(monkeypatch, "mtp", "eagle3")
    profile("headed", OWN_HEAD.replace("kind: mtp", "kind: eagle3"))
    done = here("pull", "headed")
    assert done.returncode == Exit.INCOMPATIBLE
    assert "mtp-model-Q4_0.gguf is not an EAGLE-3 head" in done.stderr
    profile("headed", PAIR.replace("file: model-Q4_K_M.gguf", "file: eagle3-model-Q4_K_M.gguf"))
    done = here("pull", "headed")
    assert done.returncode == Exit.INCOMPATIBLE
    assert "is an EAGLE-3 head" in done.stderr
    assert hub.cached_names("big/model-GGUF", "main") == []


def test_a_dry_run_fetches_headers_only(here, server: FakeHub, tmp_path: Path) -> None:
    profile("pair")
    done = here("pull", "--dry-run", "pair")
    assert done.returncode == 0, done.stderr
    assert "to fetch" in done.stdout
    assert "memory  weights" in done.stdout
    assert "licence mit" in done.stdout
    assert not list((tmp_path / "hf").rglob("*.gguf"))


def test_a_pair_that_does_not_fit_is_not_fetched(here, server: FakeHub, tmp_path: Path) -> None:
    profile("pair", PAIR.replace("small/model-GGUF", "other/model-GGUF"))
    done = here("pull", "pair")
    assert done.returncode == Exit.INCOMPATIBLE
    assert "token 65 is" in done.stderr
    assert not list((tmp_path / "hf").rglob("*.incomplete"))
    assert here("pull", "--force", "-q", "pair").returncode == 0


def received(cache: Path) -> int:
    """Bytes of the download under way."""
    return sum(path.stat().st_size for path in cache.rglob("*.incomplete"))


def has_more(cache: Path, than: int) -> bool:
    """Whether more bytes of the download under way have come."""
    return received(cache) > than


def test_killed_and_interrupted_it_goes_on(
    home: Path, run, server: FakeHub, environment: dict[str, str], tmp_path: Path, ggufs
) -> None:
    profile("pair")
    server.hold = 200_000
    kept = 0
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        process = subprocess.Popen(
            [sys.executable, "-m", "specdec_cli", "pull", "pair"],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        until(partial(has_more, tmp_path / "hf", kept))
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
        if number == signal.SIGINT:
            assert process.returncode == Exit.INTERRUPTED
            assert "goes on from there" in said
        assert received(tmp_path / "hf") > kept
        kept = received(tmp_path / "hf")
    server.hold = None
    assert run("pull", "pair").returncode == 0
    (target,) = (tmp_path / "hf").rglob("model-Q4_K_M.gguf")
    assert target.read_bytes() == ggufs["target"]
    ranges = [seen.range for seen in server.seen if seen.where == "bytes" and seen.range]
    assert f"bytes={kept}-" in ranges


def test_a_changed_file_is_noticed(here, server: FakeHub) -> None:
    profile("pair", PAIR.replace("file: model-Q4_K_M.gguf", "file: model-Q4_K_M.gguf, size: 12"))
    done = here("pull", "pair")
    assert done.returncode == Exit.INCOMPATIBLE
    assert "has changed" in done.stderr
    assert here("pull", "-q", "--accept-changed", "pair").returncode == 0


def pinned(content: bytes) -> str:
    """The pair, with the sha256 of these bytes for its target."""
    sha256 = hashlib.sha256(content).hexdigest()
    return PAIR.replace("model-Q4_K_M.gguf}", f"model-Q4_K_M.gguf, sha256: {sha256}}}")


def test_the_bytes_are_compared_with_the_profile_where_the_hub_tells_no_hash(
    here, server: FakeHub, ggufs: dict[str, bytes], tmp_path: Path
) -> None:
    server.tells_hashes = False
    profile("pair", pinned(ggufs["target"]))
    assert "cannot be compared" in here("validate", "--online", "pair").stdout
    other = ggufs["target"][:-4000] + b"\x11" * 4000
    server.repos["big/model-GGUF"].files["model-Q4_K_M.gguf"] = other
    for _ in range(2):
        done = here("pull", "pair")
        assert done.returncode == Exit.INCOMPATIBLE
        assert "has changed: its sha256 begins with" in done.stderr
        assert not [path for path in (tmp_path / "hf").rglob("*") if path.suffix == ".gguf"]
        assert not list((tmp_path / "hf").rglob("*.incomplete"))
    server.repos["big/model-GGUF"].files["model-Q4_K_M.gguf"] = ggufs["target"]
    assert here("pull", "-q", "pair").returncode == Exit.OK
    assert here("validate", "--online", "pair").stdout == "pair: ok\n"


@pytest.mark.parametrize("tells_hashes", [True, False])
def test_what_is_there_already_is_compared_too(
    here, server: FakeHub, ggufs: dict[str, bytes], tells_hashes: bool
) -> None:
    server.tells_hashes = tells_hashes
    profile("pair")
    assert here("pull", "-q", "pair").returncode == Exit.OK
    profile("pair", pinned(ggufs["other"]))
    for command in (("pull", "pair"), ("validate", "--online", "pair")):
        done = here(*command)
        assert done.returncode != Exit.OK
        assert "has changed" in done.stdout + done.stderr
    assert here("pull", "-q", "--accept-changed", "pair").returncode == Exit.OK


def test_what_was_there_of_a_download_is_compared_too(
    here, hub: Hub, server: FakeHub, ggufs: dict[str, bytes]
) -> None:
    server.tells_hashes = False
    profile("pair", pinned(ggufs["target"]))
    part = hub.folder("big/model-GGUF") / "blobs" / f"{'d' * 40}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(ggufs["target"][:99_000] + b"wrong")
    done = here("pull", "pair")
    assert done.returncode == Exit.OK
    assert "beginning again" in done.stderr
    (target,) = hub.cache.rglob("model-Q4_K_M.gguf")
    assert target.read_bytes() == ggufs["target"]


def listing(**fields: object) -> bytes:
    """An answer to the question for a repository's files, with some fields otherwise."""
    return json.dumps({"id": "small/model-GGUF", "siblings": [], **fields}).encode()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("head", 302, {"Location": "http://[::1", "X-Repo-Commit": "c0ffee" + "0" * 34}),
        Fault("head", 302, {"Location": "file:///etc/passwd"}),
        Fault("head", 200, {"X-Linked-Size": "²", "X-Repo-Commit": "c0ffee" + "0" * 34}),
        Fault("bytes", 206, {"Content-Range": f"bytes 0-3/{'9' * 5000}"}, body=b"GGUF"),
        Fault("bytes", 206, {"Content-Range": "bytes abc"}, body=b"GGUF"),
        Fault("api", 200, body=b"[" * 100_000 + b"]" * 100_000),
        Fault("api", 200, body=b"\xff\xfe\x00"),
        Fault("api", 200, body=b"null"),
        Fault("api", 200, body=b'"text"'),
        Fault("api", 200, body=listing(siblings="text")),
        Fault("api", 200, body=listing(siblings=[1, 2])),
        Fault("api", 200, body=listing(siblings=[{"other": 1}])),
        Fault("api", 200, body=listing(lastModified="yesterday", createdAt=5)),
    ],
    ids=lambda fault: f"{fault.where} {fault.headers} {fault.body[:20]!r}"[:60],
)
def test_an_answer_that_makes_no_sense_is_the_networks_fault(
    here, server: FakeHub, fault: Fault
) -> None:
    # As model and draft alike, as only a quantisation makes it ask for a repository's files.
    profile("pair", PAIR.replace("{repo: big/model-GGUF, file: model-Q4_K_M.gguf}",
                                 "{repo: small/model-GGUF, quant: q8_0}"))  # fmt: skip
    server.faults = [replace(fault, times=99)]
    done = here("pull", "pair")
    assert done.returncode == Exit.NETWORK, done.stderr
    assert done.stderr.splitlines()[-2].startswith("Error: ")
    assert "report" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SSL_CERT_FILE": "/nonexistent"}, "certificates"),
        ({"SSL_CERT_FILE": __file__}, "certificates"),
        ({"HF_ENDPOINT": "https://[::1"}, "HF_ENDPOINT"),
        ({"HF_ENDPOINT": "https://host:99999999"}, "HF_ENDPOINT"),
        ({"HF_ENDPOINT": "https://a..b"}, "HF_ENDPOINT"),
        ({"HF_ENDPOINT": "ftp://host"}, "HF_ENDPOINT"),
        ({"HF_HUB_ETAG_TIMEOUT": "soon"}, "HF_"),
        ({"HF_TOKEN": "", "HF_TOKEN_PATH": "/dev"}, "your token cannot be read"),
        ({"ALL_PROXY": "socks4://127.0.0.1:1"}, "a proxy cannot be used"),
        ({"HTTP_PROXY": "http://host:port"}, "a proxy cannot be used"),
    ],
)
def test_a_variable_that_makes_no_sense_is_told(run, variables: dict[str, str], said: str) -> None:
    profile("pair")
    done = run("pull", "pair", **variables)
    assert done.returncode == Exit.NETWORK, done.stderr
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["Error", "Hint"]
    assert said in done.stderr
    assert "report" not in done.stderr


def test_socks_proxies_are_used(run, server: FakeHub) -> None:
    profile("pair")
    with SocksProxy() as proxy:
        done = run("pull", "-q", "pair", ALL_PROXY=proxy.address, NO_PROXY="", no_proxy="")
    assert done.returncode == Exit.OK, done.stderr
    assert proxy.asked >= {server.endpoint, server.storage}


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, Exit.NETWORK, "token"),
        (403, Exit.NETWORK, "does not let you read"),
        (404, Exit.NOT_FOUND, "does not have"),
    ],
)
def test_failures_are_two_lines(here, server: FakeHub, status: int, code: int, said: str) -> None:
    profile("pair")
    server.faults = [Fault("head", status=status, times=9)]
    done = here("pull", "pair")
    assert done.returncode == code
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["Error", "Hint"]
    assert said in done.stderr


def test_what_is_no_profile(here, server: FakeHub) -> None:
    assert here("pull").returncode == Exit.USAGE
    assert here("pull", "nothing").returncode == Exit.NOT_FOUND
    assert here("pull", "tiny").returncode == 0
    assert server.seen == []


def test_validate_online_compares_with_the_hub(here, server: FakeHub) -> None:
    profile("pair")
    assert here("validate", "pair").stdout == "pair: ok\n"
    assert server.seen == []
    assert here("validate", "--online", "pair").stdout == "pair: ok\n"
    profile("pair", PAIR.replace("file: model-Q4_K_M.gguf", "file: gone.gguf"))
    done = here("validate", "--online", "pair")
    assert done.returncode == Exit.USAGE
    assert "has no file gone.gguf" in done.stdout


def test_a_quantisation_that_is_not_there(here, server: FakeHub) -> None:
    profile("pair", PAIR.replace("quant: q8_0", "quant: Q2_K"))
    done = here("pull", "pair")
    assert done.returncode == Exit.NOT_FOUND
    assert "its GGUF files: draft-Q8_0.gguf" in done.stderr


def test_a_model_in_parts_is_one_model(
    here, hub: Hub, server: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(gguf, "GGUFWriter", partial(gguf.GGUFWriter, split_max_tensors=5))
        write_gguf(tmp_path / "m.gguf", seed=1, context=512)
    names = sorted(tmp_path.glob("m-*.gguf"))
    assert len(names) > 1
    server.repos["big/parts"] = Repo({name.name: name.read_bytes() for name in names})
    text = PAIR.replace("big/model-GGUF", "big/parts")
    profile("pair", text.replace("model-Q4_K_M.gguf", names[0].name))
    done = here("pull", "pair")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in hub.cache.rglob("m-*.gguf")) == [p.name for p in names]
    answer = here("run", "pair", "-n", "2", "-q", "Hello")
    assert answer.returncode == 0, answer.stderr


def test_a_busy_hub_is_not_waited_for_in_silence(here, server: FakeHub) -> None:
    profile("pair")
    server.faults = [Fault("api", status=429, headers={"Retry-After": "3600"})]
    done = here("pull", "pair")
    assert done.returncode == Exit.NETWORK
    assert "3600 seconds" in done.stderr
    profile("pair", PAIR.replace("quant: q8_0", "quant: q8_0, revision: nightly"))
    assert "no revision nightly" in here("pull", "pair").stderr
