"""Forty calls with three legs each must leave most of one core to the application."""

from __future__ import annotations

import time

from telephony.emulator import PhoneBehaviour

from .sound import tone
from .virtual_world import VirtualWorld

CALLS = 40
SECONDS = 4.0


async def test_forty_conferences_with_streams_cost_well_under_a_core() -> None:
    speech = tone(500, 60)
    async with VirtualWorld() as world:
        world.twiml["/voice"] = lambda fields: (
            '<Start><Stream url="wss://app.example/tap"/></Start>'
            f'<Dial><Conference waitUrl="" beep="false">{fields["CallSid"]}</Conference></Dial>'
        )
        world.twiml["/agent"] = '<Connect><Stream url="wss://app.example/agent"/></Connect>'
        agent = f"app:{world.emulator.config.application_sid}"
        for index in range(CALLS):
            call = await world.emulator.place_call(audio=speech)
            operator = f"+1202556{index:04d}"
            world.emulator.register_phone(operator, PhoneBehaviour(says=speech))
            world.participant(call.sid, agent, From="client:agent")
            world.participant(call.sid, operator, Muted="true")
        await world.pass_time(1.0)
        assert len(world.emulator.exchange.rooms.active()) == CALLS
        started = time.process_time()
        await world.pass_time(SECONDS)
        assert (time.process_time() - started) / SECONDS < 0.5
        world.emulator.assert_no_violations()
