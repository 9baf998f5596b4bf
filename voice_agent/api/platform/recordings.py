"""Recordings: where they are, what is in them, and the files themselves.

A file opens with a key, or with a link that was signed for it within the last hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from pydantic import BaseModel

from voice_agent.access.audit import AuditAction, AuditEntry
from voice_agent.access.guard import client_ip
from voice_agent.access.principal import Actor, ActorKind, Principal
from voice_agent.access.roles import Permission
from voice_agent.api.platform.fields import CallSid, WorkspaceId, service_uuid
from voice_agent.api.platform.platform import Platform
from voice_agent.api.recording_response import recording_response
from voice_agent.call.recording_files import INBOUND, METADATA, OUTBOUND, STEREO, StoredRecording

PREFIX = "/platform"
"""Where the application mounts these routes."""

FILES = (INBOUND, OUTBOUND, STEREO, METADATA)


class RecordingUrlsResponse(BaseModel):
    """Paths of the files, good for an hour without a key."""

    call_sid: str
    inbound_url: str | None
    outbound_url: str | None
    metadata_url: str | None
    stereo_url: str | None
    """Ours: both tracks in one file, the caller on the left."""
    status: Literal["available"] = "available"


class RecordingMetadataResponse(BaseModel):
    """What is in a recording."""

    call_sid: str
    workspace_id: UUID
    service_id: UUID | None
    direction: Literal["inbound", "outbound"]
    call_start_iso: str
    call_end_iso: str
    duration_seconds: float
    inbound_format: str
    inbound_sample_rate: int
    inbound_size_bytes: int
    outbound_format: str
    outbound_sample_rate: int
    outbound_size_bytes: int
    media_start_epoch_ms: float
    tts_provider: str


def download_path(platform: Platform, call_sid: str, filename: str) -> str:
    """The path of a file, without a signature."""
    return f"{PREFIX}/v1/{platform.workspace_id}/recordings/{quote(call_sid)}/download/{filename}"


def recordings_router(platform: Platform) -> APIRouter:
    """Operations of the tag Recordings."""
    router = APIRouter(prefix="/v1/{workspace_id}/recordings/{call_sid}", tags=["Recordings"])
    may_read = platform.guard.authorize(Permission.RECORDINGS_READ)

    async def stored(call_sid: str) -> StoredRecording:
        recording = StoredRecording(platform.recordings_dir / call_sid)
        if not await asyncio.to_thread(lambda: recording.exists):
            if not platform.records_calls:
                raise HTTPException(503, "calls are not recorded in this installation")
            raise HTTPException(404, f"call {call_sid} has no recording")
        return recording

    @router.get("/urls", operation_id="get-recording-urls")
    async def urls(
        workspace_id: WorkspaceId,
        call_sid: CallSid,
        request: Request,
        principal: Principal = Depends(may_read),
    ) -> RecordingUrlsResponse:
        """Where the files are, for players that cannot send a key."""
        await stored(call_sid)
        await platform.note(request, principal, AuditAction.RECORDING_LINKED, call_sid=call_sid)

        def signed(filename: str) -> str:
            signature = platform.links.sign(platform.workspace_id, call_sid, filename)
            return f"{download_path(platform, call_sid, filename)}?signature={signature}"

        return RecordingUrlsResponse(
            call_sid=call_sid,
            inbound_url=signed(INBOUND),
            outbound_url=signed(OUTBOUND),
            metadata_url=signed(METADATA),
            stereo_url=signed(STEREO),
        )

    @router.get("/metadata", operation_id="get-recording-metadata", dependencies=[Depends(may_read)])
    async def metadata(workspace_id: WorkspaceId, call_sid: CallSid) -> RecordingMetadataResponse:
        """Lengths, formats and times."""
        recording = await stored(call_sid)
        return _metadata(await asyncio.to_thread(recording.metadata), call_sid, platform.workspace_id)

    async def actor(request: Request, workspace_id: UUID, call_sid: str, filename: str, sign: str) -> Actor:
        if sign:
            if not platform.links.is_good(sign, workspace_id, call_sid, filename):
                raise HTTPException(401, "the link is not good (any more): ask for a new one")
            return Actor(ActorKind.LINK)
        return (await may_read(request)).actor

    @router.head("/download/{filename}", include_in_schema=False)
    @router.get("/download/{filename}", operation_id="download-recording-file", response_class=Response)
    async def download(
        workspace_id: WorkspaceId,
        call_sid: CallSid,
        filename: str,
        request: Request,
        signature: Annotated[str, Query(max_length=500)] = "",
        range_: Annotated[str | None, Header(alias="Range")] = None,
    ) -> Response:
        """``inbound.wav``, ``outbound.wav``, ``stereo.wav`` or ``metadata.json``, or a range of it."""
        who = await actor(request, workspace_id, call_sid, filename, signature)
        if filename not in FILES:
            raise HTTPException(400, f"there is no such file in a recording; there are {', '.join(FILES)}")
        recording = await stored(call_sid)
        await platform.audit.record(
            AuditEntry(
                AuditAction.RECORDING_DOWNLOADED,
                who,
                call_sid=call_sid,
                ip=client_ip(request),
                details={"file": filename},
            )
        )
        if filename == METADATA:
            found = _metadata(await asyncio.to_thread(recording.metadata), call_sid, workspace_id)
            return Response(found.model_dump_json(), media_type="application/json")
        tracks: dict[str, Callable[[], Any]] = {
            INBOUND: recording.inbound,
            OUTBOUND: recording.outbound,
            STEREO: recording.stereo,
        }
        wav = await asyncio.to_thread(tracks[filename])
        return recording_response(wav, range_, with_body=request.method == "GET")

    return router


def _metadata(found: dict[str, Any], call_sid: str, workspace_id: UUID) -> RecordingMetadataResponse:
    service = found.get("service_id")
    return RecordingMetadataResponse.model_validate(
        {
            **{name: found.get(name) for name in RecordingMetadataResponse.model_fields},
            "call_sid": call_sid,
            "workspace_id": workspace_id,
            "service_id": service_uuid(service) if service else None,
            "direction": "outbound" if found.get("direction") == "outbound" else "inbound",
        }
    )
