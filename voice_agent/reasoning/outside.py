"""Signals that are not the caller's words: silence, tone, events, guidance, and operators."""

from __future__ import annotations

from dataclasses import dataclass

from voice_agent.reasoning.effects import End, FillerType, Pace, SayKind, Thought
from voice_agent.reasoning.guidance import GuidanceKind, parse_guidance, second_person
from voice_agent.reasoning.interjecting import Interjector
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import question
from voice_agent.reasoning.reasoner import Speaker
from voice_agent.reasoning.session import Draft, GuidedQuestion, PersonOffered, Phase, Session, Voice
from voice_agent.reasoning.signals import (
    Emotion,
    External,
    HandedBack,
    NotReached,
    OperatorSaid,
    RiskChanged,
    SafetyRaised,
    Silence,
)
from voice_agent.reasoning.states import DataCollectionState
from voice_agent.reasoning.walking import Walker

EMPATHY_VALENCE = -0.3
"""How unpleasant (-1..1) a caller must sound before it is answered in words, where no reading says whether it
is sure enough for that."""
MAX_GUIDANCE = 10
"""Instructions that wait for the next reply; older ones are overtaken by newer ones."""
EMPATHY_TURNS = 4
"""Turns between two such remarks: said more often it sounds like a formula."""

_EMPATHY = {
    "anger": PhraseName.EMPATHY_FRUSTRATION, "angry": PhraseName.EMPATHY_FRUSTRATION,
    "frustration": PhraseName.EMPATHY_FRUSTRATION, "frustrated": PhraseName.EMPATHY_FRUSTRATION,
    "annoyance": PhraseName.EMPATHY_FRUSTRATION, "disgust": PhraseName.EMPATHY_FRUSTRATION,
    "fear": PhraseName.EMPATHY_WORRY, "fearful": PhraseName.EMPATHY_WORRY,
    "anxiety": PhraseName.EMPATHY_WORRY,
    "worry": PhraseName.EMPATHY_WORRY,
    "sadness": PhraseName.EMPATHY_SADNESS, "sad": PhraseName.EMPATHY_SADNESS,
    "resignation": PhraseName.EMPATHY_SADNESS, "grief": PhraseName.EMPATHY_SADNESS,
}  # fmt: skip


@dataclass
class Outside:
    """Takes what comes from outside the caller's words."""

    session: Session
    walker: Walker
    interjector: Interjector

    def silence(self, signal: Silence) -> None:
        """Prompt, prompt again, then end politely; patient after "hold on"."""
        session = self.session
        if session.phase is Phase.ENDED:
            session.emit(End())
            return
        if session.phase is not Phase.WAITING:
            return
        if session.holds > 0:
            session.holds -= 1
            return
        session.silences += 1
        if session.silences > session.settings.silence_prompts:
            session.say(session.phrases.phrase(PhraseName.SILENCE_END), SayKind.GOODBYE)
            session.emit(End("timeout"))
            session.phase = Phase.ENDED
            return
        session.say(session.phrases.phrase(PhraseName.SILENCE), SayKind.PROMPT)
        if session.pending is not None:
            self.interjector.ask_again()
        else:
            session.say(question(session, session.silences), SayKind.PROMPT, question=True)

    def emotion(self, signal: Emotion) -> None:
        """Keep the newest reading; the next reply may take it up."""
        self.session.memory.emotion = {
            "dominant": signal.dominant,
            "valence": signal.valence,
            "arousal": signal.arousal,
            **signal.details,
        }
        self.session.felt_at = self.session.memory.turns

    def risk(self, signal: RiskChanged) -> None:
        """Keep how the call stands: conditions, guidelines and the offer of a person follow it."""
        self.session.memory.risk = {"score": signal.score, "level": signal.level}

    def empathize(self) -> None:
        """Acknowledge how the caller sounds before the reply, once in a while, where it fits."""
        session = self.session
        emotion = session.memory.emotion
        name = _EMPATHY.get(str(emotion.get("dominant", "")).lower())
        if name is None or not emotion.get("acknowledge", emotion.get("valence", 0.0) <= EMPATHY_VALENCE):
            return
        if session.memory.turns - session.felt_at > 1 or not self._may_empathize():
            return
        if session.memory.turns - session.acknowledged_at < EMPATHY_TURNS:
            return
        session.acknowledged_at = session.memory.turns
        words = session.phrases.phrase(name)
        session.queue.insert(0, Draft(words, filler_type=FillerType.EMPATHY, policy=session.policy))

    def _may_empathize(self) -> bool:
        """Not before "Sorry, I didn't get that", a read-back or a goodbye: there it would be a formula."""
        words = [item for item in self.session.queue if isinstance(item, Draft)]
        if not words or words[0].kind is not SayKind.REPLY or words[0].verbatim:
            return False
        return not any("sorry" in item.text.lower() for item in words)

    def offer_person(self) -> None:
        """Where the graph wants it at this risk, offer a person in place of the next question, once."""
        session = self.session
        wanted = session.linked.root.risk_guidelines.get(session.memory.risk.get("level", ""))
        if wanted is None or not wanted.offer_person or session.person_offered or session.pending is not None:
            return
        if session.phase is not Phase.WAITING or not session.queue_has_words:
            return
        session.person_offered = True
        session.queue = [item for item in session.queue if not (isinstance(item, Draft) and item.question)]
        session.say(session.phrases.phrase(PhraseName.OFFER_PERSON), question=True)
        session.pending = PersonOffered("a person was offered because the call went badly", "risk")

    def external(self, signal: External) -> None:
        """A fact is kept and may release a waiting state; guidance waits for the next reply."""
        session = self.session
        if signal.kind == "guidance":
            guidance = parse_guidance(signal.message, signal.sender)
            if guidance.kind is GuidanceKind.SLOW_DOWN:
                session.emit(Pace(session.settings.slow_pace, "guidance"))
            elif guidance.kind is GuidanceKind.TRANSFER:
                self.interjector.person(reason=signal.message, trigger="operator")
            else:
                session.guidance = [*session.guidance, guidance][-MAX_GUIDANCE:]
                if guidance.kind is GuidanceKind.OTHER:
                    session.emit(Thought(f"{guidance.sender}: {guidance.text}"))
            return
        event = session.memory.event
        event.update(message=signal.message, sender=signal.sender, count=event.get("count", 0) + 1)
        session.emit(Thought(f"{signal.sender}: {signal.message}"))
        session.released = True
        if session.phase is Phase.WAITING:
            self.walker.follow_automatic_exits()

    def work_in_guidance(self) -> None:
        """Put what an operator wants into the reply that is about to be said; one question at a time."""
        session = self.session
        if session.phase is not Phase.WAITING:
            return
        for guidance in session.guidance:
            if guidance.kind is GuidanceKind.SAY:
                self._before_question(Draft(_sentence(guidance.text), verbatim=True, policy=session.policy))
        asked = next((g for g in session.guidance if g.kind in (GuidanceKind.ASK, GuidanceKind.OFFER)), None)
        if asked is not None:
            text = second_person(asked.text)
            offer = asked.kind is GuidanceKind.OFFER
            session.queue = [
                item for item in session.queue if not (isinstance(item, Draft) and item.question)
            ]
            name = PhraseName.GUIDED_OFFER if offer else PhraseName.GUIDED_ASK
            session.say(session.phrases.phrase(name, text=text), question=True)
            session.pending = GuidedQuestion(text, None if offer else self._field_called(asked.text), offer)
        session.guidance = [g for g in session.guidance if g.kind is not GuidanceKind.SAY and g is not asked]

    def _before_question(self, draft: Draft) -> None:
        queue = self.session.queue
        index = next(
            (i for i, item in enumerate(queue) if isinstance(item, Draft) and item.question), len(queue)
        )
        queue.insert(index, draft)

    def _field_called(self, text: str) -> str | None:
        """The field of the graph whose label an operator's words name."""
        words = text.lower()
        for place in self.session.linked.places.values():
            if isinstance(place.state, DataCollectionState):
                for field in place.state.fields:
                    if field.label.lower() in words or field.key.replace("_", " ") in words:
                        return field.key
        return None

    def took_over(self) -> None:
        """A person speaks now."""
        self.session.voice = Voice.OPERATOR

    def operator_said(self, signal: OperatorSaid) -> None:
        """Keep what the operator said."""
        self.session.history.says(Speaker.OPERATOR, signal.text)

    def handed_back(self, signal: HandedBack) -> None:
        """Speak again: no new greeting, back to the open question."""
        session = self.session
        session.voice = Voice.AGENT
        how = "was lost" if signal.lost else "handed the conversation back"
        session.emit(Thought(f"{signal.operator} {how}"))
        if session.phase is Phase.NEW:
            return
        name = PhraseName.OPERATOR_LOST if signal.lost else PhraseName.HANDED_BACK
        session.say(session.phrases.phrase(name))
        if session.phase is Phase.ENDED:
            session.phase = Phase.WAITING
            self.walker.go_back("a person spoke with the caller after the goodbye")
        elif session.phase is Phase.WAITING:
            self.interjector.ask_again()

    def not_reached(self, signal: NotReached) -> None:
        """Be honest that nobody comes. A state may have an exit for it (``event.message`` is then
        ``operator not reached`` or ``transfer not reached``), to offer a call back for instance."""
        session = self.session
        if session.voice is Voice.OPERATOR:
            return
        promised = signal.promised or session.voice is Voice.SILENT
        session.voice = Voice.AGENT
        session.emit(Thought(f"{signal.who} not reached"))
        if signal.who == "transfer":
            self.transfer_withdrawn()
        left = False
        if session.phase is Phase.WAITING:
            session.memory.event["message"] = f"{signal.who} not reached"
            left = self.walker.follow_automatic_exits()
            session.memory.event["message"] = ""
        if promised and not left and session.phase in (Phase.WAITING, Phase.WORKING):
            session.say(session.phrases.phrase(PhraseName.NOT_REACHED))
            if session.phase is Phase.WAITING:
                self.interjector.ask_again()

    def safety_raised(self, signal: SafetyRaised) -> None:
        """A safety rule has answered the caller: keep both sides of it, and go where it leads."""
        session = self.session
        if signal.text:
            session.caller_said(signal.text)
            session.memory.remember(signal.text, acted_on=True)
        for sentence in signal.said:
            session.history.agent_says(sentence)
        session.silences = session.holds = session.failures = 0
        session.emit(Thought(f"safety rule: {signal.concept}"))
        if signal.next_state in session.linked.places and session.voice is not Voice.OPERATOR:
            session.frames.clear()
            self.walker.enter(signal.next_state, "safety", signal.concept)
        elif session.phase is Phase.ENDED:
            session.phase = Phase.WAITING
        if signal.hard and session.voice is Voice.AGENT:
            session.voice = Voice.SILENT

    def transfer_withdrawn(self) -> None:
        """The caller stays here: the conversation is not over."""
        if self.session.phase is Phase.ENDED:
            self.session.phase = Phase.WAITING


def _sentence(text: str) -> str:
    """Text as a sentence of its own."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."
