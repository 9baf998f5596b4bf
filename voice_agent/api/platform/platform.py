"""What the routes share: who may come in, where things are read, and how to reach live calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import HTTPException, Request

from voice_agent.access.audit import AuditAction, AuditEntry, AuditLog, Detail
from voice_agent.access.guard import Guard, client_ip
from voice_agent.access.links import RecordingLinks
from voice_agent.access.principal import Principal
from voice_agent.api.platform.fields import service_uuid, uuid_or_none
from voice_agent.call.overview import CallOverview
from voice_agent.call.record_fold import CallRecord
from voice_agent.call.records import CallRecords
from voice_agent.operators.briefing_desk import BriefingDesk
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.ports import LiveCalls
from voice_agent.operators.roster import Roster
from voice_agent.safety.loader import RuleSet
from voice_agent.store.bus import EventBus
from voice_agent.store.moments import utc_now


@dataclass(frozen=True, slots=True)
class BrowserPhones:
    """How an operator's browser reaches the phone network.

    Attributes:
        phone_url: ``ws://`` address of the local network's softphone, "" on a real account.
        account_sid, api_key_sid, api_key_secret, app_sid: a real account's; empty when not configured.
    """

    phone_url: str = ""
    account_sid: str = ""
    api_key_sid: str = ""
    api_key_secret: str = field(default="", repr=False)
    app_sid: str = ""


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts behind the routes, for one workspace.

    ``rules`` are the safety rules of the workspace, its default service's; ``services`` names services by id;
    ``zone`` is where a day begins and ends.
    """

    workspace_id: UUID
    guard: Guard
    audit: AuditLog
    roster: Roster
    escalations: EscalationRecords
    live: LiveCalls
    records: CallRecords
    overview: CallOverview
    briefings: BriefingDesk
    bus: EventBus
    links: RecordingLinks
    recordings_dir: Path
    rules: RuleSet
    records_calls: bool = True
    services: dict[str, str] = field(default_factory=dict)
    zone: tzinfo = ZoneInfo("UTC")
    phones: BrowserPhones = BrowserPhones()
    clock: Callable[[], datetime] = utc_now

    async def note(
        self,
        request: Request,
        principal: Principal,
        action: AuditAction,
        *,
        operator_id: UUID | None = None,
        call_sid: str | None = None,
        **details: Detail,
    ) -> None:
        """Write down who did what; ``details`` never hold anybody's words."""
        await self.audit.record(
            AuditEntry(action, principal.actor, operator_id, call_sid, client_ip(request), details)
        )

    async def call(self, call_id: str) -> CallRecord:
        """The call with this sid or entity id, or 404."""
        entity = uuid_or_none(call_id)
        call = await self.records.call(call_id)
        if call is None and entity is not None:
            call = await self.overview.with_entity(entity)
        if call is None:
            raise HTTPException(404, f"call {call_id} is not known in this workspace")
        return call

    def service_named(self, published: str) -> str:
        """Our own name of a service from its published id; what is unknown stays as it is."""
        wanted = uuid_or_none(published)
        return next((own for own in self.services if service_uuid(own) == wanted), published)
