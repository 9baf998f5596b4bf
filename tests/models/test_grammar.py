from dataclasses import replace

import pocketsphinx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.expectation import AnswerKind, Expectation
from models.stt.grammar import grammar_of, key_of
from models.stt.lexicon import missing, pronounce

PHONES = {
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH"),
    *("IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V"),
    *("W", "Y", "Z", "ZH"),
}


@pytest.fixture(scope="module")
def decoder() -> pocketsphinx.Decoder:
    return pocketsphinx.Decoder(lm=None, loglevel="FATAL")


def test_nothing_expected_has_no_grammar() -> None:
    assert grammar_of(Expectation()) is None
    assert grammar_of(Expectation((AnswerKind.FREE,))) is None


@pytest.mark.parametrize(
    "expectation",
    [
        *(Expectation((kind,)) for kind in AnswerKind if kind not in (AnswerKind.FREE, AnswerKind.PHRASES)),
        Expectation((AnswerKind.DIGITS,), digits=10),
        Expectation((AnswerKind.ALPHANUMERIC,), digits=7),
        Expectation((AnswerKind.PHRASES,), phrases=("i need to move my appointment",), keyterms=("Okafor",)),
        Expectation((AnswerKind.YES_NO, AnswerKind.DATE), phrases=("thursday at 2",)),
    ],
)
def test_every_grammar_loads_once_its_missing_words_have_sounds(
    decoder: pocketsphinx.Decoder, expectation: Expectation
) -> None:
    grammar = grammar_of(expectation)
    assert grammar is not None
    for word, sounds in missing(grammar.words, lambda w: decoder.lookup_word(w) is not None).items():
        decoder.add_word(word, sounds[0], True)
    decoder.add_jsgf_string("grammar", grammar.jsgf)
    assert all(decoder.lookup_word(word) for word in grammar.words)


def test_words_of_the_state_are_in_its_grammar() -> None:
    grammar = grammar_of(
        Expectation(
            (AnswerKind.PHRASES,), phrases=("i need to renew my bandage",), keyterms=("Dr. Whitfield",)
        )
    )
    assert grammar is not None
    assert {"renew", "bandage", "whitfield"} <= grammar.words


def test_terms_with_numbers_are_expected_as_they_are_said() -> None:
    grammar = grammar_of(Expectation((AnswerKind.NAME,), keyterms=("Suite 12", "Dr. Whitfield")))
    assert grammar is not None
    assert "suite twelve" in grammar.jsgf
    assert {"suite", "twelve", "whitfield"} <= grammar.words


def test_only_a_question_for_a_birth_date_makes_another_grammar_of_the_same_expectation() -> None:
    when = Expectation((AnswerKind.DATE,), prompt="Which day suits you?")
    asked = [replace(when, prompt=prompt) for prompt in ("And which one?", "What is your date of BIRTH?")]
    assert [key_of(e) == key_of(when) for e in asked] == [True, False]
    assert [grammar_of(e) == grammar_of(when) for e in asked] == [True, False]
    assert all(grammar_of(key_of(e)) == grammar_of(e) for e in asked)


def test_a_string_grammar_is_marked_as_one() -> None:
    digits = grammar_of(Expectation((AnswerKind.DIGITS,)))
    yes = grammar_of(Expectation((AnswerKind.YES_NO,)))
    assert digits is not None
    assert digits.is_string
    assert yes is not None
    assert not yes.is_string


@given(st.from_regex(r"[a-z]{1,15}", fullmatch=True))
def test_any_name_gets_phones_the_decoder_knows(name: str) -> None:
    assert set(pronounce(name).split()) <= PHONES
    assert pronounce(name)
