"""What the recognizer's network learns from: utterances of folders, over another phone line each time, in
batches."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import soxr
import torch
from torch.utils.data import IterableDataset

from models.speech import SAMPLE_RATE, Pcm
from models.stt.lexicon import BY_HAND
from models.stt.phone_mel import STEP, phone_log_mel
from models.stt.phones import PHONES
from training.caller_text import names_letter, plain
from training.line_sounds import SOUNDS
from training.phone_lines import Line

LONGEST: Final = 8 * SAMPLE_RATE
_SHARDS: Final = 4
"""Heard in one go, so that batches can be of like length."""
_TEMPO: Final = 0.62, 1.12
"""Of the length of synthetic speech, what people take: they say short words in half the time."""
_NUMBER: Final = {phone: i for i, phone in enumerate(PHONES)}
_HUMMED: Final = {"mm-hmm": "M HH M", "uh-huh": "AH HH AH", "mhm": "M HH M", "mm": "M"}


def dictionary(path: Path) -> dict[str, list[int]]:
    """The first pronunciation of each word, as numbers of phones."""
    out: dict[str, list[int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *phones = line.split()
        out.setdefault(word.split("(")[0], [_NUMBER[p] for p in phones])
    for word, phones in _HUMMED.items():
        out[word] = [_NUMBER[p] for p in phones.split()]
    return out


def phones_of(sentence: str, lexicon: dict[str, list[int]]) -> list[int] | None:
    """The phones of a sentence, None when a word has none."""
    words, out = sentence.split(), []
    for i, word in enumerate(words):
        if word == "a" and names_letter(words, i):
            out.append(_NUMBER["EY"])
        elif word in lexicon:
            out += lexicon[word]
        elif word in BY_HAND:
            out += [_NUMBER[p] for p in BY_HAND[word][0].split()]
        else:
            return None
    return out


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sentence: its audio (in a mapped shard or a file) and its phones."""

    audio: Path
    first: int
    samples: int
    phones: tuple[int, ...]

    def pcm(self) -> Pcm:
        """int16 at 8 kHz."""
        if self.audio.suffix == ".npy":
            return np.array(np.load(self.audio, mmap_mode="r")[self.first : self.first + self.samples])
        x, rate = soundfile.read(self.audio, dtype="float32", always_2d=True)
        narrow = soxr.resample(x.mean(axis=1), rate, SAMPLE_RATE)
        return (narrow * (24000 / (np.abs(narrow).max() + 1e-9))).astype(np.int16)


def utterances(folder: Path, lexicon: dict[str, list[int]]) -> Iterator[Utterance]:
    """Everything in a folder that has a transcript with known words and fits the network's window."""
    if (folder / "labels.csv").exists():
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                info = soundfile.info(folder / row["path"])
                phones = phones_of(plain(row["transcript"]), lexicon)
                samples = int(info.duration * SAMPLE_RATE)
                if phones and samples < LONGEST:
                    yield Utterance(folder / row["path"], 0, samples, tuple(phones))
        return
    for rows in sorted(folder.glob("*.tsv")):
        yield from shard(rows, lexicon)


def shard(rows: Path, lexicon: dict[str, list[int]]) -> Iterator[Utterance]:
    """The utterances of one shard of synthetic speech."""
    at = 0
    for row in rows.read_text(encoding="utf-8").splitlines():
        count, _, sentence = row.split("\t")
        phones = phones_of(sentence, lexicon)
        if phones and 1.3 * len(phones) + 3 < int(count) / STEP and int(count) < LONGEST - SAMPLE_RATE:
            yield Utterance(rows.with_suffix(".npy"), at, int(count), tuple(phones))
        at += int(count)


class Batches(IterableDataset[Any]):
    """Endless batches of like length, over fresh lines; of synthetic shards, the least used come first.

    ``pairs``: each utterance over a good line and over another (see :func:`stack_pairs`), else with its
    phones (see :func:`stack`).
    """

    def __init__(
        self,
        folders: Sequence[Path],
        lexicon: dict[str, list[int]],
        seed: int,
        seconds: float,
        used: dict[Path, int],
        *,
        pairs: bool = False,
    ) -> None:
        """``used``: how often each shard was heard; counted on here."""
        self._folders, self._lexicon, self._seed = folders, lexicon, seed
        self._seconds, self._used, self._pairs = seconds, used, pairs

    def __iter__(self) -> Iterator[Any]:
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        rng = random.Random(self._seed * 97 + worker)
        line = Line(self._seed * 97 + worker)
        noise = np.random.default_rng(self._seed * 97 + worker)
        used = self._used
        while True:
            pool: list[Utterance] = []
            rows = [p for f in self._folders for p in sorted(f.glob("*.tsv"))[1:]][worker::workers]
            rng.shuffle(rows)
            rows.sort(key=lambda p: used.get(p, 0))
            for path in rows[:_SHARDS]:
                used[path] = used.get(path, 0) + 1
                pool += shard(path, self._lexicon)
            for folder in self._folders:
                if (folder / "labels.csv").exists():
                    own = list(utterances(folder, self._lexicon))
                    pool += rng.sample(own, min(len(own), 300))
            rng.shuffle(pool)
            said = [(u.pcm(), u.phones) for u in pool]
            # What is no speech has no phones.
            makers = rng.choices(list(SOUNDS.values()), k=len(pool) // 40)
            said += [(make(noise), ()) for make in makers]
            said += [(np.zeros(rng.randint(2000, 16000), np.int16), ()) for _ in range(len(pool) // 150)]
            if self._pairs:
                heard = [Row(*line.pair(pcm), phones) for pcm, phones in said]
            else:
                heard = [Row(None, line(pcm), phones) for pcm, phones in said]
            for group in self._grouped(heard, rng):
                if self._pairs:
                    yield stack_pairs(group, noise)
                else:
                    yield stack([(row.heard[:LONGEST], row.phones) for row in group], noise)

    def _grouped(self, heard: list[Row], rng: random.Random) -> list[list[Row]]:
        groups: list[list[Row]] = [[]]
        for row in sorted(heard, key=lambda r: len(r.heard)):
            if (len(groups[-1]) + 1) * len(row.heard) > self._seconds * SAMPLE_RATE:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        return [group for group in groups if group]


@dataclass(frozen=True, slots=True)
class Row:
    """One utterance as a good line brings it (None when nobody asks), as another does, and its phones."""

    good: Pcm | None
    heard: Pcm
    phones: tuple[int, ...]


def stack_pairs(group: list[Row], noise: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """Mel over the good line, mel over the other, varied alike, and frames."""
    seed = int(noise.integers(2**31))
    goods = [(row.good[:LONGEST], ()) for row in group if row.good is not None]
    good, frames, _, _ = stack(goods, np.random.default_rng(seed), hidden=False)
    bad = [(row.heard[:LONGEST], ()) for row in group]
    heard, _, _, _ = stack(bad, np.random.default_rng(seed), hidden=False)
    return good, heard, frames


def stack(
    group: list[tuple[Pcm, tuple[int, ...]]], noise: np.random.Generator | None, *, hidden: bool = True
) -> tuple[torch.Tensor, ...]:
    """Mel with sound at the end of each row, frames, labels in a row, their lengths; varied if ``noise``,
    and parts of it covered if ``hidden``."""
    mels = [phone_log_mel(pcm) for pcm, _ in group]
    if noise is not None:
        mels = [warp(mel, noise) for mel in mels]
        if hidden:
            mels = [hide(mel, noise) for mel in mels]
    frames = [m.shape[1] // 2 for m in mels]
    x = torch.zeros(len(group), 80, 2 * max(frames))
    for i, mel in enumerate(mels):
        x[i, :, x.shape[2] - mel.shape[1] :] = torch.from_numpy(mel)
    labels = torch.tensor([p for _, phones in group for p in phones], dtype=torch.long)
    return x, torch.tensor(frames), labels, torch.tensor([len(phones) for _, phones in group])


def warp(mel: np.ndarray, noise: np.random.Generator) -> np.ndarray:
    """Another pace, uneven, and another throat: synthetic voices keep time like clocks, and are few."""
    bands, length = mel.shape
    if length < 20:
        return mel
    knots = max(2, length // 25)
    pace = np.interp(np.linspace(0, knots - 1, length), np.arange(knots), noise.uniform(0.75, 1.3, knots))
    place = np.cumsum(pace)
    frames = min(2 * LONGEST // STEP, int(place[-1] * noise.uniform(*_TEMPO)) // 2 * 2)
    at = np.interp(np.linspace(place[0], place[-1], frames), place, np.arange(length))
    mel = _between(mel.T, at).T
    bend = np.clip(np.arange(bands) * noise.uniform(0.93, 1.07) + noise.uniform(-0.7, 0.7), 0, bands - 1)
    return _between(mel, bend) if noise.random() < 0.6 else mel


def _between(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rows at fractional places."""
    low = np.minimum(at.astype(int), len(rows) - 2)
    share = (at - low).astype(np.float32)[:, None]
    out: np.ndarray = rows[low] * (1 - share) + rows[low + 1] * share
    return out


def hide(mel: np.ndarray, noise: np.random.Generator) -> np.ndarray:
    """Cover short stretches and a few bands (SpecAugment, Park et al. 2019)."""
    mel = np.ascontiguousarray(mel, dtype=np.float32)
    floor = mel.min()
    for _ in range(mel.shape[1] // 150 + 1):
        at = noise.integers(mel.shape[1])
        mel[:, at : at + noise.integers(1, 14)] = floor
    for _ in range(2):
        at = noise.integers(56)
        mel[at : at + noise.integers(0, 8)] = floor
    return mel
