"""The engine: one conversation over a context graph, whatever the channel.

A step takes a signal, lets the parts around the session decide (``listening``, ``collecting``,
``interjecting``, ``outside``, ``walking``), and yields what they queued. Everything is decided before the
first word of it is yielded, so abandoning a step (a barge-in) loses words and nothing else: tools run on,
moves are made, and what the caller did not hear is known from ``Heard``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from models.expectation import Expectation
from voice_agent.reasoning.collecting import Collector
from voice_agent.reasoning.effects import Effect, Expect, Navigation, Say, SayKind
from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.errors import ToolNotListed
from voice_agent.reasoning.graph import ContextGraph
from voice_agent.reasoning.interjecting import Interjector
from voice_agent.reasoning.linked import Resolver, link
from voice_agent.reasoning.listening import Listener
from voice_agent.reasoning.memory import Memory
from voice_agent.reasoning.outside import Outside
from voice_agent.reasoning.phrasebook import Phrasebook
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import expectation
from voice_agent.reasoning.reasoner import Line, Reasoner, ToolCaller, Usage
from voice_agent.reasoning.session import Draft, Phase, Session, Voice
from voice_agent.reasoning.settings import EngineSettings
from voice_agent.reasoning.signals import (
    Emotion,
    External,
    HandedBack,
    Heard,
    OperatorSaid,
    OperatorTookOver,
    Signal,
    Silence,
    Started,
    Utterance,
)
from voice_agent.reasoning.situations import situation_of
from voice_agent.reasoning.states import DataCollectionState
from voice_agent.reasoning.templates import sentences
from voice_agent.reasoning.tool_runs import ToolRuns
from voice_agent.reasoning.tools import ToolRegistry
from voice_agent.reasoning.walking import Walker
from voice_agent.reasoning.wiring import tool_specs

_REPLY_QUEUE = 64
"""Sentences and effects of one reply under way; the producer waits when the consumer is slow."""


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
        walker = Walker(session, runs, reasoner, matcher, Usage(reasoner.model))
        collector = Collector(session, walker)
        interjector = Interjector(session, walker, collector)
        self._session = session
        self._runs = runs
        self._walker = walker
        self._collector = collector
        self._listener = Listener(session, walker, collector, interjector)
        self._outside = Outside(session, walker, interjector)

    @property
    def state(self) -> str:
        """Qualified name of the current state, "" before the start."""
        return self._session.place.name if self._session.place is not None else ""

    @property
    def expectation(self) -> Expectation:
        """What may be heard next."""
        return expectation(self._session)

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
        # Words of an abandoned step are gone; what happened in it is still told.
        session.queue = [item for item in session.queue if not isinstance(item, Draft | Expect)]
        for run in self._runs.unreported():
            if session.work is None or run not in session.work.runs:
                session.emit(self._runs.report(run))
                self._walker.keep(run)
        self._walker.usage = Usage(self._walker.reasoner.model)
        await self._take(signal)
        decided = clock()
        if session.voice is Voice.OPERATOR:
            async with aclosing(self._deliver()) as effects:
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
            await self._finish_entering()
            await self._listener.hear(signal)
        elif isinstance(signal, Silence):
            if session.voice is Voice.AGENT:
                self._outside.silence(signal)
        elif isinstance(signal, Emotion):
            self._outside.emotion(signal)
        elif isinstance(signal, External):
            self._outside.external(signal)
        elif isinstance(signal, OperatorTookOver):
            self._outside.took_over()
        elif isinstance(signal, OperatorSaid):
            self._outside.operator_said(signal)
        elif isinstance(signal, HandedBack):
            self._outside.handed_back(signal)

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
            if replying and session.phase is Phase.WAITING:
                self._outside.work_in_guidance()
                self._outside.empathize()
            async with aclosing(self._deliver()) as effects:
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

    # -- saying ----------------------------------------------------------------------------------------------

    async def _deliver(self) -> AsyncGenerator[Effect]:
        """Everything queued, in order; what may be heard next comes before the words it belongs to."""
        session = self._session
        if session.phase is Phase.WAITING and session.queue_has_words:
            yield self._expect()
        rephrases = self._walker.reasoner.rephrases
        while session.queue:
            item = session.queue.pop(0)
            if not isinstance(item, Draft):
                yield item
                continue
            drafts = [item]
            if rephrases and not item.verbatim:
                drafts.extend(self._following_drafts())
            async with aclosing(self._say(drafts)) as effects:
                async for effect in effects:
                    yield effect

    def _following_drafts(self) -> list[Draft]:
        """Further free words of the same reply: a model makes one reply of them. Moves between them do not
        matter to the caller, so they are left to come after."""
        queue = self._session.queue
        found = [item for item in queue if isinstance(item, Draft) and not item.verbatim]
        self._session.queue = [item for item in queue if not (isinstance(item, Draft) and not item.verbatim)]
        return found

    def _expect(self) -> Expect:
        session = self._session
        policy = session.policy
        words = [item.text for item in session.queue if isinstance(item, Draft)]
        return Expect(
            expectation(session, prompt=words[-1] if words else None),
            barge_in_enabled=policy.barge_in_enabled if policy is not None else True,
            eot_threshold=policy.stt_eot_threshold if policy is not None else None,
            eot_timeout_ms=policy.stt_eot_timeout_ms if policy is not None else None,
        )

    async def _say(self, drafts: list[Draft]) -> AsyncGenerator[Effect]:
        session = self._session
        first = True
        async with aclosing(self._words(drafts)) as pieces:
            async for piece in pieces:
                if not isinstance(piece, str):
                    yield piece
                    continue
                for sentence in sentences(piece):
                    session.history.agent_says(sentence)
                    say = _saying(drafts[0], sentence)
                    yield say if first else replace(say, shield_s=0.0)
                    first = False

    async def _words(self, drafts: list[Draft]) -> AsyncGenerator[str | Effect]:
        """The drafts' own words, or what the reasoner makes of them."""
        session = self._session
        texts = tuple(draft.text for draft in drafts if draft.text)
        if drafts[0].verbatim or not self._walker.reasoner.rephrases:
            for text in texts or (self._own_words(),):
                yield text
            return
        replied = False
        async with aclosing(self._ask_reasoner(texts)) as pieces:
            async for piece in pieces:
                replied = replied or isinstance(piece, str)
                yield piece
        if not replied:
            for text in texts or (self._own_words(),):
                yield text
        session.guidance.clear()

    def _own_words(self) -> str:
        """Something to say for a state that has no words: never silence."""
        return self._session.phrases.phrase(PhraseName.HELP) if self._session.phase is Phase.WAITING else ""

    async def _ask_reasoner(self, texts: tuple[str, ...]) -> AsyncGenerator[str | Effect]:
        """Run the reasoner's reply beside the tools it calls; both speak through one bounded queue."""
        session = self._session
        queue: asyncio.Queue[str | Effect | None] = asyncio.Queue(_REPLY_QUEUE)
        situation = situation_of(session, self._runs.registry, utterance=session.heard)

        async def produce() -> None:
            reply = self._walker.reasoner.engage(situation, texts, self._tool_caller(queue))
            async for piece in reply:
                if isinstance(piece, Usage):
                    self._walker.usage = _sum(self._walker.usage, piece)
                else:
                    await queue.put(piece)
            await queue.put(None)

        producer = asyncio.create_task(produce(), name="reply")
        try:
            while True:
                getter = asyncio.ensure_future(queue.get())
                await asyncio.wait({getter, producer}, return_when=asyncio.FIRST_COMPLETED)
                if not getter.done():
                    getter.cancel()
                    if producer.exception() is not None or queue.empty():
                        return
                    continue
                if (piece := getter.result()) is None:
                    return
                yield piece
        finally:
            producer.cancel()
            await asyncio.wait({producer})

    def _tool_caller(self, queue: asyncio.Queue[str | Effect | None]) -> ToolCaller:
        """A tool call of a model: through the state's gate, with its effects told as they happen."""

        async def call(name: str, arguments: Mapping[str, Any]) -> Any:
            specs = tool_specs(self._session.here.state)
            listed = frozenset(spec.tool_id for spec in specs)
            spec = next((spec for spec in specs if spec.tool_id == name), None)
            if spec is None:
                raise ToolNotListed(f"the state {self.state!r} does not list the tool {name!r}")
            run = self._runs.start(
                spec, arguments, listed=listed, visit=self._session.visit, context=self._walker.context
            )
            async with aclosing(self._runs.wait([run])) as effects:
                async for effect in effects:
                    await queue.put(effect)
            self._walker.keep(run)
            return run.task.result().as_result()

        return call

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


def _saying(draft: Draft, sentence: str) -> Say:
    policy = draft.policy
    return Say(
        sentence,
        draft.kind,
        interruptible=policy.barge_in_enabled if policy is not None else True,
        shield_s=policy.greeting_shield_s if policy is not None and draft.kind is SayKind.GREETING else 0.0,
        filler_type=draft.filler_type,
    )


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        other.model,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.retry_attempts + other.retry_attempts,
        one.used_fallback or other.used_fallback,
    )


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value
