"""Changes what was said before without starting over: "no, Friday"."""

from __future__ import annotations

from dataclasses import dataclass

from voice_agent.reasoning.answers import MAX_TEXT
from voice_agent.reasoning.collecting import Collector
from voice_agent.reasoning.fields import CollectionField, FieldType
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import asked_field, find_field, value_in_words
from voice_agent.reasoning.session import Session
from voice_agent.reasoning.spoken import YesNo, parse_correction, parse_yes_no
from voice_agent.reasoning.states import DataCollectionState
from voice_agent.reasoning.walking import Walker
from voice_agent.reasoning.wishes import Wishes

CORRECTABLE = 4
"""Fields back in time that a correction may mean."""

WORDS_BESIDES = 3
"""More words than these beside a value say something else."""

WEAK = frozenset(
    {FieldType.TEXT, FieldType.NAME, FieldType.BOOLEAN, FieldType.CHOICE, FieldType.ALPHANUMERIC}
)
"""Types whose answers could be anything: a clear wish wins over reading the words as a value."""


@dataclass
class Corrector:
    """Changes fields given lately."""

    session: Session
    walker: Walker
    collector: Collector
    wishes: Wishes

    async def correct(self, text: str, unsure: bool) -> bool:
        """ "no, Friday": change what was said last without starting over."""
        correction = parse_correction(text)
        if not correction.is_correction or not correction.rest:
            return False
        return await self._replace(text, correction.rest)

    async def revise(self, text: str, unsure: bool) -> bool:
        """ "How about Wednesday?" while Friday's times are offered: a clear value, given where nothing else
        makes sense of it, changes the one given before, or adds to it ("half past two")."""
        return await self._replace(text, text, strong=True) or self._add(text)

    def _add(self, text: str) -> bool:
        """Fill what was not asked for, in the state that collected the newest value, and go on from there."""
        session = self.session
        given = [
            slot
            for key, slot in session.memory.slots.items()
            if slot.state and (field := find_field(session, key)) is not None and field.options_from is None
        ]
        newest = max(given, key=lambda slot: slot.serial, default=None)
        if newest is None or newest.serial <= session.written_serial or newest.state == session.here.name:
            return False
        state = session.linked.places[newest.state].state
        for field in state.fields if isinstance(state, DataCollectionState) else ():
            if field.required or field.type in WEAK or field.key in session.memory.slots:
                continue
            reading = self.collector.read(field, text)
            if reading.value is None or not reading.strong or len(reading.rest.split()) > WORDS_BESIDES:
                continue
            session.memory.fill(field.key, reading.value, state=newest.state)
            self._forget_choices(newest.serial, but=field.key)
            self.walker.enter(newest.state, "jumpback", f"{field.label} was added")
            return True
        return False

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
            if field.type is FieldType.TEXT and (
                index > 0 or slot.state != session.here.name or self._answers_yes_no(text)
            ):
                continue
            reading = self.collector.read(field, words)
            unclear = not reading.strong and (strong or index > 0)
            if reading.value is None or reading.value == slot.value or unclear:
                continue
            if field.type in WEAK and await self._means_something_else(text):
                return False
            value = reading.value
            if field.type is FieldType.TEXT:  # nobody says a whole message again to change a part of it
                value = f"{slot.value}. {value}"[:MAX_TEXT]
            return self._change(field, key, value)
        return False

    def _answers_yes_no(self, text: str) -> bool:
        asked = asked_field(self.session)
        return (
            asked is not None
            and asked.type is FieldType.BOOLEAN
            and parse_yes_no(text) in (YesNo.YES, YesNo.NO)
        )

    def _forget_choices(self, serial: int, *, but: str) -> None:
        """What was chosen after a value that has changed is open again."""
        memory = self.session.memory
        for key, slot in list(memory.slots.items()):
            field = find_field(self.session, key)
            chosen = field is not None and field.options_from is not None
            if slot.serial > serial and key != but and chosen:
                memory.forget(key)

    async def _means_something_else(self, text: str) -> bool:
        choice = await self.wishes.navigate(text)
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
        self._forget_choices(slot.serial, but=key)
        self.walker.enter(slot.state, "jumpback", f"{field.label} was corrected")
        return True
