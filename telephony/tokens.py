"""One-time tokens that tie a media socket to its call.

A media stream's handshake does not name its call, and its signature is the same for every call. So each TwiML
document carries a fresh random token as a stream parameter, and the socket has to present it in ``start``:
once, in time, for the call it was made for. Of a token only its hash is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from telephony.errors import TokenError

TOKEN_BYTES: Final = 24
"""192 bits of randomness, 32 characters; a stream parameter may have 500."""
DEFAULT_TTL_S: Final = 60.0
"""A stream opens as soon as its TwiML runs; a conference's webhook may be answered while the phone still
rings."""
DEFAULT_CAPACITY: Final = 4096


@dataclass(frozen=True, slots=True)
class StreamGrant:
    """What a token allows.

    Attributes:
        call_sid: the caller's call, by which the conversation is known.
        leg_sid: the leg whose stream it is (``start.callSid``); the agent's leg has a call of its own.
        role: what the socket carries.
        generation: counts the sockets of this role in this call; only the newest counts.
    """

    call_sid: str
    leg_sid: str
    role: str
    generation: int


class StreamTokens:
    """Issues and redeems tokens of one process. Bounded: when full, the oldest token is forgotten."""

    def __init__(
        self,
        *,
        ttl_s: float = DEFAULT_TTL_S,
        capacity: int = DEFAULT_CAPACITY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock`` gives seconds and never runs backwards."""
        self._ttl_s = ttl_s
        self._capacity = capacity
        self._clock = clock
        self._grants: OrderedDict[bytes, tuple[float, StreamGrant]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._grants)

    def issue(self, grant: StreamGrant) -> str:
        """A new token for ``grant``."""
        self._forget_expired()
        while len(self._grants) >= self._capacity:
            self._grants.popitem(last=False)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._grants[_digest(token)] = (self._clock() + self._ttl_s, grant)
        return token

    def redeem(self, token: str, *, leg_sid: str, roles: Collection[str]) -> StreamGrant:
        """Use a token up, whatever comes of it, on the stream of ``leg_sid`` at an address that serves
        ``roles``.

        Raises :class:`TokenError`.
        """
        self._forget_expired()
        # Looked up by hash, so timing tells nothing about the tokens that exist.
        _, grant = self._grants.pop(_digest(token), (0.0, None))
        if grant is None:
            raise TokenError("stream token is missing, unknown, used or expired")
        same_leg = hmac.compare_digest(grant.leg_sid.encode(), leg_sid.encode())
        if not same_leg or grant.role not in roles:
            raise TokenError(f"stream token of a {grant.role} stream is bound to another leg or address")
        return grant

    def revoke_call(self, call_sid: str) -> None:
        """Forget every token of a call that is over."""
        for digest in [d for d, (_, grant) in self._grants.items() if grant.call_sid == call_sid]:
            del self._grants[digest]

    def _forget_expired(self) -> None:
        now = self._clock()
        while self._grants and next(iter(self._grants.values()))[0] <= now:
            self._grants.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
