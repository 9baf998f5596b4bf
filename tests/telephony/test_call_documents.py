"""TwiML: exactly the documents of the topology."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from telephony import twiml
from telephony.twiml import Recording, StreamTarget

TAP = StreamTarget("wss://h.example/twilio/media/tap", "ear-1", "tok-1", "https://h.example/twilio/stream")


def conference(recording: Recording | None = None) -> str:
    return twiml.caller_conference(
        TAP,
        conference="call-x",
        label="caller",
        action="https://h.example/after",
        status_callback="https://h.example/conference",
        recording=recording,
    )


def test_the_callers_document_taps_and_enters_the_conference() -> None:
    assert conference() == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Start><Stream name="ear-1" statusCallback="https://h.example/twilio/stream" track="inbound_track"'
        ' url="wss://h.example/twilio/media/tap"><Parameter name="t" value="tok-1" /></Stream></Start>'
        '<Dial action="https://h.example/after"><Conference beep="false" endConferenceOnExit="true"'
        ' jitterBufferSize="small" participantLabel="caller" startConferenceOnEnter="true"'
        ' statusCallback="https://h.example/conference"'
        ' statusCallbackEvent="start end join leave mute hold modify" waitUrl="">call-x</Conference></Dial>'
        "</Response>"
    )


def test_a_recording_is_dual_channel_untrimmed_and_starts_before_the_conference() -> None:
    root = ElementTree.fromstring(conference(Recording("https://h.example/recording")))
    assert [child.tag for child in root] == ["Start", "Start", "Dial"]
    assert root[1][0].attrib == {
        "channels": "dual",
        "track": "both",
        "trim": "do-not-trim",
        "recordingStatusCallback": "https://h.example/recording",
    }


def test_the_agents_leg_is_a_bidirectional_stream() -> None:
    assert twiml.bidirectional_stream(TAP) == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect>'
        '<Stream name="ear-1" statusCallback="https://h.example/twilio/stream"'
        ' url="wss://h.example/twilio/media/tap"><Parameter name="t" value="tok-1" /></Stream>'
        "</Connect></Response>"
    )


def test_the_callers_own_stream_names_what_comes_after_it() -> None:
    document = twiml.bidirectional_stream(TAP, action="https://h.example/after-stream")
    assert '<Connect action="https://h.example/after-stream"><Stream' in document


def test_a_transfer_rings_for_a_bounded_time_and_tells_of_the_answer() -> None:
    document = twiml.transfer(
        "+14155550199", action="https://h.example/a", status_callback="https://h.example/s"
    )
    assert document == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Dial action="https://h.example/a" answerOnBridge="true" timeout="30">'
        '<Number statusCallback="https://h.example/s" statusCallbackEvent="answered">+14155550199</Number>'
        "</Dial></Response>"
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (twiml.busy(), '<Reject reason="busy" />'),
        (twiml.hang_up(), "<Hangup />"),
        (twiml.forward("+14155550199"), "<Dial>+14155550199</Dial>"),
        (
            twiml.forward("+14155550199", announcement="One moment."),
            '<Say language="en-US">One moment.</Say><Dial>+14155550199</Dial>',
        ),
    ],
)
def test_short_documents(document: str, expected: str) -> None:
    assert document == f'<?xml version="1.0" encoding="UTF-8"?><Response>{expected}</Response>'


def test_values_are_escaped() -> None:
    nasty = StreamTarget("wss://h.example/x", 'a"<&', "t", "https://h.example/s?a=1&b=2")
    root = ElementTree.fromstring(twiml.bidirectional_stream(nasty))
    assert root[0][0].attrib["name"] == 'a"<&'
    assert root[0][0].attrib["statusCallback"] == "https://h.example/s?a=1&b=2"
