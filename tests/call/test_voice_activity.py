"""The tick: who speaks, in bursts and stalls, for many legs at once."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import pytest

from models.speech import Pcm, VadState
from telephony.g711 import encode_ulaw
from tests.call.conftest import Speak
from voice_agent.call.leg_audio import LegAudio
from voice_agent.call.voice_activity import STALLED_S, VadTick


class LoudIsSpeech:
    """A model that anybody can follow."""

    chunk = 256

    def __init__(self) -> None:
        self.batches: list[int] = []

    def run(self, chunks: Pcm, states: list[VadState]) -> npt.NDArray[np.float32]:
        self.batches.append(len(states))
        return (np.abs(chunks).mean(axis=1) > 500).astype(np.float32)


class Listener:
    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def on_speech_started(self, position: int) -> None:
        self.told.append(("started", position / 8000))

    def on_speech_progress(self, seconds: float) -> None:
        self.told.append(("progress", seconds))

    def on_speech_stopped(self, position: int) -> None:
        self.told.append(("stopped", position / 8000))

    def on_speech_paused(self, position: int) -> None:
        self.told.append(("paused", position / 8000))

    def on_speech_resumed(self) -> None:
        self.told.append(("resumed", 0.0))

    @property
    def turns(self) -> list[tuple[str, float]]:
        return [(what, at) for what, at in self.told if what != "progress"]


def fail(error: Exception) -> None:
    raise error


def write(audio: LegAudio, pcm: Pcm) -> None:
    ulaw = encode_ulaw(pcm)
    for i in range(0, len(ulaw), 160):
        audio.write((audio.end // 8), ulaw[i : i + 160])


def noise(seconds: float, level: int) -> Pcm:
    return (np.random.default_rng(1).standard_normal(int(seconds * 8000)) * level).astype(np.int16)


def test_speech_begins_and_ends_where_it_was_spoken() -> None:
    tick, audio, listener = VadTick(LoudIsSpeech(), fail), LegAudio(), Listener()
    tick.watch(audio, listener)
    for pcm in (noise(0.5, 0), noise(0.6, 4000), noise(0.5, 0)):
        write(audio, pcm)
        for _ in range(10):
            tick.tick()
    (_, start), (_, stop) = listener.turns
    assert start == pytest.approx(0.5, abs=0.04)
    assert stop == pytest.approx(1.1, abs=0.04)


def test_click_is_no_speech_and_short_gap_no_end() -> None:
    tick, audio, listener = VadTick(LoudIsSpeech(), fail), LegAudio(), Listener()
    tick.watch(audio, listener)
    write(
        audio,
        np.concatenate(
            [
                noise(0.3, 0), noise(0.05, 4000), noise(0.3, 0), noise(0.4, 4000), noise(0.1, 0),
                noise(0.4, 4000), noise(0.4, 0),
            ]
        ),
    )  # fmt: skip
    for _ in range(20):
        tick.tick()
    assert [what for what, _ in listener.turns] == ["started", "stopped"]


def test_a_pause_is_told_before_it_is_an_end_and_may_be_made_one() -> None:
    tick, audio, listener = VadTick(LoudIsSpeech(), fail), LegAudio(), Listener()
    detector = tick.watch(audio, listener, listener)
    write(audio, np.concatenate([noise(0.3, 0), noise(0.4, 4000), noise(0.13, 0), noise(0.4, 4000)]))
    for _ in range(20):
        tick.tick()
    detector.end_pause()  # nobody pauses
    assert [what for what, _ in listener.turns] == ["started", "paused", "resumed"]
    write(audio, noise(0.13, 0))
    for _ in range(5):
        tick.tick()
    detector.end_pause()
    detector.end_pause()
    assert [what for what, _ in listener.turns][3:] == ["paused", "stopped"]
    assert listener.turns[-1][1] == listener.turns[-2][1] == pytest.approx(1.23, abs=0.04)


@pytest.mark.parametrize(("level", "chunks"), [(0, 2), (60, 2), (400, 3)], ids=["quiet", "hiss", "noisy"])
def test_a_pause_is_told_earlier_the_quieter_the_line_and_ends_no_earlier(level: int, chunks: int) -> None:
    tick, audio, listener = VadTick(LoudIsSpeech(), fail), LegAudio(), Listener()
    detector = tick.watch(audio, listener, listener)
    write(audio, np.concatenate([noise(0.32, level), noise(0.64, 4000)]))
    for _ in range(30):
        tick.tick()
    for chunk in range(1, 5):
        write(audio, noise(0.032, level))
        tick.tick()
        assert ("paused" in dict(listener.told)) == (chunk >= chunks)
        detector.end_pause()
        assert ("stopped" in dict(listener.told)) == (chunk >= 3)


def test_all_legs_share_one_run_per_round() -> None:
    model = LoudIsSpeech()
    tick = VadTick(model, fail)
    legs = [LegAudio() for _ in range(40)]
    for leg in legs:
        tick.watch(leg, Listener())
        write(leg, noise(0.032, 100))
    tick.tick()
    assert model.batches == [40]


@pytest.mark.parametrize("moment", ["on_speech_started", "on_speech_stopped"])
def test_what_breaks_on_one_leg_does_not_deafen_the_others(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Listener()
    told: list[Exception] = []

    def breaks(_: int) -> None:
        raise KeyError(moment)

    monkeypatch.setattr(broken, moment, breaks)
    tick = VadTick(LoudIsSpeech(), told.append)
    legs, listener = [LegAudio(), LegAudio()], Listener()
    for leg, who in zip(legs, (broken, listener), strict=True):
        tick.watch(leg, who)
    for pcm in (noise(0.1, 0), noise(0.25, 4000), noise(0.5, 0)):
        for leg in legs:
            write(leg, pcm)
        for _ in range(5):
            tick.tick()
    assert [what for what, _ in listener.turns] == ["started", "stopped"]
    assert [str(error) for error in told] == [f"'{moment}'"]


def test_word_inside_a_burst_is_seen() -> None:
    tick, audio, listener = VadTick(LoudIsSpeech(), fail), LegAudio(), Listener()
    tick.watch(audio, listener)
    write(audio, np.concatenate([noise(0.1, 0), noise(0.25, 4000), noise(0.5, 0)]))
    for _ in range(5):
        tick.tick()
    assert [what for what, _ in listener.turns] == ["started", "stopped"]


def test_dead_tap_does_not_hold_a_turn_open(monkeypatch: pytest.MonkeyPatch) -> None:
    tick, audio, listener = VadTick(LoudIsSpeech(), fail), LegAudio(), Listener()
    detector = tick.watch(audio, listener)
    write(audio, noise(0.5, 4000))
    tick.tick()
    tick.tick()
    detector.watch_for_stall(time.monotonic() + STALLED_S + 0.1)
    assert [what for what, _ in listener.turns] == ["started", "stopped"]


async def test_real_speech_is_found_by_the_real_model(vad: VadTick, speak: Speak) -> None:
    audio, listener = LegAudio(), Listener()
    tick = VadTick(vad._model, fail)
    tick.watch(audio, listener)
    speech = await speak("I need to move my Thursday appointment")
    write(audio, np.concatenate([noise(0.5, 20), speech, noise(0.6, 20)]))
    for _ in range(20):
        tick.tick()
    assert listener.turns[0][0] == "started"
    assert listener.turns[-1][0] == "stopped"
    assert listener.turns[0][1] == pytest.approx(0.55, abs=0.2)
