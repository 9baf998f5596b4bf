"""A PostgreSQL server behind a wire that can be cut."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import make_url


class Wire:
    """A PostgreSQL server's socket, reached through a wire that can be cut."""

    def __init__(self, url: str) -> None:
        self._real = make_url(url)
        self._folder = Path(tempfile.mkdtemp(prefix="wire-"))
        self._folder.chmod(0o755)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        changed = self._real.set(host=None, port=None).update_query_dict({"host": str(self._folder)})
        return changed.render_as_string(hide_password=False)

    async def mend(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_unix_server(self._through, self._folder / ".s.PGSQL.5432")

    async def cut(self) -> None:
        """Break every connection and let no new one in."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        (self._folder / ".s.PGSQL.5432").unlink(missing_ok=True)

    async def close(self) -> None:
        await self.cut()
        shutil.rmtree(self._folder)

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        real = Path(str(self._real.query["host"])) / f".s.PGSQL.{self._real.query.get('port', 5432)}"
        far_reader, far_writer = await asyncio.open_unix_connection(real)
        ends = {writer, far_writer}
        self._open |= ends
        with suppress(OSError):
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        self._open -= ends


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
