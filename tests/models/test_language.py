"""The language model: what sentences of a call express, cues, defined readings for no words, weights that
are checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.language import NEUTRAL, Emotion, Group, LanguageModel, Sentiment
from models.language.cues import cues
from models.language.labels import GROUPS, SENTIMENTS
from models.language.language import FOLDER
from models.language.vectorizer import spoken, terms
from models.model_file import ModelError

NOTHING = dict.fromkeys(Emotion, 0.0)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel()


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("thank you so much you have been very helpful", Emotion.GRATITUDE),
        ("i'm sorry i missed my appointment", Emotion.REMORSE),
        ("i am so angry about this i hate it", Emotion.ANGER),
        ("i'm scared of what they are going to find", Emotion.FEAR),
        ("i am so sad i have been crying all day", Emotion.SADNESS),
        ("i love it here you are wonderful", Emotion.LOVE),
        ("that is so funny haha", Emotion.AMUSEMENT),
    ],
)
def test_plain_feelings_are_found(model: LanguageModel, text: str, emotion: Emotion) -> None:
    reading = model.run([text])[0]
    assert max(reading.emotions, key=lambda label: reading.emotions[label]) is emotion
    assert reading.emotions[emotion] > 0.3


def test_groups_and_valence_follow_the_words(model: LanguageModel) -> None:
    happy, angry, plain = model.run(
        [
            "thank you that is wonderful i am so happy",
            "this is terrible i am so angry and annoyed",
            "the appointment is on tuesday at nine",
        ]
    )
    assert happy.valence > 0.5
    assert happy.groups[Group.GRATITUDE_JOY] > 0.8
    assert angry.valence < -0.4
    assert angry.groups[Group.FRUSTRATION] > 0.6
    assert abs(plain.valence) < 0.35
    assert max(plain.sentiment, key=lambda kind: plain.sentiment[kind]) is Sentiment.NEUTRAL


def test_capitals_and_punctuation_make_no_difference(model: LanguageModel) -> None:
    written, heard = model.run(["Thank you, [NAME]! I’m SO happy...", "thank you i'm so happy"])
    assert written.emotions == pytest.approx(heard.emotions)


@pytest.mark.parametrize("text", ["", "   ", "?!...", "[NAME]", "…", "\x00", "你好"])
def test_no_words_read_neutral(model: LanguageModel, text: str) -> None:
    assert model.run([text]) == [NEUTRAL]
    assert not NEUTRAL.usable


def test_words_that_nobody_knows_say_little(model: LanguageModel) -> None:
    reading = model.run(["xqzt vbnmk wrtzl"])[0]
    assert reading.usable
    assert abs(reading.valence) < 0.4


@given(st.lists(st.text(max_size=60), max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_a_reading_in_range(model: LanguageModel, texts: list[str]) -> None:
    readings = model.run(texts)
    assert len(readings) == len(texts)
    for reading in readings:
        assert all(0 <= p <= 1 for p in (*reading.emotions.values(), *reading.groups.values()))
        assert -1 <= reading.valence <= 1
        assert all(
            0 <= c <= 1 for c in (reading.cues.tiredness, reading.cues.disapproval, reading.cues.sarcasm)
        )


def test_a_text_without_end_is_read_from_its_end(model: LanguageModel) -> None:
    reading = model.run(["well " * 100_000 + "thank you so much"])[0]
    assert reading.emotions == pytest.approx(
        model.run(["well " * 2000 + "thank you so much"])[0].emotions, abs=0.02
    )


def test_texts_do_not_influence_each_other(model: LanguageModel) -> None:
    texts = ["i am so happy", "i am very angry", "where is it"]
    assert model.run(texts) == [model.run([text])[0] for text in texts]


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("i'm just so tired i haven't slept", "tiredness"),
        ("this is completely unacceptable", "disapproval"),
        ("that's great news i can't wait", "enthusiasm"),
        ("oh great another hour on hold", "sarcasm"),
        ("yeah right thanks for nothing", "sarcasm"),
    ],
)
def test_cues_are_heard(text: str, cue: str) -> None:
    found = cues(text, NOTHING)
    assert getattr(found, cue) >= 0.5


@pytest.mark.parametrize(
    "text",
    ["no i'm not tired", "thank you that is great", "can i come on friday", "that's great see you then"],
)
def test_cues_are_not_heard_where_there_are_none(text: str) -> None:
    found = cues(text, NOTHING)
    assert found.tiredness == 0
    assert found.sarcasm == 0


def test_a_phrase_inside_a_longer_one_counts_once() -> None:
    assert cues("i am so tired", NOTHING).tiredness == pytest.approx(0.7)


def test_every_label_belongs_to_one_sentiment() -> None:
    labels = [label for of in SENTIMENTS.values() for label in of]
    assert sorted(labels) == sorted(Emotion)
    assert {label for of in GROUPS.values() for label in of} <= set(Emotion)


def test_terms_are_words_and_pairs() -> None:
    assert list(terms(spoken("I'm OK, thanks."))) == ["i'm", "ok", "thanks", "i'm ok", "ok thanks"]


def test_weights_that_differ_are_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "language", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "language" / "language.npz").open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(ModelError, match="restore the file"):
        LanguageModel(tmp_path / "language")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json cannot be read"):
        LanguageModel(tmp_path)
