from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.safety.circumstances import Circumstance, circumstance
from voice_agent.safety.patterns import Pattern, Span
from voice_agent.safety.wording import wording

CURRENT, DENIED, PAST = Circumstance.CURRENT, Circumstance.DENIED, Circumstance.PAST
SUPPOSED, ROUTINE, TOLD = Circumstance.SUPPOSED, Circumstance.ROUTINE, Circumstance.TOLD


def meant(text: str) -> Circumstance:
    words = wording(text)
    [span] = Pattern("(chest pain|a stroke|seizure|seizures|bleeding|overdose)", {}).spans(words)
    return circumstance(words, span)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i have chest pain", CURRENT),
        ("no i have chest pain", CURRENT),
        ("no chest pain", DENIED),
        ("i don't have any chest pain", DENIED),
        ("no fever or chest pain", DENIED),
        ("i don't think i'm having a stroke", DENIED),
        ("i don't have a fever but i have chest pain", CURRENT),
        ("i'm not feeling well i have chest pain", CURRENT),
        ("i don't know what to do about the chest pain", CURRENT),
        ("i can't sleep with this chest pain", CURRENT),
        ("i never had chest pain like this", CURRENT),
        ("i never had chest pain", DENIED),
        ("chest pain no", DENIED),
        ("my father had a stroke ten years ago", PAST),
        ("he had a stroke ten minutes ago", CURRENT),
        ("i had a stroke last year and now i have chest pain today", None),
        ("the chest pain went away", PAST),
        ("the chest pain has not gone away", CURRENT),
        ("what should i do if i ever get chest pain", SUPPOSED),
        ("i don't know if this is a stroke", CURRENT),
        ("i need a refill of my seizure medicine", ROUTINE),
        ("i'd like the results of the bleeding test", ROUTINE),
        ("i need an appointment for chest pain", CURRENT),
        ("i saw an overdose on the news", TOLD),
    ],
)
def test_the_words_around_a_finding_tell_how_it_is_meant(text: str, expected: Circumstance | None) -> None:
    if expected is None:
        words = wording(text)
        spans = list(Pattern("(a stroke|chest pain)", {}).spans(words))
        assert [circumstance(words, span) for span in spans][-1] is CURRENT
    else:
        assert meant(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "I don't feel well, I have chest pain",
        "I don't feel so good and my chest pain is back",
        "I don't feel like myself I have chest pain",
        "I don't think I can wait, I'm having a stroke",
        "I don't think this is normal I have chest pain",
        "I don't think that's right, he has a seizure",
        "I don't believe it my wife is having a seizure",
        "I do not like this chest pain",
        "I do not like this I have chest pain",
        "not that it matters, I have chest pain",
        "No, it's an overdose",
        "No, that's a stroke",
        "No, the baby has a seizure",
        "No, someone is bleeding",
        "No, mom had a seizure",
        "No, having chest pain",
        "No no, it's a seizure",
        "no thank you I have chest pain",
        "no sorry the kid is bleeding",
        "there is no time, mom is having a stroke",
        "it's not about the bill the baby is bleeding",
        "don't hang up, somebody is bleeding",
        "I don't want to be a bother, my husband is having a stroke",
        "I didn't call for that, someone has a seizure",
        "nobody is helping me, this is an overdose",
    ],
)
def test_a_denial_of_something_else_leaves_the_emergency(text: str) -> None:
    assert meant(text) is CURRENT


@pytest.mark.parametrize(
    "text",
    [
        "I don't feel any chest pain",
        "I don't feel like I'm having a stroke",
        "I don't think it's a stroke",
        "I don't really think it's a stroke",
        "I don't think that I am having a stroke",
        "I don't think my mother is having a stroke",
        "I don't think mom is having a stroke",
        "I don't think there is any bleeding",
        "I wouldn't say it's an overdose",
        "I'm not saying this is a stroke",
        "it's not as if I'm having a stroke",
        "No, it's not a stroke",
        "No, there is no bleeding",
        "No, the baby is not bleeding",
        "No, she is not having a seizure",
        "No, that's not chest pain",
        "No I don't think it's a stroke",
        "No, no chest pain",
        "nobody is having a seizure",
        "no one had a seizure",
        "no it's just a cold not a stroke",
        "he never had a seizure",
        "without any chest pain",
    ],
)
def test_what_is_denied_stays_denied_however_it_is_put(text: str) -> None:
    assert meant(text) is DENIED


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("my chest does not hurt", "chest &5 hurt", DENIED),
        ("my chest doesn't really hurt anymore", "chest &5 hurt", DENIED),
        ("my chest is not great it hurts", "chest &5 hurts", CURRENT),
        ("the baby has not stopped shaking", "baby ~6 shaking", CURRENT),
        ("he fell down the stairs and does not move", "stairs ~10 move", CURRENT),
        ("he took not two but twenty pills", "took ~5 pills", CURRENT),
    ],
)
def test_a_denial_inside_a_finding_counts_where_it_denies_it(
    text: str, pattern: str, expected: Circumstance
) -> None:
    words = wording(text)
    [span] = Pattern(pattern, {}).spans(words)
    assert circumstance(words, span) is expected


@given(st.text(alphabet="abcdinosty .", max_size=80), st.integers(0, 5), st.integers(1, 5))
def test_any_words_have_a_circumstance(text: str, start: int, length: int) -> None:
    words = wording(text)
    assert circumstance(words, Span(start, start + length)) in Circumstance
