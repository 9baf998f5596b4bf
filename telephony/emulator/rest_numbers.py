"""The account's numbers, numbers for sale, and TwiML applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from .accounts import Record
from .config import ApplicationConfig, NumberConfig
from .exchange import Exchange
from .identifiers import E164, formatted_number, new_sid, rfc2822
from .leg import API_VERSION
from .rest import API, Json, RestReply, RestRequest, Route, not_found, page
from .rest_params import CREATE_NUMBER, PUT_APPLICATION, UPDATE_NUMBER, Form, RestError, checked

BAD_NUMBER, NOT_AVAILABLE, BAD_APPLICATION = 21421, 21422, 21218

# Fictional stock: 555-01xx is never assigned. Per country: area code -> numbers.
_STOCK: Mapping[str, tuple[str, ...]] = {
    "US": tuple(f"+1{area}55501{n:02d}" for area in ("202", "415", "212") for n in range(50, 60)),
    "CA": tuple(f"+1416555{n:04d}" for n in range(150, 160)),
}
_TOLL_FREE = tuple(f"+1800555{n:04d}" for n in range(150, 160))

_NUMBER_FIELDS = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "VoiceApplicationSid": "voice_application_sid",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "FriendlyName": "friendly_name",
}
_APPLICATION_FIELDS = {k: v for k, v in _NUMBER_FIELDS.items() if v != "voice_application_sid"}


def routes(exchange: Exchange) -> list[Route]:
    """The routes of these resources."""
    numbers, apps = "/IncomingPhoneNumbers", "/Applications"
    return [
        Route("GET", f"{numbers}.json", partial(list_numbers, exchange)),
        Route("POST", f"{numbers}.json", partial(buy_number, exchange)),
        Route("GET", numbers + "/{sid}.json", partial(fetch_number, exchange)),
        Route("POST", numbers + "/{sid}.json", partial(update_number, exchange)),
        Route("DELETE", numbers + "/{sid}.json", partial(release_number, exchange)),
        Route("GET", "/AvailablePhoneNumbers/{country}/{kind}.json", partial(available, exchange)),
        Route("GET", f"{apps}.json", partial(list_applications, exchange)),
        Route("POST", f"{apps}.json", partial(create_application, exchange)),
        Route("GET", apps + "/{sid}.json", partial(fetch_application, exchange)),
        Route("POST", apps + "/{sid}.json", partial(update_application, exchange)),
        Route("DELETE", apps + "/{sid}.json", partial(delete_application, exchange)),
    ]


# --- numbers -------------------------------------------------------------------------------------


def number_resource(exchange: Exchange, record: Record[NumberConfig]) -> Json:
    """The number as JSON."""
    account, number = exchange.services.config.account_sid, record.value
    return {
        "account_sid": account,
        "address_sid": None,
        "address_requirements": "none",
        "api_version": API_VERSION,
        "beta": False,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "date_created": rfc2822(record.created),
        "date_updated": rfc2822(record.updated),
        "friendly_name": number.friendly_name,
        "identity_sid": None,
        "phone_number": number.phone_number,
        "origin": "twilio",
        "sid": number.sid,
        "sms_application_sid": None,
        "sms_fallback_method": "POST",
        "sms_fallback_url": None,
        "sms_method": number.sms_method,
        "sms_url": number.sms_url or None,
        "status_callback": number.status_callback or None,
        "status_callback_method": number.status_callback_method,
        "trunk_sid": None,
        "uri": f"{API}/{account}/IncomingPhoneNumbers/{number.sid}.json",
        "voice_receive_mode": "voice",
        "voice_application_sid": number.voice_application_sid or None,
        "voice_caller_id_lookup": False,
        "voice_fallback_method": number.voice_fallback_method,
        "voice_fallback_url": number.voice_fallback_url or None,
        "voice_method": number.voice_method,
        "voice_url": number.voice_url or None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "bundle_sid": None,
        "status": "in-use",
        "type": "local",
    }


def _number(exchange: Exchange, sid: str) -> Record[NumberConfig]:
    record = exchange.account.number_with_sid(sid)
    if record is None:
        raise not_found(f"/IncomingPhoneNumbers/{sid}.json")
    return record


def list_numbers(exchange: Exchange, request: RestRequest) -> RestReply:
    """`GET /IncomingPhoneNumbers.json`, filtered by PhoneNumber (a part of it) and FriendlyName."""
    part, name = request.asked("PhoneNumber"), request.asked("FriendlyName")
    found = [
        record
        for record in exchange.account.numbers.values()
        if part in record.value.phone_number and name in ("", record.value.friendly_name)
    ]
    return page(request, "incoming_phone_numbers", [number_resource(exchange, r) for r in found])


def buy_number(exchange: Exchange, request: RestRequest) -> RestReply:
    """`POST /IncomingPhoneNumbers.json` with `PhoneNumber` or `AreaCode`."""
    form = checked(request.form, CREATE_NUMBER, exchange.services.log, "IncomingPhoneNumbers create")
    wanted, area = form.get("PhoneNumber"), form.get("AreaCode")
    if not wanted and not area:
        raise RestError(400, BAD_NUMBER, "PhoneNumber or AreaCode is required")
    if wanted and not E164.match(wanted):
        raise RestError(400, BAD_NUMBER, f"{wanted} is not a valid phone number")
    stock = [n for n in _for_sale(exchange) if n == wanted or (not wanted and n.startswith(f"+1{area}"))]
    if not stock:
        raise RestError(400, NOT_AVAILABLE, f"{wanted or area} is not available")
    number = _with_settings(NumberConfig(stock[0]), form, exchange)
    return RestReply(201, number_resource(exchange, exchange.account.put_number(number)))


def fetch_number(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`GET /IncomingPhoneNumbers/{sid}.json`."""
    return RestReply(200, number_resource(exchange, _number(exchange, sid)))


def update_number(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`POST /IncomingPhoneNumbers/{sid}.json`."""
    record = _number(exchange, sid)
    form = checked(request.form, UPDATE_NUMBER, exchange.services.log, "IncomingPhoneNumbers update")
    number = _with_settings(record.value, form, exchange)
    return RestReply(200, number_resource(exchange, exchange.account.put_number(number)))


def release_number(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`DELETE /IncomingPhoneNumbers/{sid}.json`."""
    del exchange.account.numbers[_number(exchange, sid).value.phone_number]
    return RestReply(204)


def _with_settings(number: NumberConfig, form: Form, exchange: Exchange) -> NumberConfig:
    application = form.get("VoiceApplicationSid")
    if application and application not in exchange.account.applications:
        raise RestError(400, BAD_APPLICATION, f"VoiceApplicationSid {application} is not valid")
    settings = {field: form.get(name) for name, field in _NUMBER_FIELDS.items() if name in form}
    return replace(number, **settings)


def _for_sale(exchange: Exchange) -> list[str]:
    everything = [*(n for stock in _STOCK.values() for n in stock), *_TOLL_FREE]
    return [n for n in everything if n not in exchange.account.numbers]


def available(exchange: Exchange, request: RestRequest, country: str, kind: str) -> RestReply:
    """`GET /AvailablePhoneNumbers/{country}/{Local|TollFree|Mobile}.json`."""
    if country not in _STOCK or kind not in ("Local", "TollFree", "Mobile"):
        raise not_found(request.path)
    stock = {"Local": _STOCK[country], "TollFree": _TOLL_FREE, "Mobile": ()}[kind]
    area, contains = request.asked("AreaCode"), request.asked("Contains").replace("*", "")
    found = [
        number
        for number in stock
        if number not in exchange.account.numbers
        and (not area or number.startswith(f"+1{area}"))
        and contains in number
    ]
    uri = f"{API}/{exchange.services.config.account_sid}/AvailablePhoneNumbers/{country}/{kind}.json"
    items = [_offer(number, country) for number in found[:30]]
    return RestReply(200, {"available_phone_numbers": items, "uri": uri})


def _offer(number: str, country: str) -> Json:
    return {
        "friendly_name": formatted_number(number),
        "phone_number": number,
        "lata": None,
        "locality": None,
        "rate_center": None,
        "latitude": None,
        "longitude": None,
        "region": None,
        "postal_code": None,
        "iso_country": country,
        "address_requirements": "none",
        "beta": False,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
    }


# --- applications --------------------------------------------------------------------------------


def application_resource(exchange: Exchange, record: Record[ApplicationConfig]) -> Json:
    """The application as JSON."""
    account, app = exchange.services.config.account_sid, record.value
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "date_created": rfc2822(record.created),
        "date_updated": rfc2822(record.updated),
        "friendly_name": app.friendly_name,
        "message_status_callback": None,
        "sid": app.sid,
        "sms_fallback_method": "POST",
        "sms_fallback_url": None,
        "sms_method": app.sms_method,
        "sms_status_callback": None,
        "sms_url": app.sms_url or None,
        "status_callback": app.status_callback or None,
        "status_callback_method": app.status_callback_method,
        "uri": f"{API}/{account}/Applications/{app.sid}.json",
        "voice_caller_id_lookup": False,
        "voice_fallback_method": app.voice_fallback_method,
        "voice_fallback_url": app.voice_fallback_url or None,
        "voice_method": app.voice_method,
        "voice_url": app.voice_url or None,
        "public_application_connect_enabled": False,
    }


def _application(exchange: Exchange, sid: str) -> Record[ApplicationConfig]:
    record = exchange.account.applications.get(sid)
    if record is None:
        raise not_found(f"/Applications/{sid}.json")
    return record


def list_applications(exchange: Exchange, request: RestRequest) -> RestReply:
    """`GET /Applications.json`, filtered by FriendlyName."""
    name = request.asked("FriendlyName")
    found = [r for r in exchange.account.applications.values() if name in ("", r.value.friendly_name)]
    return page(request, "applications", [application_resource(exchange, r) for r in found])


def create_application(exchange: Exchange, request: RestRequest) -> RestReply:
    """`POST /Applications.json`."""
    return RestReply(201, _put_application(exchange, request, ApplicationConfig(sid=new_sid("AP"))))


def fetch_application(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`GET /Applications/{sid}.json`."""
    return RestReply(200, application_resource(exchange, _application(exchange, sid)))


def update_application(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`POST /Applications/{sid}.json`."""
    return RestReply(200, _put_application(exchange, request, _application(exchange, sid).value))


def _put_application(exchange: Exchange, request: RestRequest, app: ApplicationConfig) -> Json:
    form = checked(request.form, PUT_APPLICATION, exchange.services.log, "Applications")
    settings = {field: form.get(name) for name, field in _APPLICATION_FIELDS.items() if name in form}
    changed: ApplicationConfig = replace(app, **settings)
    return application_resource(exchange, exchange.account.put_application(changed))


def delete_application(exchange: Exchange, request: RestRequest, sid: str) -> RestReply:
    """`DELETE /Applications/{sid}.json`."""
    _application(exchange, sid)
    del exchange.account.applications[sid]
    return RestReply(204)
