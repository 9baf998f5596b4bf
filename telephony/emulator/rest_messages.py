"""Messages: create, fetch, list, cancel, redact, delete."""

from __future__ import annotations

from functools import partial

from .identifiers import E164, rfc2822
from .messages import Message, Messages, MessageStatus
from .rest import API, Json, RestReply, RestRequest, Route, not_found, page
from .rest_calls import GEO_BLOCKED, in_range
from .rest_params import CREATE_MESSAGE, UPDATE_MESSAGE, RestError, checked

NO_TO, NO_FROM, NO_BODY, BAD_TO, BAD_FROM = 21604, 21603, 21602, 21211, 21606


def routes(messages: Messages) -> list[Route]:
    """The routes of this resource."""
    return [
        Route("POST", "/Messages.json", partial(create, messages)),
        Route("GET", "/Messages.json", partial(listing, messages)),
        Route("GET", "/Messages/{sid}.json", partial(fetch, messages)),
        Route("POST", "/Messages/{sid}.json", partial(update, messages)),
        Route("DELETE", "/Messages/{sid}.json", partial(delete, messages)),
    ]


def resource(messages: Messages, message: Message) -> Json:
    """The message as JSON."""
    base = f"{API}/{messages.account_sid}/Messages/{message.sid}"
    return {
        "body": message.body,
        "num_segments": str(message.segments),
        "direction": message.direction,
        "from": message.from_ or None,
        "to": message.to,
        "date_updated": rfc2822(message.updated or message.created),
        "price": None,
        "error_message": "Unreachable destination handset" if message.error_code else None,
        "uri": f"{base}.json",
        "account_sid": messages.account_sid,
        "num_media": str(len(message.media)),
        "status": message.status.value,
        "messaging_service_sid": message.messaging_service_sid or None,
        "sid": message.sid,
        "date_sent": rfc2822(message.sent),
        "date_created": rfc2822(message.created),
        "error_code": message.error_code,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "subresource_uris": {"media": f"{base}/Media.json"},
    }


def create(messages: Messages, request: RestRequest) -> RestReply:
    """`POST /Messages.json`."""
    form = checked(request.form, CREATE_MESSAGE, messages.exchange.services.log, "Messages create")
    to, from_ = form.get("To"), form.get("From")
    if not to:
        raise RestError(400, NO_TO, "A 'To' phone number is required.")
    if not from_ and "MessagingServiceSid" not in form:
        raise RestError(400, NO_FROM, "A 'From' phone number is required.")
    if not (form.get("Body") or "MediaUrl" in form or "ContentSid" in form):
        raise RestError(400, NO_BODY, "Message body is required.")
    if not E164.match(to):
        raise RestError(400, BAD_TO, f"The 'To' number {to} is not a valid phone number.")
    if from_ and from_ not in messages.exchange.account.numbers:
        raise RestError(400, BAD_FROM, f"The 'From' number {from_} is not one of the account's numbers.")
    if any(to.startswith(prefix) for prefix in messages.exchange.services.config.geo_blocked):
        raise RestError(400, GEO_BLOCKED, f"Permission to send an SMS to {to} has not been enabled.")
    scheduled = "ScheduleType" in form
    if scheduled and not ("SendAt" in form and "MessagingServiceSid" in form):
        raise RestError(400, 35111, "ScheduleType needs SendAt and MessagingServiceSid")
    message = Message(
        to,
        from_,
        form.get("Body"),
        "outbound-api",
        messages.exchange.services.clock.now(),
        status=MessageStatus.SCHEDULED if scheduled else MessageStatus.QUEUED,
        media=form.all("MediaUrl"),
        status_callback=form.get("StatusCallback"),
        messaging_service_sid=form.get("MessagingServiceSid"),
    )
    messages.send(message)
    return RestReply(201, resource(messages, message))


def _find(messages: Messages, sid: str) -> Message:
    message = messages.with_sid(sid)
    if message is None:
        raise not_found(f"/Messages/{sid}.json")
    return message


def fetch(messages: Messages, request: RestRequest, sid: str) -> RestReply:
    """`GET /Messages/{sid}.json`."""
    return RestReply(200, resource(messages, _find(messages, sid)))


def listing(messages: Messages, request: RestRequest) -> RestReply:
    """`GET /Messages.json` with its filters, newest first."""
    wanted = {key: value for key, value in request.query if value}
    found = [
        message
        for message in reversed(messages.all)
        if message.to == wanted.get("To", message.to)
        and message.from_ == wanted.get("From", message.from_)
        and in_range(message.sent, "DateSent", wanted)
    ]
    return page(request, "messages", [resource(messages, m) for m in found])


def update(messages: Messages, request: RestRequest, sid: str) -> RestReply:
    """`POST /Messages/{sid}.json`: cancel a scheduled message, or blank the body of a sent one."""
    message = _find(messages, sid)
    form = checked(request.form, UPDATE_MESSAGE, messages.exchange.services.log, "Messages update")
    if "Status" in form:
        if message.status is not MessageStatus.SCHEDULED:
            raise RestError(409, 30409, "Message cannot be canceled")
        messages.change(message, MessageStatus.CANCELED)
    if "Body" in form:
        message.body = ""
    return RestReply(200, resource(messages, message))


def delete(messages: Messages, request: RestRequest, sid: str) -> RestReply:
    """`DELETE /Messages/{sid}.json`."""
    messages.all.remove(_find(messages, sid))
    return RestReply(204)
