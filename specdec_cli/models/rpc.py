"""Devices of other machines, through llama.cpp's own RPC backend.

llama.cpp ends the process when a server cannot be reached, speaks another version, or is no such
server at all. So each is first tried by a process of its own, which may end as it likes.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Sequence

from specdec_cli.errors import BackendError, NetworkError
from specdec_cli.models import binding
from specdec_cli.models.binding import lib

_CONNECT_SECONDS = 5.0
_PROBE_SECONDS = 20.0
_connected: set[str] = set()


def connect(servers: Sequence[str]) -> None:
    """Let the devices of other machines count among this one's.

    Args:
        servers: ``HOST:PORT`` of llama.cpp's ``rpc-server`` on each.

    Raises:
        BackendError: this build of llama.cpp has no RPC.
        NetworkError: a server cannot be reached or used.
    """
    wanted = [server for server in servers if server not in _connected]
    if not wanted:
        return
    binding.start()
    if not lib.llama_supports_rpc():
        raise BackendError(
            "--rpc: this build of llama.cpp has no RPC backend",
            'build one that has: CMAKE_ARGS="-DGGML_RPC=ON" pip install --force-reinstall '
            "--no-binary llama-cpp-python llama-cpp-python",
        )
    for server in wanted:
        _reach(server)
        _probe(server)
        _add(server)
        _connected.add(server)


def _reach(server: str) -> None:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise NetworkError(
            f"--rpc: {server} cannot be reached: {error}",
            f"start llama.cpp's rpc-server on that machine: rpc-server -H 0.0.0.0 -p {port}",
        ) from error


def _probe(server: str) -> None:
    """Let another process ask the server for its devices."""
    program = f"from specdec_cli.models import rpc; rpc.try_out({server!r})"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"no answer within {_PROBE_SECONDS:.0f} s"
    except OSError as error:
        reason = str(error)
    else:
        if done.returncode == 0:
            return
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        ended = done.returncode != 1 or not lines  # by llama.cpp, whose last words help nobody
        reason = "it does not answer as such a server would" if ended else lines[-1]
    raise NetworkError(
        f"--rpc: {server} is no server that this build can use: {reason}",
        "run the rpc-server of the same llama.cpp version there",
    )


def try_out(server: str) -> None:
    """Connect to a server in a process that only does that; it may be ended by llama.cpp."""
    binding.start()
    try:
        _add(server)
    except NetworkError as error:
        sys.exit(error.message)


def _add(server: str) -> None:
    name = binding.ggml("ggml_backend_reg_by_name", ctypes.c_void_p, ctypes.c_char_p)
    address = binding.ggml(
        "ggml_backend_reg_get_proc_address", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p
    )
    register = binding.ggml("ggml_backend_register", None, ctypes.c_void_p)
    found = address(name(b"RPC"), b"ggml_backend_rpc_add_server")
    if not found:
        raise BackendError("--rpc: this build of llama.cpp cannot add servers", "leave --rpc out")
    add = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)(found)
    server_devices = add(server.encode())
    if not server_devices:
        raise NetworkError(
            f"--rpc: {server} offers no devices", "see what rpc-server says on that machine"
        )
    register(server_devices)
