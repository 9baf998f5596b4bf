"""Asking for an outbound call, as published."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from voice_agent.api.platform.fields import Name, PhoneE164, Text

CanonicalId = Annotated[
    str,
    StringConstraints(
        min_length=3, max_length=256, pattern=r"^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$"
    ),
]
"""``source:type:id`` of a patient in another system."""


class CreateOutboundCallRequest(BaseModel):
    """Whom to call and why. The number to call from, or the use case that picks one; one way to name a
    patient."""

    phone_to: PhoneE164
    phone_from: PhoneE164 | None = None
    use_case_id: UUID | None = None
    reason: Name
    goal: Annotated[Text, Field(max_length=2000)] | None = None
    service_id: UUID | None = None
    system_prompt: Annotated[Text, Field(max_length=10_000)] | None = None
    patient_entity_id: UUID | None = None
    patient_canonical_id: CanonicalId | None = None
    outbound_task_entity_id: UUID | None = None
    derived_from_call_sid: Annotated[Text, Field(max_length=64)] | None = None
    idempotency_key: Annotated[Text, Field(max_length=128)] | None = None
    metadata: dict[str, str] | None = None
    tags: Annotated[list[Text], Field(max_length=10)] | None = None

    @model_validator(mode="after")
    def _one_way_each(self) -> Self:
        if (self.phone_from is None) == (self.use_case_id is None):
            raise ValueError("give either phone_from or use_case_id")
        if self.patient_entity_id is not None and self.patient_canonical_id is not None:
            raise ValueError("give patient_entity_id or patient_canonical_id, not both")
        return self


class CreateOutboundCallResponse(BaseModel):
    """A call that is on its way."""

    call_sid: str
    status: str
    phone_from: str | None
    setup_id: UUID | None
    event_id: UUID | None
