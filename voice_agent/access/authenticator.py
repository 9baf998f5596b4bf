"""From a secret to somebody with permissions: keys, passwords and sessions in one place.

Roles and revocation are read anew every time, so that nothing that was taken away goes on working.
"""

from __future__ import annotations

from dataclasses import dataclass

from voice_agent.access.credentials import csrf_token
from voice_agent.access.keys import ApiKey, ApiKeys
from voice_agent.access.passwords import Passwords
from voice_agent.access.principal import ActorKind, Principal
from voice_agent.access.roles import Role, granted
from voice_agent.access.sessions import BrowserSession, BrowserSessions
from voice_agent.operators.roster import NoSuchOperator, Operator, Roster


@dataclass(frozen=True, slots=True)
class LogIn:
    """A browser that was let in. ``secret`` goes into its cookie."""

    principal: Principal
    secret: str


class Authenticator:
    """Who somebody is."""

    def __init__(
        self, keys: ApiKeys, passwords: Passwords, sessions: BrowserSessions, roster: Roster
    ) -> None:
        self._keys = keys
        self._passwords = passwords
        self._sessions = sessions
        self._roster = roster

    async def by_key(self, secret: str) -> Principal | None:
        """Whoever holds this API key."""
        key = await self._keys.find(secret)
        return _of_key(key) if key is not None else None

    async def by_session(self, secret: str) -> Principal | None:
        """Whoever is logged in with this session, as they are now."""
        session = await self._sessions.read(secret)
        return await self._owner(session, csrf_token(secret)) if session is not None else None

    async def log_in_with_key(self, secret: str, *, instead_of: str | None = None) -> LogIn | None:
        """Begin a session for the holder of a key; the browser's old one (``instead_of``) ends."""
        key = await self._keys.find(secret)
        if key is None:
            return None
        return await self._begin(BrowserSession(key.workspace_id, key.id, None), instead_of)

    async def log_in_with_password(
        self, email: str, password: str, *, instead_of: str | None = None
    ) -> LogIn | None:
        """Begin a session for an operator. An unknown address takes as long as a wrong password."""
        operator = await self._roster.with_email(email)
        if not await self._passwords.is_right(operator.id if operator else None, password):
            return None
        assert operator is not None
        return await self._begin(BrowserSession(operator.workspace_id, None, operator.id), instead_of)

    async def log_out(self, secret: str) -> None:
        """End a session. Idempotent."""
        await self._sessions.close(secret)

    async def _begin(self, session: BrowserSession, instead_of: str | None) -> LogIn | None:
        secret = await self._sessions.open(session, instead_of=instead_of)
        principal = await self._owner(session, csrf_token(secret))
        return LogIn(principal, secret) if principal is not None else None

    async def _owner(self, session: BrowserSession, csrf: str) -> Principal | None:
        if session.key_id is not None:
            key = await self._keys.get(session.key_id)
            return _of_key(key, csrf) if key is not None else None
        assert session.operator_id is not None
        try:
            return _of_operator(await self._roster.get(session.operator_id), csrf)
        except NoSuchOperator:
            return None


def _of_key(key: ApiKey, csrf: str | None = None) -> Principal:
    return Principal(
        workspace_id=key.workspace_id,
        kind=ActorKind.API_KEY,
        id=key.id,
        name=key.name,
        role=key.role,
        permissions=granted(key.role, key.scopes),
        operator_id=key.operator_id,
        csrf_token=csrf,
    )


def _of_operator(operator: Operator, csrf: str) -> Principal:
    role = Role(operator.role)
    return Principal(
        workspace_id=operator.workspace_id,
        kind=ActorKind.OPERATOR,
        id=operator.id,
        name=operator.name,
        role=role,
        permissions=granted(role),
        operator_id=operator.id,
        csrf_token=csrf,
    )
