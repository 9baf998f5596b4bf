"""Streams of a call: start a tap by REST, and stop any stream."""

from __future__ import annotations

from functools import partial

from .exchange import Exchange
from .identifiers import rfc2822
from .leg import Leg, TooManyStreams
from .rest import API, Json, RestReply, RestRequest, Route, not_found
from .rest_calls import NOT_IN_PROGRESS, find
from .rest_params import CREATE_STREAM, UPDATE_STREAM, RestError, checked
from .stream import MediaStream
from .stream_order import StreamKind, StreamOrder
from .twiml import MAX_PARAMETER_CHARACTERS

TOO_MANY = 20001  # no code of its own is published for "no room for another stream"


def routes(exchange: Exchange) -> list[Route]:
    """The routes of this resource."""
    return [
        Route("POST", "/Calls/{call}/Streams.json", partial(create, exchange)),
        Route("POST", "/Calls/{call}/Streams/{sid}.json", partial(update, exchange)),
    ]


def resource(leg: Leg, stream: MediaStream) -> Json:
    """The stream as JSON."""
    account = leg.services.config.account_sid
    return {
        "sid": stream.sid,
        "account_sid": account,
        "call_sid": leg.sid,
        "name": stream.name,
        "status": "stopped" if stream.over else "in-progress",
        "date_updated": rfc2822(stream.updated),
        "uri": f"{API}/{account}/Calls/{leg.sid}/Streams/{stream.sid}.json",
    }


def create(exchange: Exchange, request: RestRequest, call: str) -> RestReply:
    """`POST /Calls/{call}/Streams.json`."""
    leg = find(exchange, call)
    log = exchange.services.log
    form = checked(request.form, CREATE_STREAM, log, "Streams create")
    if "Url" not in form:
        raise RestError(400, 21205, "Url parameter is required")
    if not leg.live:
        raise RestError(400, NOT_IN_PROGRESS, "Call is not in-progress.")
    parameters: dict[str, str] = {}
    for number in range(1, 100):
        name, value = form.get(f"Parameter{number}.Name"), form.get(f"Parameter{number}.Value")
        if len(name) + len(value) >= MAX_PARAMETER_CHARACTERS:
            raise RestError(400, 20001, f"Parameter{number} has {len(name) + len(value)} characters")
        if name:
            parameters[name] = value
    order = StreamOrder(
        url=form.get("Url"),
        kind=StreamKind.TAP,
        name=form.get("Name"),
        track=form.get("Track", "inbound_track"),
        status_callback=form.get("StatusCallback"),
        status_callback_method=form.get("StatusCallbackMethod", "POST"),
        parameters=parameters,
    )
    try:
        stream = leg.add_stream(order)
    except TooManyStreams as refused:
        log.violate(TOO_MANY, str(refused), leg.sid)
        raise RestError(400, TOO_MANY, str(refused)) from refused
    exchange.open_in_background(stream)
    return RestReply(200, resource(leg, stream))


def update(exchange: Exchange, request: RestRequest, call: str, sid: str) -> RestReply:
    """`POST /Calls/{call}/Streams/{sid or name}.json` with `Status=stopped`."""
    leg = find(exchange, call)
    form = checked(request.form, UPDATE_STREAM, exchange.services.log, "Streams update")
    if "Status" not in form:
        raise RestError(400, 20001, "Status parameter is required")
    stream = leg.find_stream(sid)
    if stream is None or stream.over:
        raise not_found(f"/Calls/{call}/Streams/{sid}.json")
    stream.stop()
    return RestReply(200, resource(leg, stream))
