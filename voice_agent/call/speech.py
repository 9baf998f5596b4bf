"""Which recognizers and which voice a process uses: from settings to ladders, best rung first.

Whatever is configured, the embedded rung is below it: a cloud that is down means a worse recognizer, not a
deaf agent.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.speech import Recognizer, Synthesizer
from models.stt import EmbeddedRecognizer
from models.tts import embedded_voice, voice_ladder
from voice_agent.call.cloud_speech import CloudRecognizer, CloudVoice
from voice_agent.call.local_speech import LOCAL_RECOGNIZERS, LOCAL_VOICES, local_recognizer, local_voice
from voice_agent.call.stub_speech import StubRecognizer, StubVoice
from voice_agent.settings import Settings

EMBEDDED = "embedded"
STUB = "stub"


@dataclass(frozen=True, slots=True)
class SpeechServices:
    """What all calls of a process hear and speak with. ``recognizers``: best first."""

    recognizers: tuple[Recognizer, ...]
    voice: Synthesizer

    async def start(self) -> None:
        """Load models and start workers."""
        for recognizer in self.recognizers:
            await recognizer.start()
        await self.voice.start()

    async def close(self) -> None:
        """Stop workers."""
        for recognizer in self.recognizers:
            await recognizer.close()
        await self.voice.close()


def speech_services(settings: Settings, keyterms: tuple[str, ...] = ()) -> SpeechServices:
    """Build the ladders that ``settings`` name.

    Raises:
        SpeechConfigurationError: a service that does not exist, has no key, or does not know an option; a
            local model that is not on this machine.
    """
    return SpeechServices(_recognizers(settings, keyterms), _voice(settings))


def _recognizers(settings: Settings, keyterms: tuple[str, ...]) -> tuple[Recognizer, ...]:
    if settings.stt == STUB:
        return (StubRecognizer(),)
    embedded = EmbeddedRecognizer(workers=settings.stt_workers)
    if settings.stt == EMBEDDED:
        return (embedded,)
    if settings.stt in LOCAL_RECOGNIZERS:
        return (local_recognizer(settings), embedded)
    key = settings.stt_api_key.get_secret_value()
    return (CloudRecognizer(settings.stt, key, settings.stt_options, keyterms), embedded)


def _voice(settings: Settings) -> Synthesizer:
    if settings.tts == STUB:
        return StubVoice()
    embedded = embedded_voice(workers=settings.tts_workers)
    if settings.tts == EMBEDDED:
        return voice_ladder(*embedded)
    if settings.tts in LOCAL_VOICES:
        return voice_ladder(local_voice(settings), *embedded)
    key = settings.tts_api_key.get_secret_value()
    return voice_ladder(CloudVoice(settings.tts, key, settings.tts_options), *embedded)
