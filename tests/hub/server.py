"""A Hub of the tests' own: an HTTP server that answers as huggingface.co does, or fails to.

Two servers in truth, as there: one for names and rights, and one for the bytes, to which the
first redirects. They differ by their port, so the second must never see a token.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

Where = Literal["head", "get", "bytes", "api"]
_PIECE = 1 << 16


@dataclass
class Fault:
    """Something that goes wrong, for the next ``times`` requests of a kind.

    Args:
        cut: close the connection after so many bytes of the body.
        wrong: flip this byte of the file.
        no_ranges: send the whole file whatever is asked for.
        body: what comes with ``status``.
    """

    where: Where
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    cut: int | None = None
    wrong: int | None = None
    no_ranges: bool = False
    body: bytes = b""


@dataclass
class Seen:
    """A request that arrived."""

    where: Where
    path: str
    token: str | None
    range: str | None


@dataclass
class Repo:
    """A repository of files; a path is served without being read whole.

    Args:
        older: the files of earlier commits.
    """

    files: dict[str, bytes | Path]
    commit: str = "c0ffee" + "0" * 34
    state: Literal["open", "gated", "private"] = "open"
    older: dict[str, dict[str, bytes | Path]] = field(default_factory=dict)

    def at(self, revision: str) -> dict[str, bytes | Path] | None:
        """The files of a revision."""
        return self.files if revision in ("main", self.commit) else self.older.get(revision)


class FakeHub:
    """The servers; use it in ``with``.

    Attributes:
        tells_hashes: whether a file's tag is the sha256 of its bytes, or says nothing of them.
        token: what a token must be to be accepted; ``None`` accepts any.
        sent: bytes of files that went out.
        strange: requests for anything but models.
        hold: bytes of a file after which the rest of it is held, until the client is gone.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.sent = 0
        self.hold: int | None = None
        self.tells_hashes = True
        self.strange: list[str] = []
        self.token: str | None = None
        self._hashes: dict[Path, str] = {}
        self._front = _serve(_Front, self)
        self._bytes = _serve(_Bytes, self)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._front.server_address[1]}"

    @property
    def storage(self) -> str:
        return f"http://127.0.0.1:{self._bytes.server_address[1]}"

    def fault(self, where: Where) -> Fault | None:
        """The next fault of a kind; it is used up."""
        for fault in self.faults:
            if fault.where == where and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def sha256(self, content: bytes | Path) -> str:
        """The hash of a file; of a large one a made up one, as it is never fetched whole."""
        if not self.tells_hashes:
            return "d" * 40
        if isinstance(content, bytes):
            return hashlib.sha256(content).hexdigest()
        return self._hashes.setdefault(content, hashlib.sha256(str(content).encode()).hexdigest())

    def count(self, where: Where) -> int:
        return sum(request.where == where for request in self.seen)

    def close(self) -> None:
        for server in (self._front, self._bytes):
            server.shutdown()
            server.server_close()

    def __enter__(self) -> FakeHub:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(handler: type[_Handler], hub: FakeHub) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (handler,), {"hub": hub}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def note(self, where: Where) -> Fault | None:
        given = self.headers.get("Authorization")
        token = given.removeprefix("Bearer ") if given else None
        self.hub.seen.append(Seen(where, self.path, token, self.headers.get("Range")))
        return self.hub.fault(where)

    def refuse(self, status: int, code: str, message: str) -> None:
        self.answer(status, {"X-Error-Code": code, "X-Error-Message": message})


class _Front(_Handler):
    def do_HEAD(self) -> None:
        self._resolve("head")

    def do_GET(self) -> None:
        if self.path.startswith("/api/"):
            self._files()
        else:
            self._resolve("get")

    def _repo(self, name: str, where: Where) -> Repo | None:
        """The repository, if this request may read it; else it has been answered."""
        fault = self.note(where)
        token = self.hub.seen[-1].token
        if fault and fault.status:
            self.answer(fault.status, fault.headers, fault.body)
            return None
        if token is not None and self.hub.token not in (None, token):
            self.answer(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
            return None
        repo = self.hub.repos.get(name)
        if repo is None or (repo.state == "private" and token is None):
            self.refuse(401, "RepoNotFound", "Repository not found")
            return None
        if repo.state == "gated" and token is None:
            self.refuse(401, "GatedRepo", f"Access to model {name} is restricted.")
            return None
        return repo

    def _resolve(self, where: Where) -> None:
        path = unquote(urlsplit(self.path).path)
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        assert match, path
        repo = self._repo(match[1], where)
        if repo is None:
            return
        files = repo.at(match[2])
        if files is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {match[2]}")
            return
        commit = repo.commit if match[2] == "main" else match[2]
        content = files.get(match[3])
        if content is None:
            self.refuse(404, "EntryNotFound", "Entry not found")
            return
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        self.answer(
            302,
            {
                "Location": f"{self.hub.storage}/{match[1]}/{commit}/{match[3]}?signature=secret",
                "X-Repo-Commit": commit,
                "X-Linked-ETag": f'"{self.hub.sha256(content)}"',
                "X-Linked-Size": str(size),
                "ETag": '"pointer"',
            },
        )

    def _files(self) -> None:
        path = unquote(urlsplit(self.path).path)
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path)
        if match is None:
            self.hub.strange.append(self.path)
            self.answer(404, {})
            return
        repo = self._repo(match[1], "api")
        if repo is None:
            return
        files = repo.at(match[2] or "main")
        if files is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {match[2]}")
            return
        names = [{"rfilename": name} for name in sorted(files)]
        info = {"id": match[1], "modelId": match[1], "sha": repo.commit, "siblings": names}
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(info).encode())


class _Bytes(_Handler):
    def do_GET(self) -> None:
        fault = self.note("bytes") or Fault("bytes")
        if fault.status:
            self.answer(fault.status, fault.headers, fault.body)
            return
        _, owner, name, commit, file = unquote(urlsplit(self.path).path).split("/", 4)
        content = (self.hub.repos[f"{owner}/{name}"].at(commit) or {})[file]
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        start, end, status = 0, size, 200
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if asked and not fault.no_ranges:
            start, end, status = int(asked[1]), min(int(asked[2] or size) + 1, size), 206
            if start >= size:
                self.answer(416, {"Content-Range": f"bytes */{size}"})
                return
        headers = {"Content-Length": str(end - start)}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self.answer(status, headers)
        of_header = bool(asked and asked[2])
        self._send(content, start, end, fault, None if of_header else self.hub.hold)

    def _send(
        self, content: bytes | Path, start: int, end: int, fault: Fault, hold: int | None
    ) -> None:
        stop = end if fault.cut is None else min(end, start + fault.cut)
        try:
            for at in range(start, stop, _PIECE):
                piece = bytearray(_read(content, at, min(at + _PIECE, stop)))
                if fault.wrong is not None and at <= fault.wrong < at + len(piece):
                    piece[fault.wrong - at] ^= 0xFF
                self.wfile.write(piece)
                self.hub.sent += len(piece)
                if hold is not None and at + len(piece) >= start + hold:
                    self.rfile.read(1)
        except OSError:  # the client had enough
            self.close_connection = True
        if fault.cut is not None:
            self.close_connection = True


def _read(content: bytes | Path, start: int, end: int) -> bytes:
    if isinstance(content, bytes):
        return content[start:end]
    with content.open("rb") as file:
        file.seek(start)
        return file.read(end - start)
