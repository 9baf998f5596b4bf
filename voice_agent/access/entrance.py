"""The parts of access, put together for one installation: the composition root and the commands use it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from limits.errors import ConfigurationError
from limits.storage import storage_from_string

from voice_agent.access.audit import AuditLog
from voice_agent.access.authenticator import Authenticator
from voice_agent.access.cookies import Cookies
from voice_agent.access.errors import AccessError
from voice_agent.access.guard import Guard
from voice_agent.access.keys import ApiKeys
from voice_agent.access.limits import RateLimits, RateSettings
from voice_agent.access.links import RecordingLinks
from voice_agent.access.passwords import Passwords
from voice_agent.access.sessions import BrowserSessions
from voice_agent.access.signing_key import signing_key
from voice_agent.access.workspaces import default_workspace
from voice_agent.operators.roster import Roster
from voice_agent.store.database import Database


@dataclass(frozen=True, slots=True)
class Entrance:
    """Everything that decides who may come in, for the default workspace."""

    workspace_id: UUID
    keys: ApiKeys
    passwords: Passwords
    roster: Roster
    audit: AuditLog
    guard: Guard
    links: RecordingLinks


async def open_entrance(
    database: Database,
    data_dir: Path,
    *,
    secret_key: str = "",
    public_base_url: str = "",
    rate_limit_storage: str = "",
    rates: RateSettings | None = None,
) -> Entrance:
    """Create the default workspace if there is none, and build the parts.

    Args:
        secret_key: signs links; "" takes the one in ``data_dir``.
        public_base_url: origin under which a proxy serves us, "" if there is none.
        rate_limit_storage: ``async+redis://...`` for several processes, "" to count in this one.

    Raises:
        AccessError: a secret that could be guessed, or a storage that is not to be had.
    """
    workspace_id = await default_workspace(database)
    keys, passwords = ApiKeys(database), Passwords(database)
    roster = Roster(database, workspace_id)
    authenticator = Authenticator(keys, passwords, BrowserSessions(database), roster)
    try:
        storage = _storage(rate_limit_storage) if rate_limit_storage else None
    except ConfigurationError as error:
        raise AccessError(f"VOICE_AGENT_RATE_LIMIT_STORAGE cannot be used: {error}") from error
    limits = RateLimits(rates, storage)  # type: ignore[arg-type]
    return Entrance(
        workspace_id=workspace_id,
        keys=keys,
        passwords=passwords,
        roster=roster,
        audit=AuditLog(database, workspace_id),
        guard=Guard(authenticator, limits, Cookies(public_base_url)),
        links=RecordingLinks(await asyncio.to_thread(signing_key, secret_key, data_dir)),
    )


def _storage(url: str) -> object:
    # The client that `limits` prefers has to be entered as a context first, which `limits` does not do.
    options = {"implementation": "redispy"} if url.startswith("async+redis") else {}
    return storage_from_string(url, **options)
