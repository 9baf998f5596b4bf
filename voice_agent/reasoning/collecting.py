"""Data collection: asks for what is missing, takes what is given in any order, reads back what must be
right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from models.expectation import AnswerKind
from voice_agent.reasoning.answers import Reading, read_answer, read_volunteered, without
from voice_agent.reasoning.choosing import choose
from voice_agent.reasoning.fields import SPELLED, CollectionField, FieldType, field_length
from voice_agent.reasoning.memory import Remark
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import asked_field, field_question, find_field, offers, value_in_words
from voice_agent.reasoning.sayings import SaidBefore
from voice_agent.reasoning.session import ConfirmValue, Phase, Session, WhichOne
from voice_agent.reasoning.signals import Channel
from voice_agent.reasoning.situations import holds
from voice_agent.reasoning.spoken import mended, parse_correction, spoken_date
from voice_agent.reasoning.states import DataCollectionState
from voice_agent.reasoning.templates import join_options
from voice_agent.reasoning.walking import REMARK_TURNS, Walker

_TYPEABLE = frozenset({FieldType.DIGITS, FieldType.PHONE, FieldType.DATE, FieldType.NUMBER})
MAX_CANDIDATES = 3
"""Days named in one question; of more only the first and the last are."""
FEW_CANDIDATES = 2
"""So many are asked about when they were said in passing; more were no exact wish."""


@dataclass
class Collector:
    """Fills the fields of data collection states."""

    session: Session
    walker: Walker

    @property
    def state(self) -> DataCollectionState:
        """The current state, which must collect data."""
        state = self.session.here.state
        if not isinstance(state, DataCollectionState):
            raise TypeError(f"the state {self.session.here.name!r} does not collect data")
        return state

    def entry(self) -> None:
        """Enter the state: use what was said before, then ask for the rest."""
        session, state = self.session, self.state
        if self.walker.preload(state.preload):
            return
        self._use_remarks()
        if session.returning:
            session.say(session.phrases.phrase(PhraseName.GO_ON))
        elif self._missing():
            override = state.channel_overrides.get(session.channel.value)
            session.say(
                session.phrases.pick((override.say_on_entry if override else ()) or state.say_on_entry)
            )
        self.proceed()

    def _active(self) -> list[CollectionField]:
        return [field for field in self.state.fields if holds(self.session, field.when)]

    def _missing(self) -> list[CollectionField]:
        return [
            field for field in self._active() if field.required and field.key not in self.session.memory.slots
        ]

    def _use_remarks(self) -> None:
        """Fill fields from what the caller said earlier and nothing has used."""
        memory = self.session.memory
        for remark in sorted(memory.remarks, key=lambda remark: -remark.turn):
            if memory.turns - remark.turn > REMARK_TURNS:
                continue
            rest = remark.text
            for field in self._by_evidence():
                if field.key in memory.slots:
                    continue
                reading = self._read_volunteered(field, rest)
                if reading.value is not None:
                    memory.fill(field.key, reading.value, state=self.session.here.name)
                    rest = reading.rest
                elif 0 < len(reading.candidates) <= FEW_CANDIDATES:
                    self.fill(field, reading)
                    rest = reading.rest
            if rest != remark.text:
                index = memory.remarks.index(remark)
                memory.remarks[index] = Remark(rest, remark.turn, remark.acted_on)

    def _by_evidence(self) -> list[CollectionField]:
        """Fields with patterns first: they are the ones that can tell "my Thursday appointment" from "to
        Friday"."""
        return sorted(self._active(), key=lambda field: not field.heard_as)

    def _read_volunteered(self, field: CollectionField, text: str) -> Reading:
        if field.type is FieldType.CHOICE and field.options:
            lower = f" {text.lower()} "
            named = [option for option in field.options if f" {option.lower()} " in lower]
            if len(named) == 1:
                return Reading(value=named[0], rest=without(text, named[0]), strong=True)
        return read_volunteered(field, text, today=self.session.memory.today)

    def read(self, field: CollectionField, text: str) -> Reading:
        """Read the answer to a field's question."""
        session = self.session
        if field.type is FieldType.CHOICE:
            return choose(
                offers(session, field), text, today=session.memory.today, encoder=self.walker.matcher.encoder
            )
        heard = session.partial.get(field.key, "")
        if heard and field.type is FieldType.DATE:
            alone = read_answer(field, text, today=session.memory.today)
            return alone if alone.found else read_answer(field, f"{heard} {text}", today=session.memory.today)
        if heard:
            joined = read_answer(field, f"{' '.join(heard)} {text}", today=session.memory.today)
            if joined.found or joined.partial:
                return joined
        return read_answer(field, text, today=session.memory.today)

    def read_again(self, field: CollectionField, text: str) -> Reading:
        """As :meth:`read`, in the light of what was said of the field before and refused; of spoken digits
        and letters every reading of the recognizer counts."""
        reading = self.read(field, text)
        whole = reading.value is not None or len(reading.partial) >= (field_length(field) or math.inf)
        if field.type not in SPELLED or not whole or not self.session.readings:
            return reading
        saying: dict[Any, float] = {}
        for words, confidence in ((text, self.session.readings[0][1]), *self.session.readings[1:]):
            value = self.read(field, parse_correction(words).rest).value
            if value is not None:
                saying[value] = saying.get(value, 0.0) + confidence
        said = self.session.sayings.setdefault(field.key, SaidBefore())
        value = said.likeliest(saying, lambda value: self._could_be(field, value))
        return Reading(value=value, rest=reading.rest, strong=reading.strong) if saying else reading

    def _could_be(self, field: CollectionField, value: str) -> bool:
        spelled = " ".join(value.removeprefix("+1").lower())
        return bool(read_answer(field, spelled, today=self.session.memory.today).value == value)

    def mended(self, field: CollectionField, text: str) -> Any:
        """The field's value as the words correct a part of it, None where they do not."""
        value = self.session.memory.slots[field.key].value
        if field.type not in SPELLED or not isinstance(value, str):
            return None
        national = value.removeprefix("+1")
        new = mended(national, text, letters=field.type is FieldType.ALPHANUMERIC)
        if new is None or new == national:
            return None
        new = value[: len(value) - len(national)] + new
        return new if self._could_be(field, new) else None

    def refuse(self, field: CollectionField) -> None:
        """The caller says that the value is wrong: forget it, but not that it was wrong."""
        session = self.session
        said = session.sayings.setdefault(field.key, SaidBefore())
        said.refuse(session.memory.slots[field.key].value)
        session.memory.forget(field.key)

    def take(self, text: str) -> tuple[bool, str]:
        """Fill whatever the words fill: the asked field and any other of the state.

        Returns:
            whether anything was filled (or a question about it is open now), and the words nothing used.
        """
        session = self.session
        asked = asked_field(session)
        rest, filled = text, False
        others = [
            field for field in self._by_evidence() if field.key not in session.memory.slots and field != asked
        ]
        # A name may be any word: what has a form of its own is taken out before it is looked for.
        named = asked is not None and asked.type is FieldType.NAME
        first = [field for field in others if field.heard_as or named]
        for field in first:
            rest, filled = self._take_volunteered(field, rest, filled)
        if asked is not None:
            reading = self.read_again(asked, rest) if rest else Reading()
            if asked.heard_as and (patterned := self._read_volunteered(asked, rest)).value is not None:
                reading = patterned
            if reading.found:
                self.fill(asked, reading)
                rest, filled = reading.rest, True
            elif reading.partial:
                session.partial[asked.key] = reading.partial
                rest = reading.rest
        if asked is not None and asked.type is FieldType.BOOLEAN:
            filled = self._take_behind(asked, text) or filled
        for field in [field for field in others if field not in first]:
            rest, filled = self._take_volunteered(field, rest, filled)
        return filled, rest

    def _take_behind(self, asked: CollectionField, text: str) -> bool:
        """Take what a yes or no would be asked for next, given with it or in its place: "no, use 415..."."""
        memory = self.session.memory
        given = memory.slots.get(asked.key)
        before = self._active()
        for answer in (False, True) if given is None else (given.value,):
            memory.fill(asked.key, answer, state=self.session.here.name)
            for field in self._active():
                if (field in before and given is None) or field.key in memory.slots:
                    continue
                reading = self._read_volunteered(field, text)
                if reading.value is not None:
                    self.fill(field, reading)
                    return True
            if given is None:
                memory.forget(asked.key)
        return False

    def _take_volunteered(self, field: CollectionField, rest: str, filled: bool) -> tuple[str, bool]:
        reading = self._read_volunteered(field, rest) if rest else Reading()
        if reading.value is None:
            return rest, filled
        self.fill(field, reading)
        return reading.rest, True

    def fill(self, field: CollectionField, reading: Reading) -> None:
        """Keep a value, or open the question which of several was meant."""
        session = self.session
        session.partial.pop(field.key, None)
        if reading.value is None:
            session.pending = WhichOne(field.key, reading.candidates)
            return
        session.memory.fill(field.key, reading.value, state=self._owner(field.key))
        if field.read_back and not self.needs_confirmation(field):
            session.say(self._read_back(field, reading.value), verbatim=True)

    def _owner(self, key: str) -> str:
        """The state that collects a field: this one, when it does."""
        session = self.session
        state = session.here.state
        if isinstance(state, DataCollectionState) and any(field.key == key for field in state.fields):
            return session.here.name
        for place in session.linked.places.values():
            if isinstance(place.state, DataCollectionState) and any(f.key == key for f in place.state.fields):
                return place.name
        return session.here.name

    def needs_confirmation(self, field: CollectionField) -> bool:
        """Whether a yes is needed before the value counts."""
        return (field.confirm or field.key in self.session.doubtful) and field.type is not FieldType.BOOLEAN

    def _read_back(self, field: CollectionField, value: Any) -> str:
        session = self.session
        words = value_in_words(session, field, value)
        if isinstance(field.read_back, str):
            return session.phrases.fill(field.read_back, value=words)
        return session.phrases.phrase(PhraseName.READ_BACK, value=words)

    def confirmation(self, field: CollectionField) -> str:
        """The question that reads a value back."""
        session = self.session
        words = value_in_words(session, field, session.memory.slots[field.key].value)
        if isinstance(field.read_back, str):
            said = session.phrases.fill(field.read_back, value=words)
            return said if said.endswith("?") else f"{said} Is that right?"
        return session.phrases.phrase(PhraseName.CONFIRM, value=words)

    def proceed(self, *, acknowledge: bool = False) -> None:
        """Ask the next thing, or leave when everything is known. Queues nothing twice."""
        session = self.session
        if isinstance(session.pending, WhichOne):
            session.say(self.which(session.pending), question=True)
            session.phase = Phase.WAITING
            return
        session.pending = None
        for field in self._active():
            slot = session.memory.slots.get(field.key)
            if slot is None and field.required:
                self._ask(field, acknowledge)
                return
            if slot is not None and slot.state and not slot.confirmed and self.needs_confirmation(field):
                session.pending, session.asked = ConfirmValue(field.key), field.key
                session.say(self.confirmation(field), question=True, verbatim=True)
                session.phase = Phase.WAITING
                return
        self.walker.move(self.state.on_complete, "data_collection")

    def _ask(self, field: CollectionField, acknowledge: bool) -> None:
        session = self.session
        if field.type is FieldType.CHOICE and not offers(session, field):
            self.give_up(field)
            return
        session.asked = field.key
        attempt = session.attempts[f"{session.visit}:{field.key}"]
        if acknowledge and not session.queue_has_words:
            session.say(session.phrases.phrase(PhraseName.ACKNOWLEDGED))
        session.say(field_question(session, field, attempt), question=True)
        session.phase = Phase.WAITING

    def ask_again(self) -> None:
        """The open question in other words, after it was not answered."""
        session = self.session
        field = asked_field(session)
        if field is None:
            self.proceed()
            return
        key = f"{session.visit}:{field.key}"
        session.attempts[key] += 1
        session.say(field_question(session, field, session.attempts[key]), question=True)
        self.offer_keypad(field)

    def offer_keypad(self, field: CollectionField) -> None:
        """Tell a caller on the phone that the value can be keyed, if it can."""
        if self.session.channel is Channel.VOICE and field.type in _TYPEABLE:
            self.session.say(self.session.phrases.phrase(PhraseName.KEYPAD))

    def which(self, pending: WhichOne) -> str:
        """The question which of several values was meant."""
        session = self.session
        field = find_field(session, pending.key)
        if field is None:
            return ""
        if field.kind is AnswerKind.DATE:
            words = [spoken_date(day, session.memory.today) for day in pending.candidates]
            if len(words) > MAX_CANDIDATES:
                return session.phrases.phrase(PhraseName.WHICH_OF_DAYS, first=words[0], last=words[-1])
        else:
            words = [value_in_words(session, field, value) for value in pending.candidates]
        return session.phrases.phrase(PhraseName.WHICH_DATE, options=join_options(words))

    def give_up(self, field: CollectionField | None = None) -> None:
        """The state cannot get what it needs: its own way out, or a person."""
        session, state = self.session, self.state
        if state.on_give_up is not None:
            self.walker.move(state.on_give_up, "data_collection", "gave up")
            return
        session.say(session.phrases.phrase(PhraseName.LOST), verbatim=True)
        what = field.label if field is not None else state.objective
        self.walker.escalate(f"could not learn: {what}", trigger="max_turns", promised=True)
        session.phase = Phase.WAITING
