"""The composition root's part for the published interface: from settings and parts to one application."""

from __future__ import annotations

from fastapi import FastAPI

from voice_agent.access.entrance import Entrance
from voice_agent.api.platform.app import platform_app
from voice_agent.api.platform.platform import BrowserPhones, Platform
from voice_agent.api.platform.recordings import PREFIX
from voice_agent.call.overview import CallOverview
from voice_agent.call.records import CallRecords
from voice_agent.local_network import Account
from voice_agent.operators.briefing_desk import BriefingDesk
from voice_agent.operators.escalation_records import EscalationRecords
from voice_agent.operators.ports import LiveCalls
from voice_agent.practice.service import Services
from voice_agent.settings import Settings
from voice_agent.store.bus import EventBus
from voice_agent.store.database import Database

__all__ = ["PREFIX", "composed_platform"]


def composed_platform(
    settings: Settings,
    database: Database,
    entrance: Entrance,
    services: Services,
    records: CallRecords,
    escalations: EscalationRecords,
    live: LiveCalls,
    bus: EventBus,
    account: Account,
) -> FastAPI:
    """The application to mount under :data:`PREFIX`; ``account`` says how browsers become telephones."""
    overview = CallOverview(database)
    platform = Platform(
        workspace_id=entrance.workspace_id,
        guard=entrance.guard,
        audit=entrance.audit,
        roster=entrance.roster,
        escalations=escalations,
        live=live,
        records=records,
        overview=overview,
        briefings=BriefingDesk(live, records, overview, escalations, services),
        bus=bus,
        links=entrance.links,
        recordings_dir=settings.recordings_dir,
        rules=services.default.rulebook.rules,
        records_calls=settings.recordings,
        services={service.service_id: service.settings.name for service in services.services},
        zone=services.default.settings.zone,
        phones=BrowserPhones(
            phone_url=account.phone_url,
            account_sid=account.account_sid,
            api_key_sid=settings.twilio_api_key_sid,
            api_key_secret=settings.twilio_api_key_secret.get_secret_value(),
            app_sid=account.app_sid,
        ),
    )
    app = platform_app(platform)
    app.openapi()  # made now, not while calls are on the line
    return app
