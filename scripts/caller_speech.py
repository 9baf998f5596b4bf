"""Speak sentences with every free voice on this machine: the clean speech that the recognizer is trained on.

    python scripts/caller_speech.py OUT --graph voice_agent/practice/graph.yaml --running SENTENCES.txt \\
        [--part 0] [--hours 30]

Writes OUT/PART_SHARD.npy (int16 at 8 kHz, utterances in a row) and .tsv (samples, voice, sentence). One
process
a core with different ``--part``; an interrupted run goes on behind the shards that are there. Lines, noise
and rooms are put on top in training, freshly every time.

Voices: flite and espeak-ng, as the product has them; ``pico2wave`` (SVOX Pico, Apache-2.0) and festival with
its voices ked, slt-hts and msu_ru (BSD-like) where they are installed. Voices in ``HELD_OUT`` never speak
here: they are for tests. ``--accented`` is the share of sentences that voices of other languages speak with
their own sounds, and half of what is made of digits and letters is said word by word, each cut close, as
people read numbers out.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pocketsphinx
import soundfile
import soxr
from training.accents import ACCENTS as FOREIGN
from training.accents import Accent, Speaker, for_espeak, for_festival, for_pico
from training.caller_text import ONES, CallerText, as_spoken, examples_of, names_letter
from training.wideband_speech import ACCENTS, HELD_OUT, RATE, VARIANTS, Voices

from models.speech import SAMPLE_RATE, Delivery
from models.stt.dictionary import Dictionary

Floats = npt.NDArray[np.float32]

_SHARD = 500
_MOST_SECONDS = 12.0
_SYMBOLS = frozenset({*ONES[:11], "oh", *"abcdefghijklmnopqrstuvwxyz"})
_APART = 0.5
"""Share of digits and letters that are said word by word."""


class Callers:
    """Everybody who can speak here. Draws voice, pace, pitch and throat for each sentence."""

    def __init__(self, seed: int, accented: float = 0.0) -> None:
        self._rng = random.Random(seed)
        self._accented = accented
        self._dictionary = Dictionary()
        self._voices = Voices.load()
        self._variants = [v for v in VARIANTS if v not in HELD_OUT]
        self._speakers: list[tuple[float, str, Callable[[str], tuple[Floats, float]]]] = []
        for flite, share in zip(self._voices.flite, (2.4, 2.2, 2.0, 0.7), strict=False):
            self._speakers.append((share, "flite", lambda text, flite=flite: self._flite(flite, text)))
        if self._voices.espeak:
            self._speakers.append((3.6, "espeak", self._espeak))
        if shutil.which("pico2wave"):
            self._speakers.append((2.2, "pico-us", lambda text: self._native_pico("en-US", text)))
            self._speakers.append((1.1, "pico-gb", lambda text: self._native_pico("en-GB", text)))
        self._festival = Festival() if shutil.which("festival") else None
        if self._festival:
            self._speakers.append((1.0, "ked", lambda text: self._diphone("ked_diphone", text)))
            self._speakers.append((0.9, "hts", lambda text: self._diphone("cmu_us_slt_arctic_hts", text)))

    def speak(self, sentence: str) -> tuple[str, npt.NDArray[np.int16]]:
        """Voice and int16 samples at 8 kHz, silence cut off both ends; empty when the engine failed."""
        rng, words = self._rng, sentence.split()
        if rng.random() < self._accented:
            accent = rng.choice([*FOREIGN, *(a for a in FOREIGN if a.pico or a.festival)])
            name, speaker = f"accent-{accent.espeak[0]}", self._foreigner(accent)
        else:
            share = [s for s, _, _ in self._speakers]
            _, name, native = rng.choices(self._speakers, share)[0]

            def speaker(said: list[str]) -> tuple[Floats, float]:
                return native(as_spoken(" ".join(said)) + rng.choice([".", ".", "?", ",", ""]))

        if _SYMBOLS.issuperset(words) and rng.random() < _APART:
            narrow = self._apart(words, speaker)
        else:
            narrow = self._cut(*speaker(words), 0.01)
        peak = np.abs(narrow).max(initial=1e-9)
        return name, (narrow * (24000 / peak)).astype(np.int16)

    def _cut(self, x: Floats, rate: float, floor: float) -> Floats:
        """At 8 kHz, from the first to the last sample above ``floor`` of the peak."""
        if len(x) < rate / 10:
            return np.zeros(0, np.float32)
        narrow = soxr.resample(x, rate, SAMPLE_RATE, quality="HQ")
        loud = np.flatnonzero(np.abs(narrow) > floor * np.abs(narrow).max(initial=1e-9))
        found: Floats = narrow[loud[0] : loud[-1] + 1] if len(loud) else narrow[:0]
        return found

    def _apart(self, words: list[str], speaker: Callable[[list[str]], tuple[Floats, float]]) -> Floats:
        """Each word by itself, cut close, at a pace of its own: numbers that are read out."""
        rng, parts = self._rng, []
        floor, pace = rng.uniform(0.01, 0.12), rng.uniform(0.95, 1.12)
        for word in words:
            x, rate = speaker([word])
            part = self._cut(x, rate * pace, floor)
            if not len(part):
                return part
            part = part / np.abs(part).max() * rng.uniform(0.5, 1)
            parts += [part, np.zeros(int(SAMPLE_RATE * rng.uniform(0.03, 0.25)), np.float32)]
        return np.concatenate(parts[:-1])

    def _foreigner(self, accent: Accent) -> Callable[[list[str]], tuple[Floats, float]]:
        """Somebody who speaks English with the sounds of another language, in one voice."""
        rng, manner = self._rng, Speaker(accent, self._rng)
        throat, pace, pitch = self._throat(0.85, 1.15), rng.uniform(0.8, 1.3), rng.uniform(0.8, 1.25)
        by_pico = bool(accent.pico) and shutil.which("pico2wave") is not None and rng.random() < 0.7
        by_festival = bool(accent.festival) and self._festival is not None and rng.random() < 0.5
        voice = f"{rng.choice(accent.espeak)}+{rng.choice(self._variants)}"

        def sounds(words: list[str]) -> list[list[str]]:
            return [
                manner.word(
                    ("EY",) if word == "a" and names_letter(words, i) else self._dictionary.readings(word)[0]
                )
                for i, word in enumerate(words)
            ]

        def speak(words: list[str]) -> tuple[Floats, float]:
            if by_pico:
                x, rate = self._pico(accent.pico, for_pico(sounds(words)), pitch / throat, pace)
            elif by_festival and self._festival is not None:
                said = f"(eval (list 'Utterance 'Phones '({for_festival(sounds(words))})))"
                x, rate = self._festival.speak(accent.festival, said, 1.0)
            else:
                delivery = Delivery(rate=pace, pitch=pitch, pitch_range=rng.uniform(0.6, 1.6))
                x, rate = self._voices.sounds(for_espeak(sounds(words)), voice, delivery), RATE
            return x, rate * throat

        return speak

    def _throat(self, low: float, high: float) -> float:
        """A factor on the sample rate: formants and pitch move together."""
        return self._rng.uniform(low, high)

    def _flite(self, flite: object, text: str) -> tuple[Floats, float]:
        rng, throat = self._rng, self._throat(0.85, 1.18)
        delivery = Delivery(
            rate=rng.uniform(0.85, 1.45) / throat,
            pitch=rng.uniform(0.75, 1.3) / throat,
            pitch_range=rng.uniform(0.4, 1.5),
        )
        samples, rate = flite.speak(text, delivery)  # type: ignore[attr-defined]
        return samples.astype(np.float32), rate * throat

    def _espeak(self, text: str) -> tuple[Floats, float]:
        rng = self._rng
        delivery = Delivery(
            rate=rng.uniform(0.75, 1.35), pitch=rng.uniform(0.8, 1.25), pitch_range=rng.uniform(0.4, 1.6)
        )
        # The plain voices are what the simulator's callers have: they get a share of their own.
        name = rng.choice(("en-us", "en-us", "en-us+f3", "en-us+m3"))
        if rng.random() < 0.85:
            name = f"{rng.choice(ACCENTS)}+{rng.choice(self._variants)}"
        # This engine reads "ay" as the word "aye".
        said = re.sub(r"\bay\b", "eh", text)
        return self._voices.say(said, name, delivery), 16000 * self._throat(0.93, 1.07)

    def _native_pico(self, language: str, text: str) -> tuple[Floats, float]:
        rng, throat = self._rng, self._throat(0.82, 1.15)
        x, rate = self._pico(language, text, rng.uniform(0.75, 1.3) / throat, rng.uniform(0.8, 1.4) / throat)
        return x, rate * throat

    def _pico(self, language: str, text: str, pitch: float, pace: float) -> tuple[Floats, float]:
        marked = f'<pitch level="{100 * pitch:.0f}"><speed level="{100 * pace:.0f}">{text}</speed></pitch>'
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            made = subprocess.run(
                ["pico2wave", "-l", language, "-w", file.name, marked], capture_output=True, check=False
            )
            if made.returncode:
                return np.zeros(0, np.float32), 16000
            x, rate = soundfile.read(file.name, dtype="float32")
        return x, rate

    def _diphone(self, voice: str, text: str) -> tuple[Floats, float]:
        assert self._festival is not None
        throat = self._throat(0.85, 1.17)
        said = text.replace('"', "").replace("\\", "")
        stretch = self._rng.uniform(0.75, 1.2) * throat
        x, rate = self._festival.speak(voice, f'(Utterance Text "{said}")', stretch)
        return x, rate * throat


class Festival:
    """A festival process, fed one sentence at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["festival", "--interactive"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

    def speak(self, voice: str, utterance: str, stretch: float) -> tuple[Floats, float]:
        """Samples and rate of an utterance (an expression of festival's); empty when festival refuses."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            self._process.stdin.write(
                f"(voice_{voice}) (Parameter.set 'Duration_Stretch {stretch:.2f}) "
                f'(utt.save.wave (utt.synth {utterance}) "{file.name}" \'riff) '
                '(format t "done\\n")\n'
            )
            self._process.stdin.flush()
            for line in self._process.stdout:
                if "done" in line:
                    break
            try:
                x, rate = soundfile.read(file.name, dtype="float32")
            except soundfile.LibsndfileError:
                return np.zeros(0, np.float32), 16000
        return x, float(rate)


def dictionary_words() -> list[str]:
    """The words of the dictionary that comes with PocketSphinx."""
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    return [w for line in path.read_text().splitlines() if (w := line.split()[0]).isalpha()]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--graph", type=Path, required=True, help="context graph whose examples callers say")
    parser.add_argument("--running", type=Path, required=True, help="sentences, one a line")
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--hours", type=float, default=30)
    parser.add_argument("--accented", type=float, default=0.3, help="share with a foreign accent")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    shard = len(list(args.out.glob(f"{args.part}_*.tsv")))
    seed = 1000 * args.part + shard
    rng, callers = random.Random(seed), Callers(seed, args.accented)
    running = args.running.read_text(encoding="utf-8").splitlines()
    text = iter(CallerText(rng, dictionary_words(), running, examples_of(args.graph)))
    start, seconds = time.monotonic(), 0.0
    while seconds < args.hours * 3600:
        arrays, rows = [], []
        while len(rows) < _SHARD:
            sentence = next(text)
            voice, pcm = callers.speak(sentence)
            if not 0.2 * SAMPLE_RATE < len(pcm) < _MOST_SECONDS * SAMPLE_RATE:
                continue
            arrays.append(pcm)
            rows.append(f"{len(pcm)}\t{voice}\t{sentence}\n")
        np.save(args.out / f"{args.part}_{shard:04d}.npy", np.concatenate(arrays))
        # The text comes last: a shard without it does not count.
        (args.out / f"{args.part}_{shard:04d}.tsv").write_text("".join(rows))
        shard += 1
        seconds += sum(map(len, arrays)) / SAMPLE_RATE
        done = time.monotonic() - start
        print(f"part {args.part}: {seconds / 3600:.2f} h in {done / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
