"""What a caller wishes: asks the reasoner, and does what it chose."""

from __future__ import annotations

from dataclasses import dataclass

from voice_agent.reasoning.interjecting import Interjector
from voice_agent.reasoning.interjections import intents_at
from voice_agent.reasoning.parts import Action
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.reasoner import Choice, Option, OptionKind
from voice_agent.reasoning.session import Session, WhichOption
from voice_agent.reasoning.situations import actions_of, exits_of, options_of, situation_of
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
        if choice.clarify:
            session.pending = WhichOption(choice.clarify)
            labels = [option.label for option in choice.clarify]
            words = session.phrases.phrase(PhraseName.CLARIFY, options=_either(labels))
            session.say(words, question=True)
            session.memory.remember(text, acted_on=True)
            return True
        return choice.option is not None and await self.act_on(choice.option, text)

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


def _either(labels: list[str]) -> str:
    return ", or ".join([", ".join(labels[:-1]), labels[-1]]) if len(labels) > 2 else " or ".join(labels)
