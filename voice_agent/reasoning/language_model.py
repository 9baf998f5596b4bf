"""Which language model serves, and how long it may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from openai import AsyncOpenAI
from pydantic import SecretStr
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


@dataclass(frozen=True, slots=True)
class LanguageModelSettings:
    """Which model, and how long it may take.

    Attributes:
        name: model name; with ``base_url`` as that server knows it, otherwise with its provider
            ("openai:gpt-5-mini", "anthropic:claude-haiku-4-5").
        base_url: of an OpenAI-compatible server.
        api_key: for ``base_url``; other providers read their own settings.
        first_token_timeout_s: until the first words of a reply, and for the whole of a navigation.
        total_timeout_s: for a whole reply, tools not counted.
        max_tool_rounds: requests of one reply.
        failures_before_rest: failures in a row after which the model is left alone for ``rest_s``.
        clock: monotonic seconds.
    """

    name: str
    base_url: str | None = None
    api_key: SecretStr | None = None
    first_token_timeout_s: float = 2.0
    total_timeout_s: float = 8.0
    max_tokens: int = 300
    temperature: float = 0.2
    max_tool_rounds: int = 3
    failures_before_rest: int = 3
    rest_s: float = 30.0
    clock: Callable[[], float] = time.monotonic


def make_model(settings: LanguageModelSettings) -> Model:
    """The model of the settings; its client does not retry, because the turn cannot wait for it."""
    if settings.base_url is None:
        return infer_model(settings.name)
    key = settings.api_key.get_secret_value() if settings.api_key is not None else "none"
    client = AsyncOpenAI(
        base_url=settings.base_url, api_key=key, max_retries=0, timeout=settings.total_timeout_s
    )
    return OpenAIChatModel(settings.name, provider=OpenAIProvider(openai_client=client))
