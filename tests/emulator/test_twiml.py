"""TwiML documents: what is read, what is warned about, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.emulator.errors import TwimlError
from telephony.emulator.twiml import Document, parse_document, parse_messaging_document
from telephony.emulator.twiml_schema import VOICE

URL = "https://app.example/voice"


def read(verbs: str) -> Document:
    return parse_document(f"<Response>{verbs}</Response>", URL)


def test_the_whole_recommended_document_passes_without_a_warning() -> None:
    document = read(
        """
        <Start><Stream name="ear" track="inbound_track" url="wss://h.example/tap"
            statusCallback="https://h.example/s"><Parameter name="t" value="x"/></Stream></Start>
        <Start><Recording channels="dual" track="both" trim="do-not-trim"
            recordingStatusCallback="https://h.example/r"/></Start>
        <Dial action="/voice/after"><Conference participantLabel="caller" beep="false"
            startConferenceOnEnter="true" endConferenceOnExit="true" waitUrl="" jitterBufferSize="small"
            statusCallback="/conf" statusCallbackEvent="start end join leave mute hold modify"
            >call-1</Conference></Dial>
        """
    )
    assert document.warnings == ()
    assert [verb.name for verb in document.verbs] == ["Start", "Start", "Dial"]
    assert document.verbs[0].children[0].parameters() == {"t": "x"}
    assert document.verbs[2].children[0].text == "call-1"


@pytest.mark.parametrize(
    ("verbs", "complaint"),
    [
        ("<Speak>hello</Speak>", "not allowed"),
        ('<Say loudness="3">hello</Say>', "unknown"),
        ('<Pause length="long"/>', "whole number"),
        ('<Pause length="²"/>', "whole number"),
        ('<Dial timeout="0">+12025550123</Dial>', "from 1 to 600"),
        ('<Dial><Conference beep="loud">r</Conference></Dial>', "one of"),
        ('<Dial><Conference muted="True">r</Conference></Dial>', "true or false"),
        ('<Dial><Conference statusCallbackEvent="start,end">r</Conference></Dial>', "words out of"),
        ("<Dial><Conference/></Dial>", "room name"),
        ("<Dial/>", "number or a noun"),
        ("<Dial><Conference>r</Conference><Number>+12025550123</Number></Dial>", "only noun"),
        ('<Dial action="/a">+12025550123</Dial><Say>never</Say>', "never reached"),
        ("<Say>first</Say><Reject/>", "first verb"),
        ("<Connect/>", "exactly one noun"),
        ('<Connect><Stream url="wss://h/x" track="both_tracks"/></Connect>', "inbound track only"),
        ('<Connect><Stream url="wss://h/x?a=b"/></Connect>', "query string"),
        ('<Connect><Stream url="wss://h/x" sampleRate="16000"/></Connect>', "not documented"),
        ('<Connect><Stream url="wss://h/x"><Parameter name="a"/></Stream></Connect>', "needs the attribute"),
        (
            f'<Connect><Stream url="wss://h/x"><Parameter name="a" value="{"v" * 500}"/></Stream></Connect>',
            "fewer than 500",
        ),
        (f"<Say>{'a' * 4097}</Say>", "4096"),
        ("stray words", "outside of verbs"),
        ('<Dial action="ftp://h/x">+12025550123</Dial>', "http or https"),
    ],
)
def test_what_the_schema_minds_is_a_warning(verbs: str, complaint: str) -> None:
    warnings = read(verbs).warnings
    assert any(complaint in warning.message for warning in warnings), warnings


def test_unknown_verbs_are_skipped_and_the_rest_runs() -> None:
    document = read("<Speak>hello</Speak><Hangup/>")
    assert [verb.name for verb in document.verbs] == ["Hangup"]


def test_bad_values_fall_back_to_the_default() -> None:
    (verb,) = read('<Pause length="-1"/>').verbs
    assert verb.number("length", 1) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<Response><Say>hello</Response>", 12100),
        ("", 12100),
        ("hello", 12100),
        ("<Answer/>", 12100),
        ('<!DOCTYPE r [<!ENTITY x "y">]><Response/>', 12100),
        (f"<Response><Say>{'a' * 70_000}</Say></Response>", 11750),
    ],
)
def test_unusable_documents_are_refused(body: str, code: int) -> None:
    with pytest.raises(TwimlError) as refused:
        parse_document(body, URL)
    assert refused.value.code == code


def test_an_encoding_declaration_is_honoured() -> None:
    body = '<?xml version="1.0" encoding="ISO-8859-1"?><Response><Say>Grüße</Say></Response>'
    assert parse_document(body.encode("latin-1"), URL).verbs[0].text == "Grüße"


def test_the_answer_to_a_message_has_its_own_verbs() -> None:
    document = parse_messaging_document("<Response><Message>hi</Message><Say>no</Say></Response>", URL)
    assert [verb.name for verb in document.verbs] == ["Message"]
    assert len(document.warnings) == 1


NAMES = st.sampled_from([*VOICE, "Unknown", "Response"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["url", "name", "length", "beep", "action", "track", "value", "x"]),
    st.text(st.characters(codec="utf-8", exclude_characters='<>&"', exclude_categories=["C"]), max_size=8),
    max_size=3,
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    name = draw(NAMES)
    attributes = "".join(f' {k}="{v}"' for k, v in draw(ATTRIBUTES).items())
    inner = "".join(draw(st.lists(elements(depth - 1), max_size=3))) if depth else draw(st.just("text"))
    return f"<{name}{attributes}>{inner}</{name}>"


@given(st.lists(elements(), max_size=3))
def test_any_well_formed_document_is_read_and_only_known_verbs_remain(verbs: list[str]) -> None:
    document = read("".join(verbs))

    def check(names: set[str], parent: str | None) -> None:
        allowed = set(VOICE[parent].children) if parent else set(VOICE)
        assert names <= allowed

    check({verb.name for verb in document.verbs}, None)
    for verb in document.verbs:
        check({child.name for child in verb.children}, verb.name)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_arbitrary_input_is_a_document_or_a_twiml_error(body: bytes | str) -> None:
    try:
        parse_document(body, URL)
    except TwimlError:
        return
