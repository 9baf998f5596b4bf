"""A language model as reasoner, through pydantic-ai, with the embedded reasoner below it.

Navigation is one short call that must pick an option of the state; the reply is streamed and handed on
sentence by sentence. A model that is late, down, talks nonsense, names an option, tool or fact that is not
there, is not argued
with: the same turn is served by the embedded reasoner and says so (``used_fallback``). After several such
turns in a row the model rests for a while, so that a dead provider does not cost every caller its timeout.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage

from voice_agent.reasoning.embedded import EmbeddedReasoner
from voice_agent.reasoning.errors import ModelError, ToolError
from voice_agent.reasoning.grounding import SpokenReply
from voice_agent.reasoning.language_model import LanguageModelSettings, make_model
from voice_agent.reasoning.prompts import (
    navigation_prompt,
    reply_prompt,
    transcript,
)
from voice_agent.reasoning.reasoner import Choice, Situation, ToolCaller, Usage
from voice_agent.reasoning.templates import sentences

log = structlog.get_logger(__name__)

_CHOOSE = "choose"
_NONE = "none"
_PIECES = 64
"""Pieces of a streamed reply waiting to be spoken; the stream waits when there are more."""
_T = TypeVar("_T")


class _Chosen(BaseModel):
    """What the model gives back for navigation."""

    option: str
    fields: dict[str, str] = {}


@dataclass
class LanguageModelReasoner:
    """Chooses and speaks with a language model; shared by all conversations of a process.

    Attributes:
        settings: which model, how long.
        fallback: the rung below.
        client: the model; made from the settings by default.
    """

    settings: LanguageModelSettings
    fallback: EmbeddedReasoner = field(default_factory=EmbeddedReasoner)
    client: Model | None = None
    _failures: int = 0
    _resting_until: float = 0.0

    def __post_init__(self) -> None:
        if self.client is None:
            self.client = make_model(self.settings)

    @property
    def model(self) -> str:
        """Name for the record."""
        return self.settings.name

    @property
    def rephrases(self) -> bool:
        """Makes its own sentences from a draft."""
        return True

    # -- navigate --------------------------------------------------------------------------------------------

    async def navigate(self, situation: Situation) -> Choice:
        """Ask the model what the caller means; the embedded reasoner when it does not answer usefully."""
        if not situation.options:
            return Choice(None, 0.0, Usage(self.model))
        try:
            choice = await self._attempt(self._choose(situation), self.settings.first_token_timeout_s)
        except ModelError as error:
            self._failed("navigate", error)
            choice = await self.fallback.navigate(situation)
            return replace(choice, usage=replace(choice.usage, used_fallback=True))
        self._failures = 0
        return choice

    async def _choose(self, situation: Situation) -> Choice:
        ids = [option.id for option in situation.options]
        allowed = ids if situation.must_choose else [*ids, _NONE]
        keys = {view.key: {"type": "string"} for view in situation.fields}
        schema = {
            "type": "object",
            "properties": {
                "option": {"type": "string", "enum": allowed},
                "fields": {"type": "object", "properties": keys, "additionalProperties": False},
            },
            "required": ["option"],
        }
        tool = ToolDefinition(
            name=_CHOOSE, parameters_json_schema=schema, description="What the caller means."
        )
        response = await model_request(
            self._client(),
            [_request(navigation_prompt(situation), transcript(situation.history, situation.utterance))],
            model_settings=self._model_settings(),
            model_request_parameters=ModelRequestParameters(
                output_mode="tool", output_tools=[tool], allow_text_output=False
            ),
        )
        chosen = _chosen(response)
        option = next((option for option in situation.options if option.id == chosen.option), None)
        if option is None and chosen.option != _NONE:
            raise ModelError(f"chose {chosen.option[:40]!r}, which is not an option")
        if option is None and situation.must_choose:
            raise ModelError("chose nothing where it had to choose")
        fields = {key: words for key, words in chosen.fields.items() if key in keys and words.strip()}
        return Choice(option, 1.0 if option else 0.0, self._usage(response.usage), fields=fields)

    # -- engage ----------------------------------------------------------------------------------------------

    async def engage(
        self, situation: Situation, draft: tuple[str, ...], call_tool: ToolCaller
    ) -> AsyncIterator[str | Usage]:
        """Stream the reply; the draft when the model fails before its first sentence."""
        spoken = 0
        try:
            self._require_rested()
            async with aclosing(self._reply(situation, draft, call_tool)) as pieces:
                async for piece in pieces:
                    spoken += isinstance(piece, str)
                    yield piece
            if not spoken:
                raise ModelError("said nothing")
        except ModelError as error:
            self._failed("engage", error)
            # What was said stays said; a question that the reply still owes is asked.
            asked = [text for part in draft for text in sentences(part) if text.endswith("?")]
            owed = asked[-1:] if spoken else list(draft)
            for text in owed:
                yield text
            yield Usage(self.fallback.model, used_fallback=True)
            return
        self._failures = 0

    async def _reply(
        self, situation: Situation, draft: tuple[str, ...], call_tool: ToolCaller
    ) -> AsyncGenerator[str | Usage]:
        settings = self.settings
        prompt = reply_prompt(situation, draft)
        messages: list[ModelMessage] = [_request(prompt, transcript(situation.history, situation.utterance))]
        spoken = SpokenReply(situation, draft)
        for _ in range(settings.max_tool_rounds):
            response: ModelResponse | None = None
            async with aclosing(self._stream(messages, situation)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ModelResponse):
                        response = piece
                        continue
                    for sentence in spoken.add(piece):
                        yield sentence
            if response is None:
                raise ModelError("the stream ended early")
            yield self._usage(response.usage)
            calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
            if not calls:
                for sentence in spoken.rest():
                    yield sentence
                return
            results = [await self._called(call, situation, call_tool, spoken) for call in calls]
            messages += [response, ModelRequest(parts=results, instructions=prompt)]
        raise ModelError(f"called tools {settings.max_tool_rounds} times without a reply")

    async def _called(
        self, call: ToolCallPart, situation: Situation, call_tool: ToolCaller, spoken: SpokenReply
    ) -> ToolReturnPart:
        if call.tool_name not in {tool.name for tool in situation.tools}:
            raise ModelError(f"asked for the tool {call.tool_name[:40]!r}, which the state does not list")
        try:
            result = await call_tool(call.tool_name, call.args_as_dict())
        except (ToolError, ValueError) as error:
            raise ModelError(f"called {call.tool_name!r} badly: {type(error).__name__}") from error
        spoken.learn(result)
        return ToolReturnPart(tool_name=call.tool_name, content=result, tool_call_id=call.tool_call_id)

    async def _stream(
        self, messages: list[ModelMessage], situation: Situation
    ) -> AsyncGenerator[str | ModelResponse]:
        """One streamed request: pieces of text, then the whole response.

        Both deadlines are kept here; the request runs in a task of its own so that whatever a provider raises
        is one :class:`ModelError`.
        """
        settings = self.settings
        queue: asyncio.Queue[str | ModelResponse] = asyncio.Queue(_PIECES)
        tools = [
            ToolDefinition(
                name=tool.name,
                parameters_json_schema=dict(tool.schema),
                description=" ".join(part for part in (tool.description, tool.instruction) if part),
            )
            for tool in situation.tools
        ]

        async def request() -> None:
            async with model_request_stream(
                self._client(),
                messages,
                model_settings=self._model_settings(),
                model_request_parameters=ModelRequestParameters(function_tools=tools),
            ) as stream:
                async for event in stream:
                    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                        await queue.put(event.part.content)
                    elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                        await queue.put(event.delta.content_delta)
                await queue.put(stream.get())

        task = asyncio.create_task(request(), name="model-reply")
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = started + settings.first_token_timeout_s
        try:
            while True:
                piece = await self._next(queue, task, deadline - loop.time())
                yield piece
                if isinstance(piece, ModelResponse):
                    return
                deadline = started + settings.total_timeout_s
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _next(
        self, queue: asyncio.Queue[str | ModelResponse], task: asyncio.Task[None], timeout: float
    ) -> str | ModelResponse:
        if not queue.empty():
            return queue.get_nowait()
        getter = asyncio.ensure_future(queue.get())
        try:
            await asyncio.wait({getter, task}, timeout=max(0.0, timeout), return_when=asyncio.FIRST_COMPLETED)
            if getter.done():
                return getter.result()
            if task.done() and not queue.empty():
                return queue.get_nowait()
        finally:
            getter.cancel()
        if not task.done():
            raise ModelError("too slow")
        raise ModelError(_kind_of(task)) from task.exception()

    # -- reflect ---------------------------------------------------------------------------------------------

    async def reflect(self, situation: Situation, problem: str, word_limit: int) -> str:
        """A thought; the embedded one when the model fails."""
        prompt = f"Think about this in at most {word_limit} words, for yourself: {problem}"
        request = _request(prompt, transcript(situation.history, situation.utterance))

        async def think() -> str:
            response = await model_request(self._client(), [request], model_settings=self._model_settings())
            return " ".join(part.content for part in response.parts if isinstance(part, TextPart)).strip()

        try:
            thought = await self._attempt(think(), self.settings.total_timeout_s)
        except ModelError as error:
            self._failed("reflect", error)
            thought = ""
        if not thought:
            return await self.fallback.reflect(situation, problem, word_limit)
        return " ".join(thought.split()[:word_limit])

    # -- one model, shared -----------------------------------------------------------------------------------

    def _client(self) -> Model:
        if self.client is None:
            raise ModelError("there is no model")
        return self.client

    def _model_settings(self) -> ModelSettings:
        return ModelSettings(max_tokens=self.settings.max_tokens, temperature=self.settings.temperature)

    async def _attempt(self, request: Coroutine[Any, Any, _T], timeout: float) -> _T:
        """Run a request in a task of its own: whatever it raises, and running late, is a ModelError."""
        try:
            self._require_rested()
        except ModelError:
            request.close()
            raise
        task = asyncio.create_task(request)
        try:
            done, _ = await asyncio.wait({task}, timeout=timeout)
        finally:
            if not task.done():
                task.cancel()
        if not done:
            raise ModelError("too slow")
        error = task.exception()
        if isinstance(error, ModelError):
            raise error
        if error is not None:
            raise ModelError(type(error).__name__) from error
        return task.result()

    def _require_rested(self) -> None:
        if self.settings.clock() < self._resting_until:
            raise ModelError("resting after failures")

    def _failed(self, what: str, error: ModelError) -> None:
        if self.settings.clock() < self._resting_until:
            return
        self._failures += 1
        log.warning("model_failed", what=what, model=self.model, reason=str(error), failures=self._failures)
        if self._failures >= self.settings.failures_before_rest:
            self._failures = 0
            self._resting_until = self.settings.clock() + self.settings.rest_s

    def _usage(self, usage: RequestUsage) -> Usage:
        return Usage(self.model, usage.input_tokens, usage.output_tokens)


def _request(instructions: str, text: str) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(content=text)], instructions=instructions)


def _chosen(response: ModelResponse) -> _Chosen:
    call = next((part for part in response.parts if isinstance(part, ToolCallPart)), None)
    if call is None or call.tool_name != _CHOOSE:
        raise ModelError("did not choose")
    try:
        return _Chosen.model_validate(call.args_as_dict())
    except (ValidationError, ValueError) as error:
        raise ModelError("chose in a form nobody can read") from error


def _kind_of(task: asyncio.Task[None]) -> str:
    error = None if task.cancelled() else task.exception()
    return type(error).__name__ if error is not None else "the stream ended early"
