"""A call's recording as the audio hub and the session see it: mu-law in, events out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from telephony.g711 import decode_ulaw
from voice_agent.call.events import Degraded, SessionInfo
from voice_agent.call.log import CallLog
from voice_agent.call.ports import CallInfo
from voice_agent.call.record_fold import RECORDING_AVAILABLE
from voice_agent.call.recorder import CallRecorder, RecordingInfo, Track


class LoggedRecording:
    """Records a call and tells its log when recording breaks off and when the files are there."""

    def __init__(self, folder: Path, info: RecordingInfo, log: CallLog) -> None:
        """``folder`` is the call's own. Belongs to the running event loop."""
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._recorder = CallRecorder(folder, info=info, on_failure=self._failed)

    def write_caller(self, position: int, ulaw: bytes) -> None:
        """The caller's sound, at a sample of the call's clock."""
        self._recorder.write(Track.CALLER, position, decode_ulaw(ulaw))

    def write_agent(self, position: int, ulaw: bytes) -> None:
        """The agent's sound as it was played."""
        self._recorder.write(Track.AGENT, position, decode_ulaw(ulaw))

    def write_operator(self, position: int, ulaw: bytes) -> None:
        """An operator's sound."""
        self._recorder.write(Track.OPERATOR, position, decode_ulaw(ulaw))

    async def close(self) -> None:
        """Finish the files and announce them."""
        files = await self._recorder.close()
        if files is None:
            return
        if files.late_samples or files.dropped_samples:
            self._log.emit(
                SessionInfo(
                    name="recording_gaps",
                    detail={"late_samples": files.late_samples, "dropped_samples": files.dropped_samples},
                )
            )
        self._log.emit(SessionInfo(name=RECORDING_AVAILABLE, detail=files.metadata))

    def _failed(self, reason: str) -> None:
        # Called by the writing thread; the log belongs to the loop.
        self._loop.call_soon_threadsafe(
            lambda: self._log.emit(Degraded(part="recorder", rung="none", reason=reason))
        )


class CallRecordings:
    """Makes the recording of each call of a process, in a folder of its own."""

    def __init__(
        self, folder: Path, *, service_id: str | None = None, tts_provider: str = "embedded"
    ) -> None:
        """``folder`` holds all recordings of this installation."""
        self._folder = folder
        self._service_id = service_id
        self._tts_provider = tts_provider

    def __call__(self, info: CallInfo, log: CallLog) -> LoggedRecording:
        """The recording of a call that begins."""
        direction = "outbound" if info.direction.startswith("outbound") else "inbound"
        return LoggedRecording(
            self._folder / info.call_sid,
            RecordingInfo(info.call_sid, direction, self._service_id, self._tts_provider),
            log,
        )
