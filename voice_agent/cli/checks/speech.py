"""Checks of hearing and speaking: the networks, the recognizer, the voice, and what to expect of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

import models
from models.local import KOKORO, MODELS, MOONSHINE, LocalModel, Shelf, Standing
from voice_agent.cli.checks.finding import Finding, Verdict
from voice_agent.settings import Settings

EAR_QUALITY = (
    "the own ear: on a quiet line answers that a question expects are understood; ten digits at once"
    " are wrong one time in six; of free speech one word in four is wrong, or more; a noisy line is hard"
)
POCKETSPHINX_QUALITY = (
    "PocketSphinx: on a quiet line most answers that a question expects are understood; ten digits at once"
    " are right one time in three; of free speech one word in three is wrong, or more; a noisy line fails"
)
"""Both measured on synthetic callers and recorded speech; real callers will do worse."""


def networks() -> Finding:
    """The two ONNX files for voice activity and end of turn, loaded and run once."""
    import numpy as np

    from models.speech import SpeechError, VadState
    from models.turn.smart_turn import SmartTurn
    from models.vad.silero import SileroVad

    subject = "voice activity, end of turn"
    try:
        vad = SileroVad()
        vad.run(np.zeros((1, vad.chunk), np.int16), [VadState()])
        turn = SmartTurn()
        turn.probability(np.zeros(8000, np.int16))
    except (SpeechError, RuntimeError) as error:
        return Finding(subject, Verdict.MISSING, str(error), "run scripts/start")
    if turn.shortcoming:
        return Finding(
            subject,
            Verdict.WEAK,
            f"the whole turn model runs, at several times the work ({turn.shortcoming})",
            "restore the file from the release",
        )
    return Finding(subject, Verdict.GOOD, "both networks load and run")


def emotion(settings: Settings) -> Finding:
    """The models that hear how callers feel, loaded and run once. Calls go on without them."""
    import numpy as np

    from models.prosody import CallerBaseline
    from voice_agent.call.emotion_models import EmotionNetworks

    subject = "how callers feel"
    if not settings.emotion:
        return Finding(
            subject, Verdict.NOTE, "switched off: nobody listens for it", "unset VOICE_AGENT_EMOTION"
        )
    networks = EmotionNetworks.load()
    if networks.missing:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in networks.missing.items())
        return Finding(
            subject,
            Verdict.WEAK,
            f"callers count as neutral where a model is missing ({reasons})",
            "restore the folder models from the release",
        )
    if networks.encoder is not None and networks.prosody is not None and networks.burst is not None:
        encoding = networks.encoder.encode([np.zeros(8000, np.int16)])
        networks.prosody.read(encoding, [CallerBaseline.unknown()])
        networks.burst.read(encoding)
    if networks.language is not None:
        networks.language.run(["hello"])
    return Finding(subject, Verdict.GOOD, "prosody, vocal bursts and language load and run")


def recognizer(settings: Settings, ear: Path = Path(models.__file__).parent / "stt") -> Finding:
    """The recognizer that is set, and the embedded one below it, whose weights are in the folder ``ear``."""
    from models.model_file import ModelError, verified_file

    subject = "hearing"
    path = importlib.util.find_spec("pocketsphinx")
    model = Path(path.origin).parent / "model" / "en-us" if path and path.origin else None
    if model is None or not model.is_dir():
        return Finding(
            subject, Verdict.MISSING, "the embedded recognizer is not installed", "pip install pocketsphinx"
        )
    finding = Finding(
        subject,
        Verdict.WEAK,
        EAR_QUALITY,
        "fit for trials, tests and as a fallback; to carry patients' calls set VOICE_AGENT_STT",
    )
    if settings.stt == MOONSHINE.name:
        finding = _local(subject, MOONSHINE, settings)
    elif settings.stt != "embedded":
        finding = _provider(subject, "STT", settings.stt, bool(settings.stt_api_key.get_secret_value()))
    try:
        verified_file(ear)
    except ModelError as error:
        if settings.stt == "embedded" or finding.verdict is Verdict.GOOD:
            told = f"the embedded recognizer falls back to {POCKETSPHINX_QUALITY} ({error})"
            return Finding(subject, Verdict.WEAK, told, "restore the folder models from the release")
    try:
        verified_file(ear / "spelling")
    except ModelError as error:
        if settings.stt == "embedded":
            told = f"{EAR_QUALITY}; digits and letters said one by one are heard worse than that ({error})"
            return Finding(subject, Verdict.WEAK, told, "restore the folder models from the release")
    return finding


def voice(settings: Settings) -> Finding:
    """The voice that is set, and the embedded ones below it."""
    from models.tts.espeak import EspeakVoice
    from models.tts.flite import FliteVoice

    subject = "speaking"
    found = [
        name
        for name, there in (("flite", FliteVoice.installed()), ("espeak-ng", EspeakVoice.installed()))
        if there
    ]
    remedy = "pip install 'voice-agent[espeak]', or install the system's libflite1"
    if not found:
        return Finding(subject, Verdict.MISSING, "no embedded voice is installed", remedy)
    if settings.tts == "embedded":
        return Finding(
            subject,
            Verdict.NOTE,
            f"embedded ({', '.join(found)}): clear, and plainly a machine",
            "for patients set VOICE_AGENT_TTS",
        )
    if settings.tts == KOKORO.name:
        return _local(subject, KOKORO, settings)
    return _provider(subject, "TTS", settings.tts, bool(settings.tts_api_key.get_secret_value()))


def local_models(settings: Settings) -> Finding:
    """Which of the models that can be fetched are here."""
    shelf = Shelf(settings.models_dir)
    standing = {model.name: shelf.standing(model) for model in MODELS}
    told = ", ".join(f"{name} {standing[name].value}" for name in standing)
    if Standing.DAMAGED in standing.values():
        broken = next(name for name in standing if standing[name] is Standing.DAMAGED)
        return Finding("local models", Verdict.WEAK, told, f"voice-agent models pull {broken}")
    return Finding("local models", Verdict.NOTE, told)


def _local(subject: str, model: LocalModel, settings: Settings) -> Finding:
    standing = Shelf(settings.models_dir).standing(model)
    if standing is not Standing.READY:
        return Finding(
            subject,
            Verdict.MISSING,
            f"{model.title}: {standing.value}",
            f"voice-agent models pull {model.name}",
        )
    if importlib.util.find_spec(model.package) is None:
        return Finding(
            subject,
            Verdict.MISSING,
            f"{model.title} needs {model.package}",
            f"pip install 'voice-agent[{model.extra}]'",
        )
    return Finding(subject, Verdict.GOOD, f"{model.title}; the embedded one steps in when it fails")


def _provider(subject: str, variable: str, name: str, has_key: bool) -> Finding:
    if name == "stub":
        return Finding(subject, Verdict.WEAK, "a stub for load tests", f"unset VOICE_AGENT_{variable}")
    needed = {"deepgram": "deepgram-sdk"}.get(name)
    if needed and not _has(needed):
        return Finding(
            subject, Verdict.MISSING, f"{name} needs {needed}", f"pip install 'voice-agent[{name}]'"
        )
    if not has_key:
        return Finding(subject, Verdict.WEAK, f"{name}, without a key", f"set VOICE_AGENT_{variable}_API_KEY")
    return Finding(subject, Verdict.GOOD, f"{name}, key set; the embedded one steps in when it fails")


def _has(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
