import numpy as np
import pytest
from pocketsphinx import Config, LogMath, NGramModel

from models.onnx import package_file
from models.speech import SpeechError
from models.stt.general import TRIGRAMS
from models.stt.word_model import WordModel, load_word_model


@pytest.fixture(scope="module")
def model() -> WordModel:
    return load_word_model(package_file("pocketsphinx", TRIGRAMS))


def test_probabilities_are_those_of_the_library(model: WordModel) -> None:
    path = str(package_file("pocketsphinx", TRIGRAMS))
    log = LogMath()
    library = NGramModel(Config(lm=path), log, path)
    number = {word: i for i, word in enumerate(model.words)}
    for sentence in ("i need to move my appointment", "how old is the brooklyn bridge", "zebra of quantum"):
        states, said = np.array([model.start]), ["<s>"]
        for word in sentence.split():
            scores, states = model.score(states, np.array([number[word]]))
            said.append(word)
            assert scores[0] == pytest.approx(log.log_to_ln(library.prob(said[-3:][::-1])), abs=2e-3)


def test_many_words_at_once_score_as_one_by_one(model: WordModel) -> None:
    states = np.array([model.start, model.start, -1])
    words = np.array([100, 2000, 30000])
    together, after = model.score(states, words)
    for i in range(len(words)):
        alone, state = model.score(states[i : i + 1], words[i : i + 1])
        assert (together[i], after[i]) == (alone[0], state[0])


def test_another_file_is_refused(tmp_path) -> None:
    (tmp_path / "model.bin").write_bytes(b"Trie Language Model\x02" + bytes(100))
    with pytest.raises(SpeechError, match="not a trigram model"):
        load_word_model(tmp_path / "model.bin")
    with pytest.raises(SpeechError, match="cannot be read"):
        load_word_model(tmp_path / "nowhere.bin")
