"""What to make of the caller's words: an answer, a correction, a wish, an aside, or nothing usable.

The order is the policy: words the recognizer does not trust are never acted on; an open question is answered
first; "no, Friday" changes what was said last; then fields, then wishes; and what is left is remembered for
later states.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.expectation import AnswerKind
from voice_agent.reasoning.collecting import Collector
from voice_agent.reasoning.correcting import WEAK, Corrector
from voice_agent.reasoning.effects import End, SayKind
from voice_agent.reasoning.fields import SPELLED, CollectionField, FieldType
from voice_agent.reasoning.interjecting import Interjector
from voice_agent.reasoning.open_questions import OpenQuestions
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import (
    asked_field,
    expectation,
    find_field,
    question,
    value_in_words,
)
from voice_agent.reasoning.reasoner import Choice, Option
from voice_agent.reasoning.session import (
    ConfirmValue,
    PersonOffered,
    Phase,
    Session,
    Voice,
    WorkKind,
)
from voice_agent.reasoning.signals import Channel, Utterance, Via
from voice_agent.reasoning.similarity import is_thanks, says_something
from voice_agent.reasoning.situations import catch_all
from voice_agent.reasoning.spoken import YesNo, is_backchannel, is_plain_reply, parse_yes_no
from voice_agent.reasoning.states import ActionState, DataCollectionState
from voice_agent.reasoning.walking import Walker
from voice_agent.reasoning.wishes import Wishes

MAX_ALTERNATIVES = 3
"""Other readings of the recognizer that are tried when the first makes no sense here."""
FAILURES_BEFORE_PERSON = 3
FAILURES_BEFORE_ESCALATION = 6


def _certainty(utterance: Utterance) -> float:
    """How sure it is what was meant: "yes" and "yeah" share a recognizer's confidence and mean the same."""
    meant = parse_yes_no(utterance.text)
    same = 0.0
    if meant in (YesNo.YES, YesNo.NO):
        same = sum(score for other, score in utterance.alternatives if parse_yes_no(other) is meant)
    return min(1.0, utterance.confidence + same)


@dataclass
class Listener:
    """Takes utterances."""

    session: Session
    walker: Walker
    collector: Collector
    interjector: Interjector
    wishes: Wishes
    corrector: Corrector
    open_questions: OpenQuestions

    async def hear(self, utterance: Utterance) -> None:
        """Act on one utterance."""
        session = self.session
        text = utterance.text.strip()
        session.caller_said(text)
        spoken = utterance.via is Via.SPEECH
        session.readings = ((text, utterance.confidence), *utterance.alternatives) if spoken else ()
        if session.voice is not Voice.AGENT:
            session.memory.remember(text)
            return
        certain = _certainty(utterance)
        trusted = not spoken or (utterance.accepted and certain >= self._needed_confidence(text))
        if session.phase is Phase.WORKING:
            if trusted and text:
                await self._while_working(text)
            return
        if not trusted or not text:
            self._not_understood(PhraseName.NOT_HEARD)
            return
        if session.phase is Phase.ENDED and not self._reopen(text):
            return
        unsure = utterance.via is Via.SPEECH and certain < session.settings.sure_confidence
        if utterance.via is Via.KEYPAD:
            await self._keyed(text)
            return
        others = [
            other for other, score in utterance.alternatives if score >= session.settings.heard_confidence
        ]
        await self._heard(text, others[:MAX_ALTERNATIVES], unsure=unsure)

    def _needed_confidence(self, text: str) -> float:
        """Confidence below which words are not acted on."""
        session = self.session
        asked, pending = asked_field(session), session.pending
        if isinstance(pending, ConfirmValue):
            # A value said again is read back again; on a yes or no something is done.
            field = find_field(session, pending.key)
            said_again = field is not None and self.collector.read(field, text).found
            asked = field if said_again and parse_yes_no(text) is not YesNo.YES else None
        elif pending is not None:
            asked = None
        if asked is not None and asked.type in SPELLED:
            return session.settings.read_back_confidence
        return session.settings.heard_confidence

    async def _heard(self, text: str, others: list[str], *, unsure: bool) -> None:
        session = self.session
        if self._is_noise(text):
            session.say(session.history.unheard, verbatim=True)
            return
        correct, revise = self.corrector.correct, self.corrector.revise
        attempts = (self.open_questions.answer, correct, self._understand, revise)
        for reading in (text, *others):
            for attempt in attempts:
                if await attempt(reading, unsure):
                    session.failures = 0
                    return
        session.memory.remember(text)
        self._not_understood(PhraseName.NOT_UNDERSTOOD)

    def _is_noise(self, text: str) -> bool:
        """A bare "mm hmm" while no yes or no is expected: the caller listens."""
        session = self.session
        if not is_backchannel(text) or session.pending is not None:
            return False
        field = asked_field(session)
        if field is not None and field.type in (FieldType.BOOLEAN, FieldType.CHOICE):
            return False
        return AnswerKind.YES_NO not in expectation(session).kinds

    def _reopen(self, text: str) -> bool:
        """The caller speaks after the goodbye: end, unless there is more."""
        session = self.session
        farewell = (
            self.interjector.named(text) in ("goodbye", "hold_on") or is_backchannel(text) or is_thanks(text)
        )
        refused = parse_yes_no(text) is YesNo.NO and is_plain_reply(text)
        if farewell or refused or len(text.split()) < 2:
            session.say(session.phrases.phrase(PhraseName.GOODBYE), SayKind.GOODBYE)
            session.emit(End())
            return False
        session.phase = Phase.WAITING
        self.walker.go_back("the caller has more")
        session.phase = Phase.WAITING
        return True

    # -- fields and wishes -----------------------------------------------------------------------------------

    async def _understand(self, text: str, unsure: bool) -> bool:
        if isinstance(self.session.here.state, DataCollectionState):
            return await self._understand_answer(text, unsure)
        choice = await self.wishes.navigate(text)
        return await self.wishes.follow(choice, text)

    async def _understand_answer(self, text: str, unsure: bool) -> bool:
        session = self.session
        asked = asked_field(session)
        choice: Choice | None = None
        if asked is None or asked.type in WEAK:
            choice = await self.wishes.navigate(text)
            if choice.option is not None and choice.score >= self._needed_score(asked, text, choice.option):
                return await self.wishes.act_on(choice.option, text)
        before = {key: slot.serial for key, slot in session.memory.slots.items()}
        filled, rest = self.collector.take(text)
        if choice is not None and not filled:
            filled = self._take_words_of_model(choice)
        if filled:
            if unsure:
                changed = {
                    key for key, slot in session.memory.slots.items() if before.get(key) != slot.serial
                }
                session.doubtful |= changed
            return await self._after_answer(rest)
        if asked is not None and (heard := session.partial.get(asked.key)):
            words = value_in_words(session, asked, heard)
            session.say(session.phrases.phrase(PhraseName.PARTIAL, value=words), question=True, verbatim=True)
            return not self._worn_out()
        if choice is None:
            choice = await self.wishes.navigate(text)
            if self._take_words_of_model(choice):
                return await self._after_answer("")
        return await self.wishes.follow(choice, text)

    def _needed_score(self, asked: CollectionField | None, text: str, option: Option) -> float:
        """How clear a wish must be to win over the answer that the question expects."""
        sure = self.session.settings.sure_threshold
        if asked is None:
            return 0.0
        if (
            asked.type in (FieldType.CHOICE, FieldType.BOOLEAN)
            and self.collector.read(asked, text).value is not None
        ):
            return 0.95 if option.answer is None else 2.0
        return sure

    def _take_words_of_model(self, choice: Choice) -> bool:
        """Fields a language model found: through the same grammars, so it cannot make values up."""
        session = self.session
        filled = False
        state = session.here.state
        fields = state.fields if isinstance(state, DataCollectionState) else ()
        for field in fields:
            words = choice.fields.get(field.key)
            if words and (reading := self.collector.read(field, words)).value is not None:
                self.collector.fill(field, reading)
                filled = True
        return filled

    async def _after_answer(self, rest: str) -> bool:
        """Fields were filled; the rest of the sentence may be a wish of its own."""
        session = self.session
        if says_something(rest) and len(rest.split()) > 1 and session.pending is None:
            choice = await self.wishes.navigate(rest)
            if choice.option is not None:
                return await self.wishes.act_on(choice.option, rest)
            session.memory.remember(rest)
        self.collector.proceed(acknowledge=True)
        return True

    # -- when it does not work -------------------------------------------------------------------------------

    def _not_understood(self, name: PhraseName) -> None:
        """First other words, then the keypad, then a person; never an action on words nobody is sure of."""
        session = self.session
        session.failures += 1
        state = session.here.state
        if isinstance(state, ActionState) and state.wait_for is not None and not session.released:
            session.say(session.phrases.phrase(PhraseName.WAITING))
            return
        if session.failures >= FAILURES_BEFORE_ESCALATION:
            session.say(session.phrases.phrase(PhraseName.LOST), verbatim=True)
            self.walker.escalate("caller could not be understood", trigger="misunderstanding", promised=True)
            session.failures = 0
            return
        if self._worn_out():
            return
        exit_ = catch_all(session)
        if (
            session.failures >= FAILURES_BEFORE_PERSON
            and name is PhraseName.NOT_UNDERSTOOD
            and isinstance(state, ActionState)
            and exit_ is not None
        ):
            self.walker.take_exit(exit_)
            return
        session.say(session.phrases.phrase(name), SayKind.PROMPT)
        if session.failures >= FAILURES_BEFORE_PERSON:
            session.pending = PersonOffered()
            session.say(session.phrases.phrase(PhraseName.OFFER_PERSON), SayKind.PROMPT, question=True)
            return
        if session.pending is None and isinstance(state, DataCollectionState):
            self.collector.ask_again()
        elif session.pending is None:
            session.say(question(session, session.failures), SayKind.PROMPT, question=True)
        else:
            self.interjector.ask_again()

    def _worn_out(self) -> bool:
        """Whether a data collection has used up its turns; it then gives up."""
        session = self.session
        state = session.here.state
        if isinstance(state, DataCollectionState) and session.turns_in_state >= state.max_turns:
            self.collector.give_up(asked_field(session))
            return True
        return False

    # -- keypad and running tools ----------------------------------------------------------------------------

    async def _keyed(self, text: str) -> None:
        """Keys: an answer in digits, 1 for yes and 2 for no, a number of an item, and 0 for a person."""
        session = self.session
        digits = "".join(character for character in text if character.isdigit())
        kinds = expectation(session).kinds
        field = asked_field(session)
        expects_digits = field is not None and field.type not in (
            FieldType.BOOLEAN,
            FieldType.CHOICE,
            FieldType.NAME,
        )
        if digits == "0" and not expects_digits:
            self.interjector.interject("person", "")
            return
        if AnswerKind.YES_NO in kinds and digits in ("1", "2"):
            await self._heard("yes" if digits == "1" else "no", [], unsure=False)
            return
        if not digits:
            self._not_understood(PhraseName.NOT_UNDERSTOOD)
            return
        await self._heard(digits, [], unsure=False)

    async def _while_working(self, text: str) -> None:
        """The caller speaks while tools run: a person can be asked for, a search corrected; the rest must
        wait."""
        session = self.session
        if self.interjector.named(text) == "person":
            self.interjector.person(reason="caller asked for a person", trigger="caller")
            return
        work = session.work
        if is_backchannel(text) or work is None:
            return
        harmless = work.kind is not WorkKind.ANSWER and all(run.tool.idempotent for run in work.runs)
        if harmless and await self.corrector.correct(text, unsure=False):
            return
        session.memory.remember(text)
        if session.channel is Channel.VOICE:
            session.say(session.phrases.phrase(PhraseName.STILL_WORKING), SayKind.FILLER)
