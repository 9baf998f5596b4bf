"""What it costs to listen for how callers feel, against the budgets; the exit status is 1 when one is
exceeded.

    python scripts/bench_emotion.py                      about two minutes on a quiet machine
    python scripts/bench_emotion.py --calls 40 --seconds 20
    python scripts/bench_emotion.py --voices FOLDER      valence on a folder of labelled clips as well

Three measurements: what each model takes per second of a caller's speech and per turn; many calls on the same
models at once (how late a reading comes, what the event loop feels of it, CPU per call); and the same calls
through the whole system with it and without, side by side.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from bench.feeling_calls import Replies, replies
from bench.figures import Figures, percentile
from training.emotion_data import Line, clips
from training.latency import language_cost, voice_costs
from training.metrics import roc_auc

from models.language import LanguageModel
from models.prosody import CallerBaseline
from models.speech import SAMPLE_RATE, Delivery, Pcm
from models.tts.espeak import EspeakVoice
from voice_agent.call.emotion_models import EmotionModels, EmotionNetworks
from voice_agent.emotion.fusion import voice_valence

VOICE_MS, LANGUAGE_MS = 10.0, 5.0
CORE_PERCENT = 0.5
SNAPSHOT_P95_MS = 150.0
SLOWER_MS = 50.0
"""Difference of median reply latency that is noise on a shared machine."""

SPEAKS = 0.4
"""Share of a call in which its caller speaks (the example call: 0.3)."""

WINDOW = 2 * SAMPLE_RATE
SENTENCE = "I have been waiting for three weeks now and nobody has ever called me back about my appointment."
TURN_S = 6.0
UNPLEASANT, OTHER = frozenset({"anger", "fear", "sadness", "disgust"}), frozenset({"happiness", "neutral"})


@dataclass
class Load:
    """What many calls at once felt. Times in seconds."""

    waits: list[float] = field(default_factory=list)
    word_waits: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    unanswered: int = 0
    cpu: float = 0.0
    speech: float = 0.0


async def speech() -> Pcm:
    """A caller's sentence."""
    voice = EspeakVoice()
    await voice.start()
    pcm = np.concatenate([chunk async for chunk in voice.synthesize(SENTENCE, Delivery())])
    await voice.close()
    return pcm


async def _caller(models: EmotionModels, name: str, pcm: Pcm, start: float, stop: float, load: Load) -> None:
    """Somebody who speaks without a pause: a window every second, words every few."""
    baseline, due, turn = CallerBaseline.unknown(), start, start + TURN_S
    at = 0
    while due < stop:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        at = (at + SAMPLE_RATE) % max(1, len(pcm) - WINDOW)
        began = time.monotonic()
        heard = await models.hear(name, pcm[at : at + WINDOW], baseline)
        load.waits.append(time.monotonic() - began)
        load.speech += 1.0
        if heard is None:
            load.unanswered += 1
        else:
            baseline = models.learn(baseline, heard)
        if due >= turn:
            began = time.monotonic()
            await models.read(name, SENTENCE.lower())
            load.word_waits.append(time.monotonic() - began)
            turn += TURN_S
        due += 1.0


async def _feel(load: Load, stop: float) -> None:
    """How late the event loop is, every ten milliseconds."""
    while (now := time.monotonic()) < stop:
        await asyncio.sleep(0.01)
        load.lags.append(time.monotonic() - now - 0.01)


async def many_calls(networks: EmotionNetworks, pcm: Pcm, calls: int, seconds: float) -> Load:
    """``calls`` callers who all speak all the time; with none, only the event loop is looked at."""
    load, models = Load(), EmotionModels(networks)
    await models.read("warm", SENTENCE)
    await models.hear("warm", pcm[:WINDOW], CallerBaseline.unknown())
    start = time.monotonic() + 0.2
    stop = start + seconds
    cpu = time.process_time()
    await asyncio.gather(
        _feel(load, stop),
        *(_caller(models, f"{n}", pcm, start + n / max(1, calls), stop, load) for n in range(calls)),
    )
    load.cpu = time.process_time() - cpu
    models.close()
    return load


def add_models(figures: Figures) -> None:
    """CPU of each model alone."""
    costs = voice_costs()
    for name in ("encoder", "prosody", "bursts"):
        figures.add(f"{name}: CPU per second of caller speech, median", costs[name].median, "ms")
    together = costs["together"].median
    figures.add("prosody + bursts: the same", together, "ms", budget=VOICE_MS)
    words = language_cost(LanguageModel(), [SENTENCE.lower()] * 50)
    figures.add("language: CPU per turn, median", words.median, "ms", budget=LANGUAGE_MS)


def add_load(figures: Figures, calls: int, busy: Load, idle: Load) -> None:
    """Many calls at once."""
    own = max(0.0, busy.cpu - idle.cpu)
    per_second = own / busy.speech if busy.speech else 0.0
    figures.add(f"{calls} callers speaking at once: CPU per second of speech", per_second * 1000, "ms")
    figures.add(
        f"CPU per call at {calls} calls, callers speaking {SPEAKS:.0%} of the time",
        100 * per_second * SPEAKS,
        "% of a core",
        budget=CORE_PERCENT,
    )
    windows, texts = percentile(busy.waits, 95) or 0.0, percentile(busy.word_waits, 95) or 0.0
    figures.add("window to reading, p95", 1000 * windows, "ms", budget=SNAPSHOT_P95_MS)
    figures.add("words to reading, p95", 1000 * texts, "ms")
    figures.add("windows without an answer", 100 * busy.unanswered / max(1, len(busy.waits)), "%")
    figures.add(
        "event loop late, p99 (peer: without the models)",
        1000 * (percentile(busy.lags, 99) or 0),
        "ms",
        peer=1000 * (percentile(idle.lags, 99) or 0),
    )


def add_replies(figures: Figures, on: Replies, off: Replies) -> None:
    """The whole system, with and without."""
    figures.add(
        f"end of turn to snapshot, p95 of {len(on.snapshots_ms)} turns",
        percentile(on.snapshots_ms, 95),
        "ms",
        budget=SNAPSHOT_P95_MS,
    )
    with_, without = percentile(on.latencies_ms, 50), percentile(off.latencies_ms, 50)
    figures.add("reply latency, median (peer: switched off)", with_, "ms", peer=without)
    if with_ is not None and without is not None:
        figures.add("reply latency: difference of medians", with_ - without, "ms", budget=SLOWER_MS)
    figures.add(
        "reply latency, p95 (peer: switched off)",
        percentile(on.latencies_ms, 95),
        "ms",
        peer=percentile(off.latencies_ms, 95),
    )


def add_voices(figures: Figures, networks: EmotionNetworks, folder: Path) -> None:
    """Unpleasant against other voices of the test actors, over a phone line: the head alone, and as used."""
    if networks.encoder is None or networks.prosody is None:
        raise SystemExit(f"the voice models cannot be used: {dict(networks.missing)}")
    line, rng = Line(band=True), np.random.default_rng(0)
    truth, head, used = [], [], []
    for clip in clips(folder):
        if clip.split != "test" or clip.label not in UNPLEASANT | OTHER:
            continue
        [reading] = networks.prosody.run([line.carry(clip.pcm, rng)])
        truth.append(clip.label in OTHER)
        head.append(reading.valence)
        used.append(voice_valence(reading))
    labels = np.array(truth, np.int64)
    figures.add(
        f"valence of {len(truth)} voices of two unseen actors, AUC (peer: its head alone)",
        float(roc_auc(labels, np.array(used))),
        peer=float(roc_auc(labels, np.array(head))),
    )


async def bench(arguments: argparse.Namespace) -> Figures:
    """Everything, one after the other."""
    figures, networks = Figures(), EmotionNetworks.load()
    add_models(figures)
    pcm = await speech()
    idle = await many_calls(networks, pcm, 0, min(5.0, arguments.seconds))
    idle.cpu *= arguments.seconds / min(5.0, arguments.seconds)
    busy = await many_calls(networks, pcm, arguments.calls, arguments.seconds)
    add_load(figures, arguments.calls, busy, idle)
    on, off = Replies(), Replies()
    for _ in range(arguments.rounds):
        for emotion, into in ((True, on), (False, off)):
            with tempfile.TemporaryDirectory(prefix="voice-agent-bench-") as folder:
                into.add(await replies(Path(folder), pcm, emotion=emotion, turns=arguments.turns))
    add_replies(figures, on, off)
    if arguments.voices:
        add_voices(figures, networks, arguments.voices)
    return figures


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=2, help="systems with and without, in turns")
    parser.add_argument("--turns", type=int, default=5, help="of each call")
    parser.add_argument("--voices", type=Path, default=None)
    figures = asyncio.run(bench(parser.parse_args()))
    figures.show()
    return 0 if figures.all_ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
