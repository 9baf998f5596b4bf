"""Operators listen, take over and hand back; proved by what is heard on every phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from telephony.emulator import EventKind, PhoneCall
from telephony.g711 import decode_ulaw
from tests.system.conftest import System, whole_system
from tests.system.operators_kit import (
    CALLER_HZ,
    GREETING,
    OPERATOR_HZ,
    Operator,
    frames_with,
    heard,
    hears_tone,
    loud,
    operator,
    share,
    tone,
)
from voice_agent.call import events
from voice_agent.operators.ports import OperatorBusy, OperatorError, OperatorMode

LISTEN, TAKEOVER = OperatorMode.LISTEN, OperatorMode.TAKEOVER


def wav_data(path: Path) -> bytes:
    """The samples of a WAV file."""
    content = path.read_bytes()
    return content[content.index(b"data") + 8 :]


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    """Whoever speaks is understood to ask for the opening hours; everything else is real."""
    async with whole_system(tmp_path, stt="stub", max_loop_lag_ms=5000) as running_system:
        yield running_system


@pytest.fixture
async def call(system: System) -> AsyncIterator[PhoneCall]:
    """A caller who has been greeted; the contract with the network is judged at the end."""
    call = await system.ring()
    await system.said(GREETING)
    yield call
    await call.hang_up()
    await system.ended(call)
    await asyncio.wait_for(system.application.switchboard.wait_idle(), 10)
    system.emulator.assert_no_violations()


async def taken_over(system: System, call: PhoneCall, name: str = "op1") -> tuple[Operator, PhoneCall]:
    """An operator who speaks with the caller."""
    person = operator(system, name)
    await person.join(call, TAKEOVER)
    phone = await person.on_phone()
    await person.mode(TAKEOVER)
    return person, phone


async def test_a_listening_operator_hears_both_and_is_heard_by_nobody(
    system: System, call: PhoneCall
) -> None:
    person = operator(system)
    joined = await person.join(call)
    phone = await person.on_phone()
    assert joined.participant_call_sid == phone.sid
    await person.is_in()
    call.play(tone(CALLER_HZ, 1.0))
    await hears_tone(phone, CALLER_HZ)
    since = len(phone.heard)
    await call.play(await system.speech("What are your opening hours?"))
    await system.wait_for(lambda e: isinstance(e, events.AgentTranscript) and e.turn_index == 1)
    assert loud(phone.heard[since:])
    begin = len(call.heard)
    await phone.play(tone(OPERATOR_HZ, 0.6))
    assert frames_with(await heard(call, 1.0, begin), OPERATOR_HZ) == []
    assert {e.leg for e in system.all(events.SpeechStarted)} == {"caller"}


async def test_takeover_brings_the_operators_voice_to_the_caller_in_place_of_the_agents(
    system: System,
) -> None:
    call = await system.ring()
    await system.wait_for(lambda e: isinstance(e, events.Latency) and e.is_greeting)
    await heard(call, 0.8, 0)
    person = operator(system)
    await person.join(call, TAKEOVER)
    phone = await person.on_phone()
    await person.mode(TAKEOVER)
    begin = len(call.heard)
    assert loud(call.heard[:begin])
    saying = phone.play(tone(OPERATOR_HZ, 2.0))
    start = await hears_tone(call, OPERATOR_HZ, since=begin)
    assert start - begin < 8000
    while_speaking = await heard(call, 1.2, start + 400)
    assert share(while_speaking, OPERATOR_HZ) > 0.97
    call.play(tone(CALLER_HZ, 0.6))
    await hears_tone(phone, CALLER_HZ)
    await saying
    greeting = await system.wait_for(lambda e: isinstance(e, events.AgentTranscript))
    assert greeting.interrupted
    assert greeting.unheard
    await call.hang_up()
    await system.ended(call)
    system.emulator.assert_no_violations()


async def test_after_the_hand_back_the_agents_line_is_heard_and_the_operator_is_not(
    system: System, call: PhoneCall
) -> None:
    person, phone = await taken_over(system, call)
    await person.switch(call, LISTEN)
    begin = len(call.heard)
    back = await system.said("back on the line")
    assert back.unheard == ""
    assert loud(call.heard[begin:])
    assert len(system.all(events.AgentTranscript)) >= 2
    assert sum(GREETING in e.text for e in system.all(events.AgentTranscriptDelta)) == 1
    begin = len(call.heard)
    await phone.play(tone(OPERATOR_HZ, 0.5))
    assert frames_with(await heard(call, 0.8, begin), OPERATOR_HZ) == []
    assert [e.muted for e in system.all(events.SpeakerMuted)] == [True, False]
    assert system.application.live.get(call.sid).operators[0].mode is LISTEN


async def test_the_operators_words_are_attributed_and_known_to_the_agent(
    system: System, call: PhoneCall
) -> None:
    person, phone = await taken_over(system, call)
    await phone.play(await system.speech("Hello, this is Ann, how can I help?"))
    words = await system.wait_for(
        lambda e: isinstance(e, events.UserTranscript) and e.speaker_role == "operator" and e.final
    )
    assert words.speaker_id == "op1"
    await person.leave(call)
    await system.said("back on the line")
    completed = await system.wait_for(lambda e: isinstance(e, events.EscalationCompleted))
    assert completed.human_segment_turn_count >= 1
    session = system.application.switchboard.session(call.sid)
    assert session is not None
    history = session._service.conversation._inner.history  # type: ignore[attr-defined]
    assert any(line.text == words.transcript for line in history)


async def test_a_muted_operator_is_neither_transcribed_nor_recorded(system: System) -> None:
    call = await system.ring()
    await system.said(GREETING)
    person = operator(system)
    await person.join(call)
    phone = await person.on_phone()
    await system.wait_for(lambda e: isinstance(e, events.MediaAttached) and e.leg == "operator")
    await phone.play(await system.speech("The caller must not hear this at all"))
    await person.switch(call, TAKEOVER)
    await system.emulator.log.wait_for(EventKind.PARTICIPANT_MODIFIED)
    await phone.play(tone(OPERATOR_HZ, 1.0))
    await call.hang_up()
    await system.ended(call)
    said = [e.transcript for e in system.all(events.UserTranscript) if e.speaker_role == "operator"]
    assert not [words for words in said if "must" in words]
    folder = system.application.settings.recordings_dir / call.sid
    practice = np.frombuffer(wav_data(folder / "outbound.wav"), np.int16)
    assert 35 <= len(frames_with(practice, OPERATOR_HZ)) <= 55
    caller = decode_ulaw(wav_data(folder / "inbound.wav"))
    assert abs(len(caller) - len(practice)) <= 8000
    assert frames_with(caller, OPERATOR_HZ) == []


async def test_the_escalation_of_a_takeover_goes_all_the_way(system: System, call: PhoneCall) -> None:
    person, _ = await taken_over(system, call)
    assert (live := system.application.live.get(call.sid).escalation) is not None
    assert (live.status, live.operator_id, live.trigger) == ("connected", "op1", "operator")
    await person.switch(call, LISTEN)
    await person.leave(call)
    await system.wait_for(lambda e: isinstance(e, events.EscalationCompleted))
    steps = [e.status for e in system.seen if getattr(e, "escalation_id", "")]
    assert steps == ["requested", "connected", "handback", "completed"]
    assert len({e.escalation_id for e in system.seen if getattr(e, "escalation_id", "")}) == 1


async def test_guidance_while_listening_reaches_the_next_reply_and_not_the_caller(
    system: System, call: PhoneCall
) -> None:
    person = operator(system)
    await person.join(call)
    await person.is_in()
    live = system.application.live
    status = await live.guide(call.sid, "op1", "say: we close early today")
    assert status == "delivered"
    said = await system.wait_for(lambda e: isinstance(e, events.Guidance))
    assert (said.kind, said.operator_id, said.status) == ("guidance", "op1", "delivered")
    await call.play(await system.speech("What are your opening hours?"))
    await system.said("close early today", 30)
    with pytest.raises(OperatorError):
        await live.guide(call.sid, "op9", "say: hello")


async def test_what_is_whispered_while_a_person_speaks_waits(system: System, call: PhoneCall) -> None:
    person, _ = await taken_over(system, call)
    live = system.application.live
    assert await live.guide(call.sid, "op1", "say: thanks for waiting") == "queued_no_subscriber"
    assert (
        await live.inject(call.sid, "the parcel came", "external_event", "System") == "queued_no_subscriber"
    )
    await person.leave(call)
    await system.said("back on the line")


async def test_an_operator_by_phone_is_dialled_in(system: System, call: PhoneCall) -> None:
    person = operator(system, "op2", number="+12025550177")
    await person.join(call, TAKEOVER)
    phone = await person.on_phone()
    await person.mode(TAKEOVER)
    begin = len(call.heard)
    phone.play(tone(OPERATOR_HZ, 1.0))
    await hears_tone(call, OPERATOR_HZ, since=begin)
    joined = system.all(events.ParticipantJoined)[-1]
    assert (joined.participant_role, joined.operator_entity_id) == ("operator", "op2")


async def test_several_operators_listen_and_one_is_in_charge(system: System, call: PhoneCall) -> None:
    first, _ = await taken_over(system, call, "op1")
    second = operator(system, "op2")
    with pytest.raises(OperatorBusy):
        await second.join(call, TAKEOVER)
    second.calls = 0
    await second.join(call)
    await second.is_in()
    with pytest.raises(OperatorBusy):
        await second.switch(call, TAKEOVER)
    await first.switch(call, LISTEN)
    await second.switch(call, TAKEOVER)
    modes = {each.operator_id: each.mode for each in system.application.live.get(call.sid).operators}
    assert modes == {"op1": LISTEN, "op2": TAKEOVER}


async def test_an_operator_is_on_one_call_at_a_time(system: System, call: PhoneCall) -> None:
    person = operator(system)
    await person.join(call)
    await person.is_in()
    other = await system.ring(from_="+14155550191")
    with pytest.raises(OperatorBusy):
        await person.join(other)
    await other.hang_up()
    await system.ended(other)


async def test_the_caller_is_left_with_nobody_silent_when_everybody_goes(
    system: System, call: PhoneCall
) -> None:
    person, phone = await taken_over(system, call)
    await person.leave(call)
    await person.leave(call)
    assert await phone.ended() == "completed"
    await system.said("back on the line")
    assert not system.application.live.get(call.sid).operators
    assert np.abs(call.heard[-8000:]).max() > 0
