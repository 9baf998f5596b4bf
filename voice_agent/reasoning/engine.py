"""The engine: one conversation over a context graph, whatever the channel.

A step takes a signal, lets the parts around the session decide (``listening``, ``collecting``,
``interjecting``, ``outside``, ``walking``), and yields what they queued. Everything is decided before the
first word of it is yielded, so abandoning a step (a barge-in) loses words and nothing else: tools run on,
moves are made, and what the caller did not hear is known from ``Heard``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import date, datetime, time
from typing import Any

from models.expectation import Expectation
from voice_agent.reasoning.calling import Calling
from voice_agent.reasoning.collecting import Collector
from voice_agent.reasoning.correcting import Corrector
from voice_agent.reasoning.delivery import Delivery
from voice_agent.reasoning.effects import Effect, End, Expect, Navigation, Say
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.interjecting import Interjector
from voice_agent.reasoning.linked import Resolver, link
from voice_agent.reasoning.listening import Listener
from voice_agent.reasoning.memory import Memory
from voice_agent.reasoning.open_questions import OpenQuestions
from voice_agent.reasoning.outside import Outside
from voice_agent.reasoning.parts import RiskOverride
from voice_agent.reasoning.phrasebook import Phrasebook
from voice_agent.reasoning.questions import expectation
from voice_agent.reasoning.reasoner import Line, Reasoner, Usage
from voice_agent.reasoning.session import Draft, Phase, Session, Voice
from voice_agent.reasoning.settings import EngineSettings
from voice_agent.reasoning.signals import (
    Emotion,
    External,
    FillerChosen,
    HandedBack,
    Heard,
    NotReached,
    OperatorSaid,
    OperatorTookOver,
    RiskChanged,
    SafetyRaised,
    Signal,
    Silence,
    Started,
    TransferWithdrawn,
    Utterance,
)
from voice_agent.reasoning.states import DataCollectionState
from voice_agent.reasoning.tool_runs import ToolRuns
from voice_agent.reasoning.tools import ToolRegistry
from voice_agent.reasoning.walking import Walker
from voice_agent.reasoning.wishes import Wishes


class GraphConversation:
    """A conversation over a context graph (:class:`voice_agent.reasoning.conversation.Conversation`).

    Args:
        graph: validated before; see :func:`voice_agent.reasoning.loader.load_graph`.
        tools: every tool the graph names.
        reasoner: :class:`EmbeddedReasoner` or the one over a language model.
        conversation_id: seeds idempotency keys.
        settings: thresholds, patience, clock.
        resolve: finds graphs referenced by identifier and version.

    Raises:
        GraphError: when a reference cannot be resolved.
    """

    def __init__(
        self,
        graph: ContextGraph,
        tools: ToolRegistry,
        reasoner: Reasoner,
        *,
        conversation_id: str,
        settings: EngineSettings | None = None,
        resolve: Resolver | None = None,
    ) -> None:
        settings = settings or EngineSettings()
        linked = link(graph, resolve)
        constants: dict[str, Any] = {}
        for place in linked.places.values():
            constants.update(place.graph.facts)
        memory = Memory(constants={**constants, **graph.facts, **settings.facts})
        phrases = Phrasebook(memory, graph.phrases)
        session = Session(conversation_id, linked, settings, memory, phrases)
        runs = ToolRuns(tools, conversation_id, settings, phrases)
        matcher = reasoner if isinstance(reasoner, EmbeddedReasoner) else EmbeddedReasoner()
        walker = Walker(session, Calling(session, runs), reasoner, matcher, Usage(reasoner.model))
        collector = Collector(session, walker)
        interjector = Interjector(session, walker, collector)
        self._session = session
        self._interjector = interjector
        self._runs = runs
        self._walker = walker
        self._collector = collector
        wishes = Wishes(session, walker, interjector)
        self._wishes = wishes
        corrector = Corrector(session, walker, collector, wishes)
        questions = OpenQuestions(session, walker, collector, interjector, wishes)
        self._listener = Listener(session, walker, collector, interjector, wishes, corrector, questions)
        self._outside = Outside(session, walker, interjector)
        self._delivery = Delivery(session, walker, runs)

    @property
    def state(self) -> str:
        """Qualified name of the current state, "" before the start."""
        return self._session.place.name if self._session.place is not None else ""

    @property
    def expectation(self) -> Expectation:
        """What may be heard next."""
        return expectation(self._session)

    @property
    def escalation_config(self) -> RiskOverride | None:
        """What the current state says about risk; None for nothing of its own."""
        place = self._session.place
        return getattr(place.state, "escalation_config", None) if place is not None else None

    @property
    def history(self) -> tuple[Line, ...]:
        """The conversation so far, of the agent's words only what was heard."""
        return self._session.history.lines()

    def snapshot(self) -> dict[str, Any]:
        """State, trail, fields and results in JSON-like values; may hold patient data."""
        session = self._session
        return {
            "conversation_id": session.conversation_id,
            "state": self.state,
            "phase": session.phase.value,
            "voice": session.voice.value,
            "visited": list(session.trail),
            "interrupted": [frame.name for frame in session.frames],
            "asked": session.asked,
            "turns": session.memory.turns,
            "fields": {
                key: {"value": _json(slot.value), "confirmed": slot.confirmed, "state": slot.state}
                for key, slot in session.memory.slots.items()
            },
            "results": {name: _json(value) for name, value in session.memory.results.items()},
            "emotion": _json(session.memory.emotion),
        }

    async def close(self) -> None:
        """Wait for running tools (bounded) and let go of everything. Idempotent."""
        await self._runs.close()

    async def step(self, signal: Signal) -> AsyncGenerator[Effect]:
        """Take one signal; see :class:`Conversation`."""
        session, clock = self._session, self._session.settings.clock
        started = clock()
        session.moves = 0
        # Words of an abandoned step are gone, and the end they led to with them; what happened is still told.
        session.queue = [item for item in session.queue if not isinstance(item, Draft | Expect | End)]
        for run in self._runs.unreported():
            if session.work is None or run not in session.work.runs:
                session.emit(self._runs.report(run))
                self._walker.calling.keep(run)
        self._walker.usage = Usage(self._walker.reasoner.model)
        await self._take(signal)
        decided = clock()
        if session.voice is Voice.OPERATOR:
            async with aclosing(self._delivery.deliver()) as effects:
                async for effect in effects:
                    yield effect
            return
        replying = isinstance(signal, Started | Utterance)
        async with aclosing(self._run(replying=replying)) as effects:
            async for effect in effects:
                yield effect
        if replying:
            yield self._navigation(started, decided, clock())

    async def _take(self, signal: Signal) -> None:
        session = self._session
        if isinstance(signal, Started):
            self._start(signal)
        elif isinstance(signal, Heard):
            session.history.heard(signal.heard, signal.unheard)
        elif session.phase is Phase.NEW:
            return
        elif isinstance(signal, Utterance):
            if session.voice is not Voice.OPERATOR:
                await self._finish_entering()
            await self._listener.hear(signal)
        elif isinstance(signal, Silence):
            if session.voice is Voice.AGENT:
                self._outside.silence(signal)
        elif isinstance(signal, Emotion):
            self._outside.emotion(signal)
        elif isinstance(signal, RiskChanged):
            self._outside.risk(signal)
        elif isinstance(signal, External):
            self._outside.external(signal)
        elif isinstance(signal, FillerChosen):
            self._runs.filler = signal.filler
        elif isinstance(signal, OperatorTookOver):
            self._outside.took_over()
        elif isinstance(signal, OperatorSaid):
            self._outside.operator_said(signal)
        elif isinstance(signal, HandedBack):
            self._outside.handed_back(signal)
        elif isinstance(signal, NotReached):
            self._outside.not_reached(signal)
        elif isinstance(signal, TransferWithdrawn):
            self._outside.transfer_withdrawn()
        elif isinstance(signal, SafetyRaised):
            self._outside.safety_raised(signal)

    def _start(self, signal: Started) -> None:
        session = self._session
        if session.phase is not Phase.NEW:
            return
        session.memory.now = signal.now
        session.memory.channel = signal.channel.value
        session.channel = signal.channel
        session.memory.caller = {**signal.caller.facts, "phone": signal.caller.phone}
        graph = session.linked.root
        returning = bool(signal.caller.facts.get("patient_id"))
        self._walker.enter(
            graph.returning_user_initial_state if returning else graph.new_user_initial_state, "start"
        )

    async def _finish_entering(self) -> None:
        """An interrupted step may have left states to walk through; the words there are not said any more."""
        session = self._session
        while session.phase is Phase.ENTERING:
            await self._enter()
        session.queue = [item for item in session.queue if not isinstance(item, Draft)]

    async def _enter(self) -> None:
        if isinstance(self._session.here.state, DataCollectionState):
            if self._session.moves > self._session.settings.max_transitions:
                self._walker.break_loop()
            else:
                self._collector.entry()
        else:
            await self._walker.entry()

    async def _run(self, *, replying: bool) -> AsyncGenerator[Effect]:
        """Walk, say, wait for tools, until it is the caller's turn."""
        session = self._session
        while True:
            while session.phase is Phase.ENTERING and not (
                session.queue_has_words and self._walker.asks_a_model
            ):
                await self._enter()
            if replying and session.phase is Phase.WAITING and self._interjector.follow_remarks():
                continue
            if replying and session.phase is Phase.WAITING:
                self._wishes.take_up()
                self._outside.work_in_guidance()
                self._outside.empathize()
                self._outside.offer_person()
            async with aclosing(self._delivery.deliver()) as effects:
                async for effect in effects:
                    yield effect
            if session.phase is Phase.WORKING and session.work is not None:
                async with aclosing(self._wait_for_tools()) as effects:
                    async for effect in effects:
                        yield effect
            elif session.phase is not Phase.ENTERING:
                return

    async def _wait_for_tools(self) -> AsyncGenerator[Effect]:
        session = self._session
        work = session.work
        if work is None:
            return
        async with aclosing(self._runs.wait(work.runs)) as effects:
            async for effect in effects:
                if isinstance(effect, Say):
                    session.history.agent_says(effect.text)
                yield effect
        session.work = None
        self._walker.after_work(work)

    def _navigation(self, started: float, decided: float, ended: float) -> Navigation:
        usage = self._walker.usage
        return Navigation(
            nav_ms=round((decided - started) * 1000, 3),
            render_ms=round((ended - decided) * 1000, 3),
            total_ms=round((ended - started) * 1000, 3),
            model=usage.model,
            state=self.state,
            selected_action=self._session.asked or "",
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            retry_attempts=usage.retry_attempts,
            used_fallback=usage.used_fallback,
        )


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value
