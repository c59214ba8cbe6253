"""Downloads, by the real client from the tests' Hub: resumed, checked, and their failures told."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants

from specdec_cli.errors import DamagedFileError, DiskFullError, Exit, NetworkError, SpecdecError
from specdec_cli.hub.client import Hub
from specdec_cli.hub.download import fetch, partial
from specdec_cli.hub.failures import HubError
from specdec_cli.hub.remote import HubFile
from specdec_cli.hub.retry_policy import ATTEMPTS, RetryPolicy
from tests.hub.conftest import TOKEN
from tests.hub.server import FakeHub, Fault, Repo

FILE = HubFile("big/model-GGUF", "model-Q4_K_M.gguf")


class Watch:
    """Remembers what it is told; may press Ctrl-C when so many bytes are there."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.have = [0]
        self.notes: list[str] = []
        self.waits: list[float] = []
        self._stop_at = stop_at

    def moved(self, have: int) -> None:
        self.have.append(have)
        if self._stop_at is not None and have >= self._stop_at:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


def pulled(hub: Hub, watch: Watch | None = None, file: HubFile = FILE) -> Path:
    watch = watch or Watch()
    found = RetryPolicy(hub, file, pause=watch.waits.append).ask(lambda: hub.find(file))
    return fetch(hub, found, watch, pause=watch.waits.append)


@pytest.fixture
def small_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks smaller than the test's files, so that there is a middle to be interrupted in."""
    monkeypatch.setattr("specdec_cli.hub.client.CHUNK", 1 << 14)


def test_a_file_lands_in_the_shared_cache(hub: Hub, server: FakeHub, ggufs) -> None:
    watch = Watch()
    path = pulled(hub, watch)
    assert path.read_bytes() == ggufs["target"]
    assert path == hub.cached(FILE)
    assert path.resolve().name == server.sha256(ggufs["target"])
    assert watch.have[-1] == len(ggufs["target"])
    assert not list(hub.cache.rglob("*.incomplete"))


def test_what_is_there_is_not_fetched_again(hub: Hub, server: FakeHub) -> None:
    pulled(hub)
    before = server.sent
    pulled(hub)
    assert server.sent == before


def test_the_token_goes_to_the_hub_alone(hub: Hub, server: FakeHub) -> None:
    pulled(hub)
    assert {seen.token for seen in server.seen if seen.where in ("head", "get")} == {TOKEN}
    assert {seen.token for seen in server.seen if seen.where == "bytes"} == {None}


@pytest.mark.usefixtures("small_reads")
def test_three_interruptions_cost_next_to_nothing(hub: Hub, server: FakeHub, ggufs) -> None:
    size = len(ggufs["target"])
    points = sorted(random.Random(7).sample(range(size // 10, size - (1 << 17)), 3))
    for point in points:
        with pytest.raises(KeyboardInterrupt):
            pulled(hub, Watch(stop_at=point))
        assert hub.cached(FILE) is None
    watch = Watch()
    assert pulled(hub, watch).read_bytes() == ggufs["target"]
    assert watch.have[1] >= points[-1]
    starts = [int(seen.range[6:-1]) for seen in server.seen if seen.where == "bytes" and seen.range]
    assert len(starts) == 3
    assert all(start >= point for start, point in zip(starts, points, strict=True))


@pytest.mark.usefixtures("small_reads")
def test_a_connection_that_is_cut_is_taken_up_again(hub: Hub, server: FakeHub, ggufs) -> None:
    cut = len(ggufs["target"]) // 3
    server.faults = [Fault("bytes", cut=cut, times=2)]
    watch = Watch()
    assert pulled(hub, watch).read_bytes() == ggufs["target"]
    assert len(watch.waits) == 2
    assert watch.have == sorted(watch.have)
    assert server.sent < len(ggufs["target"]) + (1 << 18)


@pytest.mark.usefixtures("small_reads")
def test_a_server_that_always_cuts_is_given_up(hub: Hub, server: FakeHub) -> None:
    server.faults = [Fault("bytes", cut=0, times=99)]
    with pytest.raises(NetworkError) as caught:
        pulled(hub)
    assert "kept" not in caught.value.hint  # nothing came
    assert server.count("bytes") == 5


@pytest.mark.parametrize(
    "fault",
    [
        Fault("bytes", status=503),
        Fault("get", status=502),
        Fault("head", status=500),
        Fault("bytes", no_ranges=True),
    ],
    ids=lambda fault: f"{fault.where} {fault.status}",
)
@pytest.mark.usefixtures("small_reads")
def test_what_passes_is_waited_for(hub: Hub, server: FakeHub, ggufs, fault: Fault) -> None:
    with pytest.raises(KeyboardInterrupt):
        pulled(hub, Watch(stop_at=1 << 17))
    server.faults = [fault]
    assert pulled(hub).read_bytes() == ggufs["target"]


def test_wrong_bytes_never_count_as_right(hub: Hub, server: FakeHub) -> None:
    server.faults = [Fault("bytes", wrong=5000)]
    with pytest.raises(DamagedFileError) as caught:
        pulled(hub)
    assert "sha256" in caught.value.message
    assert hub.cached(FILE) is None
    assert not list(hub.cache.rglob("*.incomplete"))


@pytest.mark.usefixtures("small_reads")
def test_a_damaged_beginning_is_fetched_anew(hub: Hub, server: FakeHub, ggufs) -> None:
    server.faults = [Fault("bytes", wrong=5000)]
    with pytest.raises(KeyboardInterrupt):
        pulled(hub, Watch(stop_at=1 << 17))
    watch = Watch()
    assert pulled(hub, watch).read_bytes() == ggufs["target"]
    assert "damaged" in watch.notes[0]


def test_too_much_of_a_file_is_cut_off(hub: Hub, ggufs) -> None:
    found = hub.find(FILE)
    at = partial(hub, found)
    at.parent.mkdir(parents=True)
    at.write_bytes(b"x" * (len(ggufs["target"]) + 1))
    assert pulled(hub).read_bytes() == ggufs["target"]


def test_a_busy_hub_is_given_the_time_it_asks_for(hub: Hub, server: FakeHub, ggufs) -> None:
    for where in ("head", "bytes"):
        server.faults.append(Fault(where, status=429, headers={"Retry-After": "7"}))
    watch = Watch()
    assert pulled(hub, watch).read_bytes() == ggufs["target"]
    assert watch.waits == [7, 7]
    assert watch.notes == ["the Hub asks to wait 7 s"]


def test_a_long_wait_is_left_to_the_person(hub: Hub, server: FakeHub) -> None:
    server.faults = [Fault("head", status=429, headers={"Retry-After": "3600"})]
    watch = Watch()
    with pytest.raises(NetworkError) as caught:
        pulled(hub, watch)
    assert "3600 seconds" in caught.value.hint
    assert watch.waits == []


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let files grow to so many bytes, as a full disk would."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_reads")
def test_a_full_disk_keeps_what_it_has(hub: Hub, server: FakeHub, ggufs) -> None:
    with largest_file(200_000), pytest.raises(DiskFullError) as caught:
        pulled(hub)
    assert f"needs {len(ggufs['target']) - 200_000:,} bytes more" in caught.value.message
    before = server.sent
    assert pulled(hub).read_bytes() == ggufs["target"]
    assert server.sent - before < len(ggufs["target"])


def test_what_is_tried_again_is_told_with_the_host(hub: Hub, server: FakeHub) -> None:
    server.close()
    notes: list[str] = []
    with pytest.raises(SpecdecError) as caught:
        RetryPolicy(hub, FILE, notes.append, pause=lambda _: None).ask(lambda: hub.find(FILE))
    host = hub.endpoint.removeprefix("http://")
    assert caught.value.message == f"{host} cannot be reached: connection refused"
    assert notes == [f"{caught.value.message}; trying again"] * (ATTEMPTS - 1)
    assert "-m FILE works, and no profile for the built-in pair" in caught.value.hint


def test_only_what_was_fetched_is_said_to_be_kept(hub: Hub, server: FakeHub) -> None:
    found = hub.find(FILE)
    server.close()

    def hint() -> str:
        with pytest.raises(NetworkError) as caught:
            fetch(hub, found, Watch(), pause=lambda _: None)
        return caught.value.hint

    assert "is kept" not in hint()
    at = partial(hub, found)
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_bytes(b"GGUF")
    assert hint().endswith("; what was fetched is kept")


def failing(hub: Hub, file: HubFile = FILE) -> SpecdecError:
    with pytest.raises(SpecdecError) as caught:
        pulled(hub, file=file)
    assert caught.value.hint
    assert TOKEN not in caught.value.message + caught.value.hint
    return caught.value


def test_every_refusal_has_its_own_words(
    hub: Hub, server: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[SpecdecError] = [
        failing(hub, HubFile("no/body", "x.gguf")),
        failing(hub, HubFile(FILE.repo, "absent.gguf")),
        failing(hub, HubFile(FILE.repo, FILE.file, "nightly")),
    ]
    assert [error.exit_code for error in told] == [Exit.NOT_FOUND] * 3
    server.token = "another"
    refused = [failing(hub)]
    monkeypatch.delenv("HF_TOKEN")
    server.repos[FILE.repo].state = "gated"
    refused.append(failing(hub))
    server.repos[FILE.repo].state = "open"
    for status in (401, 403, 500, 429):
        server.faults = [Fault("head", status=status, times=9)]
        refused.append(failing(hub))
    server.faults = []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused.append(failing(hub))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    server.close()
    refused.append(failing(hub))
    assert {error.exit_code for error in refused} == {Exit.NETWORK}
    told += refused
    assert len({error.message for error in told}) == len(told)
    assert "does not accept your token" in refused[0].message
    assert "gated" in refused[1].message
    assert "HF_HUB_OFFLINE" in refused[-2].message
    assert "cannot be reached" in refused[-1].message


def test_a_name_without_an_address_is_told_at_once_but_waited_for_under_way(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    file = HubFile("big/model-GGUF", "model-Q4_K_M.gguf")
    waits: list[float] = []
    retries = RetryPolicy(hub, file, pause=waits.append)
    with pytest.raises(NetworkError) as caught:
        retries.ask(lambda: hub.find(file))
    assert caught.value.message == "hub.invalid cannot be found: name or service not known"
    assert waits == []
    retries.gained()
    with pytest.raises(NetworkError):
        retries.ask(lambda: hub.find(file))
    assert len(waits) == ATTEMPTS - 1


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Repo-Commit": "../../../../etc", "X-Linked-ETag": '"' + "0" * 64 + '"'},
        {"X-Repo-Commit": "0" * 40, "X-Linked-ETag": '"../../../../tmp/evil"'},
        {"X-Linked-ETag": '"' + "0" * 64 + '"'},
    ],
)
def test_names_from_a_server_lead_nowhere_else(hub: Hub, server: FakeHub, headers) -> None:
    server.faults = [Fault("head", status=200, headers={**headers, "X-Linked-Size": "9"})]
    error = failing(hub)
    assert "does not answer as a Hub" in error.message
    assert not hub.cache.exists()


def test_a_file_name_that_leaves_its_folder_is_refused(hub: Hub) -> None:
    with pytest.raises((HubError, SpecdecError, ValueError)):
        pulled(hub, file=HubFile(FILE.repo, "../../evil.gguf"))
    assert not hub.cache.exists()


def test_a_branch_that_moves_meanwhile_changes_nothing(
    hub: Hub, server: FakeHub, ggufs: dict[str, bytes]
) -> None:
    found = hub.find(FILE)
    server.repos[FILE.repo] = Repo({FILE.file: ggufs["draft"]}, commit="d" * 40)
    server.repos[FILE.repo].older[found.commit] = {FILE.file: ggufs["target"]}
    path = fetch(hub, found, Watch())
    assert path.read_bytes() == ggufs["target"]
    assert hub.cached(FILE) == path


def test_two_programs_do_not_write_the_same_file(hub: Hub, server: FakeHub) -> None:
    found = hub.find(FILE)
    with hub.lock(found, timeout=1.0), pytest.raises(TimeoutError):
        hub.lock(found, timeout=0.05).__enter__()
    pulled(hub)


@pytest.mark.parametrize("token", ["hf_secret\x01part", "hf_secrät"])
def test_a_broken_token_is_not_quoted(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    error = failing(hub)
    assert "token" in error.message
    assert "secr" not in error.message + error.hint


@pytest.mark.parametrize("endpoint", ["huggingface", "ftp://x", "http://", "http://a b"])
def test_an_endpoint_that_is_none(hub: Hub, monkeypatch: pytest.MonkeyPatch, endpoint) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    assert "HF_ENDPOINT" in failing(hub).message
