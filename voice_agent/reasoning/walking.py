"""Navigate: entering states, doing what they are for, and moving on until it is the caller's turn.

Pass-through states (decision, annotation, recall, reflection, tool call) are walked through at once.
Everything is
decided before a word of it is spoken: a caller who interrupts meets a conversation that knows where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voice_agent.reasoning.calling import Calling
from voice_agent.reasoning.effects import End, Escalate, SayKind, StateChanged, Thought, ToolStarted, Transfer
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.memory import Remark
from voice_agent.reasoning.parts import (
    Consequence,
    Escalation,
    ExitCondition,
    NextState,
    PreloadCall,
    ToolCallSpec,
)
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import question
from voice_agent.reasoning.reasoner import Option, OptionKind, Reasoner, Usage
from voice_agent.reasoning.recalling import passages
from voice_agent.reasoning.session import Frame, Phase, Session, Voice, Work, WorkKind
from voice_agent.reasoning.situations import exits_of, holds, options_of, situation_of
from voice_agent.reasoning.states import (
    ActionState,
    AnnotationState,
    DecisionState,
    RecallState,
    ReflectionState,
    ToolCallState,
)
from voice_agent.reasoning.templates import render, render_value
from voice_agent.reasoning.wiring import tool_specs

REMARK_TURNS = 8
"""Turns after which a remark no longer leads anywhere."""


@dataclass
class Walker:
    """Moves a session through its graph.

    Attributes:
        matcher: the embedded reasoner, for remarks made earlier, whatever reasoner serves the conversation.
        usage: what the last model call took, for the record.
    """

    session: Session
    calling: Calling
    reasoner: Reasoner
    matcher: EmbeddedReasoner
    usage: Usage

    def enter(self, name: str, kind: str, annotation: str = "", *, resume: bool = False) -> None:
        """Make a state the current one; what it does on entry comes with :meth:`entry`."""
        session = self.session
        before = session.place.name if session.place is not None else ""
        session.emit(StateChanged(before, name, kind, annotation))
        session.place = session.linked.places[name]
        session.memory.state = name
        session.moves += 1
        if not resume:
            session.visits[name] += 1
        session.trail.append(name)
        session.turns_in_state = session.failures = 0
        session.asked = session.pending = session.work = None
        session.released = False
        session.partial.clear()
        session.returning = resume
        session.phase = Phase.ENTERING

    def move(self, way: NextState, kind: str, annotation: str = "") -> None:
        """Follow a ``next_state``: to a state, into a subgraph, or back from a side trip."""
        session = self.session
        target = session.linked.target(session.here, way)
        if target.place is None:
            self.go_back(annotation)
            return
        if target.come_back_to is not None:
            prefix = session.linked.places[target.place].prefix
            session.frames.append(Frame(target.come_back_to, prefix, resume=False))
        self.enter(target.place, kind, annotation)

    def side_trip(self, name: str, annotation: str) -> None:
        """Leave for a side trip that comes back to the middle of the current state."""
        session = self.session
        prefix = session.linked.places[name].prefix
        own = prefix if prefix != session.here.prefix else None
        session.frames.append(Frame(session.here.name, own, resume=True))
        self.enter(name, "intent", annotation)

    def go_back(self, annotation: str = "") -> None:
        """End a side trip or subgraph. Without one, go on at the last state that waited for the caller."""
        session = self.session
        if session.frames:
            frame = session.frames.pop()
            self.enter(frame.name, "jumpback", annotation, resume=frame.resume)
            return
        earlier = [name for name in session.trail[:-1] if name != session.here.name and self._waits(name)]
        self.enter(
            earlier[-1] if earlier else session.linked.root.returning_user_initial_state,
            "jumpback",
            annotation,
        )

    def _waits(self, name: str) -> bool:
        state = self.session.linked.places[name].state
        return isinstance(state, ActionState) and any(
            not exit_.is_automatic for exit_ in state.exit_conditions
        )

    def take_exit(self, exit_: ExitCondition) -> None:
        """Leave by an exit condition."""
        session = self.session
        kind = "decision" if isinstance(session.here.state, DecisionState) else "exit_condition"
        session.say(session.phrases.pick(exit_.say))
        ended = self.apply(exit_)
        if not ended:
            self.move(exit_.next_state, kind, exit_.description)

    def apply(self, consequence: Consequence) -> bool:
        """Carry out what an exit, intent or state does besides moving; True when the conversation ends by
        it."""
        session, memory = self.session, self.session.memory
        for key in consequence.clear:
            memory.forget(key)
        for key, template in consequence.set.items():
            value = render_value(template, memory.lookup, today=memory.today)
            if value is not None:
                memory.fill(key, value, confirmed=True)
        if consequence.escalate is not None:
            self.escalate(consequence.escalate, trigger="graph")
        number = consequence.transfer or ""
        target = render(number, memory.lookup, today=memory.today)
        if target:
            session.emit(Transfer(target, session.here.state.name))
            session.phase = Phase.ENDED
        if consequence.end is not None:
            session.emit(End(consequence.end))
            session.phase = Phase.ENDED
        return bool(target) or consequence.end is not None

    def escalate(self, wanted: Escalation | str, *, trigger: str, promised: bool = False) -> None:
        """Ask for a person. A hard escalation silences the agent once its words are out. ``promised``: the
        words queued before it say that somebody comes."""
        if isinstance(wanted, str):
            wanted = Escalation(reason=wanted)
        self.session.emit(Escalate(wanted.reason, trigger, wanted.hard, promised))
        if wanted.hard:
            self.session.voice = Voice.SILENT

    @property
    def asks_a_model(self) -> bool:
        """Whether the entry of the current state may wait for a language model."""
        state = self.session.here.state
        if not self.reasoner.rephrases:
            return False
        return isinstance(state, ReflectionState) or (
            isinstance(state, DecisionState)
            and not any(exit_.is_automatic for exit_ in state.exit_conditions)
        )

    async def entry(self) -> None:
        """Do what the current state does on entry. Data collection is entered by ``collecting``."""
        session = self.session
        if session.moves > session.settings.max_transitions:
            self.break_loop()
            return
        state = session.here.state
        if isinstance(state, ActionState):
            self._enter_action(state)
        elif isinstance(state, DecisionState):
            await self._decide(state)
        elif isinstance(state, AnnotationState):
            session.emit(Thought(state.inner_thought))
            self.move(state.next_state, "annotation")
        elif isinstance(state, ToolCallState):
            self._call(state)
        elif isinstance(state, RecallState):
            await self._recall(state)
        elif isinstance(state, ReflectionState):
            thought = await self.reasoner.reflect(self._situation(), state.problem, state.word_limit)
            session.emit(Thought(thought))
            self.move(state.next_state, "reflection")

    def _situation(self, options: tuple[Option, ...] | None = None) -> Any:
        return situation_of(
            self.session, self.calling.runs.registry, utterance=self.session.heard, options=options
        )

    def break_loop(self) -> None:
        """The graph goes round without anybody speaking: stop, and get a person."""
        session = self.session
        session.emit(Thought(f"the graph ran in a circle at {session.here.name}"))
        session.say(session.phrases.phrase(PhraseName.LOST), verbatim=True)
        self.escalate("the conversation ran in a circle", trigger="graph", promised=True)
        session.phase = Phase.WAITING

    def _enter_action(self, state: ActionState) -> None:
        session = self.session
        if self.preload(state.preload):
            return
        if session.returning:
            session.say(session.phrases.phrase(PhraseName.GO_ON))
            session.say(question(session), question=True)
        else:
            self._say_entry_words(state)
            if self._after_words(state):
                return
        if self.follow_automatic_exits() or self.follow_remarks():
            return
        session.phase = Phase.WAITING

    def _say_entry_words(self, state: ActionState) -> None:
        session = self.session
        override = state.channel_overrides.get(session.channel.value)
        variants = (override.say_on_entry if override is not None else ()) or state.say_on_entry
        words = session.phrases.pick(variants)
        if not words:
            spoken = (action for action in state.actions if action.say and not action.examples)
            words = next(
                (
                    text
                    for action in spoken
                    if holds(session, action.when) and (text := session.phrases.pick(action.say))
                ),
                "",
            )
        session.words[session.here.name] = words
        if words:
            session.say(
                words,
                self._kind_of_words(),
                question=words.rstrip().endswith("?"),
                verbatim=state.verbatim,
            )
        elif not any(exit_.is_automatic for exit_ in state.exit_conditions):
            session.say_something()

    def _kind_of_words(self) -> SayKind:
        session = self.session
        if len(session.trail) == 1:
            return SayKind.GREETING
        return SayKind.GOODBYE if session.here.is_terminal and not session.here.prefix else SayKind.REPLY

    def _after_words(self, state: ActionState) -> bool:
        """What follows the entry words; True when the state is left or the conversation ends."""
        session = self.session
        if state.then is not None and self.apply(state.then):
            return True
        if session.here.is_terminal:
            if session.frames and session.frames[-1].prefix == session.here.prefix and session.here.prefix:
                self.go_back("subgraph finished")
                return True
            session.emit(End())
            session.phase = Phase.ENDED
            return True
        return False

    def follow_automatic_exits(self) -> bool:
        """Leave the current state if it can be left by itself: on entry, after an event, after an answer."""
        session = self.session
        state = session.here.state
        if not isinstance(state, ActionState) or (state.wait_for is not None and not session.released):
            return False
        for exit_ in state.exit_conditions:
            if exit_.is_automatic and holds(session, exit_.when):
                self.take_exit(exit_)
                return True
        return False

    def follow_remarks(self) -> bool:
        """Take the exit that the caller asked for earlier, when nobody could act on it."""
        session = self.session
        options = tuple(
            option
            for option in options_of(session, intents=False)
            if option.kind is OptionKind.EXIT and option.examples and option.answer is None
        )
        found = self.remembered(options)
        if found is not None:
            self.take_exit(exits_of(session)[int(found.id.partition(":")[2])])
        return found is not None

    def remembered(self, options: tuple[Option, ...]) -> Option | None:
        """The option that an earlier remark clearly means; the remark counts as acted on then."""
        memory = self.session.memory
        for index, remark in enumerate(memory.remarks):
            if remark.acted_on or memory.turns - remark.turn > REMARK_TURNS:
                continue
            ranked = self.matcher.rank(remark.text, options)
            if ranked and ranked[0][0] >= self.session.settings.sure_threshold:
                memory.remarks[index] = Remark(remark.text, remark.turn, acted_on=True)
                return ranked[0][1]
        return None

    async def _decide(self, state: DecisionState) -> None:
        session = self.session
        exits = state.exit_conditions
        ready = next(
            (i for i, exit_ in enumerate(exits) if exit_.is_automatic and holds(session, exit_.when)), None
        )
        options = tuple(
            option
            for option in options_of(session, intents=False)
            if ready is None or int(option.id.partition(":")[2]) < ready
        )
        worded = [option for option in options if not option.catch_all]
        chosen = ready if ready is not None else len(exits) - 1
        if worded:
            choice = await self.reasoner.navigate(self._situation(options))
            self.usage = choice.usage
            best = choice.option or (choice.clarify[0] if choice.clarify else None)
            if best is not None:
                chosen = int(best.id.partition(":")[2])
        self.take_exit(exits[chosen])

    async def _recall(self, state: RecallState) -> None:
        queries = state.queries or (state.requested_information or "",)
        found = await passages(self.session.settings.recall, queries)
        self.session.memory.results[state.save_as] = found
        self.session.emit(Thought("Recalled: " + ("; ".join(found) if found else "nothing")))
        self.move(state.next_state, "recall")

    def preload(self, calls: tuple[PreloadCall, ...]) -> bool:
        """Start the tools a state wants on entry, in parallel; True while they run. Once per visit."""
        session = self.session
        if not calls or session.preloaded == session.visit:
            return False
        session.preloaded = session.visit
        listed = frozenset(call.tool_id for call in calls)
        specs = [
            ToolCallSpec(
                tool_id=call.tool_id, params=call.params, save_as=call.save_as, result_persistence="override"
            )
            for call in calls
        ]
        runs = [run for spec in specs if (run := self.calling.start(spec, listed=listed)) is not None]
        if not runs:
            return False
        session.work = Work(WorkKind.PRELOAD, tuple(runs))
        session.phase = Phase.WORKING
        return True

    def _call(self, state: ToolCallState) -> None:
        session = self.session
        session.say(session.phrases.pick(state.say_on_entry))
        spec = state.designated_tool
        run = self.calling.start(spec, listed=frozenset({spec.tool_id}))
        if run is None:
            self._tool_failed(state)
            return
        if spec.execution == "background":
            # Nobody waits for it: its end is told by the first step after it.
            run.announced = True
            session.emit(ToolStarted(run.call_id, run.tool.name, run.arguments))
            self.move(state.next_state, "tool_call")
            return
        session.work = Work(WorkKind.DESIGNATED, (run,))
        session.phase = Phase.WORKING

    def after_work(self, work: Work) -> None:
        """Go on with the current state after the tools it waited for."""
        session = self.session
        succeeded = [self.calling.keep(run) for run in work.runs]
        state = session.here.state
        if work.kind is WorkKind.PRELOAD:
            session.phase = Phase.ENTERING
        elif work.kind is WorkKind.DESIGNATED and isinstance(state, ToolCallState):
            if all(succeeded):
                self.move(state.next_state, "tool_call")
            else:
                self._tool_failed(state)
        else:
            words = session.phrases.pick(work.words) if all(succeeded) else ""
            session.say(words or session.phrases.phrase(PhraseName.TOOL_FAILED))
            session.phase = Phase.WAITING
            self._go_on_after_answer(work)

    def _go_on_after_answer(self, work: Work) -> None:
        spec = next(
            (s for s in tool_specs(self.session.here.state) if s.tool_id == work.runs[0].tool.name), None
        )
        if spec is not None and spec.navigate_on_completion and self.follow_automatic_exits():
            return
        self.session.say(question(self.session), question=True)

    def _tool_failed(self, state: ToolCallState) -> None:
        session = self.session
        words = session.phrases.pick(state.say_on_failure)
        if not words and state.on_failure is None:
            words = session.phrases.phrase(PhraseName.TOOL_FAILED)
        session.say(words)
        self.move(
            state.on_failure if state.on_failure is not None else state.next_state, "tool_call", "failed"
        )
