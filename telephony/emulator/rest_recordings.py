"""Recordings of calls and conferences: start, pause, resume, stop, list, delete, and the media."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from .exchange import Exchange
from .identifiers import rfc2822
from .leg import API_VERSION
from .recordings import Recording, RecordingSource, RecordingStatus
from .rest import API, Json, RestReply, RestRequest, Route, not_found, page
from .rest_calls import NOT_IN_PROGRESS, find, recording_order
from .rest_conferences import find as find_conference
from .rest_params import CREATE_RECORDING, UPDATE_RECORDING, RestError, checked

CURRENT = "Twilio.CURRENT"


def routes(exchange: Exchange) -> list[Route]:
    """The routes of this resource."""
    table = [
        Route("POST", "/Calls/{call}/Recordings.json", partial(create, exchange)),
        Route("GET", "/Recordings.json", partial(listing, exchange)),
        Route("GET", "/Recordings/{sid}.json", partial(fetch, exchange)),
        Route("DELETE", "/Recordings/{sid}.json", partial(delete, exchange)),
        Route("GET", "/Recordings/{sid}.wav", partial(media, exchange)),
        Route("GET", "/Recordings/{sid}.mp3", partial(no_mp3, exchange)),
        Route("GET", "/Recordings/{sid}", partial(media, exchange)),
    ]
    for parent in ("Calls", "Conferences"):
        base = f"/{parent}/{{{parent[:-1].lower()}}}/Recordings"
        table += [
            Route("GET", f"{base}.json", partial(listing, exchange)),
            Route("GET", base + "/{sid}.json", partial(fetch, exchange)),
            Route("POST", base + "/{sid}.json", partial(update, exchange)),
            Route("DELETE", base + "/{sid}.json", partial(delete, exchange)),
        ]
    return table


def resource(exchange: Exchange, recording: Recording) -> Json:
    """The recording as JSON; it has the fields of all three kinds of recording resources."""
    account = exchange.services.config.account_sid
    path = f"{API}/{account}/Recordings/{recording.sid}"
    over = not recording.live
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "call_sid": recording.call_sid or None,
        "conference_sid": recording.conference_sid or None,
        "date_created": rfc2822(recording.created),
        "date_updated": rfc2822(recording.updated),
        "start_time": rfc2822(recording.created),
        "duration": str(round(recording.duration_s)) if over else None,
        "sid": recording.sid,
        "price": None,
        "price_unit": "USD",
        "status": recording.status.value,
        "channels": recording.order.channels,
        "source": recording.order.source.value,
        "error_code": None,
        "uri": f"{path}.json",
        "encryption_details": None,
        "track": recording.order.track,
        "media_url": exchange.services.account_url(f"Recordings/{recording.sid}"),
        "subresource_uris": {
            "add_on_results": f"{path}/AddOnResults.json",
            "transcriptions": f"{path}/Transcriptions.json",
        },
    }


def create(exchange: Exchange, request: RestRequest, call: str) -> RestReply:
    """`POST /Calls/{call}/Recordings.json`."""
    leg = find(exchange, call)
    form = checked(request.form, CREATE_RECORDING, exchange.services.log, "Recordings create")
    if not leg.live:
        raise RestError(400, NOT_IN_PROGRESS, "Requested resource is not eligible for recording")
    recording = exchange.record_leg(leg, recording_order(exchange, form, RecordingSource.API, "do-not-trim"))
    return RestReply(201, resource(exchange, recording))


def _belongs(exchange: Exchange, parents: dict[str, str]) -> Callable[[Recording], bool]:
    if call := parents.get("call"):
        find(exchange, call)
        return lambda r: r.call_sid == call
    if conference := parents.get("conference"):
        find_conference(exchange, conference)
        return lambda r: r.conference_sid == conference
    return lambda r: True


def _find(exchange: Exchange, sid: str, parents: dict[str, str]) -> Recording:
    belongs = _belongs(exchange, parents)
    found: Sequence[Recording] = []
    if sid == CURRENT and parents:
        found = exchange.shelf.where(lambda r: belongs(r) and r.live)
    elif (recording := exchange.shelf.get(sid)) is not None and belongs(recording):
        found = [recording]
    if not found:
        raise not_found(f"/Recordings/{sid}.json")
    return found[0]


def listing(exchange: Exchange, request: RestRequest, **parents: str) -> RestReply:
    """`GET …/Recordings.json`, newest first."""
    belongs = _belongs(exchange, parents)
    call, conference = request.asked("CallSid"), request.asked("ConferenceSid")
    found = exchange.shelf.where(
        lambda r: belongs(r) and call in ("", r.call_sid) and conference in ("", r.conference_sid)
    )
    return page(request, "recordings", [resource(exchange, r) for r in found])


def fetch(exchange: Exchange, request: RestRequest, sid: str, **parents: str) -> RestReply:
    """`GET …/Recordings/{sid}.json`."""
    return RestReply(200, resource(exchange, _find(exchange, sid, parents)))


def update(exchange: Exchange, request: RestRequest, sid: str, **parents: str) -> RestReply:
    """`POST …/Recordings/{sid or Twilio.CURRENT}.json`: pause, resume or stop."""
    recording = _find(exchange, sid, parents)
    form = checked(request.form, UPDATE_RECORDING, exchange.services.log, "Recordings update")
    if "Status" not in form:
        raise RestError(400, 20001, "Status parameter is required")
    if not recording.live:
        raise RestError(400, NOT_IN_PROGRESS, "Recording is already finished")
    status = RecordingStatus(form.get("Status"))
    if status is RecordingStatus.PAUSED:
        recording.pause(form.get("PauseBehavior", "silence"))
    elif status is RecordingStatus.STOPPED:
        recording.stop()
    else:
        recording.resume()
    return RestReply(200, resource(exchange, recording))


def delete(exchange: Exchange, request: RestRequest, sid: str, **parents: str) -> RestReply:
    """`DELETE …/Recordings/{sid}.json`."""
    recording = _find(exchange, sid, parents)
    recording.stop()
    recording.delete()
    return RestReply(204)


def media(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`GET /Recordings/{sid}.wav`; `RequestedChannels=1` mixes a dual recording down."""
    recording = _find(exchange, sid, {})
    if recording.status is not RecordingStatus.COMPLETED:
        raise not_found(f"media of recording {sid}, which is {recording.status}")
    asked = request.asked("RequestedChannels", str(recording.order.channels))
    if asked not in ("1", "2"):
        raise RestError(400, 20001, f"RequestedChannels must be 1 or 2, got {asked!r}")
    if asked == "2" and recording.order.channels == 1:
        raise RestError(400, 20001, "the recording has one channel only")
    return RestReply(200, media=recording.wav(int(asked)), media_type="audio/x-wav")


def no_mp3(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`GET /Recordings/{sid}.mp3`: not offered here."""
    raise RestError(406, 20406, "the emulator serves recordings as .wav only")
