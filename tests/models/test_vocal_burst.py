"""The burst model: defined readings for everything, one encoder run for both voice models, weights that are
checked."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from models.emotion_encoder import Defect, EmotionEncoder
from models.model_file import ModelError
from models.prosody import ProsodyModel
from models.vocal_burst import Delivery, Kind, VocalBurstModel, VocalBurstReading, neutral
from models.vocal_burst.categories import load_categories
from models.vocal_burst.network import gelu
from models.vocal_burst.vocal_burst import FOLDER
from tests.models.emotion_stand_ins import in_window, voice


@pytest.fixture(scope="module")
def encoder() -> EmotionEncoder:
    return EmotionEncoder()


@pytest.fixture(scope="module")
def model(encoder: EmotionEncoder) -> VocalBurstModel:
    return VocalBurstModel(encoder)


def noise(seed: int = 0) -> npt.NDArray[np.int16]:
    return np.asarray(np.random.default_rng(seed).standard_normal(16000) * 2000, np.int16)


def keys(seed: int = 0) -> npt.NDArray[np.int16]:
    """Telephone keys with gaps between them."""
    rng = np.random.default_rng(seed)
    t = np.arange(1200) / 8000
    gap = np.zeros(800)
    pressed = [
        part
        for _ in range(8)
        for part in (
            sum(np.sin(2 * np.pi * hz * t) for hz in (rng.choice([697, 941]), rng.choice([1209, 1477]))),
            gap,
        )
    ]
    x = np.concatenate(pressed)
    return np.asarray((x + 0.003 * rng.standard_normal(len(x))) * 5000, np.int16)


def numbers(reading: VocalBurstReading) -> list[float]:
    parts = (reading.kinds, reading.deliveries, reading.categories)
    return [*(p for part in parts for p in part.values()), reading.valence, reading.arousal]


def test_a_reading_keeps_to_its_ranges(model: VocalBurstModel) -> None:
    for reading in model.run(np.stack([voice(), noise(), in_window(voice(0.6, pitch=300))])):
        assert sum(reading.kinds.values()) == pytest.approx(1, abs=1e-4)
        assert sum(reading.deliveries.values()) == pytest.approx(1, abs=1e-4)
        assert sum(reading.categories.values()) == pytest.approx(1, abs=1e-4)
        assert len(reading.categories) == 30
        assert -1 <= reading.valence <= 1
        assert 0 <= reading.arousal <= 1


@pytest.mark.parametrize(
    "sound", [noise(), noise(1), keys(), keys(1)], ids=["noise", "noise2", "keys", "keys2"]
)
def test_sounds_of_the_line_are_no_bursts(model: VocalBurstModel, sound: npt.NDArray[np.int16]) -> None:
    reading = model.run(sound[None])[0]
    assert max(reading.kinds, key=lambda kind: reading.kinds[kind]) is Kind.OTHER
    assert reading.named is None
    assert reading.likely is None


def test_what_is_no_burst_pulls_little(model: VocalBurstModel) -> None:
    reading = model.run(noise()[None])[0]
    assert abs(reading.valence) < 0.1
    assert reading.arousal == pytest.approx(0.5, abs=0.1)


def test_a_batch_reads_what_each_window_reads_alone(model: VocalBurstModel) -> None:
    windows = np.stack([voice(), noise(), in_window(voice(0.7, pitch=260))])
    for window, reading in zip(windows, model.run(windows), strict=True):
        assert numbers(model.run(window[None])[0]) == pytest.approx(numbers(reading), abs=1e-4)


def test_the_same_window_is_read_the_same_twice(model: VocalBurstModel) -> None:
    assert model.run(voice()[None]) == model.run(voice()[None])


@pytest.mark.parametrize(
    ("window", "defect"),
    [
        (np.zeros(16000, np.int16), Defect.SILENT),
        (np.full(16000, 5000, np.int16), Defect.SILENT),
        (np.full(16000, np.nan), Defect.NOT_FINITE),
        (np.ones(1, np.int16), Defect.TOO_SHORT),
        (np.asarray(8000 * np.sin(np.arange(16000) * 0.35), np.int16), Defect.TONE),
        (np.asarray(np.sign(voice().astype(float)) * 32767, np.int16), Defect.CLIPPED),
    ],
    ids=["silence", "dc", "nan", "one sample", "tone", "square"],
)
def test_what_cannot_be_judged_reads_neutral_and_says_why(
    model: VocalBurstModel, window: npt.NDArray[np.generic], defect: Defect
) -> None:
    assert model.run([window])[0] == neutral(defect)
    assert neutral(defect).burst == 0


def test_both_voice_models_share_one_run_of_the_encoder(model: VocalBurstModel) -> None:
    class CountedSession:
        def __init__(self, session: Any) -> None:
            self.runs: list[int] = []
            self._session = session

        def run(self, names: None, inputs: dict[str, npt.NDArray[np.float32]]) -> Any:
            self.runs.append(len(inputs["input_features"]))
            return self._session.run(names, inputs)

    encoder = EmotionEncoder()
    counted = CountedSession(encoder._session)
    encoder._session = counted
    prosody, bursts = ProsodyModel(encoder), VocalBurstModel(encoder)
    encoding = encoder.encode(np.stack([voice(), np.zeros(16000, np.int16), noise()]))
    assert len(prosody.read(encoding)) == len(bursts.read(encoding)) == 3
    assert counted.runs == [2], "one run, and the silent window not in it"


def test_every_delivery_has_a_category_and_every_category_is_known() -> None:
    categories = load_categories(FOLDER)
    assert len(set(categories.names)) == 30
    assert set(categories.delivery.values()) == set(Delivery)
    assert set(categories.valence) == set(categories.arousal) == {-1, 0, 1}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER, tmp_path / "vocal_burst", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "vocal_burst"


@pytest.mark.parametrize("content", ["", "{}", '{"categories": ["Joy"], "deliveries": {"laugh": ["Grin"]}}'])
def test_a_category_map_that_says_nothing_is_refused(
    encoder: EmotionEncoder, copy: Path, content: str
) -> None:
    (copy / "categories.json").write_text(content)
    with pytest.raises(ModelError, match=r"categories\.json"):
        VocalBurstModel(encoder, copy)


def test_a_category_map_with_unknown_names_is_refused(encoder: EmotionEncoder, copy: Path) -> None:
    path = copy / "categories.json"
    path.write_text(
        path.read_text().replace('"Amusement"', '"Amusment"', 2).replace('"Amusment"', '"Amusement"', 1)
    )
    with pytest.raises(ModelError, match="Amusment"):
        VocalBurstModel(encoder, copy)


def test_weights_that_differ_by_a_byte_are_refused(encoder: EmotionEncoder, copy: Path) -> None:
    with (copy / "vocal_burst.npz").open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(ModelError, match=r"vocal_burst\.npz have sha256"):
        VocalBurstModel(encoder, copy)


def test_gelu_bends_as_published() -> None:
    values = gelu(np.array([-3.0, -1.0, 0.0, 1.0, 3.0], np.float32))
    np.testing.assert_allclose(values, [-0.0036, -0.1588, 0.0, 0.8412, 2.9964], atol=1e-3)
