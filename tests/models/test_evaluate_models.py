"""The script that measures the emotion models on any labelled folder."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from models.emotion_encoder import EmotionEncoder
from models.prosody import ProsodyModel
from tests.models.emotion_stand_ins import voice

ROOT = Path(__file__).parents[2]
PITCHES = (95.0, 140.0, 185.0, 230.0, 275.0, 320.0)


def evaluate(*folders: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "scripts/evaluate_models.py", *map(str, folders)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def write(folder: Path, labels: list[str], column: str = "emotion") -> Path:
    """A folder of two speakers who say the same six things, labelled as told."""
    folder.mkdir()
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "start", "length", "speaker", column])
        for speaker in range(2):
            clips = [voice(1.5, pitch, seed=speaker) for pitch in PITCHES]
            soundfile.write(folder / f"{speaker}.wav", np.concatenate(clips), 8000)
            for place, label in enumerate(labels):
                rows.writerow([f"{speaker}.wav", place * 12000, 12000, f"s{speaker}", label])
    return folder


def test_labels_that_agree_with_the_model_pass_and_others_do_not(tmp_path: Path) -> None:
    readings = ProsodyModel(EmotionEncoder()).run([voice(1.5, pitch, seed=0) for pitch in PITCHES])
    by_arousal = np.argsort([reading.arousal for reading in readings])
    labels = [""] * len(PITCHES)
    for place in by_arousal[:3]:
        labels[place] = "boredom"
    for place in by_arousal[3:]:
        labels[place] = "fear"
    agreed = evaluate(write(tmp_path / "agreed", labels))
    assert "agreed, phone, arousal AUC: 1.000" in agreed.stdout, agreed.stderr
    assert "size of all weights" in agreed.stdout
    opposite = {"boredom": "fear", "fear": "boredom"}
    contrary = evaluate(write(tmp_path / "contrary", [opposite[label] for label in labels]))
    assert "BELOW  contrary, phone, arousal AUC: 0.000" in contrary.stdout, contrary.stderr
    assert contrary.returncode == 1


def test_a_folder_without_a_known_column_is_explained(tmp_path: Path) -> None:
    result = evaluate(write(tmp_path / "odd", ["x"] * 6, column="mood"))
    assert result.returncode == 2
    assert "neither 'emotion' nor 'category'" in result.stderr
