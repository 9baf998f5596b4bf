"""The reasoner in the pipeline: signals come in as frames, effects go out as frames and events.

A barge-in cancels the step that is running (pipecat cancels the processor's task), and with it everything
that was still to be said. Tools go on inside the conversation; their results are there at the next step.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import count

import structlog
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pydantic_core import to_jsonable_python

from voice_agent.call import events
from voice_agent.call.ending import Deed
from voice_agent.call.faults import kind_of, place_of
from voice_agent.call.floor import Floor
from voice_agent.call.frames import DeedFrame, SignalFrame, SpeakFrame
from voice_agent.call.ledger import AgentUtterance, PlaybackLedger
from voice_agent.call.log import CallLog
from voice_agent.reasoning import effects
from voice_agent.reasoning.conversation import Conversation
from voice_agent.reasoning.effects import Effect, SayKind
from voice_agent.reasoning.signals import HandedBack, Heard, Signal, Utterance

log = structlog.get_logger(__name__)

SAFE_SENTENCE = "I'm sorry, something went wrong on my side. Could you say that again, please?"
"""Said when a step breaks in a way that nobody foresaw: an unforeseen error must not become silence."""

GIVING_UP = (
    "I'm sorry, something is wrong on my side and I can't help you on this call. "
    "Please call again in a few minutes. If this is an emergency, hang up and call 911."
)
"""Said instead when steps go on breaking: a caller must not be asked to repeat for ever."""

MOST_BREAKDOWNS = 3
"""Broken steps in a row after which the call ends."""

LISTENING = "I'm listening. Please go on."
"""Said when a caller's turn got no answer at all: whoever spoke must not be left waiting."""

BACK = "I'm back on the line with you."
"""Said when a hand-back got no words of the conversation's own."""

_UNANSWERED: dict[type, str] = {Utterance: LISTENING, HandedBack: BACK}


class ReasonerProcessor(FrameProcessor):
    """Steps the conversation and turns its effects into speech and deeds.

    Args:
        conversation: the engine's conversation.
        heard: gives what became of the agent's words since it was last asked.
        on_expect: told of every new expectation with its turn policy.
        sensed: gives what is new of how the caller feels and how the call stands.
        on_pace: told how fast the caller wants it.
        on_reply: told (sentence, signal, engine seconds) of every sentence of a reply.
        may_speak: False while a person is in charge or waited for.
        on_deed: told of what is to be done once the words before it were heard.
        on_broken: told the kind and place of the error that broke a step.
    """

    def __init__(
        self,
        conversation: Conversation,
        *,
        ledger: PlaybackLedger,
        floor: Floor,
        log: CallLog,
        heard: Callable[[], Heard | None],
        sensed: Callable[[], Sequence[Signal]],
        on_expect: Callable[[effects.Expect], None],
        on_pace: Callable[[effects.Pace], None],
        on_reply: Callable[[AgentUtterance, SignalFrame, float], None],
        may_speak: Callable[[], bool],
        on_deed: Callable[[Deed], None],
        on_broken: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._conversation = conversation
        self._ledger = ledger
        self._floor = floor
        self._log = log
        self._heard = heard
        self._sensed = sensed
        self._on_expect = on_expect
        self._on_pace = on_pace
        self._on_reply = on_reply
        self._may_speak = may_speak
        self._on_deed = on_deed
        self._on_broken = on_broken
        self._ids = count(1)
        self._breakdowns = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take a signal; pass on everything else."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, SignalFrame) or frame.signal is None:
            await self.push_frame(frame, direction)
            return
        self._floor.thinking = True
        began = time.monotonic()
        spoke = False
        try:
            heard = self._heard()
            if heard is not None:
                spoke |= await self._step(heard, frame, began)
            for sensed in self._sensed():
                spoke |= await self._step(sensed, frame, began)
            spoke |= await self._step(frame.signal, frame, began)
            if not spoke and self._may_speak() and (words := _UNANSWERED.get(type(frame.signal))):
                await self.say(effects.Say(words, SayKind.PROMPT), frame, began)
            self._breakdowns = 0
        except Exception as error:  # noqa: BLE001 - whatever breaks in a step, the caller must hear something
            log.error(
                "step_failed",
                call_sid=self._log.call_sid,
                signal=type(frame.signal).__name__,
                error=type(error).__name__,
                at=place_of(error),
            )
            self._on_broken(kind_of(error))
            if self._may_speak():
                await self._apologize(frame, began)
        finally:
            self._floor.thinking = False

    async def _apologize(self, frame: SignalFrame, began: float) -> None:
        self._breakdowns += 1
        if self._breakdowns < MOST_BREAKDOWNS:
            await self.say(effects.Say(SAFE_SENTENCE, SayKind.PROMPT), frame, began)
            return
        await self.say(effects.Say(GIVING_UP, SayKind.GOODBYE, interruptible=False), frame, began)
        end = effects.End("error")
        self._on_deed(end)
        await self.push_frame(DeedFrame(deed=end))

    async def say(self, say: effects.Say, frame: SignalFrame, began: float) -> None:
        """Enter a sentence into the ledger and send it on to be spoken."""
        utterance = AgentUtterance(
            id=f"a{next(self._ids)}",
            text=say.text,
            kind=say.kind,
            interruptible=say.interruptible,
            shield_s=say.shield_s,
            urgent=say.urgent,
            turn=frame.turn,
        )
        self._ledger.begin(utterance)
        self._on_reply(utterance, frame, time.monotonic() - began)
        self._log.emit(
            events.AgentTranscriptDelta(utterance_id=utterance.id, text=say.text, kind=say.kind.value)
        )
        speak = SpeakFrame(utterance=utterance)
        speak.interruptible = say.interruptible
        await self.push_frame(speak)

    async def _step(self, signal: Signal, frame: SignalFrame, began: float) -> bool:
        spoke = False  # or did something that the caller will notice
        async with contextlib.aclosing(self._conversation.step(signal)) as stream:  # type: ignore[type-var]
            async for effect in stream:
                if isinstance(effect, effects.Say):
                    spoke = True
                    await self.say(effect, frame, began)
                elif isinstance(effect, effects.Expect):
                    self._on_expect(effect)
                elif isinstance(effect, effects.Pace):
                    self._on_pace(effect)
                elif isinstance(effect, effects.End | effects.Transfer | effects.Escalate):
                    spoke = True
                    self._on_deed(effect)
                    await self.push_frame(DeedFrame(deed=effect))
                else:
                    event = observation(effect)
                    if event is not None:
                        self._log.emit(event)
        return spoke


def overheard(wanted: effects.Escalate) -> events.Safety:
    """The call event for something found in words that are not finished."""
    match = events.ConceptMatch(
        concept=wanted.concept,
        similarity=wanted.similarity or 0.0,
        agent_action="notify_operator",
        agent_confidence=1.0,
        agent_reasoning="beyond doubt before the sentence was over",
    )
    return events.Safety(concept_matches=[match], concern_level=3, peak_concern_level=3, final=False)


def observation(effect: Effect) -> events.CallEvent | None:
    """The call event that records an effect, None for effects that are carried out instead."""
    match effect:
        case effects.StateChanged():
            return events.StateTransition(
                from_state=effect.from_state,
                to_state=effect.to_state,
                transition_type=effect.type,
                annotation=effect.annotation,
            )
        case effects.ToolStarted():
            return events.ToolCallStarted(
                call_id=effect.call_id,
                tool_name=effect.tool,
                input=to_jsonable_python(dict(effect.input), fallback=str),
            )
        case effects.ToolCompleted():
            return events.ToolCallCompleted(
                call_id=effect.call_id,
                tool_name=effect.tool,
                output=to_jsonable_python(effect.output, fallback=str),
                succeeded=effect.succeeded,
                duration_ms=effect.duration_ms,
                error_message=effect.error,
            )
        case effects.SafetyAssessed():
            return events.Safety(
                concept_matches=[events.ConceptMatch(**asdict(match)) for match in effect.concept_matches],
                concern_level=effect.concern_level,
                concern_turn_count=effect.concern_turn_count,
                peak_concern_level=effect.peak_concern_level,
                trajectory=effect.trajectory,
                triage_history=list(effect.triage_history),
                elapsed_ms=effect.elapsed_ms,
            )
        case effects.Thought():
            return events.InnerThought(text=effect.text)
        case effects.Navigation():
            return events.NavTiming(
                nav_ms=effect.nav_ms,
                render_ms=effect.render_ms,
                total_ms=effect.total_ms,
                model=effect.model,
                state=effect.state,
                selected_action=effect.selected_action,
                input_tokens=effect.input_tokens,
                output_tokens=effect.output_tokens,
                retry_attempts=effect.retry_attempts,
                used_fallback=effect.used_fallback,
            )
    return None
