"""What `doctor` examines, in the order in which an installation is put together."""

from __future__ import annotations

from collections.abc import Callable

from voice_agent.cli.checks import machine, providers, speech
from voice_agent.cli.checks.finding import Finding, Verdict
from voice_agent.settings import Settings

__all__ = ["Finding", "Verdict", "examine"]


async def examine(settings: Settings, *, port: int, offline: bool) -> list[Finding]:
    """All findings. ``port``: where `serve` is to listen; ``offline`` asks nothing outside this machine."""
    return [
        machine.python(),
        machine.packages(),
        machine.processor(settings),
        machine.disk(settings),
        await machine.database(settings),
        machine.listening_port(port),
        _importing("voice activity, end of turn", speech.networks),
        speech.recognizer(settings),
        _importing("how callers feel", lambda: speech.emotion(settings)),
        _importing("speaking", lambda: speech.voice(settings)),
        speech.local_models(settings),
        providers.language_model(settings),
        *providers.twilio(settings),
        await providers.public_address(settings, offline=offline),
    ]


def _importing(subject: str, check: Callable[[], Finding]) -> Finding:
    """``check``, or the finding that what it looks at cannot even be imported."""
    try:
        return check()
    except ImportError as error:
        return Finding(subject, Verdict.MISSING, f"cannot be imported: {error}", "run scripts/start")
