"""A docker engine of our own on a socket: it keeps what it is asked, and answers with what a test gives it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest

from cluster import docker_api


@dataclass
class Engine:
    """What it says when it is to build or pull, and what it was asked, each with the headers."""

    status: int = 200
    says: tuple[dict[str, str], ...] = ({"status": "Downloaded newer image"},)
    ends_with: bytes = b"0\r\n\r\n"
    asked: list[str] = field(default_factory=list)


@contextmanager
def listening(engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let it be every node's engine."""
    path = folder / "engine.sock"
    path.unlink(missing_ok=True)

    @contextmanager
    def socket_of(*_: object) -> Iterator[str]:
        yield f"unix://{path}"

    monkeypatch.setattr(docker_api, "_socket_of", socket_of)
    with ThreadingUnixStreamServer(str(path), _handler(engine)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def _handler(engine: Engine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._note()
            self._whole(200, {"ApiVersion": "1.47"})

        def do_POST(self) -> None:
            self._note()
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if engine.status != 200:
                self._whole(engine.status, engine.says[0])
                return
            self._begin(200, "Transfer-Encoding: chunked")
            for said in engine.says:
                text = json.dumps(said)
                self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
            self.wfile.write(engine.ends_with)

        def _whole(self, status: int, said: dict[str, str]) -> None:
            text = json.dumps(said)
            self._begin(status, f"Content-Length: {len(text)}")
            self.wfile.write(text.encode())

        def _begin(self, status: int, *headers: str) -> None:
            lines = (f"HTTP/1.1 {status} Said", "Content-Type: application/json", "Connection: close", *headers)
            self.wfile.write("\r\n".join([*lines, "", ""]).encode())

        def _note(self) -> None:
            engine.asked.append(f"{self.path}\n{self.headers}")

    return Handler
