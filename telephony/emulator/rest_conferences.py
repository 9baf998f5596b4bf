"""Conferences: fetch, list, end, announce."""

from __future__ import annotations

from functools import partial

from .audio_documents import fetched_audio
from .conference import Conference, ConferenceStatus
from .exchange import Exchange
from .identifiers import rfc2822
from .leg import API_VERSION
from .rest import API, Json, RestReply, RestRequest, Route, not_found, page
from .rest_calls import in_range
from .rest_params import UPDATE_CONFERENCE, checked


def routes(exchange: Exchange) -> list[Route]:
    """The routes of this resource."""
    return [
        Route("GET", "/Conferences.json", partial(listing, exchange)),
        Route("GET", "/Conferences/{sid}.json", partial(fetch, exchange)),
        Route("POST", "/Conferences/{sid}.json", partial(update, exchange)),
    ]


def resource(exchange: Exchange, conference: Conference) -> Json:
    """The conference as JSON."""
    account = exchange.services.config.account_sid
    base = f"{API}/{account}/Conferences/{conference.sid}"
    return {
        "account_sid": account,
        "date_created": rfc2822(conference.created),
        "date_updated": rfc2822(conference.updated),
        "api_version": API_VERSION,
        "friendly_name": conference.name,
        "region": conference.region,
        "sid": conference.sid,
        "status": conference.status.value,
        "uri": f"{base}.json",
        "subresource_uris": {
            "participants": f"{base}/Participants.json",
            "recordings": f"{base}/Recordings.json",
        },
        "reason_conference_ended": conference.end_reason.value if conference.end_reason else None,
        "call_sid_ending_conference": conference.call_sid_ending or None,
    }


def find(exchange: Exchange, sid: str) -> Conference:
    """The conference with that SID; a name is not accepted here. Raises RestError 20404."""
    conference = exchange.rooms.with_sid(sid)
    if conference is None:
        raise not_found(f"/Conferences/{sid}.json")
    return conference


def fetch(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`GET /Conferences/{sid}.json`."""
    return RestReply(200, resource(exchange, find(exchange, sid)))


def listing(exchange: Exchange, request: RestRequest) -> RestReply:
    """`GET /Conferences.json` with its filters, newest first."""
    wanted = {key: value for key, value in request.query if value}
    found = [
        conference
        for conference in exchange.rooms.all()
        if conference.name == wanted.get("FriendlyName", conference.name)
        and conference.status == wanted.get("Status", conference.status)
        and in_range(conference.created, "DateCreated", wanted)
        and in_range(conference.updated, "DateUpdated", wanted)
    ]
    return page(request, "conferences", [resource(exchange, c) for c in found])


def update(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`POST /Conferences/{sid}.json`: end it, or announce something to everybody."""
    conference = find(exchange, sid)
    form = checked(request.form, UPDATE_CONFERENCE, exchange.services.log, "Conferences update")
    if conference.status is ConferenceStatus.COMPLETED:
        raise not_found(f"active conference {sid}")
    if "AnnounceUrl" in form:
        url, method = form.get("AnnounceUrl"), form.get("AnnounceMethod", "POST")
        conference.announce_url(
            url, lambda: fetched_audio(url, method, [("ConferenceSid", sid)], exchange.services, "")
        )
    if form.get("Status") == "completed":
        conference.end()
    return RestReply(200, resource(exchange, conference))
