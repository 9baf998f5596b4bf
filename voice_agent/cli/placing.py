"""One call, placed and followed: the telephone, the practice's events, and whose turn it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from voice_agent.call.events import (
    AgentTranscript,
    AgentTranscriptDelta,
    CallEvent,
    StateTransition,
    ToolCallCompleted,
    ToolCallStarted,
)
from voice_agent.cli.command import CommandError
from voice_agent.cli.phone import Telephone, telephone
from voice_agent.cli.practice import Practice
from voice_agent.cli.report import CallRecording

ANSWER_TIMEOUT_S = 30.0
LAST_EVENT_TIMEOUT_S = 20.0
"""From the end of the line to the practice's last event: it stores the call in between."""

TURN_QUIET_S = 0.7
"""Quiet after the agent's voice that a caller takes for the end of its turn."""

GOES_ON = frozenset({"filler", "progress"})
"""Kinds of sentences after which the agent goes on by itself."""


@dataclass
class Sentence:
    """One sentence of the agent.

    Attributes:
        said: its words.
        state: where the graph stood when they were decided.
        current_since: when it came to be heard, by the telephone's clock; None while others are before it.
    """

    said: AgentTranscriptDelta
    state: str
    current_since: float | None = None


@dataclass
class FollowedCall:
    """A call in progress, from the caller's side, with the practice's own events beside it.

    The practice tells of its sentences when they are decided, and what became of each when it was played: the
    oldest one in between is being heard.

    Attributes:
        phone: the telephone.
        events: all events so far.
        state: the graph's current state.
        turn: sentences since the caller last spoke.
    """

    phone: Telephone
    events: list[CallEvent] = field(default_factory=list)
    state: str = ""
    turn: list[Sentence] = field(default_factory=list)
    audio_starts_at: float | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _open: dict[str, Sentence] = field(default_factory=dict)
    _tools: set[str] = field(default_factory=set)
    _turn_from: float = 0.0

    def take(self, event: CallEvent) -> None:
        """Learn from one event of the practice."""
        self.events.append(event)
        if event.t > 0 and self.phone.answered.is_set() and not self.phone.ended.is_set():
            # An event arrives after it happened: the smallest delay seen tells best how the clocks differ.
            offset = event.t - self.phone.now
            known = self.audio_starts_at
            self.audio_starts_at = offset if known is None else max(known, offset)
        match event:
            case AgentTranscriptDelta():
                sentence = Sentence(event, self.state)
                self.turn.append(sentence)
                self._open[event.utterance_id] = sentence
            case AgentTranscript():
                self._open.pop(event.utterance_id, None)
            case ToolCallStarted():
                self._tools.add(event.call_id)
            case ToolCallCompleted():
                self._tools.discard(event.call_id)
            case StateTransition():
                self.state = event.to_state
        current = self.current
        if current is not None and current.current_since is None:
            current.current_since = self.phone.now

    @property
    def current(self) -> Sentence | None:
        """The sentence that is being heard, or is about to be."""
        return next(iter(self._open.values()), None)

    @property
    def heard_of_current_s(self) -> float:
        """Seconds of the current sentence that were audible so far."""
        sentence, agent = self.current, self.phone.agent
        if sentence is None or sentence.current_since is None or not agent.speaking:
            return 0.0
        return agent.now - max(sentence.current_since, agent.voice_start)

    @property
    def agent_has_floor(self) -> bool:
        """True while the agent speaks, is about to, or works on something."""
        goes_on = bool(self.turn) and self.turn[-1].said.kind in GOES_ON
        return bool(self._open or self._tools or goes_on or self.phone.agent.speaking)

    @property
    def agent_finished(self) -> bool:
        """True when the agent has said something since :meth:`begin_turn` and waits for an answer."""
        agent = self.phone.agent
        return (
            agent.voice_end > self._turn_from and not self.agent_has_floor and agent.quiet_s >= TURN_QUIET_S
        )

    def begin_turn(self) -> None:
        """The caller has spoken: only what the agent says from now on is its answer."""
        self._turn_from = self.phone.now
        self.turn.clear()

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait, 20 ms at a time, until ``condition``; False when the call or the time was over first."""
        deadline = self.phone.now + timeout_s
        while not condition():
            if self.phone.ended.is_set() or self.phone.now > deadline:
                return False
            await self.phone.next_frame()
        return True

    def recording(self) -> CallRecording:
        """The call as it is now."""
        return CallRecording(
            call_sid=self.phone.call_sid,
            events=self.events,
            inbound=self.phone.spoken,
            outbound=self.phone.heard,
            audio_starts_at=self.audio_starts_at or 0.0,
        )


@asynccontextmanager
async def placed_call(
    practice: Practice, phone_url: str, *, to: str, from_: str, on_event: Callable[[CallEvent], object]
) -> AsyncIterator[FollowedCall]:
    """Ring ``to`` and yield the call once it is answered; on leaving, hang up and wait for the last event.

    Raises:
        CommandError: when nobody answers, or the practice stops telling about the call.
    """
    async with telephone(phone_url, to=to, from_=from_) as phone:
        call = FollowedCall(phone)
        await _happens(phone.ringing, f"{to} did not ring: is it a number of this practice?")
        if not phone.call_sid:
            raise CommandError(f"the phone network refused the call to {to}: {phone.end_reason}")

        async def follow() -> None:
            try:
                async for event in practice.events(phone.call_sid):
                    call.take(event)
                    on_event(event)
            finally:
                call.over.set()

        following = asyncio.create_task(follow())
        try:
            await _happens(phone.answered, f"{to} did not answer within {ANSWER_TIMEOUT_S:.0f} s")
            yield call
            await phone.hang_up()
            await _happens(call.over, "the practice did not finish the call", LAST_EVENT_TIMEOUT_S)
            await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _happens(event: asyncio.Event, otherwise: str, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        raise CommandError(otherwise) from None
