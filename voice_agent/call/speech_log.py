"""What was said and heard, as events: words of the caller, fates of the agent's sentences, interruptions,
latencies."""

from __future__ import annotations

import time

from voice_agent.call import events
from voice_agent.call.ear import HeardSpeech
from voice_agent.call.floor import Interruption
from voice_agent.call.frames import SignalFrame
from voice_agent.call.ledger import AgentUtterance, UtteranceStatus
from voice_agent.call.log import CallLog
from voice_agent.reasoning.effects import SayKind
from voice_agent.reasoning.signals import Heard

_FILLERS = (SayKind.FILLER, SayKind.PROGRESS)


class SpeechLog:
    """Keeps the accounts of one call's speech and emits them."""

    def __init__(self, log: CallLog) -> None:
        self._log = log
        self._over: list[AgentUtterance] = []
        self._barge_ins = 0
        self._interrupted: set[str] = set()
        self._speech_end: dict[int, float] = {}
        self._engine_ms: dict[str, float] = {}
        self._tts_ms: dict[str, float] = {}
        self._answered: set[int] = set()

    def words(self, heard: HeardSpeech, *, turn: int, backchannel: bool) -> None:
        """The caller said something."""
        transcript = heard.transcript
        if not transcript.text:
            return
        self._log.emit(
            events.UserTranscript(
                transcript=transcript.text,
                confidence=transcript.confidence,
                accepted=transcript.accepted,
                start=heard.start,
                end=heard.end,
                turn_index=turn,
                is_backchannel=backchannel,
                stt=transcript.source,
                stt_ms=round(heard.stt_ms, 1),
            )
        )

    def reply(self, utterance: AgentUtterance, frame: SignalFrame, engine_s: float) -> None:
        """The reasoner has words for a turn."""
        self._engine_ms[utterance.id] = engine_s * 1000
        if frame.speech_end:
            self._speech_end[frame.turn] = frame.speech_end

    def synthesized(self, utterance: AgentUtterance, seconds: float) -> None:
        """The voice gave its first audio for a sentence."""
        self._tts_ms[utterance.id] = seconds * 1000

    def audible(self, utterance: AgentUtterance, plays_at: float, *, greeting: bool) -> None:
        """The first audio of a sentence went out: emits the latency of the turn it answers, once per turn."""
        if utterance.kind in _FILLERS or utterance.turn in self._answered:
            return
        self._answered.add(utterance.turn)
        end = self._speech_end.get(utterance.turn)
        if end is None and not greeting:
            return
        e2e = (plays_at - end) * 1000 if end is not None else max(0.0, self._log.now()) * 1000
        self._log.emit(
            events.Latency(
                turn_index=utterance.turn,
                engine_ms=round(self._engine_ms.get(utterance.id, 0.0), 1),
                audio_ttfb_ms=round(self._tts_ms.get(utterance.id, 0.0), 1),
                e2e_ttfb_ms=round(e2e, 1),
                is_greeting=greeting,
            )
        )

    def over(self, utterance: AgentUtterance) -> None:
        """A sentence was played or stopped."""
        heard, unheard = utterance.split()
        if utterance.kind not in _FILLERS:
            self._over.append(utterance)
        ended = utterance.ended if utterance.ended is not None else time.monotonic()
        started = utterance.started if utterance.started is not None else ended
        self._log.emit(
            events.AgentTranscript(
                utterance_id=utterance.id,
                text=utterance.text,
                heard=heard,
                unheard=unheard,
                kind=utterance.kind.value,
                start=self._log.at(started),
                end=self._log.at(ended),
                interrupted=utterance.status is UtteranceStatus.STOPPED,
                turn_index=utterance.turn,
            )
        )
        for memory in (self._engine_ms, self._tts_ms):
            memory.pop(utterance.id, None)

    def interrupted(self, interruption: Interruption, last_sent: float) -> None:
        """The caller took the floor."""
        self._barge_ins += 1
        current = interruption.current
        self._log.emit(
            events.BargeIn(
                interrupted_text=current.text if current else "",
                discarded_texts=[u.text for u in interruption.discarded],
                total_barge_ins=self._barge_ins,
                stop_ms=round(max(0.0, last_sent - interruption.onset) * 1000, 1),
            )
        )

    def take_heard(self) -> Heard | None:
        """What the caller heard of the agent since this was last asked, None when there was nothing."""
        over, self._over = self._over, []
        if not over:
            return None
        parts = [u.split() for u in over]
        return Heard(
            heard=" ".join(h for h, _ in parts if h),
            unheard=" ".join(u for _, u in parts if u),
            interrupted=any(u.status is UtteranceStatus.STOPPED for u in over),
        )
