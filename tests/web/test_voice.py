from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from scripted_practice import ToneVoice, tone

from models.speech import Delivery, Pcm, SpeechError
from telephony.g711 import encode_ulaw
from voice_agent.web.voice import MAX_IN_FLIGHT, MAX_TEXT, voice_router


class FailingVoice(ToneVoice):
    name = "hoarse"

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        raise SpeechError("no phonemes")
        yield tone(0.0)


class SlowVoice(ToneVoice):
    """Speaks only once it may, and tells when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_to_speak = asyncio.Semaphore(0)
        self.may_speak = asyncio.Event()

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        self.asked_to_speak.release()
        await self.may_speak.wait()
        yield tone(0.1)


def client(voice: ToneVoice) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(voice_router(voice))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://practice")


async def test_typed_words_come_back_as_mu_law_speech() -> None:
    voice = ToneVoice()
    answer = await client(voice).post("/api/voice", json={"text": "  I am ill. "})
    assert answer.headers["content-type"] == "audio/basic"
    assert answer.content == encode_ulaw(np.concatenate([tone(0.15, 600.0)] * 2))
    assert voice.asked[0][0] == "I am ill."


async def test_each_patient_sounds_different() -> None:
    voice = ToneVoice()
    for name in ("adult", "elderly", "hurried", "child"):
        await client(voice).post("/api/voice", json={"text": "Hello", "voice": name})
    deliveries = {delivery for _, delivery in voice.asked}
    assert len(deliveries) == 4
    assert Delivery() not in deliveries


@pytest.mark.parametrize(
    "body", [{"text": " "}, {"text": "a" * (MAX_TEXT + 1)}, {"text": "a", "voice": "robot"}, {}]
)
async def test_what_cannot_be_a_sentence_is_refused(body: dict[str, str]) -> None:
    voice = ToneVoice()
    answer = await client(voice).post("/api/voice", json=body)
    assert answer.status_code == 422
    assert voice.asked == []


async def test_a_voice_that_fails_is_named_and_the_words_are_not() -> None:
    answer = await client(FailingVoice()).post("/api/voice", json={"text": "secret words"})
    assert answer.status_code == 503
    assert "hoarse" in answer.json()["detail"]
    assert "secret" not in answer.text


async def test_many_speakers_at_once_are_asked_to_wait() -> None:
    voice = SlowVoice()
    async with client(voice) as page:
        speaking = [
            asyncio.create_task(page.post("/api/voice", json={"text": "a"})) for _ in range(MAX_IN_FLIGHT)
        ]
        async with asyncio.timeout(5):
            for _ in speaking:
                await voice.asked_to_speak.acquire()
        refused = await page.post("/api/voice", json={"text": "b"})
        voice.may_speak.set()
        answers = await asyncio.gather(*speaking)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert [answer.status_code for answer in answers] == [200] * MAX_IN_FLIGHT
