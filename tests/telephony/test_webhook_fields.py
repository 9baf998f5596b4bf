"""Webhook fields: forms, callers' addresses, statuses, conference callbacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.errors import MalformedWebhook
from telephony.webhook import (
    CallStatus,
    ConferenceCallback,
    ConferenceEvent,
    WebhookFields,
    caller_number,
    is_e164,
)

JOIN = {
    "ConferenceSid": "CF" + "1" * 32,
    "FriendlyName": "call-x",
    "StatusCallbackEvent": "participant-join",
    "SequenceNumber": "3",
    "CallSid": "CA" + "2" * 32,
    "ParticipantLabel": "caller",
    "SomethingNew": "1",
}


def fields(**values: str) -> WebhookFields:
    return WebhookFields(list(values.items()))


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("+14155550123", "+14155550123"),
        (" +14155550123 ", "+14155550123"),
        ("+442079460000", "+442079460000"),
        ("sip:+14155550123@pbx.example.org;user=phone", "+14155550123"),
        ("SIPS:+14155550123@pbx.example.org", "+14155550123"),
        ("", None),
        ("anonymous", None),
        ("Restricted", None),
        ("+266696687", None),
        ("+1266696687", None),
        ("266696687", None),
        ("+7378742833", None),
        ("+8656696", None),
        ("+86282452253", None),
        ("client:operator_7", None),
        ("client:+14155550123", None),
        ("sip:front-desk@pbx.example.org", None),
        ("sip:anonymous@anonymous.invalid", None),
        ("4155550123", None),
        ("+0123456789", None),
        ("+1415555\N{ARABIC-INDIC DIGIT ONE}123", None),
        ("+14155550123\n", "+14155550123"),
    ],
)
def test_callers_addresses(address: str, number: str | None) -> None:
    assert caller_number(address) == number


@given(st.text())
def test_a_callers_number_is_e164_or_none(address: str) -> None:
    number = caller_number(address)
    assert number is None or is_e164(number)


@given(st.binary(max_size=300))
def test_no_body_breaks_the_parser(body: bytes) -> None:
    try:
        parsed = WebhookFields.parse(body)
    except MalformedWebhook:
        return
    assert all(parsed[name] == parsed.getlist(name)[-1] for name in parsed)


def test_repeated_and_blank_fields_are_kept() -> None:
    parsed = WebhookFields.parse(b"a=1&b=&a=2")
    assert dict(parsed) == {"a": "2", "b": ""}
    assert parsed.getlist("a") == ["1", "2"]


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(MalformedWebhook):
        WebhookFields.parse(b"&".join(b"f%d=1" % index for index in range(300)))


@pytest.mark.parametrize("value", ["", "CA", "call", "ca1234", "CA12 34", "CA" + "1" * 100])
def test_a_sid_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(MalformedWebhook, match="CallSid"):
        fields(CallSid=value).sid("CallSid")


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "9" * 20, "\N{SUPERSCRIPT TWO}"])
def test_a_sequence_number_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(MalformedWebhook, match="SequenceNumber"):
        fields(SequenceNumber=value).sequence()


def test_terminal_statuses() -> None:
    terminal = {status for status in CallStatus if status.is_terminal}
    assert terminal == {"completed", "busy", "failed", "no-answer", "canceled"}


def test_a_join_is_read() -> None:
    assert ConferenceCallback.parse(fields(**JOIN)) == ConferenceCallback(
        JOIN["ConferenceSid"], "call-x", ConferenceEvent.JOIN, 3, JOIN["CallSid"], "caller"
    )


def test_an_event_about_something_else_needs_no_participant() -> None:
    callback = ConferenceCallback.parse(
        fields(ConferenceSid=JOIN["ConferenceSid"], StatusCallbackEvent="announcement-end")
    )
    assert callback.event is ConferenceEvent.OTHER


@pytest.mark.parametrize("missing", ["ConferenceSid", "StatusCallbackEvent", "CallSid"])
def test_a_join_without_a_needed_field_is_refused(missing: str) -> None:
    with pytest.raises(MalformedWebhook, match=missing):
        ConferenceCallback.parse(fields(**{k: v for k, v in JOIN.items() if k != missing}))
