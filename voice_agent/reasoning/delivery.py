"""Engage: brings what was queued to the caller, sentence by sentence, in the graph's words or a model's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from voice_agent.reasoning.effects import Effect, Expect, Say, SayKind
from voice_agent.reasoning.errors import ToolNotListed
from voice_agent.reasoning.guidance import GuidanceKind
from voice_agent.reasoning.phrases import PhraseName
from voice_agent.reasoning.questions import expectation
from voice_agent.reasoning.reasoner import ToolCaller, Usage
from voice_agent.reasoning.session import Draft, Phase, Session
from voice_agent.reasoning.situations import situation_of
from voice_agent.reasoning.templates import sentences
from voice_agent.reasoning.tool_runs import ToolRuns
from voice_agent.reasoning.walking import Walker
from voice_agent.reasoning.wiring import tool_specs

_REPLY_QUEUE = 64
"""Sentences and effects of one reply under way; the producer waits when the consumer is slow."""


@dataclass
class Delivery:
    """Turns drafts into sentences and lets everything else through."""

    session: Session
    walker: Walker
    runs: ToolRuns

    async def deliver(self) -> AsyncGenerator[Effect]:
        """Everything queued, in order; what may be heard next comes before the words it belongs to."""
        session = self.session
        if session.phase is Phase.WAITING and session.queue_has_words:
            yield self._expect()
        rephrases = self.walker.reasoner.rephrases
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
        queue = self.session.queue
        found = [item for item in queue if isinstance(item, Draft) and not item.verbatim]
        self.session.queue = [item for item in queue if not (isinstance(item, Draft) and not item.verbatim)]
        return found

    def _expect(self) -> Expect:
        session = self.session
        policy = session.policy
        words = [item.text for item in session.queue if isinstance(item, Draft)]
        return Expect(
            expectation(session, prompt=words[-1] if words else None),
            barge_in_enabled=policy.barge_in_enabled if policy is not None else True,
            eot_threshold=policy.stt_eot_threshold if policy is not None else None,
            eot_timeout_ms=policy.stt_eot_timeout_ms if policy is not None else None,
        )

    async def _say(self, drafts: list[Draft]) -> AsyncGenerator[Effect]:
        session = self.session
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
        session = self.session
        texts = tuple(draft.text for draft in drafts if draft.text)
        if drafts[0].verbatim or not self.walker.reasoner.rephrases:
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
        session.guidance = [item for item in session.guidance if item.kind is not GuidanceKind.OTHER]

    def _own_words(self) -> str:
        """Something to say for a state that has no words: never silence."""
        return self.session.phrases.phrase(PhraseName.HELP) if self.session.phase is Phase.WAITING else ""

    async def _ask_reasoner(self, texts: tuple[str, ...]) -> AsyncGenerator[str | Effect]:
        """Run the reasoner's reply beside the tools it calls; both speak through one bounded queue."""
        session = self.session
        queue: asyncio.Queue[str | Effect | None] = asyncio.Queue(_REPLY_QUEUE)
        situation = situation_of(session, self.runs.registry, utterance=session.heard)

        async def produce() -> None:
            reply = self.walker.reasoner.engage(situation, texts, self._tool_caller(queue))
            async for piece in reply:
                if isinstance(piece, Usage):
                    self.walker.usage = _sum(self.walker.usage, piece)
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
            specs = tool_specs(self.session.here.state)
            listed = frozenset(spec.tool_id for spec in specs)
            spec = next((spec for spec in specs if spec.tool_id == name), None)
            if spec is None:
                raise ToolNotListed(f"the state {self.session.here.name!r} does not list the tool {name!r}")
            run = self.runs.start(
                spec, arguments, listed=listed, visit=self.session.visit, context=self.walker.calling.context
            )
            async with aclosing(self.runs.wait([run])) as effects:
                async for effect in effects:
                    await queue.put(effect)
            self.walker.calling.keep(run)
            return run.task.result().as_result()

        return call


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
