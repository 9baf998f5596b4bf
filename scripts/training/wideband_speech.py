"""Wideband speech to learn from: synthetic callers of many voices, and recordings; and what a phone line
does to it."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy.signal import butter, sosfilt

from models.speech import Delivery, SpeechError
from models.tts.espeak_worker import Espeak
from models.tts.flite import FliteLibrary
from telephony.g711 import decode_ulaw, encode_ulaw

Floats = npt.NDArray[np.float32]

RATE = 16000
FLITE_VOICES = ("slt", "rms", "awb", "kal16")
ACCENTS = ("en-us", "en-us", "en-us", "en", "en-gb-x-rp", "en-029", "en-gb-scotland")
HELD_OUT = (
    "f4",
    "m6",
    "klatt3",
    "Andrea",
    "Hugo",
    "linda",
    "paul",
    "victor",
    "Michael",
    "caleb",
    "Annie",
    "zac",
)
"""Variants of espeak-ng that no training sentence is spoken with."""

VARIANTS = (
    *(
        "f1",
        "f2",
        "f3",
        "f4",
        "f5",
        "m1",
        "m2",
        "m3",
        "m4",
        "m5",
        "m6",
        "m7",
        "m8",
        "klatt",
        "klatt2",
        "klatt3",
        "Lee",
    ),
    *(
        "klatt4",
        "Alex",
        "Alicia",
        "Andrea",
        "Andy",
        "Annie",
        "Diogo",
        "Gene",
        "Hugo",
        "Jacky",
        "Marco",
        "Mario",
    ),
    *(
        "Michael",
        "Mike",
        "Reed",
        "adam",
        "anika",
        "antonio",
        "belinda",
        "benjamin",
        "boris",
        "caleb",
        "david",
        "ed",
    ),
    *(
        "edward",
        "ian",
        "john",
        "linda",
        "max",
        "michel",
        "miguel",
        "norbert",
        "pablo",
        "paul",
        "pedro",
        "quincy",
    ),
    *("rob", "robert", "sandro", "shelby", "steph", "travis", "victor", "zac", "grandma", "grandpa", "aunty"),
)


@dataclass(frozen=True)
class Voices:
    """The synthetic callers that this machine can make."""

    espeak: Espeak | None
    flite: tuple[FliteLibrary, ...]

    @classmethod
    def load(cls) -> Voices:
        """Whatever of espeak-ng and flite is installed."""
        flite = []
        for name in FLITE_VOICES:
            try:
                flite.append(FliteLibrary(name))
            except SpeechError:
                continue
        try:
            espeak: Espeak | None = Espeak(165)
        except SpeechError:
            espeak = None
        return cls(espeak, tuple(flite))

    def say(self, text: str, voice: str, delivery: Delivery | None = None) -> Floats:
        """One sentence by an espeak voice ("en-us+f3"), float samples at 16 kHz."""
        return self._espeak(escape(text), voice, delivery or Delivery(), phonemes=False)

    def sounds(self, spelled: str, voice: str, delivery: Delivery) -> Floats:
        """As :meth:`say`, of espeak's names of sounds in double square brackets."""
        return self._espeak(f"{spelled} ", voice, delivery, phonemes=True)

    def _espeak(self, marked: str, voice: str, d: Delivery, *, phonemes: bool) -> Floats:
        if self.espeak is None:
            raise SpeechError("espeakng-loader is not installed: install the extra 'espeak'")
        pitch, span = 200 * (d.pitch - 1), 100 * (d.pitch_range - 1)
        prosody = f'rate="{100 * d.rate:.0f}%" pitch="{pitch:+.0f}%" range="{span:+.0f}%"'
        samples = self.espeak.speak(
            voice, f"<speak><prosody {prosody}>{marked}</prosody></speak>", phonemes=phonemes
        )
        return soxr.resample(samples.astype(np.float32) / 32768, self.espeak.rate, RATE)

    def anybody(self, text: str, rng: random.Random) -> Floats:
        """One sentence by a voice drawn by chance."""
        delivery = Delivery(
            rate=rng.uniform(0.8, 1.25), pitch=rng.uniform(0.85, 1.2), pitch_range=rng.uniform(0.5, 1.4)
        )
        if self.flite and (self.espeak is None or rng.random() < 0.5):
            samples, rate = rng.choice(self.flite).speak(text, delivery)
            return soxr.resample(samples.astype(np.float32) / 32768, rate, RATE)
        return self.say(text, f"{rng.choice(ACCENTS)}+{rng.choice(VARIANTS)}", delivery)


def read(path: Path) -> tuple[Floats, int]:
    """Mono samples and rate of a recording; ``.raw`` is headerless 16 kHz int16."""
    if path.suffix == ".raw":
        return np.fromfile(path, "<i2").astype(np.float32) / 32768, RATE
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return x.mean(axis=1), int(rate)


@dataclass(frozen=True)
class Recording:
    """One row of a folder's labels.csv."""

    path: Path
    transcript: str
    kind: str
    speaker: str
    rate: int


def labelled(folder: Path) -> list[Recording]:
    """The recordings of a folder with a labels.csv, in its order."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return [
            Recording(
                folder / row["path"], row["transcript"], row["kind"], row["speaker"], int(row["native_hz"])
            )
            for row in csv.DictReader(file)
        ]


def stretch(x: Floats, factor: float) -> Floats:
    """Played faster or slower, formants and pitch with it: another throat."""
    return soxr.resample(x, RATE, RATE * factor)


@dataclass(frozen=True)
class PhoneLine:
    """What lies between a mouth and the media stream."""

    low_hz: float = 300.0
    high_hz: float = 3400.0
    snr_db: float | None = None
    peak_db: float = -6.0
    babble: Floats | None = None
    """Noise at 8 kHz instead of white noise."""
    colour: float = 0.0
    """0 for white noise, towards 1 for rumble."""

    def __call__(self, x: Floats, rng: np.random.Generator, rate: int = RATE) -> npt.NDArray[np.int16]:
        """Wideband samples -> what the far end receives, int16 at 8 kHz, as long as before."""
        narrow = soxr.resample(x, rate, 8000, quality="HQ") if rate != 8000 else x
        scale = 10 ** (self.peak_db / 20) / (np.abs(narrow).max() + 1e-9)
        heard = narrow * scale
        if self.snr_db is not None:
            noise = rng.normal(0, 1, len(heard)).astype(np.float32)
            if self.babble is not None:
                noise = np.resize(np.roll(self.babble, int(rng.integers(len(self.babble)))), len(heard))
            elif self.colour:
                noise = sosfilt(np.array([[1.0, 0.0, 0.0, 1.0, -self.colour, 0.0]]), noise)
            frames = (heard[: len(heard) // 80 * 80].reshape(-1, 80) ** 2).mean(axis=1)
            loud = frames[frames > frames.max(initial=0) * 10**-2.5].mean() if len(frames) else 0.0
            heard = heard + noise * np.sqrt(loud / (noise**2).mean() * 10 ** (-self.snr_db / 10))
        heard = sosfilt(butter(4, [self.low_hz, self.high_hz], "band", fs=8000, output="sos"), heard)
        return decode_ulaw(encode_ulaw((np.clip(heard, -1, 1) * 32767).astype(np.int16)))


def sentences(rng: random.Random, words: list[str]) -> Iterator[str]:
    """Endless text to train the ear on: callers' phrases, numbers, letters and random words."""
    openers = [
        "i need to",
        "can i",
        "i would like to",
        "please",
        "could you",
        "i want to",
        "i'm calling to",
        "well",
    ]
    acts = ["move", "cancel", "book", "change", "ask about", "refill", "talk about", "check on", "pay"]
    things = [
        "my appointment",
        "a prescription",
        "my visit",
        "the bill",
        "my insurance",
        "a checkup",
        "the results",
    ]
    times = [
        "on friday",
        "next tuesday",
        "tomorrow morning",
        "at two thirty",
        "in march",
        "this afternoon",
        "today",
    ]
    digits = ["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    short = [
        "yes",
        "no",
        "yes that's right",
        "no thank you",
        "okay",
        "sure",
        "hello",
        "i don't know",
        "mm hmm",
        "um",
    ]
    while True:
        kind = rng.random()
        if kind < 0.25:
            yield f"{rng.choice(openers)} {rng.choice(acts)} {rng.choice(things)} {rng.choice(times)}"
        elif kind < 0.40:
            yield " ".join(rng.choice(digits) for _ in range(rng.randint(1, 10)))
        elif kind < 0.48:
            yield " ".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(1, 6)))
        elif kind < 0.58:
            yield rng.choice(short)
        else:
            yield " ".join(rng.choice(words) for _ in range(rng.randint(4, 12)))
