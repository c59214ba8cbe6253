"""llama.cpp's own server, played by a script that speaks the same HTTP."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import BackendError
from specdec_cli.models.settings import ContextSettings, ModelSettings
from tests.waiting import PATIENCE, until
from tools.measure.llama.program import SERVER, LlamaProgram, find
from tools.measure.llama.server import LlamaServer, LlamaServers, arguments, parse, request

PAIR = PairSettings(
    ModelChoice(Path("t.gguf"), ModelSettings(gpu_layers=0), threads=3),
    ModelChoice(Path("d.gguf"), ModelSettings(gpu_layers=0)),
    context=ContextSettings(n_ctx=0, cache_type_k="q8_0"),
)
TIMINGS = {
    "predicted_n": 60,
    "predicted_ms": 500.0,
    "predicted_per_second": 118.0,
    "draft_n": 48,
    "draft_n_accepted": 36,
}
HELP = "--spec-draft-n-max N\n--spec-type none,draft-simple\n--cache-ram N\n"
SCRIPT = """
import http.server, json, os, pathlib, signal, sys
folder = pathlib.Path({folder!r})
args = sys.argv[1:]
if '--help' in args: print({help!r}); sys.exit()
with (folder / 'starts').open('a') as file: print(os.getpid(), json.dumps(args), file=file)
{before}
class Handler(http.server.BaseHTTPRequestHandler):
    loading = 3
    def say(self, status, body):
        self.send_response(status); self.end_headers(); self.wfile.write(body.encode())
    def do_GET(self):
        Handler.loading -= 1
        self.say(503 if self.loading > 0 else 200, '{{}}')
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        with (folder / 'bodies').open('a') as file: print(body, file=file)
        {answer}
    def log_message(self, *_): pass
port = int(args[args.index('--port') + 1])
http.server.HTTPServer((args[args.index('--host') + 1], port), Handler).serve_forever()
"""
ANSWER = f"self.say(200, {json.dumps({'content': 'x', 'timings': TIMINGS})!r})"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts are no programs there")


def server(folder: Path, answer: str = ANSWER, before: str = "", help_text: str = HELP) -> Path:
    """Put a script in the server's place; it writes down its starts and what it is asked."""
    script = folder / SERVER
    text = SCRIPT.format(folder=str(folder), help=help_text, before=before, answer=answer)
    script.write_text(f"#!{sys.executable}\n{text}")
    script.chmod(0o755)
    return folder


def found(folder: Path) -> LlamaProgram:
    program = find(str(folder), SERVER)
    assert program is not None
    return program


def starts(folder: Path) -> list[tuple[int, list[str]]]:
    lines = (folder / "starts").read_text().splitlines()
    return [(int(pid), json.loads(args)) for pid, args in (line.split(" ", 1) for line in lines)]


def has_started(folder: Path) -> bool:
    """Whether the server has written down who it is, the whole line."""
    return (folder / "starts").exists() and (folder / "starts").read_text().endswith("\n")


def bodies(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "bodies").read_text().splitlines()]


def has_ended(pid: int) -> bool:
    """Whether it runs no more, even if nobody has asked yet how it ended."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return not Path(f"/proc/{pid}").exists()
    return state in "ZX"


def test_its_own_rate_counts() -> None:
    sample = parse(json.dumps({"timings": TIMINGS}).encode())
    assert sample.count == 60 and sample.seconds == pytest.approx(60 / 118.0)
    assert (sample.drafted, sample.accepted) == (48, 36)


@pytest.mark.parametrize("told", [b"", b"[]", b'{"timings": {}}', b'{"timings": 3}', b"\xff"])
def test_an_answer_without_timings_is_an_error(told: bytes) -> None:
    with pytest.raises(BackendError, match="did not say how fast it was"):
        parse(told)


def test_it_is_told_what_is_loaded_here(tmp_path: Path) -> None:
    target = ModelSettings(
        gpu_layers=-1,
        devices=("CUDA0", "RPC0"),
        tensor_split=(3.0, 1.0),
        split_mode="row",
        main_gpu=1,
        servers=("h:1", "i:2"),
    )
    draft = ModelSettings(gpu_layers=7, servers=target.servers, stays_local=True)
    pair = replace(
        PAIR, target=replace(PAIR.target, load=target), draft=ModelChoice(Path("d.gguf"), draft)
    )
    words = arguments(found(server(tmp_path)), pair, n_ctx=512, draft_max=4)
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert given == {
        "-m": "t.gguf",
        "-md": "d.gguf",
        "--rpc": "h:1,i:2",
        "-dev": "CUDA0,RPC0",
        "-sm": "row",
        "-ts": "3,1",
        "-mg": "1",
        "-ngl": "999",
        "-ngld": "7",
        "-c": "512",
        "-b": "2048",
        "-ub": "512",
        "-fa": "auto",
        "-ctk": "q8_0",
        "-ctv": "f16",
        "-ctkd": "q8_0",
        "-ctvd": "f16",
        "-t": "3",
        "-td": "3",
        "-np": "1",
        "--cache-ram": "0",
        "--spec-draft-n-max": "4",
        "--spec-type": "draft-simple",
    }


def test_it_is_asked_with_our_tokens_and_our_distribution() -> None:
    answer = AnswerSettings(Sampling(temperature=0.7, top_k=11), seed=(1 << 32) + 5)
    body = request([1, 2, 3], answer, 40)
    assert body["prompt"] == [1, 2, 3] and body["n_predict"] == 40
    assert (body["temperature"], body["top_k"], body["seed"]) == (0.7, 11, 5)
    assert body["cache_prompt"] is False


def test_one_start_serves_all_prompts_of_an_arm_and_ends(tmp_path: Path) -> None:
    program = found(server(tmp_path))
    with LlamaServers() as servers:
        for name, k in (("llama-server", None), ("llama-server-k8", 8), ("llama-server", None)):
            sample = servers.measure(
                name, program, PAIR, [5, 6], AnswerSettings(), n_ctx=64, max_tokens=32, draft_max=k
            )
            assert sample.count == 60
        started = starts(tmp_path)
        assert len(started) == 2
        assert not any(has_ended(pid) for pid, _ in started)
    assert all(has_ended(pid) for pid, _ in started)
    assert "--spec-draft-n-max" not in started[0][1] and "--spec-draft-n-max" in started[1][1]
    # The first answer of each is not measured.
    assert [body["n_predict"] for body in bodies(tmp_path)] == [8, 32, 8, 32, 32]


def test_a_server_that_does_not_start_is_told_by_its_last_line(tmp_path: Path) -> None:
    program = found(server(tmp_path, before="print('error: no such model'); sys.exit(3)"))
    with pytest.raises(BackendError, match="llama-server ended with 3: error: no such model"):
        LlamaServer(program, [])


def test_a_refusal_is_told(tmp_path: Path) -> None:
    program = found(server(tmp_path, answer="self.say(400, 'the prompt is too long')"))
    with (
        LlamaServer(program, []) as running,
        pytest.raises(BackendError, match="refused a prompt with 400: the prompt is too long"),
    ):
        running.answer({})


def test_one_that_ends_in_an_answer_is_told(tmp_path: Path) -> None:
    program = found(server(tmp_path, answer="os._exit(9)"))
    with (
        LlamaServer(program, []) as running,
        pytest.raises(BackendError, match="ended in the middle of an answer"),
    ):
        running.answer({})


def test_one_that_takes_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = found(server(tmp_path, answer="signal.pause()"))
    with LlamaServer(program, []) as running:
        monkeypatch.setattr(http.client.HTTPConnection, "getresponse", _times_out)
        with pytest.raises(BackendError, match="took more than"):
            running.answer({})
    ((pid, _),) = starts(tmp_path)
    assert has_ended(pid)


def _times_out(_: object) -> None:
    raise TimeoutError


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends what a program started")
@pytest.mark.parametrize("before", ["", "signal.pause()"], ids=["running", "loading"])
def test_not_even_sigkill_leaves_one_behind(tmp_path: Path, before: str) -> None:
    folder = server(tmp_path, before=before)
    script = (
        "from tools.measure.llama.program import find\n"
        "from tools.measure.llama.server import LlamaServer\n"
        f"with LlamaServer(find({str(folder)!r}, {SERVER!r}), []):\n"
        "    print('ready', flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as measuring:
        assert measuring.stdout
        if before:
            until((tmp_path / "starts").exists)
        else:
            assert measuring.stdout.readline() == b"ready\n"
        measuring.kill()
        measuring.wait(PATIENCE)
    ((pid, _),) = starts(tmp_path)
    until(lambda: has_ended(pid))
