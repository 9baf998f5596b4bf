"""Measure the emotion models on labelled folders and hold the figures against their floors.

    python scripts/evaluate_models.py FOLDER [FOLDER ...] [--split test] [--speech spontaneous]

A folder with ``labels.csv`` holds 8 kHz clips with ``emotion`` (speech) or ``category`` (vocal bursts); one
with ``test.tsv`` holds GoEmotions. Rows of split "test" count, else those of "dev", else all. Every clip is
heard clean, over a phone line and with noise. Exit status 1 when a figure lies below its floor. Needs
scikit-learn, scipy and soundfile beside the product's own packages.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from training import burst_figures, language_figures, prosody_figures
from training.burst_figures import BurstScores
from training.comments import comments
from training.emotion_data import Clip, clips, windows_of
from training.emotion_features import TREATMENTS, encoded
from training.latency import language_cost, voice_costs
from training.model_card import Rows, figure

from models.emotion_encoder import EmotionEncoder
from models.language import LanguageModel
from models.model_file import MANIFEST
from models.prosody import ProsodyModel
from models.vocal_burst import VocalBurstModel

ACTED = {"arousal AUC": 0.91, "anger AUC": 0.91, "valence AUC": 0.72, "4-class UAR": 0.52}
SPONTANEOUS = {"arousal AUC": 0.89, "anger AUC": 0.90}
BURSTS = {
    "30-way F1": 0.27,
    "30-way top-5": 0.65,
    "8-class F1": 0.46,
    "8-class UAR": 0.49,
    "laugh AUC": 0.92,
    "laugh recall at precision .8": 0.20,
}
GATE = {"clean": 0.93, "phone": 0.90, "noisy": 0.90}
LANGUAGE = {"macro-F1, 28 labels": 0.44}
"""Floors: the least a figure may be, for voices over the phone line, bursts over the phone line, the gate by
line."""

MOST_MEGABYTES = 10.0
MOST_VOICE_MS, MOST_TEXT_MS = 10.0, 5.0
"""CPU per second of a caller's speech, per turn of text."""

LINES = ("clean", "phone", "noisy")
MODELS = ("emotion_encoder", "prosody", "vocal_burst", "language")


@dataclass
class Report:
    """Prints figures and remembers which were below their floor."""

    failed: int = 0

    def line(
        self, name: str, value: float, text: str, floor: float | None = None, most: float | None = None
    ) -> None:
        """One figure. ``floor``: the least it may be; ``most``: the most."""
        good = (floor is None or value >= floor) and (most is None or value <= most)
        self.failed += not good
        bound = f" (floor {floor})" if floor is not None else f" (limit {most})" if most is not None else ""
        print(
            f"{'' if good else 'BELOW  ' if floor is not None else 'ABOVE  '}{name}: {text}{bound}",
            flush=True,
        )

    def figure(
        self, name: str, statistic: Callable[[Rows], float], groups: np.ndarray, floor: float | None = None
    ) -> None:
        """A figure with its interval."""
        self.line(name, statistic(np.arange(len(groups))), figure(statistic, groups), floor)


def chosen(folder: Path, split: str | None) -> list[Clip]:
    """The clips that count: those of ``split``, or of the split that was held out."""
    everything = list(clips(folder))
    splits = {clip.split for clip in everything}
    wanted = split or next((name for name in ("test", "dev") if name in splits), "all")
    return [clip for clip in everything if wanted in ("all", clip.split)]


def voices(
    report: Report, folder: Path, held: list[Clip], encoder: EmotionEncoder, floors: dict[str, float]
) -> None:
    """Figures of a folder of speech."""
    model = ProsodyModel(encoder)
    for line in LINES:
        features = encoded(held, encoder, line)
        scores = prosody_figures.heard(model, features)
        for name, (statistic, speaker) in prosody_figures.statistics(scores).items():
            report.figure(
                f"{folder.name}, {line}, {name}",
                statistic,
                speaker,
                floors.get(name) if line == "phone" else None,
            )
        for name, value in prosody_figures.calibration(scores).items():
            report.line(f"{folder.name}, {line}, calibration error, {name}", value, f"{value:.3f}")
        if (
            line == "phone"
            and min(np.unique(features.speaker, return_counts=True)[1]) > prosody_figures.HEARD_BEFORE
        ):
            in_turn = prosody_figures.heard_in_turn(model, features)
            for name, (statistic, speaker) in prosody_figures.statistics(in_turn).items():
                report.figure(f"{folder.name}, {line}, running baseline, {name}", statistic, speaker)


def read_bursts(model: VocalBurstModel, held: list[Clip], line: str) -> BurstScores:
    """Readings of clips over a line; a clip of more than two seconds counts once per window."""
    rng = np.random.default_rng(0)
    readings, labels, speakers = [], [], []
    for clip in held:
        windows = windows_of(TREATMENTS[line](clip.pcm, rng))
        readings += model.run(windows)
        labels += [clip.label] * len(windows)
        speakers += [clip.speaker] * len(windows)
    return BurstScores.of(model, readings, labels, speakers)


def bursts(report: Report, folder: Path, scores: dict[str, BurstScores], model: VocalBurstModel) -> None:
    """Figures of a folder of bursts."""
    for line, held in scores.items():
        for name, (statistic, speaker) in burst_figures.statistics(model, held).items():
            report.figure(
                f"{folder.name}, {line}, {name}",
                statistic,
                speaker,
                BURSTS.get(name) if line == "phone" else None,
            )
        for name, value in burst_figures.calibration(model, held).items():
            report.line(f"{folder.name}, {line}, calibration error, {name}", value, f"{value:.3f}")


def language(report: Report, folder: Path) -> None:
    """Figures of GoEmotions, in spoken style, and the cost of a turn."""
    model = LanguageModel()
    dev, test = comments(folder, "dev"), comments(folder, "test")
    p_dev, p_test = (language_figures.probabilities(model, c.texts) for c in (dev, test))
    everyone = np.arange(len(test.texts))
    for name, statistic in language_figures.statistics(p_dev, dev, p_test, test).items():
        report.figure(f"{folder.name}, {name}", statistic, everyone, LANGUAGE.get(name))
    for name, value in language_figures.calibration(p_test, test.labels).items():
        report.line(f"{folder.name}, calibration error, {name}", value, f"{value:.3f}")
    spent = language_cost(model, test.texts)
    report.line("CPU per turn of text", spent.least, str(spent), most=MOST_TEXT_MS)


def column_names(folder: Path) -> list[str]:
    """The head of a folder's ``labels.csv``."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def cost(report: Report) -> None:
    """Size of all weights, CPU per second of speech."""
    root = Path(__file__).resolve().parent.parent / "models"
    files = [
        f
        for name in MODELS
        for f in (root / name).iterdir()
        if f.suffix in (".npz", ".onnx") or f.name == MANIFEST
    ]
    size = sum(f.stat().st_size for f in files) / 1e6
    report.line("size of all weights", size, f"{size:.2f} MB", most=MOST_MEGABYTES)
    for name, spent in voice_costs().items():
        limit = MOST_VOICE_MS if name == "together" else None
        report.line(f"CPU per window, {name}", spent.least, str(spent), most=limit)


def main() -> int:
    """Measure everything that was named; 0 when no figure is below its floor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--split", help="test, dev, train or all")
    parser.add_argument(
        "--speech", choices=("acted", "spontaneous"), default="acted", help="which floors voices have"
    )
    arguments = parser.parse_args()
    report, encoder = Report(), EmotionEncoder()
    model = VocalBurstModel(encoder)
    spoken: dict[str, list[float]] = {}
    burst: dict[str, list[float]] = {}
    for folder in arguments.folder:
        if (folder / "test.tsv").is_file():
            language(report, folder)
            continue
        columns = column_names(folder)
        if not {"category", "emotion"}.intersection(columns):
            parser.error(
                f"{folder / 'labels.csv'} has neither 'emotion' nor 'category': {', '.join(columns)}"
            )
        held = chosen(folder, arguments.split)
        scores = {line: read_bursts(model, held, line) for line in LINES}
        if "category" in columns:
            bursts(report, folder, scores, model)
        else:
            voices(report, folder, held, encoder, ACTED if arguments.speech == "acted" else SPONTANEOUS)
        for line, of in scores.items():
            (burst if "category" in columns else spoken).setdefault(line, []).extend(of.burst().tolist())
    for line in LINES:
        if line in spoken and line in burst:
            value = burst_figures.gate_uar(np.array(burst[line]), np.array(spoken[line]))
            report.line(f"gate, {line}, UAR", value, f"{value:.3f}", GATE[line])
        elif line in spoken:
            value = float(np.mean(np.array(spoken[line]) <= 0.5))
            report.line(f"gate, {line}, share of speech not taken for a burst", value, f"{value:.3f}")
    cost(report)
    print(
        "all figures reach their floors"
        if not report.failed
        else f"{report.failed} figures miss their floors"
    )
    return int(report.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
