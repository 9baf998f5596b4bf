"""Does the turn model that skips leading silence judge as the whole one does, and what does it cost?

    python scripts/evaluate_turn.py FOLDER

FOLDER holds a labels.csv (path, transcript, kind, speaker, native_hz) and recordings of running speech. Each
is heard up to its end and up to moments in its middle where the voice dips, from several beginnings: how well
the probability tells the two apart is the area under the curve. Prints a table in markdown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from training.metrics import roc_auc
from training.stt_sets import recordings
from training.wideband_speech import PhoneLine, read

from models.speech import SAMPLE_RATE, Pcm
from models.turn.smart_turn import FOLDER, SmartTurn

_ENDS, _CUTS = 3, 6
"""How often a recording is heard to its end, and to somewhere in its middle."""
_LONGEST, _SHORTEST = 6.5, 1.2
_TIMED: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
_FRAME: Final = SAMPLE_RATE // 50


def _spoken(pcm: Pcm) -> Pcm:
    """Without the silence around it."""
    frames = np.abs(pcm[: len(pcm) // _FRAME * _FRAME].astype(np.float32)).reshape(-1, _FRAME).mean(axis=1)
    loud = np.flatnonzero(frames > 0.05 * frames.max())
    return pcm[loud[0] * _FRAME : (loud[-1] + 2) * _FRAME]


def turns(folder: Path) -> Iterator[tuple[Pcm, bool]]:
    """Sound as a call hands it to the model, and whether the speaker had finished."""
    rng = np.random.default_rng(1)
    for recording in recordings(folder):
        x, rate = read(recording.path)
        pcm = _spoken(PhoneLine()(x, rng, rate))
        voice = np.convolve(np.abs(pcm.astype(np.float32)), np.ones(_FRAME) / _FRAME, "same")
        ends = [(len(pcm), True)] * _ENDS
        for _ in range(_CUTS):
            about = int(rng.uniform(0.35, 0.75) * len(pcm))
            first, last = max(SAMPLE_RATE // 2, about - 1600), min(len(pcm) - 5000, about + 1600)
            if first < last:
                ends.append((first + int(voice[first:last].argmin()), False))
        for end, finished in ends:
            heard = pcm[max(0, end - int(rng.uniform(_SHORTEST, _LONGEST) * SAMPLE_RATE)) : end]
            pause = np.zeros(int(rng.uniform(0.08, 0.25) * SAMPLE_RATE), np.int16)
            yield np.concatenate([np.zeros(SAMPLE_RATE // 5, np.int16), heard, pause]), finished


def _milliseconds(model: SmartTurn, pcm: Pcm, runs: int = 10) -> float:
    begun = time.process_time()
    for _ in range(runs):
        model.probability(pcm)
    return (time.process_time() - begun) / runs * 1000


def main() -> None:
    """Print what both networks say of a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    heard = list(turns(parser.parse_args().folder))
    finished = np.array([label for _, label in heard])
    models = {"whole": SmartTurn(FOLDER / "none"), "silence skipped": SmartTurn()}
    said: dict[str, npt.NDArray[np.float64]] = {}
    print(f"{len(heard)} turns, {int(finished.sum())} of them finished\n")
    print(
        "| network | AUC | finished, taken for the end at 0.5 | unfinished | finished at 0.9 | unfinished |"
    )
    print("|---|---|---|---|---|---|")
    for name, model in models.items():
        p = said[name] = np.array([model.probability(pcm) for pcm, _ in heard])
        taken = [(p[finished == end] >= limit).mean() for limit in (0.5, 0.9) for end in (True, False)]
        print(f"| {name} | {roc_auc(finished, p):.3f} | {' | '.join(f'{each:.0%}' for each in taken)} |")
    apart = np.abs(said["whole"] - said["silence skipped"])
    print(f"\nThey differ by {apart.mean():.3f}; 95 % by less than {np.percentile(apart, 95):.2f}.")
    print("\n| CPU, ms | " + " | ".join(f"{seconds:g} s" for seconds in _TIMED) + " |")
    print("|---" * (len(_TIMED) + 1) + "|")
    noise = np.random.default_rng(0).normal(0, 1000, 8 * SAMPLE_RATE).astype(np.int16)
    for name, model in models.items():
        costs = [_milliseconds(model, noise[: int(seconds * SAMPLE_RATE)]) for seconds in _TIMED]
        print(f"| {name} | " + " | ".join(f"{cost:.1f}" for cost in costs) + " |")


if __name__ == "__main__":
    main()
