import pytest

from voice_agent.reasoning.spoken import YesNo, is_backchannel, parse_correction, parse_yes_no

YES = """
yes; yeah; yep; yup; sure; correct; right; that's right; that is correct; okay; ok; alright; all right;
fine; perfect;
great; sounds good; sounds good to me; absolutely; of course; please do; yes please; go ahead; uh huh;
mm hmm; mhm;
i do; it is; that's me; speaking; exactly; that works; that works for me; works for me; no problem;
no worries;
no that's right; no that's correct; why not; yes that's right; yeah okay; okay yes that's fine;
let's do it; i'll take it;
yes but make it quick; um yes; well yes; yes it is; you got it; Yes.; yes, that's correct!
"""
NO = """
no; nope; nah; no thanks; no thank you; not really; not at all; that's wrong; that's not right;
that is not correct;
incorrect; wrong; don't; please don't; i don't think so; never mind; neither; none of those;
that doesn't work;
that won't work; no i'm good; i'm good; no that's all; no that's it; it isn't; it's not; i can't; no no;
no it isn't;
not right now; not yet; i'd rather not; No.; nope that's it; um no
"""
UNSURE = """
maybe; perhaps; i'm not sure; not sure; i don't know; i guess; probably; yes no; yes wait no; i think so;
it depends
"""
NONE = """
; hello; i want to reschedule; thursday; ten thirty; what do you mean; who is this; good morning;
my date of birth;
i know; right now; march second nineteen eighty four
"""


def phrases(block: str) -> list[str]:
    return [phrase.strip() for phrase in block.replace("\n", " ").split(";")]


@pytest.mark.parametrize("text", phrases(YES))
def test_yes(text: str) -> None:
    assert parse_yes_no(text) is YesNo.YES


@pytest.mark.parametrize("text", phrases(NO))
def test_no(text: str) -> None:
    assert parse_yes_no(text) is YesNo.NO


@pytest.mark.parametrize("text", phrases(UNSURE))
def test_unsure(text: str) -> None:
    assert parse_yes_no(text) is YesNo.UNSURE


@pytest.mark.parametrize("text", phrases(NONE))
def test_neither_yes_nor_no(text: str) -> None:
    assert parse_yes_no(text) is YesNo.NONE


def test_a_word_of_assent_in_the_middle_of_a_long_remark_is_no_answer() -> None:
    remark = "i was told by the other doctor that it is okay to take both of them together"
    assert parse_yes_no(remark) is YesNo.NONE


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("no friday", "friday"),
        ("no, Friday.", "friday"),
        ("thursday no friday", "friday"),
        ("thursday no wait friday", "friday"),
        ("thursday wait no friday", "friday"),
        ("thursday sorry friday", "friday"),
        ("sorry i meant friday", "friday"),
        ("sorry friday", "friday"),
        ("i mean friday", "friday"),
        ("i meant the fifteenth", "the fifteenth"),
        ("actually friday", "friday"),
        ("actually make that friday", "friday"),
        ("no make it friday", "friday"),
        ("no i said friday", "friday"),
        ("no it's march third", "march third"),
        ("not thursday friday", "friday"),
        ("not thursday but friday", "friday"),
        ("no not thursday friday", "friday"),
        ("one two three scratch that", ""),
        ("scratch that one two four", "one two four"),
        ("seven no eight", "eight"),
        ("monday no tuesday no wednesday", "wednesday"),
        ("actually i need to cancel", "i need to cancel"),
        ("wait no ten thirty", "ten thirty"),
        ("oh wait friday", "friday"),
    ],
)
def test_corrections(text: str, rest: str) -> None:
    correction = parse_correction(text)
    assert correction.is_correction
    assert correction.rest == rest


@pytest.mark.parametrize(
    "text",
    [
        "", "no", "no thanks", "no thank you", "no that's all", "no that's fine", "no i'm good", "no problem",
        "yes", "friday", "sorry", "sorry what", "sorry can you repeat that", "wait a second",
        "wait what", "no no",
        "no i don't", "not really", "no one told me", "nope", "i have no insurance", "there's no appointment",
        "no need", "no it isn't",
    ],
)  # fmt: skip
def test_answers_and_pauses_are_no_corrections(text: str) -> None:
    correction = parse_correction(text)
    assert not correction.is_correction
    assert correction.rest == text


@pytest.mark.parametrize(
    "text",
    ["uh huh", "mm hmm", "mhm", "yeah", "okay", "ok", "right", "i see", "got it", "sure", "alright",
    "all right", "oh okay",
     "yeah yeah", "oh i see", "hmm", "mm-hmm", "Okay.", "right right", "okay got it"],
)  # fmt: skip
def test_backchannels(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "wait",
        "stop",
        "okay but friday",
        "yes please cancel it",
        "i see a problem",
        "hold on",
        "what",
    ],
)
def test_words_that_want_the_floor_are_no_backchannels(text: str) -> None:
    assert not is_backchannel(text)
