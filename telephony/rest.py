"""Twilio's REST API for calls, conferences, participants and streams: the official SDK, made safe for a live
call.

Every request has a timeout (the SDK has none), transient failures are repeated a few times with backoff and
jitter, and errors come out as this package's own, without anybody's number in them. An operation that is
repeated may have taken effect the first time; callers make that harmless with unique labels and keys.
Source: https://www.twilio.com/docs/voice/api
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import aiohttp
import stamina
from twilio.base import values
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from telephony.errors import CallGone, RestError, RestUnavailable
from telephony.twiml import CONFERENCE_EVENTS, TOKEN_PARAMETER, StreamTarget
from telephony.webhook import CallStatus

T = TypeVar("T")

REQUEST_TIMEOUT_S: Final = 3.0
"""One attempt. The REST API usually answers within 300 ms; a caller is waiting."""
ATTEMPTS: Final = 3
MAX_TWIML_CHARS: Final = 4000
"""Limit of TwiML given in a REST request."""

_GONE_CODES: Final = frozenset({20404, 21220})
"""Not found; call is not in-progress."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A leg in a conference."""

    call_sid: str
    conference_sid: str
    label: str
    status: str


class _BoundedHttpClient(AsyncTwilioHttpClient):
    """The SDK's client with its timeout really applied, and without its log of every request."""

    async def request(self, *args: Any, **kwargs: Any) -> Response:
        """As the SDK's; a missing timeout becomes the client's own."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        return await super().request(*args, **kwargs)

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: query parameters may name callers."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Nothing."""


class TwilioRest:
    """One account's REST API. Built on the running event loop; closed with :meth:`aclose`."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        base_url: str = "",
        timeout_s: float = REQUEST_TIMEOUT_S,
        attempts: int = ATTEMPTS,
        first_wait_s: float = 0.15,
    ) -> None:
        """``base_url`` replaces ``https://api.twilio.com`` (emulator, proxy); edges and regions play no
        part."""
        self._http = _BoundedHttpClient(timeout=timeout_s)
        # A non-empty environment of our own: TWILIO_EDGE and TWILIO_REGION would rewrite the host.
        self._client = Client(
            account_sid, auth_token, http_client=self._http, environment={"TWILIO_ACCOUNT_SID": account_sid}
        )
        if base_url:
            self._client.api.base_url = base_url.rstrip("/")
        # The SDK imports its resources when first named, for tens of milliseconds: not in the middle of a
        # call.
        _ = self._client.calls("CA").streams, self._client.conferences("CF").participants
        self._brisk = _retrying(attempts, first_wait_s)
        self._patient = _retrying(2 * attempts, first_wait_s)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def add_participant(
        self,
        conference: str,
        *,
        from_: str,
        to: str,
        label: str,
        conference_callback: str,
        status_callback: str = "",
        muted: bool = False,
        start_conference_on_enter: bool = True,
        end_conference_on_exit: bool = False,
        timeout_s: int | None = None,
    ) -> Participant:
        """Call ``to`` into a conference, which is created when nobody is in it yet.

        Args:
            conference: name or SID.
            from_: one of the account's numbers.
            to: E.164, ``client:<name>``, ``sip:...`` or ``app:<application SID>?<field>=<value>``.
            label: unique in the conference, ``[A-Za-z0-9_-]`` only.
            conference_callback: URL of the conference's events; the first participant's holds for all.
            status_callback: URL of the leg's call progress; all four events are asked for.
            muted: hears, is not heard.
            start_conference_on_enter: False lets this leg wait for somebody else.
            end_conference_on_exit: True ends the conference with this leg.
            timeout_s: how long it rings.
        """
        created = await self._do(
            "add participant",
            lambda: self._client.conferences(conference).participants.create_async(
                from_=from_,
                to=to,
                label=label,
                beep="false",
                jitter_buffer_size="small",
                early_media=True,
                muted=muted,
                start_conference_on_enter=start_conference_on_enter,
                end_conference_on_exit=end_conference_on_exit,
                timeout=values.unset if timeout_s is None else timeout_s,
                conference_status_callback=conference_callback,
                conference_status_callback_event=CONFERENCE_EVENTS.split(),
                status_callback=status_callback or values.unset,
                status_callback_event=(
                    ["initiated", "ringing", "answered", "completed"] if status_callback else values.unset
                ),
            ),
        )
        return _participant(created)

    async def add_agent_leg(
        self,
        conference: str,
        *,
        from_: str,
        app_sid: str,
        key: str,
        label: str,
        conference_callback: str,
        status_callback: str,
    ) -> Participant:
        """Call a TwiML App into a conference; its webhook receives ``key`` as the field ``s``."""
        return await self.add_participant(
            conference,
            from_=from_,
            to=f"app:{app_sid}?s={key}",
            label=label,
            conference_callback=conference_callback,
            status_callback=status_callback,
        )

    async def participants(self, conference_sid: str) -> tuple[Participant, ...]:
        """Who is in a conference now (only active participants are listed)."""
        listed = await self._do(
            "list participants",
            lambda: self._client.conferences(conference_sid).participants.list_async(limit=250),
        )
        return tuple(_participant(each) for each in listed)

    async def update_participant(
        self, conference_sid: str, call_sid: str, *, muted: bool | None = None, hold: bool | None = None
    ) -> Participant:
        """Mute (hears, is not heard) or hold (neither) a participant; None leaves a thing as it is."""
        updated = await self._do(
            "update participant",
            lambda: (
                self._client.conferences(conference_sid)
                .participants(call_sid)
                .update_async(
                    muted=values.unset if muted is None else muted,
                    hold=values.unset if hold is None else hold,
                )
            ),
        )
        return _participant(updated)

    async def remove_participant(self, conference_sid: str, call_sid: str) -> None:
        """Put a participant out of its conference; its call goes to the next verb. Done already is fine."""
        try:
            await self._do(
                "remove participant",
                lambda: self._client.conferences(conference_sid).participants(call_sid).delete_async(),
            )
        except CallGone:
            return

    async def update_call_twiml(self, call_sid: str, twiml: str) -> None:
        """Give a live call a new document; it leaves its conference. Raises :class:`CallGone` when it is
        over.

        Tried for long: there is no other way to reach a caller who sits in a conference.
        """
        if len(twiml) > MAX_TWIML_CHARS:
            raise ValueError(
                f"TwiML of {len(twiml)} characters: REST takes {MAX_TWIML_CHARS}, use a URL instead"
            )
        await self._do(
            "update call", lambda: self._client.calls(call_sid).update_async(twiml=twiml), patient=True
        )

    async def complete_call(self, call_sid: str) -> None:
        """End a call. One that is over already is fine. Tried for long: a call that goes on is silent and
        paid."""
        try:
            await self._do(
                "complete call",
                lambda: self._client.calls(call_sid).update_async(status="completed"),
                patient=True,
            )
        except CallGone:
            return

    async def call_status(self, call_sid: str) -> CallStatus:
        """Status of a call, eventually consistent. A call that nobody knows any more is ``completed``."""
        try:
            call = await self._do("fetch call", lambda: self._client.calls(call_sid).fetch_async())
        except CallGone:
            return CallStatus.COMPLETED
        return CallStatus.parse(str(call.status))

    async def start_tap(self, call_sid: str, target: StreamTarget) -> str:
        """Start a one-way stream of what a leg says, without touching its call; the stream's SID."""
        stream = await self._do(
            "start stream",
            lambda: self._client.calls(call_sid).streams.create_async(
                url=target.url,
                name=target.name,
                track="inbound_track",
                status_callback=target.status_callback,
                parameter1_name=TOKEN_PARAMETER,
                parameter1_value=target.token,
            ),
        )
        return str(stream.sid)

    async def _do(self, operation: str, request: Callable[[], Awaitable[T]], *, patient: bool = False) -> T:
        retrying = self._patient if patient else self._brisk
        return await retrying(_attempt, operation, request)


def _retrying(attempts: int, first_wait_s: float) -> stamina.BoundAsyncRetryingCaller:
    return stamina.AsyncRetryingCaller(
        attempts=attempts,
        timeout=None,
        wait_initial=first_wait_s,
        wait_max=20 * first_wait_s,
        wait_jitter=first_wait_s,
    ).on(RestUnavailable)


async def _attempt(operation: str, request: Callable[[], Awaitable[T]]) -> T:
    try:
        return await request()
    except (TwilioRestException, TwilioServiceException) as error:
        status, code = int(error.status), int(error.code or 0)
    except (TimeoutError, aiohttp.ClientError, OSError):
        raise RestUnavailable(operation, 0) from None
    if status == 429 or status >= 500:
        raise RestUnavailable(operation, status, code)
    if status == 404 or code in _GONE_CODES:
        raise CallGone(operation, status, code)
    raise RestError(operation, status, code)


def _participant(instance: Any) -> Participant:
    return Participant(
        call_sid=str(instance.call_sid),
        conference_sid=str(instance.conference_sid),
        label=str(instance.label or ""),
        status=str(instance.status or ""),
    )
