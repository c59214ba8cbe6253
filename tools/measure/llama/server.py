"""llama.cpp's own server, ``llama-server``, on the same models: started once, asked many times.

It times the decoding itself and tells it with each answer, loading and prompt left out.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

from specdec_cli.bench.samples import Sample
from specdec_cli.closable import Closable
from specdec_cli.engine.settings import AnswerSettings, PairSettings
from tools.measure.llama.program import (
    PATIENCE_SECONDS,
    SERVER,
    LlamaProgram,
    draft_type,
    failed,
    shared_options,
    start,
    window,
)

_HOST = "127.0.0.1"
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.05
_HEALTH_SECONDS = 2.0
_WARM_UP_TOKENS = 8


class LlamaServer(Closable):
    """A running server with one slot; close it, or use it in ``with``.

    Args:
        options: its command line but for the address.

    Raises:
        BackendError: it does not start.
    """

    def __init__(self, program: LlamaProgram, options: Sequence[str]) -> None:
        self._port = _free_port()
        address = ["--host", _HOST, "--port", str(self._port)]
        with ExitStack() as stack:
            self._log = stack.enter_context(tempfile.TemporaryFile(prefix="specdec-"))
            self._process = start([str(program.path), *options, *address], self._log.fileno())
            stack.callback(self._stop)
            self._wait_until_ready()
            self._resources = stack.pop_all()

    def answer(self, body: Mapping[str, Any]) -> Sample:
        """Let it answer a prompt.

        Raises:
            BackendError: it failed, took too long, or did not say how fast it was.
        """
        try:
            status, answer = self._request("POST", "/completion", json.dumps(body).encode())
        except TimeoutError:
            told = f"took more than {PATIENCE_SECONDS:.0f} s"
            raise failed(SERVER, told, self._told()) from None
        except (OSError, http.client.HTTPException):
            raise failed(SERVER, "ended in the middle of an answer", self._told()) from None
        if status != http.client.OK:
            raise failed(
                SERVER, f"refused a prompt with {status}", answer.decode("utf-8", "replace")
            )
        return parse(answer)

    def close(self) -> None:
        """End it."""
        self._resources.close()

    def _wait_until_ready(self) -> None:
        until = monotonic() + PATIENCE_SECONDS
        while True:
            code = self._process.poll()
            if code is not None:
                raise failed(SERVER, f"ended with {code}", self._told())
            with suppress(OSError, http.client.HTTPException):
                if self._request("GET", "/health", seconds=_HEALTH_SECONDS)[0] == http.client.OK:
                    return
            if monotonic() > until:
                raise failed(SERVER, f"is not ready after {PATIENCE_SECONDS:.0f} s", self._told())
            sleep(_POLL_SECONDS)

    def _request(
        self, method: str, path: str, body: bytes | None = None, seconds: float = PATIENCE_SECONDS
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(_HOST, self._port, timeout=seconds)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _told(self) -> str:
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")


class LlamaServers:
    """The servers of some arms, each started when it is first asked. Use it in ``with``."""

    def __init__(self) -> None:
        self._running: dict[str, LlamaServer] = {}
        self._resources = ExitStack()

    def measure(
        self,
        name: str,
        program: LlamaProgram,
        pair: PairSettings,
        prompt: Sequence[int],
        answer: AnswerSettings,
        *,
        n_ctx: int,
        max_tokens: int,
        draft_max: int | None,
    ) -> Sample:
        """Let an arm's server answer a prompt, which it reads anew.

        Args:
            pair, draft_max: as for :func:`arguments`.

        Raises:
            BackendError: it does not start, or fails.
        """
        server = self._running.get(name)
        if server is None:
            options = arguments(program, pair, n_ctx=n_ctx, draft_max=draft_max)
            server = LlamaServer(program, options)
            self._running[name] = self._resources.enter_context(server)
            server.answer(request(prompt, answer, min(max_tokens, _WARM_UP_TOKENS)))
        return server.answer(request(prompt, answer, max_tokens))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resources.close()


def arguments(
    program: LlamaProgram,
    pair: PairSettings,
    *,
    n_ctx: int,
    draft_max: int | None,
) -> list[str]:
    """Its command line but for the address, with the settings that it shares with us.

    Args:
        pair: as it is loaded.
        draft_max: ``None`` for its own default.
    """
    given = shared_options(program, pair, n_ctx=n_ctx, draft_max=draft_max)
    given["-np"] = 1
    if "--cache-ram" in program.also:
        given["--cache-ram"] = 0  # it would keep prompts that are read anew on purpose
    return [*(str(part) for option in given.items() for part in option), *draft_type(program, pair)]


def request(prompt: Sequence[int], answer: AnswerSettings, max_tokens: int) -> dict[str, Any]:
    """What it is asked: the prompt's tokens as they are, and our distribution."""
    sampling = answer.sampling
    return {
        "prompt": list(prompt),
        "n_predict": max_tokens,
        "cache_prompt": False,
        "stream": False,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "typical_p": sampling.typical_p,
        "repeat_penalty": sampling.repeat_penalty,
        "repeat_last_n": window(sampling.repeat_last_n),
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "dry_multiplier": sampling.dry_multiplier,
        "dry_base": sampling.dry_base,
        "dry_allowed_length": sampling.dry_allowed_length,
        "dry_penalty_last_n": window(sampling.dry_last_n),
        "seed": answer.seed % (1 << 32),
        "ignore_eos": sampling.ignore_end,
    }


def parse(answer: bytes) -> Sample:
    """What it said of its speed.

    Its rate may leave the first token out, which comes with the prompt; so the rate counts.

    Raises:
        BackendError: it said nothing of the kind.
    """
    try:
        timings = json.loads(answer)["timings"]
        count, rate = int(timings["predicted_n"]), float(timings["predicted_per_second"] or 0.0)
        return Sample(
            count=count,
            seconds=count / rate if rate > 0.0 else 0.0,
            drafted=int(timings.get("draft_n", 0)),
            accepted=int(timings.get("draft_n_accepted", 0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = answer.decode("utf-8", "replace")
        raise failed(SERVER, "did not say how fast it was", told) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
