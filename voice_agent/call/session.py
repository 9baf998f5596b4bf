"""One live call, put together from its parts; it lives from the first ring to the last event.

The session is a list of parts and the wires between them: hub, ear, turn-taking, reasoner, voice, mouth,
watchdogs. Each part does its own work elsewhere.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pipecat.frames.frames import Frame

from models.expectation import Expectation
from voice_agent.call import events
from voice_agent.call.agent_voice import AgentVoice
from voice_agent.call.deeds import Deeds
from voice_agent.call.ear import HeardSpeech
from voice_agent.call.ending import Ending
from voice_agent.call.escalation import Escalations
from voice_agent.call.feelings import CallerFeelings
from voice_agent.call.floor import Floor, Interruption
from voice_agent.call.frames import SignalFrame
from voice_agent.call.hub import AudioHub
from voice_agent.call.ledger import AgentUtterance, PlaybackLedger
from voice_agent.call.legs import EarSink, LegGenerations, MouthSink
from voice_agent.call.listening import CallerListening
from voice_agent.call.log import CallLog
from voice_agent.call.mouth import Mouth
from voice_agent.call.operator_leg import OperatorEar
from voice_agent.call.output import MouthOutput
from voice_agent.call.parts import CallParts, CallService
from voice_agent.call.pipeline import CallPipeline
from voice_agent.call.ports import CallInfo, LegRole, LegSink, LegSocket, Line
from voice_agent.call.quiet import CallQuiet
from voice_agent.call.reasoner import ReasonerProcessor, overheard
from voice_agent.call.speaker import AgentGate, Speaker
from voice_agent.call.speech_log import SpeechLog
from voice_agent.call.takeover import CallOperators
from voice_agent.call.tasks import CallTasks
from voice_agent.call.turns import AnswerStopStrategy, BargeInStartStrategy
from voice_agent.call.voice_activity import SpeechDetector, SpeechListeners
from voice_agent.call.watch import CallWatch
from voice_agent.reasoning.effects import Expect, SayKind
from voice_agent.reasoning.signals import Caller, Channel, NotReached, Signal, Silence, Started, Utterance

LOOKUP_TIMEOUT_S = 2.0
"""A caller lookup slower than this is done without: the phone is ringing."""

JOIN_GRACE_S = 0.12
"""After the caller's audio began, the conference callback that says she is in gets this long before the
greeting starts without it (callbacks are slower than audio and may be lost)."""

INBOX = 1000
"""Signs of life a pipeline may lag behind; more means that it is stuck."""


class CallSession:
    """Implements :class:`voice_agent.call.ports.Session`, the detector's listener, and what the watchdogs
    watch."""

    def __init__(self, info: CallInfo, line: Line, parts: CallParts, service: CallService) -> None:
        self.info = info
        self.log = CallLog(info.call_sid, parts.bus)
        self._line = line
        self._parts = parts
        self._service = service
        self._turn = 0
        self._listening = False
        self._recording = parts.recorder(info, self.log)
        self._hub = AudioHub(
            self.log,
            self._recording,
            on_digit=lambda key: self._caller.on_digit(key),
            on_progress=lambda: self._caller.on_audio(),
        )
        self._ledger = PlaybackLedger(self._on_utterance_over)
        self._mouth = Mouth(self._ledger, on_audio=self._on_agent_audio, on_discard=self._hub.agent_discarded)
        self._floor = Floor(self._mouth, service.turns, self._on_interruption)
        self._caller = CallerListening(
            self._hub.caller,
            parts.recognizers,
            parts.turn_model,
            self._floor,
            self.log,
            post=self._post,
            turn=lambda: self._turn,
            on_turn=self._on_turn,
            on_degraded=lambda rung, reason: self._degraded("stt", rung, reason),
            on_unfinished=self._on_unfinished,
        )
        self._speech_log = SpeechLog(self.log)
        self._tasks = CallTasks(info.call_sid)
        self._feelings = CallerFeelings(
            self._hub.caller,
            parts.emotion,
            service.emotion,
            service.delivery,
            self.log,
            self._tasks,
            state_risk=lambda: service.conversation.escalation_config,
            on_person=lambda risk: self.escalations.request("risk", risk.reason),
        )
        self.log.follow(self._feelings.on_event)
        self.escalations = Escalations(
            self.log,
            self._tasks,
            service.escalation,
            anyone_free=self._anyone_can_come,
            on_hard=lambda: self._agent.wait(),
            on_nobody=self._on_nobody,
            risk_score=lambda: self._feelings.risk_score,
        )
        deeds = Deeds(line, self.log, service.directory, self.escalations, self._tell, self._on_completed)
        self._deeds = deeds
        self._ending = Ending(self._mouth, deeds.carry_out, deeds.withdrawn)
        self._legs = LegGenerations()
        self._stop = AnswerStopStrategy(
            self._floor,
            expectation=lambda: self._caller.expectation,
            newest=lambda: self._caller.newest,
            on_words=self._on_words,
            on_turn=self._on_turn,
        )
        self._pipeline = self._build_pipeline()
        self._agent = AgentVoice(
            self._pipeline, self._floor, self._ending, self._tasks, self._ledger, self.log
        )
        self._quiet = CallQuiet(self._floor, self._ledger, self._caller, self._ending, self._agent)
        self.operators = CallOperators(
            line,
            self.log,
            self._tasks,
            self._agent,
            self.escalations,
            ear=partial(
                OperatorEar,
                log=self.log,
                vad=parts.vad,
                recognizers=parts.recognizers,
                keyterms=service.keyterms,
                record=self._hub.operator_media,
                turn=lambda: self._turn,
            ),
            post=self._tell,
            is_listening=lambda: self._listening,
        )
        self._watch = CallWatch(self, self._quiet, service.watch)
        self._detector: SpeechDetector | None = None
        self._inbox: asyncio.Queue[Frame] = asyncio.Queue(INBOX)
        self._ended: asyncio.Task[None] | None = None
        self.completion_reason = ""
        self.on_ended: Callable[[], object] = lambda: None
        """Told when the last event of the call was emitted."""

    def _build_pipeline(self) -> CallPipeline:
        start = BargeInStartStrategy(self._floor, self._on_words)
        reasoner = ReasonerProcessor(
            self._service.conversation,
            ledger=self._ledger,
            floor=self._floor,
            log=self.log,
            heard=self._speech_log.take_heard,
            sensed=self._feelings.sensed,
            on_expect=self._on_expect,
            on_pace=self._feelings.pace,
            on_reply=self._speech_log.reply,
            may_speak=lambda: self._agent.is_free,
            on_deed=self._ending.announce,
            on_broken=lambda reason: self._degraded("reasoner", "safe_sentence", reason),
        )
        speaker = Speaker(
            self._parts.voice,
            manner=self._feelings.manner,
            on_failed=lambda _, reason: self._degraded("tts", "none", reason),
            on_first_audio=self._speech_log.synthesized,
        )
        output = MouthOutput(self._mouth, self._ending.request)
        return CallPipeline(start, self._stop, reasoner, AgentGate(self._ledger), speaker, output)

    # The phone line's side

    async def prewarm(self) -> None:
        """While it rings: pipeline, caller lookup, first step of the conversation, greeting audio. Never
        raises."""
        began = time.monotonic()
        self.log.emit(
            events.SessionStart(
                caller_id=self.info.caller,
                called=self.info.called,
                service_id=self._service.service_id,
                conference=self.info.conference,
                process=self._parts.process,
            )
        )
        # The greeting is thought of and spoken now, and waits in the mouth until the caller is there.
        self._mouth.hold()
        try:
            await self._pipeline.start()
        except TimeoutError:
            self._degraded("pipeline", "none", "did not start")
            await self._line.hang_up()
            return
        self._tasks.start(self._pump_inbox(), "pump inbox")
        self._parts.watches.add(self._watch)
        facts = await self._look_up()
        self._tell(Started(Caller(self.info.caller, facts), Channel.VOICE, self._service.now()))
        self._listening = True
        self.log.emit(
            events.SessionInfo(
                name="prewarmed",
                detail={
                    "ms": round((time.monotonic() - began) * 1000),
                    "caller_name": str(facts.get("first_name", "")),
                },
            )
        )

    async def _look_up(self) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                return await self._service.lookup(self.info.caller)
        except Exception as error:  # noqa: BLE001 - a call is answered with or without knowing who calls
            self._degraded("lookup", "unknown_caller", type(error).__name__)
            return {}

    def attach(self, role: LegRole, generation: int, socket: LegSocket) -> LegSink:
        """A media stream of this call began."""
        sink: LegSink
        if role is LegRole.AGENT:
            self._mouth.bind(socket)
            sink = MouthSink(self._mouth, socket, self._legs, role, generation)
        else:
            if self._detector is None:
                listeners = SpeechListeners((self._caller, self._feelings))
                self._detector = self._parts.vad.watch(self._hub.caller, listeners, self._caller)
                self._caller.end_pause = self._detector.end_pause
            else:
                self._hub.caller_reattached()
            if role is LegRole.DUPLEX:
                self._mouth.bind(socket)
            sink = EarSink(self._hub, self._mouth, socket, self._legs, role, generation)
            self._tasks.start(self._greet_soon(JOIN_GRACE_S), "greet")
        self._legs.begin(role, generation)
        return sink

    def caller_joined(self) -> None:
        """The caller is in the conference: greet."""
        self._greet()

    async def _greet_soon(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._greet()

    def _greet(self) -> None:
        if not self._quiet.begun:
            self._quiet.begin()
            self._mouth.release()

    async def end(self, reason: str) -> None:
        """The call is over. Idempotent; every caller waits for the same ending."""
        if self._ended is None:
            self._ended = asyncio.create_task(self._end(reason), name="call-end")
        await asyncio.shield(self._ended)

    async def _end(self, reason: str) -> None:
        self.completion_reason = self.completion_reason or reason
        self._parts.watches.remove(self._watch)
        if self._detector is not None:
            self._parts.vad.unwatch(self._detector)
        self._mouth.stop(protected=True)
        self._hub.settle()
        self._feelings.close()
        await self._caller.close()
        await self.operators.close()
        await self._pipeline.close()
        await self._tasks.cancel()
        await self._service.conversation.close()
        if self._recording is not None:
            await self._recording.close()
        duration = max(0.0, self.log.now()) if self.log.clock_started else 0.0
        self.log.emit(
            events.SessionEnd(completion_reason=self.completion_reason, duration_seconds=round(duration, 3))
        )
        self.on_ended()

    # Turn-taking's side

    def _on_words(self, heard: HeardSpeech, backchannel: bool) -> None:
        self._feelings.words(heard, backchannel)
        self._speech_log.words(heard, turn=self._turn + 1, backchannel=backchannel)

    def _on_turn(self, utterance: Utterance, reason: str, verdict: float | None, voice_end: float) -> int:
        self._turn += 1
        self._caller.turn_over()
        voice_end = voice_end or time.monotonic()
        self._quiet.turn_over(voice_end)
        self._watch.caller_spoke()
        self.log.emit(
            events.TurnCompleted(
                turn_index=self._turn,
                reason=reason,
                eot_confidence=verdict,
                speech_end=self.log.at(voice_end),
            )
        )
        self._feelings.turn_over(self._turn, utterance)
        return self._turn

    def _on_unfinished(self, text: str) -> None:
        """A cry for help is passed on to people before the sentence is over; the turn is answered as ever."""
        wanted = self._service.overhear(text)
        if wanted is not None:
            self.log.emit(overheard(wanted))
            self._tasks.start(self._deeds.carry_out(wanted), "call a person")

    def _on_interruption(self, interruption: Interruption) -> None:
        self._stop.barge_in = True
        self._ending.revoke()
        self._speech_log.interrupted(interruption, self._mouth.last_sent)

    # The reasoner's side

    def _on_expect(self, expect: Expect) -> None:
        expectation = expect.expectation
        terms = tuple(dict.fromkeys((*expectation.keyterms, *self._service.keyterms)))
        self._caller.expectation = Expectation(
            expectation.kinds, expectation.digits, expectation.phrases, terms, expectation.prompt
        )
        self._floor.barge_in_enabled = expect.barge_in_enabled

    def _on_agent_audio(self, utterance: AgentUtterance, payload: bytes, plays_at: float) -> None:
        self._hub.agent_media(utterance, payload, plays_at)
        if utterance.sent <= len(payload):
            self._speech_log.audible(utterance, plays_at, greeting=utterance.turn == 0)

    def _on_utterance_over(self, utterance: AgentUtterance) -> None:
        if utterance.sent or self._agent.is_free:  # the gate's waste is no sound
            self._quiet.agent_was_heard()
        utterance.ended = time.monotonic()
        self._speech_log.over(utterance)

    def _on_completed(self, reason: str) -> None:
        self.completion_reason = reason

    # People's side

    async def _anyone_can_come(self) -> bool:
        return self._line.operators.reachable and await self._parts.anyone_free()

    def _on_nobody(self, promised: bool) -> None:
        self._agent.stop_waiting()
        self._tell(NotReached("operator", promised))

    # The watchdogs' side

    @property
    def call_sid(self) -> str:
        """See :class:`~voice_agent.call.watch.Watched`."""
        return self.info.call_sid

    @property
    def started_at(self) -> float | None:
        """See :class:`~voice_agent.call.watch.Watched`."""
        return time.monotonic() - self.log.now() if self.log.clock_started else None

    def housekeeping(self) -> None:
        """Ten times a second."""
        self._hub.settle()
        self._mouth.overdue()
        self._ending.check()
        self._caller.take_keys()
        self._feelings.between_words()
        if not self._caller.speaking and self._floor.held_s > 1.5:
            self._floor.release()

    def fill(self, text: str, kind: SayKind) -> None:
        """Say a filler past the busy reasoner, in words that fit, or that something goes on."""
        if kind is not SayKind.FILLER or (text := self._feelings.filler(text)):
            self._agent.fill(text, kind, self._turn)

    def silence(self, seconds: float, count: int) -> None:
        """Nobody speaks: the reasoner asks, or gives up."""
        self.log.emit(events.SilenceCheck(seconds=round(seconds, 2), count=count))
        self._quiet.owe()
        self._post(SignalFrame(signal=Silence(seconds, count), turn=self._turn))

    def too_long(self) -> None:
        """The maximum duration is reached: end, whatever is being said."""
        self.completion_reason = "timeout"
        self.log.emit(events.SessionInfo(name="max_call_duration"))
        self._tasks.start(self._line.hang_up(), "hang up")

    # Inner wiring

    def _degraded(self, part: str, rung: str, reason: str) -> None:
        self.log.emit(events.Degraded(part=part, rung=rung, reason=reason))

    def _post(self, frame: Frame) -> bool:
        try:
            self._inbox.put_nowait(frame)
        except asyncio.QueueFull:
            self._degraded("pipeline", "dropped", type(frame).__name__)
            return False
        return True

    def _tell(self, signal: Signal) -> bool:
        """A signal that no interruption may take away."""
        self._quiet.owe()
        frame = SignalFrame(signal=signal, turn=self._turn)
        frame.interruptible = False
        return self._post(frame)

    async def _pump_inbox(self) -> None:
        while True:
            await self._pipeline.push(await self._inbox.get())
