"""The search, through phone probabilities made by hand: no network, no sound."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.stt.alignment import align
from models.stt.automaton import automaton_of
from models.stt.dictionary import Dictionary
from models.stt.general import GeneralVocabulary
from models.stt.phone_graph import NUMBER, PhoneGraph, graph_of
from models.stt.search import Search, Weights

FRAMES_A_PHONE = 3
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@cache
def loaded() -> Dictionary:
    return Dictionary()


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return loaded()


@pytest.fixture(scope="module")
def vocabulary(dictionary: Dictionary) -> GeneralVocabulary:
    return GeneralVocabulary(dictionary)


def sound_of(dictionary: Dictionary, text: str, noise: float = 0.0) -> np.ndarray:
    """Probabilities of somebody saying ``text``: each phone for a frame, blanks between."""
    rng = np.random.default_rng(1)
    rows = []
    for word in text.split():
        for phone in dictionary.readings(word)[0]:
            for k in range(FRAMES_A_PHONE):
                row = rng.normal(0, noise + 1e-6, len(NUMBER))
                row[NUMBER[phone] if k == 1 else 0] += 8
                rows.append(row)
    log = np.array(rows)
    log -= log.max(axis=1, keepdims=True)
    return (log - np.log(np.exp(log).sum(axis=1, keepdims=True))).astype(np.float32)


def grammar(dictionary: Dictionary, jsgf: str) -> PhoneGraph:
    automaton = automaton_of(f"public <top> = {jsgf};")
    return graph_of(automaton, dictionary.of({word for _, _, word in automaton.steps}), 1.0)


def texts(search: Search, log: np.ndarray, count: int = 3) -> list[str]:
    search.feed(log)
    return [sentence.text for sentence in search.sentences(count)]


def test_the_sentence_that_was_said_is_found(dictionary: Dictionary) -> None:
    graph = grammar(dictionary, "(book | cancel | move) [my] appointment")
    assert (
        texts(Search(graph, Weights()), sound_of(dictionary, "cancel my appointment"))[0]
        == "cancel my appointment"
    )


def test_what_may_be_left_out_may_be_left_out(dictionary: Dictionary) -> None:
    graph = grammar(dictionary, "[please] cancel [my] appointment")
    assert (
        texts(Search(graph, Weights()), sound_of(dictionary, "cancel appointment"))[0] == "cancel appointment"
    )


def test_a_digit_said_twice_is_heard_twice(dictionary: Dictionary) -> None:
    graph = grammar(dictionary, "(one | two | nine)+")
    assert (
        texts(Search(graph, Weights()), sound_of(dictionary, "nine nine two two"))[0] == "nine nine two two"
    )


def test_no_sentence_ends_in_the_middle_of_the_grammar(dictionary: Dictionary) -> None:
    graph = grammar(dictionary, "one two three four")
    search = Search(graph, Weights())
    search.feed(sound_of(dictionary, "one two"))
    assert search.sentences() == []
    assert search.sentences(complete=False)[0].text in ("one", "one two")


def test_other_readings_come_behind_the_best(dictionary: Dictionary) -> None:
    graph = grammar(dictionary, "(nine | five | one)")
    found = texts(Search(graph, Weights(reach=40.0)), sound_of(dictionary, "nine", noise=1.5))
    assert found[0] == "nine"
    assert set(found[1:]) <= {"five", "one"}


def test_a_fork_leaves_the_search_as_it_was(dictionary: Dictionary) -> None:
    graph = grammar(dictionary, "(one | two)+")
    search = Search(graph, Weights())
    search.feed(sound_of(dictionary, "one"))
    texts(search.fork(), sound_of(dictionary, "two two"))
    assert texts(search, sound_of(dictionary, "one"))[0] == "one one"


def test_an_unlikely_alternative_needs_clearer_sound(dictionary: Dictionary) -> None:
    log = sound_of(dictionary, "to")
    even = grammar(dictionary, "(to | do)")
    uneven = grammar(dictionary, "(/1e-9/ to | do)")
    assert texts(Search(even, Weights(reach=40.0)), log)[0] == "to"
    assert texts(Search(uneven, Weights(reach=40.0)), log)[0] == "do"


def test_general_speech_is_found_by_sound_and_context(
    dictionary: Dictionary, vocabulary: GeneralVocabulary
) -> None:
    graph, words = vocabulary.graph()
    said = "i would like to move my appointment to friday"
    assert texts(Search(graph, Weights(), words), sound_of(dictionary, said, noise=1.0))[0] == said


def test_a_services_own_name_is_heard_only_where_it_was_announced(
    dictionary: Dictionary, vocabulary: GeneralVocabulary
) -> None:
    log = sound_of(dictionary, "my doctor is okafor")
    plain, announced = vocabulary.graph(), vocabulary.graph(("Okafor", "Blue Shield"))
    assert "okafor" not in " ".join(texts(Search(plain[0], Weights(), plain[1]), log))
    assert texts(Search(announced[0], Weights(), announced[1]), log)[0] == "my doctor is okafor"


def test_nothing_said_is_nothing_found(dictionary: Dictionary) -> None:
    search = Search(grammar(dictionary, "yes | no"), Weights())
    assert search.sentences() == []


def test_words_are_timed_where_they_were_said(dictionary: Dictionary) -> None:
    silence = np.full((20, len(NUMBER)), -20.0, np.float32)
    silence[:, 0] = 0.0
    log = np.concatenate([silence, sound_of(dictionary, "yes"), silence, sound_of(dictionary, "no")])
    timed = align([dictionary.readings("yes"), dictionary.readings("no")], log)
    assert timed is not None
    first, second = timed
    assert 19 <= first.first < first.end <= 20 + 3 * FRAMES_A_PHONE
    assert second.first >= 40 + 3 * FRAMES_A_PHONE - 1
    assert first.margin == pytest.approx(0.0, abs=0.1)


def test_words_that_do_not_fit_in_have_no_times(dictionary: Dictionary) -> None:
    assert align([dictionary.readings("appointment")], sound_of(dictionary, "no")) is None


def test_a_grammar_that_does_not_parse_is_refused() -> None:
    for text in (
        "public <top> = (one;",
        "public <top> = <nowhere>;",
        "public <top> = one ^ two;",
        "<other> = one;",
    ):
        with pytest.raises(ValueError, match="grammar"):
            automaton_of(text)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(DIGITS), min_size=1, max_size=8))
def test_any_string_of_digits_is_found_in_a_loop_of_digits(said: list[str]) -> None:
    dictionary = loaded()
    graph = grammar(dictionary, "(zero | one | two | three | four | five | six | seven | eight | nine)+")
    log = sound_of(dictionary, " ".join(said))
    assert texts(Search(graph, Weights()), log)[0].split() == said
