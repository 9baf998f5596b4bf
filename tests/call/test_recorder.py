from __future__ import annotations

import asyncio
import io
import json
import os
import resource
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.g711 import decode_ulaw, encode_ulaw
from voice_agent.call.events import CallEvent, SessionInfo
from voice_agent.call.log import CallLog
from voice_agent.call.ports import CallInfo
from voice_agent.call.record_fold import RECORDING_AVAILABLE
from voice_agent.call.recorder import MAX_SAMPLES, CallRecorder, RecordingFiles, RecordingInfo, Track
from voice_agent.call.recording import CallRecordings
from voice_agent.call.recording_files import SAMPLE_RATE, StoredRecording
from voice_agent.store.bus import EventBus

FRAME = 160
LOUD = np.full(FRAME, 7932, np.int16)
"""A value that mu-law keeps as it is."""


def _tracks(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Caller and agent of a stored recording, int16."""
    stereo = b"".join(StoredRecording(folder).stereo().chunks())
    with wave.open(io.BytesIO(stereo)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, SAMPLE_RATE, 2)
        frames = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    return frames[:, 0], frames[:, 1]


def _closed(recorder: CallRecorder) -> RecordingFiles:
    files = asyncio.run(recorder.close())
    assert files is not None
    return files


def test_the_loud_value_survives_mu_law() -> None:
    assert (decode_ulaw(encode_ulaw(LOUD)) == LOUD).all()


def test_an_offset_is_the_same_instant_in_both_tracks(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    recorder.write(Track.CALLER, 8000, LOUD)
    recorder.write(Track.AGENT, 8000, LOUD)
    recorder.write(Track.CALLER, 24000, LOUD)
    _closed(recorder)
    caller, agent = _tracks(tmp_path / "call")
    assert np.flatnonzero(caller).tolist() == [*range(8000, 8160), *range(24000, 24160)]
    assert np.flatnonzero(agent).tolist() == [*range(8000, 8160)]


def test_frames_may_come_late_and_in_any_order(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    for position in (320, 0, 160, 16000, 8000):
        recorder.write(Track.CALLER, position, LOUD)
    _closed(recorder)
    caller, _agent = _tracks(tmp_path / "call")
    assert np.flatnonzero(caller).tolist() == [*range(480), *range(8000, 8160), *range(16000, 16160)]


def test_what_comes_after_its_time_was_written_is_counted_and_moves_nothing(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    recorder.write(Track.CALLER, 10 * SAMPLE_RATE, LOUD)
    recorder.write(Track.AGENT, 0, LOUD)
    files = _closed(recorder)
    assert files.late_samples == FRAME
    caller, agent = _tracks(tmp_path / "call")
    assert np.flatnonzero(caller)[0] == 10 * SAMPLE_RATE
    assert not agent.any()


def test_agent_and_operator_are_mixed_without_wrapping_around(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    recorder.write(Track.AGENT, 0, np.full(FRAME, 30000, np.int16))
    recorder.write(Track.OPERATOR, 80, np.full(FRAME, 10000, np.int16))
    _closed(recorder)
    _caller, agent = _tracks(tmp_path / "call")
    assert (agent[0], agent[80], agent[160]) == (30000, 32767, 10000)


def test_the_agent_may_be_written_ahead_of_the_caller(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    for second in range(8):
        recorder.write(Track.AGENT, second * SAMPLE_RATE, LOUD)
    for second in range(8):
        recorder.write(Track.CALLER, second * SAMPLE_RATE, LOUD)
    assert _closed(recorder).late_samples == 0
    caller, agent = _tracks(tmp_path / "call")
    assert (caller == agent).all()


def test_an_hour_with_stalls_stays_on_one_clock_in_little_memory(tmp_path: Path) -> None:
    """Every tenth minute one side stalls; each side speaks a frame at the top of every tenth second."""
    recorder = CallRecorder(tmp_path / "call")
    most = 0
    quiet = np.zeros(FRAME, np.int16)
    for frame in range(3600 * 50):
        minute = frame // 3000
        loud = LOUD if frame % 500 == 0 else quiet
        if minute % 10 != 3:
            recorder.write(Track.CALLER, frame * FRAME, loud)
        if minute % 10 != 7 and (loud is LOUD or frame % 5 == 0):
            recorder.write(Track.AGENT, frame * FRAME, loud)
        if frame % 50 == 0:
            most = max(most, recorder.buffered_bytes)
            _let_the_disk_catch_up(recorder)
    files = _closed(recorder)
    assert (files.late_samples, files.dropped_samples) == (0, 0)
    assert files.metadata["duration_seconds"] == 3600.0
    assert most < 1_000_000
    caller, agent = _tracks(tmp_path / "call")
    assert len(caller) == len(agent) == 3600 * SAMPLE_RATE
    for track, stalled in ((caller, 3), (agent, 7)):
        expected = [s * SAMPLE_RATE for s in range(0, 3600, 10) if s // 60 % 10 != stalled]
        assert np.flatnonzero(np.diff((track != 0).astype(np.int8), prepend=0) == 1).tolist() == expected


def _let_the_disk_catch_up(recorder: CallRecorder) -> None:
    """Sound comes here hundreds of times faster than in a call; the disk may be busy with other tests."""
    deadline = time.monotonic() + 30
    while recorder.waiting_samples and time.monotonic() < deadline:
        time.sleep(0.001)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([Track.CALLER, Track.AGENT]),
            st.integers(-300, 40 * SAMPLE_RATE),
            st.integers(1, 3 * SAMPLE_RATE),
        ),
        max_size=12,
    )
)
def test_whatever_was_not_late_lies_exactly_where_it_was_said_to_be(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[Track, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("calls")
    recorder = CallRecorder(folder)
    expected = np.zeros((2, 60 * SAMPLE_RATE), np.int16)
    end = 0
    for track, position, length in frames:
        recorder.write(track, position, np.full(length, LOUD[0], np.int16))
        _let_the_disk_catch_up(recorder)
        expected[track, max(0, position) : max(0, position + length)] = LOUD[0]
        end = max(end, position + length)
    files = asyncio.run(recorder.close())
    if files is None:
        assert end <= 0 or not frames
        return
    caller, agent = _tracks(folder)
    assert len(caller) == len(agent) >= end
    for track, sound in ((Track.CALLER, caller), (Track.AGENT, agent)):
        wrong = (sound != 0) & (expected[track, : len(sound)] == 0)
        assert not wrong.any(), "sound where nobody spoke"
    missing = sum(
        int(((sound == 0) & (expected[track, : len(sound)] != 0)).sum())
        for track, sound in ((Track.CALLER, caller), (Track.AGENT, agent))
    )
    assert missing <= files.late_samples
    assert files.dropped_samples == 0


def test_a_position_that_no_call_can_have_is_not_recorded(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    recorder.write(Track.CALLER, 0, LOUD)
    recorder.write(Track.CALLER, MAX_SAMPLES, LOUD)
    assert _closed(recorder).metadata["duration_seconds"] == 0.02


def test_a_call_without_sound_leaves_nothing_behind(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    assert asyncio.run(recorder.close()) is None
    assert not (tmp_path / "call").exists()


def test_the_metadata_has_the_published_fields(tmp_path: Path) -> None:
    info = RecordingInfo("CA1", "outbound", "front-desk", "embedded")
    recorder = CallRecorder(tmp_path / "call", lambda: 1_800_000_000.5, info=info)
    recorder.write(Track.CALLER, 4000, LOUD)
    _closed(recorder)
    metadata = json.loads((tmp_path / "call" / "metadata.json").read_text())
    assert metadata == {
        "call_sid": "CA1",
        "direction": "outbound",
        "service_id": "front-desk",
        "tts_provider": "embedded",
        "call_start_iso": "2027-01-15T08:00:00+00:00",
        "call_end_iso": "2027-01-15T08:00:00.520000+00:00",
        "duration_seconds": 0.52,
        "media_start_epoch_ms": 1_800_000_000_000.0,
        "inbound_format": "mulaw",
        "inbound_sample_rate": 8000,
        "inbound_size_bytes": (tmp_path / "call" / "inbound.wav").stat().st_size,
        "outbound_format": "pcm16",
        "outbound_sample_rate": 8000,
        "outbound_size_bytes": (tmp_path / "call" / "outbound.wav").stat().st_size,
        "complete": True,
    }


def test_the_caller_is_kept_as_mu_law_in_a_well_formed_file(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    recorder.write(Track.CALLER, 0, LOUD)
    _closed(recorder)
    data = (tmp_path / "call" / "inbound.wav").read_bytes()
    assert data[:4] == b"RIFF"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert (int.from_bytes(data[20:22], "little"), data[38:42]) == (7, b"fact")
    assert data[58:] == encode_ulaw(LOUD)
    assert b"".join(StoredRecording(tmp_path / "call").inbound().chunks()) == data


@given(st.integers(0, 5000), st.integers(0, 5000))
@settings(max_examples=60, deadline=None)
def test_any_range_of_a_file_is_that_part_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, start: int, stop: int
) -> None:
    folder = tmp_path_factory.mktemp("calls")
    recorder = CallRecorder(folder)
    recorder.write(Track.CALLER, 0, np.arange(960, dtype=np.int16) * 30)
    recorder.write(Track.AGENT, 100, np.arange(480, dtype=np.int16) * 20)
    _closed(recorder)
    stored = StoredRecording(folder)
    for wav in (stored.inbound(), stored.outbound(), stored.stereo()):
        whole = b"".join(wav.chunks())
        assert len(whole) == wav.size
        assert b"".join(wav.chunks(start, stop)) == whole[start:stop]


def test_a_recording_of_a_process_that_was_killed_can_be_heard(tmp_path: Path) -> None:
    code = (
        "import os, sys, time, numpy as np\n"
        "from pathlib import Path\n"
        "from voice_agent.call.recorder import CallRecorder, Track\n"
        "from voice_agent.call.recording_files import StoredRecording\n"
        "recorder = CallRecorder(Path(sys.argv[1]))\n"
        "for frame in range(10 * 50):\n"
        "    recorder.write(Track.CALLER, frame * 160, np.full(160, 7932, np.int16))\n"
        "while StoredRecording(Path(sys.argv[1])).outbound_samples < 7 * 8000:\n"
        "    time.sleep(0.01)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "call")], timeout=60, check=False)
    assert killed.returncode == -9
    caller, agent = _tracks(tmp_path / "call")
    assert (caller[: 7 * SAMPLE_RATE] == LOUD[0]).all()
    assert len(agent) >= 7 * SAMPLE_RATE
    metadata = StoredRecording(tmp_path / "call").metadata()
    assert metadata["duration_seconds"] >= 7
    assert not metadata["complete"]


@contextmanager
def _files_may_not_grow_beyond(size: int) -> Iterator[None]:
    """The disk refuses (EFBIG), as a full one does (ENOSPC)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _info() -> CallInfo:
    return CallInfo("CA1", "+14155550101", "+14155550199", "inbound", "room")


async def test_a_full_disk_stops_the_recorder_and_says_so_and_the_call_goes_on(tmp_path: Path) -> None:
    bus = EventBus()
    watcher = bus.subscribe()
    recording = CallRecordings(tmp_path)(_info(), CallLog("CA1", bus))
    with _files_may_not_grow_beyond(40_000):
        for frame in range(8 * 50):
            recording.write_caller(frame * FRAME, encode_ulaw(LOUD))
        said = await asyncio.wait_for(anext(aiter(watcher)), 10)
        recording.write_caller(8 * SAMPLE_RATE, encode_ulaw(LOUD))
        await recording.close()
    assert (said.type, getattr(said, "part", "")) == ("degraded", "recorder")
    caller, _agent = _tracks(tmp_path / "CA1")
    assert len(caller) >= 2 * SAMPLE_RATE
    (announced,) = watcher.take()
    assert isinstance(announced, SessionInfo)
    assert announced.detail["complete"] is False
    assert announced.detail["duration_seconds"] == len(caller) / SAMPLE_RATE


async def test_a_folder_that_cannot_be_made_stops_the_recorder_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "CA1").write_text("in the way")
    bus = EventBus()
    watcher = bus.subscribe()
    recording = CallRecordings(tmp_path)(_info(), CallLog("CA1", bus))
    recording.write_caller(0, encode_ulaw(LOUD))
    await recording.close()
    said = await asyncio.wait_for(anext(aiter(watcher)), 10)
    assert (said.type, getattr(said, "part", "")) == ("degraded", "recorder")


async def test_a_finished_recording_is_announced_in_the_calls_log(tmp_path: Path) -> None:
    bus = EventBus()
    watcher = bus.subscribe()
    recording = CallRecordings(tmp_path, service_id="front-desk")(_info(), CallLog("CA1", bus))
    recording.write_caller(0, encode_ulaw(LOUD))
    recording.write_agent(160, encode_ulaw(LOUD))
    recording.write_operator(320, encode_ulaw(LOUD))
    await recording.close()
    events: list[CallEvent] = watcher.take()
    (announced,) = events
    assert isinstance(announced, SessionInfo)
    assert announced.name == RECORDING_AVAILABLE
    assert announced.detail["service_id"] == "front-desk"
    assert announced.detail == StoredRecording(tmp_path / "CA1").metadata()


def test_a_slow_disk_turns_sound_into_silence_and_moves_nothing(tmp_path: Path) -> None:
    """The metadata file is a pipe that nobody reads until the call is over: the writing thread hangs."""
    folder = tmp_path / "call"
    folder.mkdir()
    os.mkfifo(folder / "metadata.json.new")
    recorder = CallRecorder(folder)
    for frame in range(60 * 50):
        recorder.write(Track.CALLER, frame * FRAME, LOUD)
        assert recorder.buffered_bytes < 1_000_000

    async def close_while_the_disk_recovers() -> RecordingFiles | None:
        closing = asyncio.create_task(recorder.close())
        reader = await asyncio.to_thread(os.open, folder / "metadata.json.new", os.O_RDONLY)
        files = await closing
        os.close(reader)
        return files

    files = asyncio.run(close_while_the_disk_recovers())
    assert files is not None
    assert files.dropped_samples > 30 * SAMPLE_RATE
    caller, _agent = _tracks(folder)
    assert len(caller) == 60 * SAMPLE_RATE
    assert (caller[-2 * SAMPLE_RATE :] == LOUD[0]).all()
    assert int((caller == 0).sum()) == files.dropped_samples


def test_the_envelope_shows_who_is_loud_when(tmp_path: Path) -> None:
    recorder = CallRecorder(tmp_path / "call")
    recorder.write(Track.CALLER, 0, np.full(8000, 7932, np.int16))
    recorder.write(Track.AGENT, 8000, np.full(8000, 16000, np.int16))
    _closed(recorder)
    caller, agent = StoredRecording(tmp_path / "call").envelope(4)
    np.testing.assert_allclose(caller, [0.242, 0.242, 0, 0], atol=0.001)
    np.testing.assert_allclose(agent, [0, 0, 0.488, 0.488], atol=0.001)
