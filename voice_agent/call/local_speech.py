"""The recognizer and the voice that run on this machine with fetched weights, from settings.

What is missing is found here, before anything starts, so that a process that was to use them says what to do
instead of quietly speaking with another voice.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from models.local import KOKORO, MOONSHINE, LocalModel, Shelf
from models.model_file import ModelError
from models.stt import MoonshineRecognizer
from models.tts import KokoroVoice
from models.tts.kokoro import DEFAULT_LANGUAGE, DEFAULT_VOICE
from voice_agent.call.cloud_speech import SpeechConfigurationError
from voice_agent.settings import Settings

LOCAL_RECOGNIZERS: Final = frozenset({MOONSHINE.name})
LOCAL_VOICES: Final = frozenset({KOKORO.name})

_MOST: Final = 64
"""Threads or processes."""


def local_recognizer(settings: Settings) -> MoonshineRecognizer:
    """Moonshine. Options: ``threads`` (2) of one process, ``workers`` (1).

    Raises:
        SpeechConfigurationError: files or package missing, or an option that is unknown.
    """
    options = _Options("STT", settings.stt_options, ("threads", "workers"))
    files = _files(MOONSHINE, "STT", settings, MoonshineRecognizer.installed())
    return MoonshineRecognizer(
        files, workers=options.number("workers", 1), threads=options.number("threads", 2)
    )


def local_voice(settings: Settings) -> KokoroVoice:
    """Kokoro. Options: ``voice`` ("af_heart"), ``language`` ("en-us"), ``threads`` (4), ``workers`` (1).

    Raises:
        SpeechConfigurationError: files or package missing, or an option that is unknown.
    """
    options = _Options("TTS", settings.tts_options, ("voice", "language", "threads", "workers"))
    files = _files(KOKORO, "TTS", settings, KokoroVoice.installed())
    return KokoroVoice(
        files,
        voice=options.values.get("voice", DEFAULT_VOICE),
        language=options.values.get("language", DEFAULT_LANGUAGE),
        threads=options.number("threads", 4),
        workers=options.number("workers", 1),
    )


def _files(
    model: LocalModel, kind: Literal["STT", "TTS"], settings: Settings, installed: bool
) -> Mapping[str, Path]:
    variable = f"VOICE_AGENT_{kind}={model.name!r}"
    if not installed:
        raise SpeechConfigurationError(
            f"{variable} needs the package {model.package}: pip install 'voice-agent[{model.extra}]'"
        )
    try:
        return Shelf(settings.models_dir).files(model)
    except ModelError as error:
        raise SpeechConfigurationError(f"{variable}: {error}") from error


class _Options:
    """What ``VOICE_AGENT_STT_OPTIONS`` or ``VOICE_AGENT_TTS_OPTIONS`` say, checked."""

    def __init__(
        self, kind: Literal["STT", "TTS"], values: Mapping[str, str], known: tuple[str, ...]
    ) -> None:
        self._variable = f"VOICE_AGENT_{kind}_OPTIONS"
        self.values = values
        for name in values:
            if name not in known:
                raise SpeechConfigurationError(
                    f"{self._variable}: {name!r} is not known; it knows {', '.join(known)}"
                )

    def number(self, name: str, default: int) -> int:
        value = self.values.get(name, str(default))
        if not value.isdecimal() or not 1 <= int(value) <= _MOST:
            raise SpeechConfigurationError(f"{self._variable}: {name} is {value!r}, not 1 to {_MOST}")
        return int(value)
