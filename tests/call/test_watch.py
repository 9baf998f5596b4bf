"""What the watchdogs say into which silence."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from tests.telephony.recorder import Recorder
from voice_agent.call.watch import CallWatch, WatchPolicy, WatchTicker
from voice_agent.reasoning.effects import SayKind

POLICY = WatchPolicy()
SENTENCE_S = 2.0


@dataclass
class Silence:
    """A call on which nobody says anything, from ``began`` on, while a person is called."""

    began: float = field(default_factory=time.monotonic)
    awaits_person: bool = True
    waits_since: float | None = None
    owes_reply_since: float | None = None
    quiet_since: float | None = None
    started_at: float | None = None
    call_sid: str = "CA1"
    said: list[tuple[float, str, SayKind]] = field(default_factory=list)
    now: float = 0.0
    sounds: bool = True
    broken: bool = False

    def __post_init__(self) -> None:
        self.waits_since = self.began
        self.watch = CallWatch(self, self, POLICY)

    def until(self, seconds: float) -> list[float]:
        """Tick up to ``seconds`` after the beginning; when something was said so far, in seconds."""
        while self.now < seconds:
            self.now += 0.1
            self.watch.tick(self.began + self.now)
        return [round(at, 1) for at, _, _ in self.said]

    def housekeeping(self) -> None:
        if self.broken:
            raise KeyError("housekeeping")

    def fill(self, text: str, kind: SayKind) -> None:
        self.said.append((self.now, text, kind))
        if self.sounds:
            self.waits_since = self.began + self.now + SENTENCE_S

    def silence(self, seconds: float, count: int) -> None:
        raise AssertionError("nobody is asked anything who waits for a person")

    def too_long(self) -> None:
        raise AssertionError("the call has only begun")


def test_who_waits_for_a_person_meets_no_silence_of_more_than_four_seconds() -> None:
    call = Silence()
    first, *more = call.until(30.0)
    assert first < 4.0
    pauses = [after - before - SENTENCE_S for before, after in zip([first, *more], more, strict=False)]
    assert max(pauses) < 4.0
    assert pauses == pytest.approx([POLICY.waiting_interval_s] * len(more), abs=0.15)
    assert [(text, kind) for _, text, kind in call.said] == [
        (POLICY.waiting[n % len(POLICY.waiting)], SayKind.PROGRESS) for n in range(len(call.said))
    ]


def test_a_question_of_who_waits_is_answered_as_soon_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    call = Silence()
    call.until(5.0)
    call.waits_since = call.began + 5.0
    with monkeypatch.context() as clock:
        clock.setattr(time, "monotonic", lambda: call.began + 5.2)
        call.watch.caller_spoke()
    assert 6.0 < call.until(7.0)[-1] < 6.5
    assert len(call.until(11.0)) == 2


def test_the_next_one_who_waits_is_not_taken_for_the_last() -> None:
    call = Silence()
    call.until(4.0)
    call.awaits_person, call.waits_since = False, None
    call.until(5.0)
    call.awaits_person, call.waits_since = True, call.began + 5.0
    assert call.until(9.0)[-1] < 9.0
    assert call.said[-1][1] == POLICY.waiting[0]


def test_a_sentence_that_no_voice_could_say_is_not_tried_ten_times_a_second() -> None:
    call = Silence(sounds=False)
    assert len(call.until(20.0)) == 5


async def test_what_breaks_on_one_call_is_told_with_its_sid_and_the_others_go_on() -> None:
    told: Recorder[str] = Recorder()
    ticker = WatchTicker(lambda error, call_sid: told.add(f"{call_sid} {error}"))
    broken, sound = Silence(broken=True, call_sid="CA1"), Silence(began=time.monotonic() - 60.0)
    for call in (broken, sound):
        ticker.add(call.watch)
    await ticker.start()
    assert await told.until(lambda _: True, count=2) == "CA1 'housekeeping'"
    await ticker.close()
    assert len(sound.said) == 1
