"""Carries out what a caller may want at any time, and comes back to the open question."""

from __future__ import annotations

from dataclasses import dataclass

from voice_agent.reasoning.collecting import Collector
from voice_agent.reasoning.effects import Pace
from voice_agent.reasoning.interjections import (
    BRIEF,
    BUILT_IN,
    GOODBYE,
    HOLD_ON,
    PERSON,
    REPEAT,
    SLOWER,
    START_OVER,
    intents_at,
)
from voice_agent.reasoning.parts import Escalation, Intent, ToolCallSpec
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import asked_field, field_question, find_field, question, wish_question
from voice_agent.reasoning.reasoner import Option, OptionKind
from voice_agent.reasoning.session import (
    ConfirmValue,
    GuidedQuestion,
    PersonOffered,
    Phase,
    Session,
    WhichOne,
    WhichOption,
    Work,
    WorkKind,
)
from voice_agent.reasoning.states import DataCollectionState
from voice_agent.reasoning.walking import Walker


@dataclass
class Interjector:
    """Serves the intents."""

    session: Session
    walker: Walker
    collector: Collector

    def named(self, text: str) -> str | None:
        """The intent that a sentence clearly means, by the embedded reasoner; None for none."""
        ranked = self.walker.matcher.rank(text, self._options())
        return ranked[0][1].id if ranked and ranked[0][0] >= self.session.settings.sure_threshold else None

    def _options(self, *, own: bool = False) -> tuple[Option, ...]:
        """The intents as options; with ``own`` only those of the graph."""
        return tuple(
            Option(
                OptionKind.INTENT,
                intent.name,
                intent.description,
                examples=intent.examples,
                brief=intent.name in BRIEF,
            )
            for intent in intents_at(self.session)
            if not own or intent.name not in BUILT_IN
        )

    def follow_remarks(self) -> bool:
        """Serve a wish that was spoken while a tool was running and nobody could act on it."""
        found = self.walker.remembered(self._options(own=True))
        if found is not None:
            self.interject(found.id, "")
        return found is not None

    def leads_somewhere(self, name: str) -> bool:
        """Whether the graph has its own way of serving an intent."""
        return any(i.name == name and i.next_state is not None for i in intents_at(self.session))

    def interject(self, name: str, text: str) -> None:
        """Serve an intent. Its words are kept: they may hold values for a side trip's fields."""
        session = self.session
        intent = next(intent for intent in intents_at(session) if intent.name == name)
        if name == PERSON and intent.next_state is None and intent.transfer is None:
            self.person(reason="caller asked for a person", trigger="caller", intent=intent)
            return
        if name in (REPEAT, SLOWER, HOLD_ON, START_OVER) and intent.next_state is None:
            self._built_in(name, intent)
            return
        if name == GOODBYE and intent.next_state is None:
            session.frames.clear()
            session.say(session.phrases.pick(intent.say))
            self.walker.enter(session.linked.root.terminal_state, "intent", intent.description)
            return
        session.memory.remember(text, acted_on=True)
        if intent.tool is not None:
            self.look_up(intent.tool, frozenset({intent.tool.tool_id}), intent.say)
            return
        session.say(session.phrases.pick(intent.say))
        if self.walker.apply(intent):
            return
        if intent.next_state is None:
            self.ask_again()
        elif intent.returns:
            self.walker.side_trip(intent.next_state, intent.description)
        else:
            session.frames.clear()
            self.walker.enter(intent.next_state, "intent", intent.description)

    def _built_in(self, name: str, intent: Intent) -> None:
        session = self.session
        own = session.phrases.pick(intent.say)
        if name == REPEAT:
            session.say(own or session.history.repeatable or question(session), verbatim=True)
        elif name == HOLD_ON:
            session.holds = session.settings.holds
            session.say(own or session.phrases.phrase(PhraseName.HOLD_ON))
        elif name == SLOWER:
            session.emit(Pace(session.settings.slow_pace, "the caller asked for it"))
            session.say(own or session.phrases.phrase(PhraseName.SLOWER))
            session.say(session.history.repeatable, verbatim=True)
        else:
            session.say(own or session.phrases.phrase(PhraseName.START_OVER))
            session.memory.start_over()
            session.wished.clear()
            session.frames.clear()
            session.written_serial = 0
            graph = session.linked.root
            self.walker.enter(graph.returning_user_initial_state, "start_over")

    def person(self, *, reason: str, trigger: str, intent: Intent | None = None) -> None:
        """Ask for a person, unless the state's policy keeps the caller here."""
        session = self.session
        policy = session.policy
        blocked = policy is not None and (
            policy.block_forward_call
            or (policy.block_forward_call_after_turns >= 0
                and session.turns_in_state > policy.block_forward_call_after_turns)
        )  # fmt: skip
        if blocked:
            session.say(session.phrases.phrase(PhraseName.PERSON_BLOCKED))
            self.ask_again()
            return
        own = session.phrases.pick(intent.say) if intent is not None else ""
        session.say(own or session.phrases.phrase(PhraseName.PERSON))
        given = intent.escalate if intent is not None else None
        wanted = given if isinstance(given, Escalation) else Escalation(reason=given or reason)
        self.walker.escalate(wanted, trigger=trigger, promised=True)

    def look_up(self, spec: ToolCallSpec, listed: frozenset[str], words: tuple[str, ...]) -> None:
        """Call a tool, then answer."""
        session = self.session
        run = self.walker.calling.start(spec, listed=listed)
        if run is None:
            session.say(session.phrases.phrase(PhraseName.TOOL_FAILED))
            self.ask_again()
            return
        session.work = Work(WorkKind.ANSWER, (run,), words)
        session.phase = Phase.WORKING

    def ask_again(self) -> None:
        """The open question once more, whatever it is."""
        session = self.session
        pending = session.pending
        field = asked_field(session)
        if isinstance(pending, ConfirmValue) and (confirmed := find_field(session, pending.key)) is not None:
            session.say(self.collector.confirmation(confirmed), question=True, verbatim=True)
        elif isinstance(pending, WhichOption):
            session.say(wish_question(session, pending), question=True)
        elif isinstance(pending, WhichOne):
            session.say(self.collector.which(pending), question=True)
        elif isinstance(pending, PersonOffered):
            session.say(session.phrases.phrase(PhraseName.OFFER_PERSON), question=True)
        elif isinstance(pending, GuidedQuestion):
            name = PhraseName.GUIDED_OFFER if pending.offer else PhraseName.GUIDED_ASK
            session.say(session.phrases.phrase(name, text=pending.text), question=True)
        elif field is not None and field.key in session.memory.slots:
            self.collector.proceed()  # it was answered in the same breath
        elif isinstance(session.here.state, DataCollectionState) and field is not None:
            session.say(field_question(session, field), question=True)
        else:
            session.say(question(session), question=True)
