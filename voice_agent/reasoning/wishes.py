"""What a caller wishes: asks the reasoner, and does what it chose."""

from __future__ import annotations

from dataclasses import dataclass

from voice_agent.reasoning.interjecting import Interjector
from voice_agent.reasoning.interjections import BUILT_IN, intents_at
from voice_agent.reasoning.parts import Action, Intent
from voice_agent.reasoning.questions import wish_question
from voice_agent.reasoning.reasoner import Choice, Option, OptionKind
from voice_agent.reasoning.session import Draft, Session, WhichOption
from voice_agent.reasoning.similarity import clauses
from voice_agent.reasoning.situations import actions_of, exits_of, options_of, situation_of
from voice_agent.reasoning.states import ActionState
from voice_agent.reasoning.walking import Walker
from voice_agent.reasoning.wiring import tool_specs


@dataclass
class Wishes:
    """Finds out what the words mean among the options of the state, and acts on it."""

    session: Session
    walker: Walker
    interjector: Interjector

    async def navigate(self, text: str) -> Choice:
        """Ask the reasoner."""
        session = self.session
        situation = situation_of(
            session, self.walker.calling.runs.registry, utterance=text, options=options_of(session)
        )
        choice = await self.walker.reasoner.navigate(situation)
        self.walker.usage = choice.usage
        return choice

    async def follow(self, choice: Choice, text: str) -> bool:
        """Act on a choice, or ask which of several was meant; False when there is none."""
        session = self.session
        if choice.clarify and self._lead_to_one_place(choice.clarify):
            return await self.act_on(choice.clarify[0], text)
        if choice.clarify and (wished := self._one_after_the_other(choice.clarify, text)):
            return await self.act_on(wished, text)
        if choice.clarify:
            session.pending = WhichOption(choice.clarify)
            session.say(wish_question(session, session.pending), question=True)
            session.memory.remember(text, acted_on=True)
            return True
        return choice.option is not None and await self.act_on(choice.option, text)

    def _serve(self, option: Option, text: str) -> None:
        """Serve a wish, and what else the caller wished in the same breath: what is only told, at once; what
        leads somewhere, later."""
        session = self.session
        intents = {f"intent:{intent.name}": intent for intent in intents_at(session)}
        others = [(part, other) for part, other in self._wishes_in(text) if other.id != option.id]
        told = [other for _, other in others if _only_tells(intents[other.id])]
        wished = [(part, other) for part, other in others if intents[other.id].next_state is not None]
        if wished and _only_tells(intents[option.id]):
            told, option = [option, *told], wished.pop(0)[1]
        if intents[option.id].next_state is not None:
            for other in told:
                session.say(session.phrases.pick(intents[other.id].say))
            kept = [part for part in session.wished if self._wish_in(part) != option]
            session.wished = [*kept, *(part for part, _ in wished)]
        self.interjector.interject(option.id.partition(":")[2], text)

    def _wishes_in(self, text: str) -> list[tuple[str, Option]]:
        """The parts of a sentence that each clearly mean a wish of their own, in the order said."""
        found: dict[str, tuple[str, Option]] = {}
        for part in clauses(text)[1:]:
            if (wish := self._wish_in(part)) is not None:
                found.setdefault(wish.id, (part, wish))
        return list(found.values())

    def _wish_in(self, part: str) -> Option | None:
        options = tuple(
            option
            for option in options_of(self.session)
            if option.kind is OptionKind.INTENT and option.id.partition(":")[2] not in BUILT_IN
        )
        ranked = self.walker.matcher.rank(part, options)
        return ranked[0][1] if ranked and ranked[0][0] >= self.session.settings.sure_threshold else None

    def take_up(self) -> None:
        """Where a wish is done, ask about another one that was named with it, in place of the question."""
        session = self.session
        state = session.here.state
        if not isinstance(state, ActionState) or not state.takes_up_wishes or session.pending is not None:
            return
        while session.wished:
            wish = self._wish_in(session.wished.pop(0))
            if wish is None or not wish.label:
                continue
            session.queue = [q for q in session.queue if not (isinstance(q, Draft) and q.question)]
            session.pending = WhichOption((wish,))
            session.say(wish_question(session, session.pending), question=True)
            return

    def _one_after_the_other(self, options: tuple[Option, ...], text: str) -> Option | None:
        """The first of several wishes that were said one after the other; None when they only look alike."""
        said = [option for _, option in self._wishes_in(text)]
        return said[0] if len(said) > 1 and all(option in options for option in said) else None

    def _lead_to_one_place(self, options: tuple[Option, ...]) -> bool:
        """Whether it makes no difference which of the options was meant."""
        intents = {intent.name: intent for intent in intents_at(self.session)}
        exits = exits_of(self.session)
        ways = set()
        for option in options:
            name = option.id.partition(":")[2]
            if option.kind not in (OptionKind.INTENT, OptionKind.EXIT):
                return False
            meant = intents[name] if option.kind is OptionKind.INTENT else exits[int(name)]
            ways.add((meant.next_state, tuple(sorted(meant.set.items()))))
        return len(ways) == 1 and None not in {way[0] for way in ways}

    async def act_on(self, option: Option, text: str) -> bool:
        """Do what an option says; always True: the words were understood."""
        session = self.session
        name = option.id.partition(":")[2]
        if option.kind is OptionKind.INTENT:
            self._serve(option, text)
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


def _only_tells(intent: Intent) -> bool:
    """Whether an intent is served by its words alone."""
    return bool(intent.say) and intent.next_state is None and intent.tool is None and intent.transfer is None
