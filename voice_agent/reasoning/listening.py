"""What to make of the caller's words: an answer, a correction, a wish, an aside, or nothing usable.

The order is the policy: words the recognizer does not trust are never acted on; an open question is answered
first; "no, Friday" changes what was said last; then fields, then wishes; and what is left is remembered for
later states.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.expectation import AnswerKind
from voice_agent.reasoning.choosing import Offer, choose
from voice_agent.reasoning.collecting import Collector
from voice_agent.reasoning.effects import End, SayKind
from voice_agent.reasoning.interjecting import Interjector
from voice_agent.reasoning.interjections import PERSON
from voice_agent.reasoning.parts import Action, CollectionField, Escalation, FieldType
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import asked_field, expectation, find_field, question, value_in_words
from voice_agent.reasoning.reasoner import Choice, Option, OptionKind, Speaker
from voice_agent.reasoning.session import (
    ConfirmValue,
    GuidedQuestion,
    PersonOffered,
    Phase,
    Session,
    Voice,
    WhichOne,
    WhichOption,
    WorkKind,
)
from voice_agent.reasoning.signals import Channel, Utterance, Via
from voice_agent.reasoning.situations import actions_of, catch_all, exits_of, options_of, situation_of
from voice_agent.reasoning.spoken import YesNo, is_backchannel, parse_correction, parse_yes_no
from voice_agent.reasoning.states import ActionState, DataCollectionState
from voice_agent.reasoning.walking import Walker
from voice_agent.reasoning.wiring import tool_specs

MAX_ALTERNATIVES = 3
"""Other readings of the recognizer that are tried when the first makes no sense here."""
FAILURES_BEFORE_PERSON = 3
FAILURES_BEFORE_ESCALATION = 6
CORRECTABLE = 4
"""Fields back in time that a correction may mean."""

_WEAK = frozenset(
    {FieldType.TEXT, FieldType.NAME, FieldType.BOOLEAN, FieldType.CHOICE, FieldType.ALPHANUMERIC}
)
"""Types whose answers could be anything: a clear wish wins over reading the words as a value."""


@dataclass
class Listener:
    """Takes utterances."""

    session: Session
    walker: Walker
    collector: Collector
    interjector: Interjector

    async def hear(self, utterance: Utterance) -> None:
        """Act on one utterance."""
        session = self.session
        text = utterance.text.strip()
        session.history.says(Speaker.CALLER, text)
        session.heard = text
        session.memory.turns += 1
        session.turns_in_state += 1
        session.silences = session.holds = 0
        if session.voice is not Voice.AGENT:
            session.memory.remember(text)
            return
        trusted = utterance.via is not Via.SPEECH or (
            utterance.accepted and utterance.confidence >= session.settings.heard_confidence
        )
        if session.phase is Phase.WORKING:
            if trusted and text:
                await self._while_working(text)
            return
        if not trusted or not text:
            self._not_understood(PhraseName.NOT_HEARD)
            return
        if session.phase is Phase.ENDED and not self._reopen(text):
            return
        unsure = utterance.via is Via.SPEECH and utterance.confidence < session.settings.sure_confidence
        if utterance.via is Via.KEYPAD:
            await self._keyed(text)
            return
        others = [
            other for other, score in utterance.alternatives if score >= session.settings.heard_confidence
        ]
        await self._heard(text, others[:MAX_ALTERNATIVES], unsure=unsure)

    async def _heard(self, text: str, others: list[str], *, unsure: bool) -> None:
        session = self.session
        if self._is_noise(text):
            session.say(session.history.unheard, verbatim=True)
            return
        for reading in (text, *others):
            for attempt in (self._answer_pending, self._correct, self._understand, self._revise):
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
        farewell = self.interjector.named(text) in ("goodbye", "hold_on") or is_backchannel(text)
        if farewell or parse_yes_no(text) is YesNo.NO or len(text.split()) < 2:
            session.say(session.phrases.phrase(PhraseName.GOODBYE), SayKind.GOODBYE)
            session.emit(End())
            return False
        session.phase = Phase.WAITING
        self.walker.go_back("the caller has more")
        session.phase = Phase.WAITING
        return True

    # -- an open question ------------------------------------------------------------------------------------

    async def _answer_pending(self, text: str, unsure: bool) -> bool:
        pending = self.session.pending
        if isinstance(pending, ConfirmValue):
            return self._confirm(pending, text)
        if isinstance(pending, WhichOne):
            return self._which_value(pending, text)
        if isinstance(pending, WhichOption):
            return await self._which_option(pending, text)
        if isinstance(pending, PersonOffered):
            return self._person_offered(text)
        if isinstance(pending, GuidedQuestion):
            return self._guided(pending, text)
        return False

    def _confirm(self, pending: ConfirmValue, text: str) -> bool:
        session = self.session
        field = find_field(session, pending.key)
        reply = parse_yes_no(text)
        if field is None:
            session.pending = None
            return False
        correction = parse_correction(text)
        reading = self.collector.read(field, correction.rest if correction.is_correction else text)
        value = session.memory.slots[pending.key].value
        if reading.found and reading.value != value and reply is not YesNo.YES:
            session.pending = None
            self.collector.fill(field, reading)
        elif reply is YesNo.YES or (reading.found and reading.value == value and reply is not YesNo.NO):
            session.pending = None
            session.memory.confirm(pending.key)
            session.doubtful.discard(pending.key)
        elif reply is YesNo.NO:
            session.pending = None
            session.memory.forget(pending.key)
            session.attempts[f"{session.visit}:{field.key}"] += 1
            session.say(session.phrases.phrase(PhraseName.SORRY_AGAIN))
        else:
            return False
        self._go_on()
        return True

    def _which_value(self, pending: WhichOne, text: str) -> bool:
        session = self.session
        field = find_field(session, pending.key)
        if field is None:
            return False
        listed = [Offer(value, value_in_words(session, field, value)) for value in pending.candidates]
        encoder = self.walker.matcher.encoder
        reading = choose(listed, text, today=session.memory.today, encoder=encoder)
        if reading.value is None:
            reading = self.collector.read(field, text)
        if reading.value is None:
            return False
        session.pending = None
        self.collector.fill(field, reading)
        self._go_on(acknowledge=True)
        return True

    async def _which_option(self, pending: WhichOption, text: str) -> bool:
        session = self.session
        listed = [Offer(option.id, option.label) for option in pending.options]
        encoder = self.walker.matcher.encoder
        reading = choose(listed, text, today=session.memory.today, encoder=encoder)
        ranked = self.walker.matcher.rank(text, pending.options)
        chosen = next((option for option in pending.options if option.id == reading.value), None)
        if chosen is None and ranked[0][0] >= self.walker.matcher.threshold:
            chosen = ranked[0][1]
        if chosen is None:
            return False
        session.pending = None
        return await self._act_on(chosen, text)

    def _person_offered(self, text: str) -> bool:
        session = self.session
        reply = parse_yes_no(text)
        if reply is YesNo.YES:
            session.pending = None
            if self.interjector.leads_somewhere(PERSON):
                self.interjector.interject(PERSON, "")
            else:
                self.interjector.person(reason="caller could not be understood", trigger="misunderstanding")
            return True
        if reply is YesNo.NO:
            session.pending = None
            self._go_on(acknowledge=True)
            return True
        return False

    def _guided(self, pending: GuidedQuestion, text: str) -> bool:
        session = self.session
        session.pending = None
        if pending.offer:
            reply = parse_yes_no(text)
            if reply not in (YesNo.YES, YesNo.NO):
                return False
            session.memory.event["accepted"] = reply is YesNo.YES
            session.memory.event["offer"] = pending.text
            name = PhraseName.NOTED if reply is YesNo.YES else PhraseName.ACKNOWLEDGED
            session.say(session.phrases.phrase(name))
            self._go_on()
            return True
        field = find_field(session, pending.key) if pending.key is not None else None
        if field is None:
            session.memory.remember(text)
            session.memory.event["answer"] = text
            session.say(session.phrases.phrase(PhraseName.ACKNOWLEDGED))
            self._go_on()
            return True
        reading = self.collector.read(field, text)
        if reading.value is None:
            return False
        self.collector.fill(field, reading)
        self._go_on(acknowledge=True)
        return True

    def _go_on(self, *, acknowledge: bool = False) -> None:
        """Back to what the state is about."""
        session = self.session
        if isinstance(session.here.state, DataCollectionState):
            self.collector.proceed(acknowledge=acknowledge)
        elif isinstance(session.pending, WhichOne):
            session.say(self.collector.which(session.pending), question=True)
        elif not self.walker.follow_automatic_exits():
            session.say(question(session), question=True)

    # -- corrections -----------------------------------------------------------------------------------------

    async def _correct(self, text: str, unsure: bool) -> bool:
        """ "no, Friday": change what was said last without starting over."""
        correction = parse_correction(text)
        if not correction.is_correction or not correction.rest:
            return False
        return await self._replace(text, correction.rest)

    async def _revise(self, text: str, unsure: bool) -> bool:
        """ "How about Wednesday?" while Friday's times are offered: a clear value, given where nothing else
        makes sense of it, changes the one given before."""
        return await self._replace(text, text, strong=True)

    async def _replace(self, text: str, words: str, *, strong: bool = False) -> bool:
        """Put the value in ``words`` in the place of a field given lately."""
        session = self.session
        given = sorted(
            ((key, slot) for key, slot in session.memory.slots.items() if slot.state),
            key=lambda item: -item[1].serial,
        )
        for index, (key, slot) in enumerate(given[:CORRECTABLE]):
            field = find_field(session, key)
            if field is None:
                continue
            if field.type is FieldType.TEXT and (index > 0 or slot.state != session.here.name):
                continue
            reading = self.collector.read(field, words)
            unclear = not reading.strong and (strong or index > 0)
            if reading.value is None or reading.value == slot.value or unclear:
                continue
            if field.type in _WEAK and await self._means_something_else(text):
                return False
            return self._change(field, key, reading.value)
        return False

    async def _means_something_else(self, text: str) -> bool:
        choice = await self._navigate(text)
        return choice.option is not None and choice.score >= self.session.settings.sure_threshold

    def _change(self, field: CollectionField, key: str, value: object) -> bool:
        session = self.session
        slot = session.memory.slots[key]
        here = slot.state == session.here.name
        if not here and slot.serial <= session.written_serial:
            return False  # something was booked with it: that is a new wish, for the graph to handle
        session.memory.fill(key, value, state=slot.state)
        if not self.collector.needs_confirmation(field):
            words = value_in_words(session, field, value)
            session.say(session.phrases.phrase(PhraseName.CORRECTED, value=words), verbatim=True)
        if here and isinstance(session.here.state, DataCollectionState):
            self.collector.proceed()
            return True
        for other, later in list(session.memory.slots.items()):
            chosen = find_field(session, other)
            if (
                later.serial > slot.serial
                and other != key
                and chosen is not None
                and chosen.options_from is not None
            ):
                session.memory.forget(other)
        self.walker.enter(slot.state, "jumpback", f"{field.label} was corrected")
        return True

    # -- fields and wishes -----------------------------------------------------------------------------------

    async def _understand(self, text: str, unsure: bool) -> bool:
        if isinstance(self.session.here.state, DataCollectionState):
            return await self._understand_answer(text, unsure)
        choice = await self._navigate(text)
        return await self._follow(choice, text)

    async def _understand_answer(self, text: str, unsure: bool) -> bool:
        session = self.session
        asked = asked_field(session)
        choice: Choice | None = None
        if asked is None or asked.type in _WEAK:
            choice = await self._navigate(text)
            if choice.option is not None and choice.score >= self._needed_score(asked, text, choice.option):
                return await self._act_on(choice.option, text)
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
            choice = await self._navigate(text)
            if self._take_words_of_model(choice):
                return await self._after_answer("")
        return await self._follow(choice, text)

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
        if len(rest.split()) > 1 and session.pending is None:
            choice = await self._navigate(rest)
            if choice.option is not None:
                return await self._act_on(choice.option, rest)
            session.memory.remember(rest)
        self.collector.proceed(acknowledge=True)
        return True

    async def _navigate(self, text: str) -> Choice:
        session = self.session
        situation = situation_of(
            session, self.walker.runs.registry, utterance=text, options=options_of(session)
        )
        choice = await self.walker.reasoner.navigate(situation)
        self.walker.usage = choice.usage
        return choice

    async def _follow(self, choice: Choice, text: str) -> bool:
        session = self.session
        if choice.clarify:
            session.pending = WhichOption(choice.clarify)
            labels = [option.label for option in choice.clarify]
            words = session.phrases.phrase(PhraseName.CLARIFY, options=_either(labels))
            session.say(words, question=True)
            session.memory.remember(text, acted_on=True)
            return True
        return choice.option is not None and await self._act_on(choice.option, text)

    async def _act_on(self, option: Option, text: str) -> bool:
        session = self.session
        name = option.id.partition(":")[2]
        if option.kind is OptionKind.INTENT:
            self.interjector.interject(name, text)
            return True
        session.memory.remember(text, acted_on=True)
        if option.kind is OptionKind.EXIT:
            self.walker.take_exit(exits_of(session)[int(name)])
        else:
            self._answer(actions_of(session)[int(name)])
        return True

    def _answer(self, action: Action) -> None:
        """An answer in passing: look up if needed, say it, and ask the open question again."""
        session = self.session
        if action.tool is not None:
            spec = next(spec for spec in tool_specs(session.here.state) if spec.tool_id == action.tool)
            self.interjector.look_up(
                spec, frozenset(s.tool_id for s in tool_specs(session.here.state)), action.say
            )
            return
        session.say(session.phrases.pick(action.say))
        self.interjector.ask_again()

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
            self.walker.escalate(
                Escalation(reason="caller could not be understood"), trigger="misunderstanding"
            )
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
        if harmless and await self._correct(text, unsure=False):
            return
        session.memory.remember(text)
        if session.channel is Channel.VOICE:
            session.say(session.phrases.phrase(PhraseName.STILL_WORKING), SayKind.FILLER)


def _either(labels: list[str]) -> str:
    return ", or ".join([", ".join(labels[:-1]), labels[-1]]) if len(labels) > 2 else " or ".join(labels)
