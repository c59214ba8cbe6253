"""A SOCKS 5 proxy of the tests' own (RFC 1928), for connections without a password."""

from __future__ import annotations

import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer


class SocksProxy(ThreadingTCPServer):
    """Use it in ``with``.

    Attributes:
        asked: the addresses it was asked to connect to.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.asked: set[str] = set()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"socks5://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        super().__exit__(*error)


class _Connection(BaseRequestHandler):
    server: SocksProxy

    def handle(self) -> None:
        _, methods = self._take(2)
        self._take(methods)
        self.request.sendall(b"\x05\x00")  # no password is needed
        _, command, _, kind = self._take(4)
        assert command == 1  # connect
        host = (
            socket.inet_ntoa(self._take(4)) if kind == 1 else self._take(self._take(1)[0]).decode()
        )
        port = int.from_bytes(self._take(2), "big")
        self.server.asked.add(f"http://{host}:{port}")
        with socket.create_connection((host, port)) as other:
            self.request.sendall(b"\x05\x00\x00\x01" + bytes(6))
            back = threading.Thread(target=_pass_on, args=(other, self.request))
            back.start()
            _pass_on(self.request, other)
            back.join()

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.request.recv(count - len(data))
            assert piece
            data += piece
        return data


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Copy until the source ends."""
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one of both is gone
        pass
