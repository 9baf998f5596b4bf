"""What `doctor` examines, in the order in which an installation is put together."""

from __future__ import annotations

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
        speech.networks(),
        speech.recognizer(settings),
        speech.voice(settings),
        providers.language_model(settings),
        *providers.twilio(settings),
        await providers.public_address(settings, offline=offline),
    ]
