"""Calls: create, fetch, list, update, delete."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from .answering_machine import MachineOrder
from .errors import TwimlError
from .exchange import CONCURRENCY_EXCEEDED, Exchange
from .identifiers import APP, CLIENT, E164, SIP, formatted_number, rfc2822, split_address
from .leg import API_VERSION, CallStatus, Direction, Leg, Progress
from .origination import Fields, OutboundPlan, originate
from .recordings import RecordingOrder, RecordingSource
from .rest import API, Json, RestReply, RestRequest, Route, not_found, page
from .rest_params import CREATE_CALL, UPDATE_CALL, Form, RestError, checked
from .twiml import Document, parse_document
from .webhook import Target, query_pairs

NO_TO, BAD_URL, BAD_FROM, BAD_TO = 21201, 21205, 21212, 21211
UNVERIFIED_FROM, GEO_BLOCKED, BAD_APPLICATION = 21210, 21215, 21218
NOT_IN_PROGRESS = 21220
SUBRESOURCES = (
    "notifications",
    "recordings",
    "payments",
    "events",
    "siprec",
    "streams",
    "transcriptions",
    "user_defined_message_subscriptions",
    "user_defined_messages",
)


def routes(exchange: Exchange) -> list[Route]:
    """The routes of this resource."""
    return [
        Route("POST", "/Calls.json", partial(create, exchange)),
        Route("GET", "/Calls.json", partial(listing, exchange)),
        Route("GET", "/Calls/{sid}.json", partial(fetch, exchange)),
        Route("POST", "/Calls/{sid}.json", partial(update, exchange)),
        Route("DELETE", "/Calls/{sid}.json", partial(delete, exchange)),
    ]


def resource(leg: Leg) -> Json:
    """The call as JSON."""
    account = leg.services.config.account_sid
    base = f"{API}/{account}/Calls/{leg.sid}"
    status = CallStatus.QUEUED if leg.status is CallStatus.INITIATED else leg.status
    over = leg.status.terminal
    names = {name: name.title().replace("_", "") for name in SUBRESOURCES}
    return {
        "sid": leg.sid,
        "date_created": rfc2822(leg.created),
        "date_updated": rfc2822(leg.updated),
        "parent_call_sid": leg.parent_sid or None,
        "account_sid": account,
        "to": leg.to,
        "to_formatted": formatted_number(leg.to),
        "from": leg.from_,
        "from_formatted": formatted_number(leg.from_),
        "phone_number_sid": leg.phone_number_sid or None,
        "status": status.value,
        "start_time": rfc2822(leg.started),
        "end_time": rfc2822(leg.ended_at),
        "duration": str(round(leg.duration_s)) if over else None,
        "price": None,
        "price_unit": "USD",
        "direction": leg.direction.value,
        "answered_by": leg.answered_by or None,
        "api_version": API_VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": str(leg.queue_time_ms),
        "trunk_sid": None,
        "uri": f"{base}.json",
        "subresource_uris": {name: f"{base}/{path}.json" for name, path in names.items()},
    }


def find(exchange: Exchange, sid: str) -> Leg:
    """The call with that SID. Raises RestError 20404."""
    leg = exchange.legs.get(sid)
    if leg is None:
        raise not_found(f"/Calls/{sid}.json")
    return leg


def checked_addresses(exchange: Exchange, form: Form, *, app_allowed: bool) -> tuple[str, str]:
    """`To` and `From` of a call to be made, of the forms that the network can reach.

    Raises:
        RestError: 21201, 21211, 21215, 21210, 21212.
    """
    to, from_ = form.get("To"), form.get("From")
    if not to:
        raise RestError(400, NO_TO, "No 'To' number is specified")
    if not from_:
        raise RestError(400, BAD_FROM, "No 'From' number is specified")
    base, query = split_address(to)
    number = E164.match(base) is not None
    if not (number or CLIENT.match(base) or SIP.match(base) or (app_allowed and APP.match(base))):
        raise RestError(400, BAD_TO, f"The phone number you are attempting to call, {to}, is not valid.")
    if query and number:
        raise RestError(400, BAD_TO, f"Custom parameters are for client, sip and app addresses only: {to}")
    if any(base.startswith(prefix) for prefix in exchange.services.config.geo_blocked):
        raise RestError(400, GEO_BLOCKED, f"Account not authorized to call {to}.")
    if E164.match(from_):
        if from_ not in exchange.account.numbers:
            raise RestError(400, UNVERIFIED_FROM, f"The source phone number, {from_}, is not yet verified.")
    elif number or not (CLIENT.match(from_) or SIP.match(from_)):
        raise RestError(400, BAD_FROM, f"The 'From' number {from_} is not a valid phone number.")
    return to, from_


def recording_order(exchange: Exchange, form: Form, source: RecordingSource, trim: str) -> RecordingOrder:
    """The recording parameters that calls, participants and recordings share."""
    default = exchange.services.config.switches.default_recording_channels
    return RecordingOrder(
        source=source,
        channels=2 if form.get("RecordingChannels", default) == "dual" else 1,
        track=form.get("RecordingTrack", "both"),
        trim=form.get("Trim", trim) == "trim-silence",
        status_callback=form.get("RecordingStatusCallback"),
        status_callback_method=form.get("RecordingStatusCallbackMethod", "POST"),
        status_callback_events=form.words("RecordingStatusCallbackEvent", ("completed",)),
    )


def machine_order(form: Form, *, participant: bool) -> MachineOrder | None:
    """The machine-detection parameters; participants are always detected in the background."""
    if "MachineDetection" not in form:
        return None
    prefix = "Amd" if participant else "AsyncAmd"
    return MachineOrder(
        wait_for_end=form.get("MachineDetection") == "DetectMessageEnd",
        timeout_s=form.number("MachineDetectionTimeout", 30),
        asynchronous=participant or form.get("AsyncAmd") == "true",
        callback_url=form.get(f"{prefix}StatusCallback"),
        callback_method=form.get(f"{prefix}StatusCallbackMethod", "POST"),
    )


def refuse_when_full(exchange: Exchange) -> None:
    """Raise RestError 10004 when the account has no room for another call."""
    if exchange.full:
        raise RestError(429, CONCURRENCY_EXCEEDED, "Call concurrency limit exceeded")


def inline_document(exchange: Exchange, text: str) -> Document:
    """The TwiML of a `Twiml` parameter; schema warnings are violations. Raises RestError 12100."""
    try:
        document = parse_document(text, exchange.services.base_url() + "/")
    except TwimlError as error:
        exchange.services.log.violate(error.code, f"Twiml parameter: {error.reason}")
        raise RestError(400, error.code, f"Invalid TwiML: {error.reason}") from error
    for warning in document.warnings:
        exchange.services.log.violate(warning.code, f"Twiml parameter: {warning.message}")
    return document


def create(exchange: Exchange, request: RestRequest) -> RestReply:
    """`POST /Calls.json`."""
    log = exchange.services.log
    form = checked(request.form, CREATE_CALL, log, "Calls create")
    to, from_ = checked_addresses(exchange, form, app_allowed=False)
    ways = [name for name in ("Url", "Twiml", "ApplicationSid") if name in form]
    if not ways:
        raise RestError(400, BAD_URL, "Url parameter is required: give Url, Twiml or ApplicationSid")
    if len(ways) > 1:
        log.violate(BAD_URL, f"Calls create takes exactly one of Url, Twiml, ApplicationSid; got {ways}")
    refuse_when_full(exchange)
    progress = Progress(
        form.get("StatusCallback"),
        form.get("StatusCallbackMethod", "POST"),
        form.words("StatusCallbackEvent", ("completed",)),
    )
    source: Target | Document
    if "Url" in form:
        source = Target(
            form.get("Url"),
            form.get("Method", "POST"),
            form.get("FallbackUrl"),
            form.get("FallbackMethod", "POST"),
        )
    elif "Twiml" in form:
        source = inline_document(exchange, form.get("Twiml"))
    else:
        source, progress = _application(exchange, form.get("ApplicationSid"))
    base, query = split_address(to)
    leg = Leg(
        exchange.services,
        Direction.OUTBOUND_API,
        base,
        form.get("CallerId") or from_,
        progress=progress,
        application_sid=form.get("ApplicationSid"),
        extra_fields=tuple(query_pairs(query)),
        time_limit_s=form.number("TimeLimit", 14400),
    )

    async def on_answer(leg: Leg, verdict: Fields, _: Document | None) -> None:
        await exchange.run_twiml(leg, source, verdict)

    record = None
    if form.flag("Record", False):
        record = recording_order(exchange, form, RecordingSource.OUTBOUND_API, "trim-silence")
    originate(
        exchange,
        leg,
        OutboundPlan(
            on_answer,
            timeout_s=form.number("Timeout", 60),
            machine=machine_order(form, participant=False),
            record=record,
            send_digits=form.get("SendDigits"),
        ),
    )
    return RestReply(201, resource(leg))


def _application(exchange: Exchange, sid: str) -> tuple[Target, Progress]:
    record = exchange.account.applications.get(sid)
    if record is None:
        raise RestError(400, BAD_APPLICATION, f"ApplicationSid {sid} is not valid")
    app = record.value
    target = Target(app.voice_url, app.voice_method, app.voice_fallback_url, app.voice_fallback_method)
    return target, Progress(app.status_callback, app.status_callback_method)


def fetch(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`GET /Calls/{sid}.json`."""
    return RestReply(200, resource(find(exchange, sid)))


def listing(exchange: Exchange, request: RestRequest) -> RestReply:
    """`GET /Calls.json` with its filters, newest first."""
    wanted = {key: value for key, value in request.query if value}

    def fits(leg: Leg) -> bool:
        item = resource(leg)
        return (
            all(
                item[field] == wanted[key]
                for key, field in (
                    ("To", "to"),
                    ("From", "from"),
                    ("ParentCallSid", "parent_call_sid"),
                    ("Status", "status"),
                )
                if key in wanted
            )
            and in_range(leg.started, "StartTime", wanted)
            and in_range(leg.ended_at, "EndTime", wanted)
        )

    legs = [leg for leg in reversed(exchange.legs.values()) if fits(leg)]
    return page(request, "calls", [resource(leg) for leg in legs])


def in_range(moment: datetime | None, name: str, wanted: dict[str, str]) -> bool:
    """Whether a date passes the filters `Name`, `Name<` and `Name>` (dates or ISO times)."""
    for key, fits in (
        (name, lambda a, b: a == b),
        (f"{name}<", lambda a, b: a <= b),
        (f"{name}>", lambda a, b: a >= b),
    ):
        limit = wanted.get(key)
        if limit and (moment is None or not fits(moment.strftime("%Y-%m-%dT%H:%M:%SZ")[: len(limit)], limit)):
            return False
    return True


def update(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`POST /Calls/{sid}.json`: end the call, or give it new TwiML."""
    leg = find(exchange, sid)
    form = checked(request.form, UPDATE_CALL, exchange.services.log, "Calls update")
    if leg.status.terminal:
        raise RestError(400, NOT_IN_PROGRESS, "Call is not in-progress. Cannot redirect.")
    if "StatusCallback" in form:
        leg.progress.url = form.get("StatusCallback")
        leg.progress.method = form.get("StatusCallbackMethod", "POST")
    if "TimeLimit" in form:
        exchange.limit(leg, form.number("TimeLimit", leg.time_limit_s))
    if "Status" in form:
        _end(exchange, leg, form.get("Status"))
    elif "Url" in form or "Twiml" in form:
        if not leg.live:
            raise RestError(400, NOT_IN_PROGRESS, "Call is not in-progress. Cannot redirect.")
        source: Target | Document
        if "Url" in form:
            source = Target(
                form.get("Url"),
                form.get("Method", "POST"),
                form.get("FallbackUrl"),
                form.get("FallbackMethod", "POST"),
            )
        else:
            source = inline_document(exchange, form.get("Twiml"))
        exchange.redirect(leg, source)
    return RestReply(200, resource(leg))


def _end(exchange: Exchange, leg: Leg, status: str) -> None:
    if leg.live:
        if status == CallStatus.CANCELED:
            raise RestError(400, NOT_IN_PROGRESS, "Call is in-progress and cannot be canceled.")
        exchange.end(leg, CallStatus.COMPLETED)
    else:
        exchange.end(leg, CallStatus.CANCELED)


def delete(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`DELETE /Calls/{sid}.json`: the record of an ended call."""
    leg = find(exchange, sid)
    if not leg.status.terminal:
        raise RestError(409, 20009, "Call is in progress and cannot be deleted.")
    del exchange.legs[sid]
    return RestReply(204)
