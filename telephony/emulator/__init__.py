"""A strict local Twilio: REST, TwiML, conferences, media streams, callbacks, telephones.

It knows nothing of the application that uses it and shares no code with it. All of it is real: HTTP with
signatures, WebSockets, a 20 ms clock. What the application does against the contract is collected as
violations; a test ends with `assert_no_violations()`.

    from telephony.emulator import Emulator, EmulatorConfig

    config = EmulatorConfig(
        voice_url="http://127.0.0.1:8000/voice",  # asked when one of the account's numbers is called
        app_voice_url="http://127.0.0.1:8000/agent",  # asked for legs to app:<config.application_sid>
    )
    async with Emulator(config) as emulator:
        client.api.base_url = emulator.base_url  # the application's REST client
        call = await emulator.place_call(from_="+12025550123")
        await call.answered()
        await call.play(speech)  # int16 at 8 kHz; returns when it has been said
        await call.hang_up()
        assert await call.ended() == "completed"
        call.heard, call.spoken  # int16 at 8 kHz, one sample clock since the answer
        [gap.seconds for gap in turn_gaps(call.spoken, call.heard)]  # mouth to ear
        emulator.assert_no_violations()

Phones that the application calls (or dials into a conference) are registered before:

    phone = emulator.register_phone("+12025550177", PhoneBehaviour(after_s=1.0))
    operator = await phone.call_number()  # the PhoneCall, as above

Faults: `emulator.faults.add(FaultKind.DROP_STREAM, match="ear-caller", value=2.0)`. Events with monotonic
times: `emulator.log.events`, `await emulator.log.wait_for(EventKind.STREAM_STARTED)`.

Over HTTP (JSON, beside the REST API): `POST /emulator/calls`, `GET /emulator/calls/{sid}`,
`POST /emulator/calls/{sid}/press|hangup|play`, `GET /emulator/events[?stream=1]`, `GET /emulator/violations`,
`POST /emulator/faults`; a browser telephone at `ws://…/emulator/phone?to=+1…&from=+1…`.

Account, tokens and SIDs are generated unless given. By default one call per second may be created by REST,
as on a new account: raise `Limits.calls_per_second` for load.
"""

from .clock import Clock, VirtualClock, WallClock
from .config import ApplicationConfig, EmulatorConfig, Limits, NumberConfig, Switches
from .emulator import ContractViolated, Emulator
from .errors import CallEnded, EmulatorError, ReplyTimeout
from .events import Event, EventKind, Notification, Violation
from .exchange import UnknownNumber
from .faults import Fault, FaultKind
from .leg import CallStatus
from .phones import Answer, Phone, PhoneBehaviour, PhoneCall
from .serve import Addresses, run_emulator, serve_emulator
from .transport import HttpCall, HttpReply, InProcessSocket, InProcessTransport
from .turn_gaps import TurnGap, turn_gaps

__all__ = [
    "Addresses",
    "Answer",
    "ApplicationConfig",
    "CallEnded",
    "CallStatus",
    "Clock",
    "ContractViolated",
    "Emulator",
    "EmulatorConfig",
    "EmulatorError",
    "Event",
    "EventKind",
    "Fault",
    "FaultKind",
    "HttpCall",
    "HttpReply",
    "InProcessSocket",
    "InProcessTransport",
    "Limits",
    "Notification",
    "NumberConfig",
    "Phone",
    "PhoneBehaviour",
    "PhoneCall",
    "ReplyTimeout",
    "Switches",
    "TurnGap",
    "UnknownNumber",
    "Violation",
    "VirtualClock",
    "WallClock",
    "run_emulator",
    "serve_emulator",
    "turn_gaps",
]
