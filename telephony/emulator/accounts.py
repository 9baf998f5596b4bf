"""The account's numbers and TwiML applications, as the REST API changes them while the emulator runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from .clock import Clock
from .config import DEFAULT_NUMBER, ApplicationConfig, EmulatorConfig, NumberConfig
from .webhook import Target

R = TypeVar("R", NumberConfig, ApplicationConfig)


@dataclass(frozen=True)
class Record(Generic[R]):
    """A resource with its dates."""

    value: R
    created: datetime
    updated: datetime


class Account:
    """Numbers by E.164 and applications by SID."""

    def __init__(self, config: EmulatorConfig, clock: Clock) -> None:
        self._clock = clock
        self._default_voice_url = config.voice_url
        self.numbers: dict[str, Record[NumberConfig]] = {}
        self.applications: dict[str, Record[ApplicationConfig]] = {}
        own = ApplicationConfig(
            sid=config.application_sid, voice_url=config.app_voice_url, friendly_name="agent leg"
        )
        for application in (own, *config.applications):
            self.put_application(application)
        for number in config.numbers or (NumberConfig(DEFAULT_NUMBER),):
            self.put_number(number)

    def put_number(self, number: NumberConfig) -> Record[NumberConfig]:
        """Add or replace a number; one without a voice URL gets the default."""
        if not number.voice_url and not number.voice_application_sid:
            number = replace(number, voice_url=self._default_voice_url)
        number = replace(number, friendly_name=number.friendly_name or number.phone_number)
        record = self._dated(number, self.numbers.get(number.phone_number))
        self.numbers[number.phone_number] = record
        return record

    def put_application(self, application: ApplicationConfig) -> Record[ApplicationConfig]:
        """Add or replace an application."""
        record = self._dated(application, self.applications.get(application.sid))
        self.applications[application.sid] = record
        return record

    def number_with_sid(self, sid: str) -> Record[NumberConfig] | None:
        """The number resource with that PN sid."""
        return next((r for r in self.numbers.values() if r.value.sid == sid), None)

    def voice_target(self, number: NumberConfig) -> Target:
        """Where a call to the number asks for TwiML."""
        application = self.applications.get(number.voice_application_sid)
        owner = application.value if application else number
        return Target(
            owner.voice_url, owner.voice_method, owner.voice_fallback_url, owner.voice_fallback_method
        )

    def _dated(self, value: R, previous: Record[R] | None) -> Record[R]:
        now = self._clock.now()
        return Record(value, previous.created if previous else now, now)
