"""Documents that only make sound (wait, hold and announcement URLs), rendered to µ-law."""

from __future__ import annotations

import io
import wave
from urllib.parse import urljoin

import numpy as np

from .clock import within
from .errors import ConnectFailed, ReplyTimeout, WebhookFailed
from .g711 import SAMPLE_RATE, SILENCE_BYTE, encode
from .services import Services
from .tones import (
    KEY_GAP_SECONDS,
    KEYS,
    PLACEHOLDER_SECONDS,
    PLAY_HZ,
    SAY_HZ,
    key_tone,
    spoken_seconds,
    tone_ulaw,
)
from .transport import HttpCall, HttpReply
from .twiml import Document, Element
from .webhook import USER_AGENT, Fields, Target

PLAY_FAILED = 12400
FETCH_SECONDS = 15.0
MAX_REDIRECTS = 10
WAVE_TYPES = ("audio/wav", "audio/wave", "audio/x-wav")
FOREVER = 1000  # what loop="0" becomes; a leg ends long before


def pressed(digits: str) -> bytes:
    """Key tones with gaps; `w` is half a second and `W` a second of silence, anything else is ignored."""
    gap = SILENCE_BYTE * round(KEY_GAP_SECONDS * SAMPLE_RATE)
    parts = []
    for key in digits:
        if key in "wW":
            parts.append(SILENCE_BYTE * (SAMPLE_RATE // 2 if key == "w" else SAMPLE_RATE))
        elif key in KEYS:
            parts.append(key_tone(key) + gap)
    return b"".join(parts)


async def rendered_verb(verb: Element, base_url: str, services: Services, call_sid: str) -> bytes:
    """One `<Say>`, `<Play>` or `<Pause>` as µ-law audio, once whatever its `loop` says."""
    if verb.name == "Pause":
        return SILENCE_BYTE * (verb.number("length", 1) * SAMPLE_RATE)
    if verb.name == "Say":
        return tone_ulaw(spoken_seconds(verb.text), SAY_HZ)
    if digits := verb.get("digits"):
        return pressed(digits)
    return await _fetched(urljoin(base_url, verb.text), services, call_sid)


def repeats(verb: Element) -> int:
    """How often a `<Say>` or `<Play>` is heard; `loop="0"` is without end."""
    return verb.number("loop", 1) or FOREVER


async def rendered(document: Document, services: Services, call_sid: str) -> bytes:
    """All audio of a document in a row; verbs that make no sound are violations and skipped."""
    parts = []
    for verb in document.verbs:
        if verb.name in ("Say", "Play", "Pause"):
            audio = await rendered_verb(verb, document.url, services, call_sid)
            parts.append(audio * min(repeats(verb), 10))
        elif verb.name != "Redirect":
            services.log.violate(12200, f"<{verb.name}> is not allowed in {document.url}", call_sid)
    return b"".join(parts)


async def fetched_audio(url: str, method: str, fields: Fields, services: Services, call_sid: str) -> bytes:
    """Ask `url` for TwiML, follow its redirects and render the sound; an audio file is also fine.

    Raises:
        WebhookFailed: no usable document.
    """
    for _ in range(MAX_REDIRECTS):
        if url.split("?", 1)[0].endswith((".wav", ".mp3")):
            return await _fetched(url, services, call_sid)
        document = await services.webhooks.ask_for_twiml(Target(url, method), fields, call_sid)
        if document.verbs and document.verbs[0].name == "Redirect":
            url, method = urljoin(url, document.verbs[0].text), document.verbs[0].get("method", "POST")
            continue
        return await rendered(document, services, call_sid)
    raise WebhookFailed(11200, url, f"more than {MAX_REDIRECTS} redirects")


async def _fetched(url: str, services: Services, call_sid: str) -> bytes:
    call = HttpCall("GET", url, {"User-Agent": USER_AGENT})
    try:
        reply = await within(
            services.clock, FETCH_SECONDS, services.transport.request(call, FETCH_SECONDS, FETCH_SECONDS)
        )
    except (ConnectFailed, ReplyTimeout) as failed:
        services.log.notify(PLAY_FAILED, f"{url}: {failed}", call_sid)
        return b""
    if reply.status != 200:
        services.log.notify(PLAY_FAILED, f"{url} answered with HTTP status {reply.status}", call_sid)
        return b""
    return _audio_of(reply)


def _audio_of(reply: HttpReply) -> bytes:
    # Only 8 kHz 16-bit mono WAV is decoded; everything else is heard as the placeholder tone.
    if reply.content_type in WAVE_TYPES:
        try:
            with wave.open(io.BytesIO(reply.body)) as file:
                form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
                if form == (1, 2, SAMPLE_RATE):
                    return encode(np.frombuffer(file.readframes(file.getnframes()), dtype="<i2"))
        except (wave.Error, EOFError):
            return b""
    return tone_ulaw(PLACEHOLDER_SECONDS, PLAY_HZ)
