"""A server of files on loopback that can be told to behave badly, and models made of small files."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from models.local.catalogue import LocalModel, PublishedFile, Task

WEIGHTS = bytes(range(256)) * 800
VOICES = b"voices " * 5000
MEMBERS = {"encode.onnx": b"encoder " * 9000, "tokens.txt": b"a 1\nb 2\n"}
FOLDER = "tiny-en"


@dataclass
class FileServer:
    """``files``: path -> content. ``requests``: (path, Range header) as they came."""

    base_url: str
    files: dict[str, bytes]
    requests: list[tuple[str, str]] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Bytes of a body after which the connection is closed."""
    knows_ranges: bool = True


@contextmanager
def file_server() -> Iterator[FileServer]:
    state = FileServer("", {})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            state.requests.append((self.path, asked))
            if self.path in state.redirects:
                self.send_response(302)
                self.send_header("Location", state.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = state.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.knows_ranges else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            body = content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # a client may have seen enough
                self.wfile.write(body if state.cut_after is None else body[: state.cut_after])
            if state.cut_after is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.base_url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield state
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def published(base_url: str, name: str, content: bytes, **more: object) -> PublishedFile:
    sha256 = hashlib.sha256(content).hexdigest()
    return PublishedFile(f"{base_url}/{name}", sha256, len(content), **more)  # type: ignore[arg-type]


def archive(members: dict[str, bytes], folder: str = FOLDER, odd: tuple[tarfile.TarInfo, ...] = ()) -> bytes:
    """A tar.bz2 with ``members`` in ``folder``; ``odd`` ones come first."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:bz2") as tar:
        for info in odd:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
        for name, content in members.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def voice_model(server: FileServer) -> LocalModel:
    """Two plain files, served."""
    server.files |= {"/weights.onnx": WEIGHTS, "/voices.bin": VOICES}
    files = (
        published(server.base_url, "weights.onnx", WEIGHTS),
        published(server.base_url, "voices.bin", VOICES),
    )
    return LocalModel("tinyvoice", Task.VOICE, "Tiny voice", "MIT", "json", "local", 300_000, files)


def recognizer_model(server: FileServer, packed: bytes | None = None) -> LocalModel:
    """An archive, served."""
    packed = archive(MEMBERS) if packed is None else packed
    server.files["/tiny-en.tar.bz2"] = packed
    file = published(server.base_url, "tiny-en.tar.bz2", packed, members=tuple(MEMBERS), folder=FOLDER)
    return LocalModel("tinyears", Task.RECOGNIZER, "Tiny ears", "MIT", "json", "local", 300_000, (file,))
