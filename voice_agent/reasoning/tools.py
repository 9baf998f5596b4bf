"""Tools: plain typed async functions, registered by name; their schema comes from their signature.

A tool is an ordinary function of the practice::

    async def find_slots(day: date, *, context: ToolContext) -> list[FreeSlot]: ...

    tools = ToolRegistry([Tool("find_slots", find_slots, "Free appointments on a day", idempotent=True)])

``context`` is filled in by the engine when the function asks for it; all other parameters are arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from voice_agent.reasoning.errors import BadToolArguments, ToolError, UnknownTool
from voice_agent.reasoning.parts import ProgressHint

CONTEXT_PARAMETER = "context"


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What the engine tells a tool about the call it serves.

    Attributes:
        conversation_id: of the conversation.
        idempotency_key: the same for the same arguments in the same visit of a state; a tool that writes
            hands it on, so that a repeated call cannot book twice.
        caller_phone: E.164 or None.
        caller: what the lookup during ringing found.
        now: aware, in the practice's zone.
    """

    conversation_id: str
    idempotency_key: str
    caller_phone: str | None
    caller: Mapping[str, Any]
    now: datetime


@dataclass(frozen=True)
class Tool:
    """A tool and how it is called.

    Attributes:
        name: unique, a Python identifier.
        function: async; returns anything JSON-like, a pydantic model or a dataclass. Raising means the tool
            failed.
        description: one line for a language model.
        timeout_s: after this the call counts as failed.
        idempotent: True when calling it again changes nothing (a lookup).
        progress: how waiting for it is narrated; a state's spec may say otherwise.
    """

    name: str
    function: Callable[..., Awaitable[Any]]
    description: str
    timeout_s: float = 10.0
    idempotent: bool = False
    progress: ProgressHint | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ToolError(
                f"the tool name {self.name!r} is not an identifier; use letters, digits and underscores"
            )
        if not inspect.iscoroutinefunction(inspect.unwrap(self.function)):
            raise ToolError(f"the tool {self.name!r} is not an async function; define it with 'async def'")

    @cached_property
    def wants_context(self) -> bool:
        """Whether the function has a ``context`` parameter."""
        return CONTEXT_PARAMETER in inspect.signature(self.function).parameters

    @cached_property
    def arguments(self) -> type[BaseModel]:
        """Model of the arguments, from the signature."""
        hints = get_type_hints(self.function, include_extras=True)
        fields: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            if name == CONTEXT_PARAMETER:
                continue
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise ToolError(f"the tool {self.name!r} takes *{name}; name every parameter")
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[name] = (hints.get(name, Any), default)
        return create_model(f"{self.name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        return self.arguments.model_json_schema()

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with the types of the signature.

        Raises:
            BadToolArguments: naming the parameters, never their values: they may be a patient's.
        """
        try:
            checked = self.arguments.model_validate(dict(arguments))
        except ValidationError as invalid:
            wrong = sorted(
                {".".join(map(str, error["loc"])) for error in invalid.errors(include_input=False)}
            )
            raise BadToolArguments(
                f"{self.name}: {', '.join(wrong)} missing or of the wrong form"
            ) from invalid
        return {name: getattr(checked, name) for name in type(checked).model_fields}


@dataclass
class ToolRegistry:
    """The tools of a practice by name. Built once at start and shared by all conversations."""

    tools: Iterable[Tool] = ()
    _by_name: dict[str, Tool] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for tool in self.tools:
            if tool.name in self._by_name:
                raise ToolError(f"two tools are called {tool.name!r}; rename one")
            self._by_name[tool.name] = tool

    @property
    def names(self) -> frozenset[str]:
        """All names."""
        return frozenset(self._by_name)

    def get(self, name: str) -> Tool:
        """A tool.

        Raises:
            UnknownTool: when there is none of that name.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownTool(
                f"no tool is called {name!r}; registered are {', '.join(sorted(self.names))}"
            ) from None

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._by_name.values())
