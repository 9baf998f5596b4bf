"""Recorded human speech goes the whole way: network, conference, ear, turn, answer, recording, record."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import fftconvolve

from models.speech import Pcm
from tests.system.conftest import System
from voice_agent.call import events
from voice_agent.cli.wav import read_wav

PEOPLE = Path(__file__).resolve().parent.parent / "people"
GREETING = "how can I help you today"


@pytest.mark.parametrize("name", sorted(path.stem for path in PEOPLE.glob("*.wav")))
async def test_a_recorded_person_is_heard_answered_and_kept(system: System, name: str) -> None:
    said = read_wav(PEOPLE / f"{name}.wav")
    first, last = voiced(said)
    call = await system.ring()
    await system.said(GREETING)
    await call.play(np.concatenate([np.zeros(4000, np.int16), said, np.zeros(4000, np.int16)]))
    turn = await system.wait_for(lambda e: isinstance(e, events.TurnCompleted))
    reply = await system.wait_for(
        lambda e: isinstance(e, events.AgentTranscript) and e.turn_index == turn.turn_index
    )
    assert reply.heard
    latency = await system.wait_for(
        lambda e: isinstance(e, events.Latency) and e.turn_index == turn.turn_index
    )
    assert latency.e2e_ttfb_ms < 4000, "dead air"
    began = system.all(events.SpeechStarted)[0].t
    ended = system.all(events.SpeechStopped)[-1].speech_end
    assert ended - began == pytest.approx((last - first) / 8000, abs=0.3)
    words = [e for e in system.all(events.UserTranscript) if e.final]
    assert words[-1].speaker_role == "caller"

    await call.hang_up()
    await system.ended(call)
    caller = (await recording(system, call.sid))[:, 0]
    at, likeness = found(said[first:last], caller)
    assert likeness > 0.9, "the recording holds another sound"
    assert at / 8000 == pytest.approx(began, abs=0.2), "the recording and the events are on one clock"


def voiced(pcm: Pcm) -> tuple[int, int]:
    """First and last sample that is louder than a twentieth of the loudest."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > np.abs(pcm.astype(np.int32)).max() / 20)
    return int(loud[0]), int(loud[-1])


def found(part: Pcm, whole: npt.NDArray[np.int16]) -> tuple[int, float]:
    """Where ``part`` is most alike to ``whole``, and the normalized correlation there."""
    a, b = part.astype(np.float64), whole.astype(np.float64)
    product = fftconvolve(b, a[::-1], "valid")
    energy = fftconvolve(b**2, np.ones(len(a)), "valid").clip(1.0)
    likeness = product / np.sqrt(energy * (a**2).sum())
    return int(likeness.argmax()), float(likeness.max())


async def recording(system: System, sid: str) -> npt.NDArray[np.int16]:
    """The stereo recording of a call, samples by channel."""
    async with httpx.AsyncClient(timeout=20) as http:
        reply = await http.get(f"{system.application.ready.base_url}/api/calls/{sid}/recordings/stereo.wav")
    reply.raise_for_status()
    with wave.open(io.BytesIO(reply.content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels())
