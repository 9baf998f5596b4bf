"""The patient's voice: typed words become speech that a page plays into a call.

Each voice is the installation's own synthesizer with another delivery, far enough from the agent's plain one
that the two are told apart in a recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated

import numpy as np
from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints

from models.speech import Delivery, SpeechError, Synthesizer
from telephony.g711 import encode_ulaw

MAX_TEXT = 500
"""Characters a patient may say at once: half a minute of speech."""

MAX_IN_FLIGHT = 2
"""Syntheses at a time; more would take the voice away from live calls."""


class PatientVoice(StrEnum):
    """How the patient sounds."""

    ADULT = "adult"
    ELDERLY = "elderly"
    HURRIED = "hurried"
    CHILD = "child"


DELIVERIES: Mapping[PatientVoice, Delivery] = MappingProxyType(
    {
        PatientVoice.ADULT: Delivery(pitch=0.65),
        PatientVoice.ELDERLY: Delivery(rate=0.82, pitch=0.6, pitch_range=0.8),
        PatientVoice.HURRIED: Delivery(rate=1.5, pitch=0.9, pitch_range=1.3),
        PatientVoice.CHILD: Delivery(rate=1.05, pitch=1.5, pitch_range=1.3),
    }
)


class SpeakRequest(BaseModel):
    """What the patient says, and in which voice."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT)]
    voice: PatientVoice = PatientVoice.ADULT


def voice_router(synthesizer: Synthesizer) -> APIRouter:
    """Route ``POST /api/voice``: text in, ``audio/basic`` out (RFC 2046: mu-law, mono, 8 kHz).

    Answers 429 with ``Retry-After`` while :data:`MAX_IN_FLIGHT` others are spoken, 503 when the voice failed.
    """
    router = APIRouter()
    slots = asyncio.Semaphore(MAX_IN_FLIGHT)

    @router.post("/api/voice", response_class=Response, responses={200: {"content": {"audio/basic": {}}}})
    async def speak(request: SpeakRequest) -> Response:
        """Speak ``text`` as a patient."""
        if slots.locked():
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{MAX_IN_FLIGHT} texts are being spoken already: try again in a second",
                headers={"Retry-After": "1"},
            )
        async with slots:
            try:
                speech = synthesizer.synthesize(request.text, DELIVERIES[request.voice])
                chunks = [chunk async for chunk in speech]
            except SpeechError as error:
                raise HTTPException(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    f"The voice {synthesizer.name} could not speak this text: try other words",
                ) from error
        audio = np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
        return Response(encode_ulaw(audio), media_type="audio/basic", headers={"Cache-Control": "no-store"})

    return router
