"""A recorded track over HTTP, whole or in part."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import HTTPException, Response
from fastapi.responses import StreamingResponse

from voice_agent.api.ranges import Unsatisfiable, byte_range
from voice_agent.call.recording_files import Wav


def recording_response(wav: Wav, range_: str | None, *, with_body: bool) -> Response:
    """``wav`` or the part of it that the ``Range`` header asks for; ``with_body`` False answers HEAD."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-cache"}
    try:
        part = byte_range(range_, wav.size)
    except Unsatisfiable as error:
        raise HTTPException(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            f"{error} cannot be had",
            headers={"Content-Range": f"bytes */{wav.size}"},
        ) from error
    start, stop = part or (0, wav.size)
    headers["Content-Length"] = str(stop - start)
    if part:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{wav.size}"
    status = HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
    if not with_body:
        return Response(status_code=status, headers=headers, media_type="audio/wav")
    return StreamingResponse(wav.chunks(start, stop), status, headers, "audio/wav")
