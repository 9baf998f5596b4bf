"""Answers to a question of ours that is open: is that right, which one, would you like a person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from voice_agent.reasoning.answers import Reading
from voice_agent.reasoning.choosing import Offer, choose
from voice_agent.reasoning.collecting import Collector
from voice_agent.reasoning.fields import CollectionField, FieldType
from voice_agent.reasoning.interjecting import Interjector
from voice_agent.reasoning.interjections import PERSON
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import find_field, question, value_in_words
from voice_agent.reasoning.session import (
    ConfirmValue,
    GuidedQuestion,
    PersonOffered,
    Session,
    WhichOne,
    WhichOption,
)
from voice_agent.reasoning.spoken import YesNo, parse_correction, parse_date, parse_yes_no
from voice_agent.reasoning.states import DataCollectionState
from voice_agent.reasoning.walking import Walker
from voice_agent.reasoning.wishes import Wishes


@dataclass
class OpenQuestions:
    """Takes answers to :data:`voice_agent.reasoning.session.Pending` questions."""

    session: Session
    walker: Walker
    collector: Collector
    interjector: Interjector
    wishes: Wishes

    async def answer(self, text: str, unsure: bool) -> bool:
        """Take the words as the answer; False when nothing is open or they do not answer it."""
        pending = self.session.pending
        if isinstance(pending, ConfirmValue):
            return self._confirm(pending, text)
        if isinstance(pending, WhichOne):
            return self._which_value(pending, text)
        if isinstance(pending, WhichOption):
            return await self._which_option(pending, text)
        if isinstance(pending, PersonOffered):
            return self._person_offered(pending, text)
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
        if reply is not YesNo.YES and (new := self.collector.mended(field, text)) is not None:
            session.pending = None
            self.collector.refuse(field)
            self.collector.fill(field, Reading(value=new, strong=True))
            self._go_on()
            return True
        correction = parse_correction(text)
        words = correction.rest if correction.is_correction else text
        reading = self.collector.read(field, words)
        value = session.memory.slots[pending.key].value
        if reading.found and reply is not YesNo.YES and (reading.value != value or reply is YesNo.NO):
            session.pending = None
            self.collector.refuse(field)
            reading = self.collector.read_again(field, words)
            if not reading.found:
                return self._once_more(field)
            self.collector.fill(field, reading)
        elif reply is YesNo.YES or (reading.found and reading.value == value and reply is not YesNo.NO):
            session.pending = None
            session.memory.confirm(pending.key)
            session.doubtful.discard(pending.key)
            session.sayings.pop(pending.key, None)
        elif reply is YesNo.NO:
            session.pending = None
            self.collector.refuse(field)
            return self._once_more(field)
        else:
            return False
        self._go_on()
        return True

    def _once_more(self, field: CollectionField) -> bool:
        """A value was refused, none is known in its place: ask again, and name the way that never fails."""
        session = self.session
        session.attempts[f"{session.visit}:{field.key}"] += 1
        session.say(session.phrases.phrase(PhraseName.SORRY_AGAIN))
        self._go_on()
        self.collector.offer_keypad(field)
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
            said = parse_date(text, today=session.memory.today, purpose="appointment").matched
            if field.type is FieldType.DATE and len(said.split()) == 1:
                reading = _within(pending, reading)
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
        if chosen is None and len(pending.options) == 1 and parse_yes_no(text) is YesNo.NO:
            session.pending = None
            self._go_on()
            return True
        if chosen is None:
            return False
        session.pending = None
        return await self.wishes.act_on(chosen, text)

    def _person_offered(self, pending: PersonOffered, text: str) -> bool:
        session = self.session
        reply = parse_yes_no(text)
        if reply is YesNo.YES:
            session.pending = None
            if self.interjector.leads_somewhere(PERSON):
                self.interjector.interject(PERSON, "")
            else:
                self.interjector.person(reason=pending.reason, trigger=pending.trigger)
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


def _within(pending: WhichOne, reading: Reading) -> Reading:
    """A bare day of the week means the one among the days that were asked about: "next week", "Thursday"."""
    said = (reading.value,) if reading.value is not None else reading.candidates
    days = [day for day in said if isinstance(day, date)]
    if not days or len({day.weekday() for day in days}) > 1 or set(days) & set(pending.candidates):
        return reading
    meant = [
        day for day in pending.candidates if isinstance(day, date) and day.weekday() == days[0].weekday()
    ]
    return replace(reading, value=meant[0], candidates=()) if len(meant) == 1 else reading
