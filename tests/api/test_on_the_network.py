"""Whole calls on the emulated network: real HTTP and sockets, a conference that mixes, the contract kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest

from telephony.emulator import (
    Answer,
    Emulator,
    EmulatorConfig,
    EventKind,
    FaultKind,
    Limits,
    NumberConfig,
    PhoneBehaviour,
    PhoneCall,
    Switches,
)
from telephony.g711 import encode_ulaw
from telephony.signature import PublicOrigin, SignatureChecker
from tests.api.phone_kit import listening, on_port, until
from tests.call.line_kit import Office, RememberingSession, new_office
from voice_agent.call.events import Degraded
from voice_agent.call.network import AGENT, STATUS, VOICE, LineTimings
from voice_agent.call.ports import CallInfo, LegRole, LegSink, LegSocket, Line

CALLED = "+12025550100"
BRISK = LineTimings(agent_join=2.0, hangup_grace=0.2, join_grace=0.5, reconcile=1.0, leave_grace=0.5)


def tone(seconds: float, hertz: float = 400.0) -> npt.NDArray[np.int16]:
    t = np.arange(round(seconds * 8000)) / 8000
    return (8000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def loudness(pcm: npt.NDArray[np.int16]) -> float:
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2))) if len(pcm) else 0.0


class GreetingSession(RememberingSession):
    """Plays a tone as soon as there is a mouth and a caller."""

    def __init__(self, info: CallInfo, line: Line) -> None:
        super().__init__(info, line)
        self._mouth: LegSocket | None = None
        self._caller_is_in = False

    def attach(self, role: LegRole, generation: int, socket: LegSocket) -> LegSink:
        if role in (LegRole.AGENT, LegRole.DUPLEX):
            self._mouth = socket
            self._greet()
        return super().attach(role, generation, socket)

    def caller_joined(self) -> None:
        super().caller_joined()
        self._caller_is_in = True
        self._greet()

    def _greet(self) -> None:
        if self._mouth is not None and self._caller_is_in:
            self._mouth.send_audio(encode_ulaw(tone(0.5)))
            self._mouth.send_mark("greeted")


@dataclass
class World:
    """Our server, the emulated network, and a telephone in it."""

    office: Office
    emulator: Emulator

    async def call(self, from_: str = "+12025550123") -> PhoneCall:
        phone = await self.emulator.place_call(from_=from_)
        await phone.answered()
        return phone

    async def session(self) -> RememberingSession:
        return await self.office.sessions.until(lambda _: True)

    async def hears(self, phone: PhoneCall, role: LegRole, generation: int = 1) -> None:
        """Until the session hears what the caller says, on that stream."""
        sink = await (await self.session()).sink(role, generation)
        await phone.play(tone(0.3))
        await sink.media.until(lambda frame: any(code not in (0xFF, 0x7F) for code in frame[1]))

    async def greeted(self, phone: PhoneCall) -> None:
        """Until the caller has heard the agent."""
        await until(lambda: loudness(phone.heard) > 100)


@asynccontextmanager
async def world(
    timings: LineTimings = BRISK, switches: Switches | None = None, calls_per_second: float = 50.0
) -> AsyncIterator[World]:
    listener = listening()
    origin = "http://{}:{}".format(*listener.getsockname())
    config = EmulatorConfig(
        app_voice_url=origin + AGENT,
        numbers=(NumberConfig(CALLED, voice_url=origin + VOICE, status_callback=origin + STATUS),),
        switches=switches or Switches(),
        limits=Limits(calls_per_second=calls_per_second),
    )
    async with (
        Emulator(config) as emulator,
        new_office(
            emulator.base_url,
            (config.account_sid, config.auth_token, config.application_sid),
            origin,
            timings,
            session=GreetingSession,
        ) as office,
        on_port(office, SignatureChecker(config.auth_token, PublicOrigin.parse(origin)), listener),
    ):
        yield World(office, emulator)
        emulator.assert_no_violations()


async def test_a_call_is_answered_heard_and_ended_by_the_caller() -> None:
    async with world() as here:
        phone = await here.call()
        session = await here.session()
        await here.greeted(phone)
        mouth = await session.sink(LegRole.AGENT)
        await mouth.marks.until(lambda name: name == "greeted")
        await here.hears(phone, LegRole.TAP)
        await phone.hang_up()
        assert await session.ended() == "caller_hangup"
        await here.office.switchboard.close()
        assert here.office.events.all(lambda event: isinstance(event, Degraded)) == []


async def test_the_agent_hangs_up() -> None:
    async with world() as here:
        phone = await here.call()
        session = await here.session()
        await here.greeted(phone)
        await session.line.hang_up()
        assert await phone.ended() == "completed"
        assert await session.ended() == "completed"


async def test_an_agent_leg_that_fails_is_replaced_before_the_caller_notices() -> None:
    async with world() as here:
        here.emulator.faults.add(FaultKind.FAIL_APP_LEG)
        phone = await here.call()
        await here.greeted(phone)
        assert (LegRole.AGENT, 2) in (await here.session()).sockets


@pytest.mark.parametrize("survives", [True, False])
async def test_an_agent_leg_that_is_late_leaves_the_caller_with_a_stream(survives: bool) -> None:
    async with world(replace(BRISK, agent_join=0.5), Switches(tap_survives_update=survives)) as here:
        here.emulator.faults.add(FaultKind.LATE_APP_LEG, value=20.0)
        phone = await here.call()
        await here.greeted(phone)
        await here.hears(phone, LegRole.DUPLEX)
        await phone.hang_up()
        assert await (await here.session()).ended() == "caller_hangup"


async def test_two_failing_agent_legs_leave_the_caller_with_a_stream() -> None:
    async with world() as here:
        here.emulator.faults.add(FaultKind.FAIL_APP_LEG, times=2)
        phone = await here.call()
        await here.greeted(phone)
        await here.hears(phone, LegRole.DUPLEX)


async def test_a_tap_that_drops_is_attached_again() -> None:
    async with world() as here:
        here.emulator.faults.add(FaultKind.DROP_STREAM, match="ear-1", value=0.3)
        phone = await here.call()
        await here.hears(phone, LegRole.TAP, generation=2)
        await here.greeted(phone)


async def test_a_tap_whose_socket_is_refused_is_attached_again() -> None:
    async with world() as here:
        here.emulator.faults.add(FaultKind.REFUSE_STREAM, match="ear-1")
        phone = await here.call()
        await here.hears(phone, LegRole.TAP, generation=2)


async def test_an_agents_stream_that_drops_is_replaced() -> None:
    async with world() as here:
        here.emulator.faults.add(FaultKind.DROP_STREAM, match="mouth-1", value=0.3)
        phone = await here.call()
        session = await here.session()
        await session.sink(LegRole.AGENT, 2)
        await here.greeted(phone)


async def test_a_direct_stream_that_drops_is_opened_again() -> None:
    async with world(replace(BRISK, agent_join=0.3)) as here:
        here.emulator.faults.add(FaultKind.LATE_APP_LEG, value=20.0)
        here.emulator.faults.add(FaultKind.DROP_STREAM, match="line-1", value=0.3)
        phone = await here.call()
        await here.hears(phone, LegRole.DUPLEX, generation=2)


async def test_a_webhook_that_comes_twice_makes_one_call() -> None:
    async with world() as here:
        here.emulator.faults.add(FaultKind.DUPLICATE_WEBHOOK, match="/twilio/voice")
        here.emulator.faults.add(FaultKind.DUPLICATE_WEBHOOK, match="/twilio/agent")
        phone = await here.call()
        await here.greeted(phone)
        assert len(here.office.sessions.items) == 1


@pytest.mark.parametrize(
    "fault", [FaultKind.LOSE_CALLBACK, FaultKind.DUPLICATE_CALLBACK, FaultKind.REORDER_CALLBACK]
)
async def test_callbacks_may_be_lost_doubled_or_out_of_order(fault: FaultKind) -> None:
    async with world() as here:
        here.emulator.faults.add(fault, times=None)
        phone = await here.call()
        session = await here.session()
        await here.greeted(phone)
        await here.hears(phone, LegRole.TAP)
        await phone.hang_up()
        assert await session.ended() == "caller_hangup"
        await here.office.switchboard.close()
        assert here.office.events.all(lambda event: isinstance(event, Degraded)) == []


async def test_two_conferences_of_one_name_become_one() -> None:
    async with world(switches=Switches(two_conferences_of_one_name=True)) as here:
        phone = await here.call()
        await here.greeted(phone)
        await here.hears(phone, LegRole.TAP)


async def test_a_caller_behind_other_callers_is_not_left_in_silence() -> None:
    async with world(replace(BRISK, agent_join=4.0), calls_per_second=1.0) as here:
        first, second = await asyncio.gather(here.call(), here.call("+12025550124"))
        await asyncio.gather(here.greeted(first), here.greeted(second))


async def test_an_answered_transfer_connects_the_caller_and_leaves_us_out() -> None:
    async with world() as here:
        target = here.emulator.register_phone("+12025550177", PhoneBehaviour(after_s=0.2, says=tone(5, 900)))
        phone = await here.call()
        session = await here.session()
        await here.greeted(phone)
        assert (await session.line.transfer("+12025550177")).answered
        assert await session.ended() == "forwarded"
        before = len(phone.heard)
        await until(lambda: loudness(phone.heard[before:]) > 1000)
        assert len(target.calls) == 1
        await phone.hang_up()
        assert await phone.ended() == "completed"


async def test_a_transfer_that_is_busy_brings_the_caller_back() -> None:
    async with world() as here:
        here.emulator.register_phone("+12025550177", PhoneBehaviour(Answer.BUSY))
        phone = await here.call()
        session = await here.session()
        await here.greeted(phone)
        assert not (await session.line.transfer("+12025550177")).answered
        before = len(phone.heard)
        await until(lambda: loudness(phone.heard[before:]) > 100)
        await here.hears(phone, LegRole.DUPLEX)


@pytest.mark.parametrize(
    "moment",
    [
        EventKind.WEBHOOK_SENT,
        EventKind.CALL_ANSWERED,
        EventKind.STREAM_OPENING,
        EventKind.STREAM_STARTED,
        EventKind.STREAM_FIRST_MEDIA,
        EventKind.PARTICIPANT_JOINED,
        EventKind.CONFERENCE_STARTED,
        EventKind.STREAM_MARK_QUEUED,
    ],
)
async def test_a_caller_may_hang_up_at_any_moment(moment: EventKind) -> None:
    async with world() as here:
        here.emulator.faults.add(FaultKind.HANG_UP_CALLER, match=moment.value)
        phone = await here.emulator.place_call()
        await phone.ended()
        await here.emulator.callbacks_delivered()
        await until(lambda: here.office.switchboard.active_calls == 0)
        ends = [await session.ended() for session in here.office.sessions.items]
        # One who hangs up before we heard of the call is nobody's session.
        assert ends in ([], ["caller_hangup"], ["cancelled"], ["no_answer"])
        await until(lambda: here.emulator.exchange.live_calls == 0)
        ours = [task.get_name() for task in asyncio.all_tasks() if phone.sid in task.get_name()]
        assert [name for name in ours if name.startswith(("keep", "watch", "attach", "end", "ask"))] == []


async def test_a_refused_caller_hears_the_busy_tone() -> None:
    async with world() as here:
        here.office.admission.drain()
        phone = await here.emulator.place_call()
        assert await phone.ended() == "busy"
        assert here.office.sessions.items == []
