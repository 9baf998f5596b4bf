"""The telephones of the emulated world: callers that a test drives, and phones that can be called."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from .clock import first_of, within
from .errors import CallEnded
from .events import Event, EventKind
from .g711 import FRAME_SAMPLES, SAMPLE_RATE, SILENCE_BYTE, SILENCE_FRAME, Pcm, decode, encode
from .leg import CallStatus, Leg
from .services import Services
from .tones import KEY_GAP_SECONDS, KEYS, key_tone

VERDICTS = (
    "human",
    "machine_start",
    "machine_end_beep",
    "machine_end_silence",
    "machine_end_other",
    "fax",
    "unknown",
)
LIVE_FRAMES = 50  # one second of live microphone audio may wait; then the oldest goes


class Answer(StrEnum):
    """What a called phone does."""

    PICKS_UP = "picks_up"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTS = "rejects"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class PhoneBehaviour:
    """How a phone behaves when it is called.

    Attributes:
        after_s: seconds of ringing before the answer.
        says: int16 audio at 8 kHz that it plays when it has picked up, such as a machine's greeting.
        hangs_up_after_s: seconds after the answer; None stays until the other side hangs up.
        answered_by: what answering-machine detection says: human, machine_start, fax, unknown or one
            of machine_end_beep, machine_end_silence, machine_end_other.
        verdict_after_s: seconds from the answer to the verdict.
        greeting_s: length of a machine's greeting; `DetectMessageEnd` waits for its end.
        on_call: further script, run as soon as the phone has picked up.
    """

    answer: Answer = Answer.PICKS_UP
    after_s: float = 0.1
    says: Pcm | None = None
    hangs_up_after_s: float | None = None
    answered_by: str = "human"
    verdict_after_s: float = 0.3
    greeting_s: float = 2.0
    on_call: Callable[[PhoneCall], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        if self.answered_by not in VERDICTS:
            raise ValueError(f"answered_by is {self.answered_by!r}; use one of {', '.join(VERDICTS)}")


class PhoneCall:
    """One call as the person at the telephone has it: speak, listen, press keys, hang up.

    `heard` and `spoken` share one sample clock that starts with the answer. A phone whose audio has
    ended sends digital silence, as a line does.
    """

    def __init__(self, services: Services, hang_up: Callable[[Leg], None]) -> None:
        self.on_audio: Callable[[bytes], None] | None = None
        self._services = services
        self._hang_up = hang_up
        self._leg: Leg | None = None
        self._clips: deque[tuple[bytes, asyncio.Future[None]]] = deque()
        self._at = 0
        self._live: deque[bytes] | None = None
        self._keys: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._key_audio: bytes = b""
        self._heard = bytearray()
        self._spoken = bytearray()
        self._kept = round(services.config.keep_audio_s * SAMPLE_RATE)
        self._recognised: asyncio.Queue[tuple[str, float]] = asyncio.Queue(maxsize=100)

    # --- what a person does ----------------------------------------------------------------------

    @property
    def leg(self) -> Leg:
        """The network's side of the call."""
        if self._leg is None:
            raise CallEnded("the phone is not connected to a call yet")
        return self._leg

    @property
    def sid(self) -> str:
        """The CallSid."""
        return self.leg.sid

    @property
    def status(self) -> CallStatus:
        """The call's status."""
        return self.leg.status

    @property
    def to(self) -> str:
        """The called address."""
        return self.leg.to

    @property
    def from_(self) -> str:
        """The calling address."""
        return self.leg.from_

    @property
    def events(self) -> list[Event]:
        """What the log says about this call."""
        return self._services.log.of_call(self.sid)

    @property
    def heard(self) -> Pcm:
        """Everything that was played to this phone since the answer, int16 at 8 kHz."""
        return decode(self._heard)

    @property
    def spoken(self) -> Pcm:
        """Everything that this phone has said since the answer; as long as `heard`."""
        return decode(self._spoken)

    async def answered(self, timeout_s: float = 30.0) -> None:
        """Return when the call is connected.

        Raises:
            CallEnded: it ended without an answer.
            ReplyTimeout: neither happened in time.
        """
        leg = self.leg
        await within(self._services.clock, timeout_s, first_of(leg.answered, leg.ended))
        if not leg.answered.done():
            raise CallEnded(f"call {leg.sid} ended as {leg.status} without an answer")

    def play(self, samples: Pcm) -> asyncio.Future[None]:
        """Say something after what is being said already; the future is done when it has been said."""
        return self.play_ulaw(encode(samples))

    def play_ulaw(self, ulaw: bytes) -> asyncio.Future[None]:
        """`play` for µ-law bytes."""
        said: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._leg is not None and self._leg.status.terminal:
            said.set_result(None)
        else:
            self._clips.append((ulaw, said))
        return said

    def be_quiet(self) -> None:
        """Stop speaking at once."""
        for _, said in self._clips:
            if not said.done():
                said.set_result(None)
        self._clips.clear()
        self._at = 0

    def press(self, keys: str) -> asyncio.Future[None]:
        """Press keys one after the other (100 ms tone, 100 ms gap); done after the last.

        Raises:
            ValueError: something that is not on a keypad.
        """
        if not keys or not set(keys) <= KEYS:
            raise ValueError(f"cannot press {keys!r}; use 0-9, A-D, # and *")
        pressed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for key in keys[:-1]:
            self._keys.append((key, asyncio.get_running_loop().create_future()))
        self._keys.append((keys[-1], pressed))
        return pressed

    def speak_live(self, frame: bytes) -> None:
        """Feed a live microphone: 160 µ-law bytes at a time; the oldest go when a second waits."""
        if len(frame) != FRAME_SAMPLES:
            raise ValueError(f"a live frame has {FRAME_SAMPLES} bytes, got {len(frame)}")
        if self._live is None:
            self._live = deque(maxlen=LIVE_FRAMES)
        self._live.append(frame)

    def recognise(self, words: str, confidence: float = 0.9) -> None:
        """Script what the network's own recogniser makes of the speech in the next `<Gather>`."""
        self._recognised.put_nowait((words, confidence))

    async def hang_up(self) -> None:
        """Put the receiver down."""
        self._hang_up(self.leg)

    async def ended(self, timeout_s: float = 30.0) -> CallStatus:
        """Return the final status when the call is over. Raises ReplyTimeout."""
        return await within(self._services.clock, timeout_s, asyncio.shield(self.leg.ended))

    # --- what the network does -------------------------------------------------------------------

    def connect(self, leg: Leg) -> None:
        """The network ties this phone to a leg."""
        self._leg = leg
        leg.far = self

    async def recognised(self) -> tuple[str, float]:
        """The next scripted recognition result."""
        return await self._recognised.get()

    def next_frame(self) -> bytes:
        """What the phone says in this tick."""
        frame = self._key_frame() or self._clip_frame() or self._live_frame() or SILENCE_FRAME
        if len(self._spoken) < self._kept:
            self._spoken += frame
        return frame

    def hear(self, frame: bytes) -> None:
        """What is played to the phone in this tick."""
        if len(self._heard) < self._kept:
            self._heard += frame
        if self.on_audio is not None:
            self.on_audio(frame)

    def call_answered(self) -> None:
        """Nothing to do: audio comes with the ticks."""

    def call_ended(self, status: CallStatus) -> None:
        """Release whoever waits for audio to end."""
        self.be_quiet()
        for _, pressed in self._keys:
            if not pressed.done():
                pressed.set_result(None)
        self._keys.clear()

    def _key_frame(self) -> bytes | None:
        if not self._key_audio:
            if not self._keys:
                return None
            key = self._keys[0][0]
            gap = SILENCE_BYTE * round(KEY_GAP_SECONDS * SAMPLE_RATE)
            self._key_audio = key_tone(key) + gap
            self._services.log.record(EventKind.PHONE_KEY, self.sid)
            self.leg.digit(key)
        frame, self._key_audio = self._key_audio[:FRAME_SAMPLES], self._key_audio[FRAME_SAMPLES:]
        if not self._key_audio and self._keys:
            _, pressed = self._keys.popleft()
            if not pressed.done():
                pressed.set_result(None)
        return frame

    def _clip_frame(self) -> bytes | None:
        while self._clips:
            ulaw, said = self._clips[0]
            if self._at == 0 and ulaw:
                self._services.log.record(EventKind.PHONE_PLAYING, self.sid)
            if self._at < len(ulaw):
                frame = ulaw[self._at : self._at + FRAME_SAMPLES]
                self._at += FRAME_SAMPLES
                return frame.ljust(FRAME_SAMPLES, SILENCE_BYTE)
            self._clips.popleft()
            self._at = 0
            self._services.log.record(EventKind.PHONE_PLAYED, self.sid)
            if not said.done():
                said.set_result(None)
        return None

    def _live_frame(self) -> bytes | None:
        return self._live.popleft() if self._live else None


class Phone:
    """A phone that can be called. `calls` are the calls that it has got, oldest first."""

    def __init__(self, address: str, behaviour: PhoneBehaviour) -> None:
        self.address = address
        self.behaviour = behaviour
        self.calls: list[PhoneCall] = []
        self._arrived = asyncio.Condition()

    async def ring(self, call: PhoneCall) -> None:
        """The network rings this phone."""
        self.calls.append(call)
        async with self._arrived:
            self._arrived.notify_all()

    async def call_number(self, count: int = 1) -> PhoneCall:
        """The `count`-th call to this phone, when it comes. Bound it with `asyncio.timeout`."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.calls) >= count)
        return self.calls[count - 1]


class Directory:
    """The phones by address: E.164 numbers and `client:` identities."""

    def __init__(self) -> None:
        self._phones: dict[str, Phone] = {}

    def register(self, address: str, behaviour: PhoneBehaviour) -> Phone:
        """Connect a phone, in place of one with the same address."""
        phone = self._phones[address] = Phone(address, behaviour)
        return phone

    def unregister(self, address: str) -> None:
        """Take a phone off the network."""
        self._phones.pop(address, None)

    def find(self, address: str) -> Phone | None:
        """The phone with that address."""
        return self._phones.get(address)
