"""Train the recognizer's network: CTC over phones on synthetic callers, and on recordings that the user
brings.

    python scripts/train_stt.py SPEECH... --encoder smart-turn-v3.2-cpu.onnx --dictionary cmudict-en-us.dict
    \\
        --out RUN [--minutes 60] [--threads 2]

A SPEECH folder is either what ``scripts/caller_speech.py`` writes or recordings with a ``labels.csv`` (path,
transcript; any format soundfile reads), such as a corpus whose licence allows it. Shards that appear while
it runs are taken in. Every utterance goes over another phone line each time. RUN keeps ``state.pt`` (an
interrupted run goes on from it, a finished one ends at once) and ``curve.csv``, the learning curve.

Synthetic voices teach the upper layers of the encoder things that are not true of people. So the run has
three
parts: the head alone; head and upper layers; then those layers go most of the way back to where they came
from (the mean of weights before and after is better than either with other speakers: Wortsman et al. 2022,
"Robust fine-tuning of zero-shot models"), and the head alone follows them.

Needs torch and onnx; uses an accelerator when torch sees one.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import soxr
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset
from training.caller_text import names_letter, plain
from training.edit_distance import distance
from training.line_sounds import SOUNDS
from training.phone_lines import Line
from training.stt_network import LAYERS, PhoneNetwork, load_encoder

from models.speech import SAMPLE_RATE, Pcm
from models.stt.lexicon import BY_HAND
from models.stt.phone_mel import STEP, phone_log_mel
from models.stt.phones import PHONES

LONGEST: Final = 8 * SAMPLE_RATE
HELD: Final = 80
HEAD_RATE, ENCODER_RATE = 2e-3, 2.5e-4
STEADINESS: Final = 0.995
"""Of the running mean of the weights, which is what is measured and exported."""
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
    """Endless batches of like length, over fresh lines; of synthetic shards, the least used come first."""

    def __init__(
        self, folders: Sequence[Path], lexicon: dict[str, list[int]], seed: int, seconds: float
    ) -> None:
        self._folders, self._lexicon, self._seed, self._seconds = folders, lexicon, seed, seconds

    def __iter__(self) -> Iterator[Any]:
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        rng = random.Random(self._seed * 97 + worker)
        line = Line(self._seed * 97 + worker)
        noise = np.random.default_rng(self._seed * 97 + worker)
        used: dict[Path, int] = {}
        while True:
            pool: list[Utterance] = []
            for folder in self._folders:
                rows = [
                    p for i, p in enumerate(sorted(folder.glob("*.tsv"))) if i % workers == worker and i > 0
                ]
                rng.shuffle(rows)
                rows.sort(key=lambda p: used.get(p, 0))
                for path in rows[:3]:
                    used[path] = used.get(path, 0) + 1
                    pool += shard(path, self._lexicon)
                if (folder / "labels.csv").exists():
                    own = list(utterances(folder, self._lexicon))
                    pool += rng.sample(own, min(len(own), 300))
            heard = [(line(u.pcm())[:LONGEST], u.phones) for u in rng.sample(pool, len(pool))]
            # What is no speech has no phones.
            makers = rng.choices(list(SOUNDS.values()), k=len(pool) // 40)
            heard += [(line(make(noise))[:LONGEST], ()) for make in makers]
            heard += [
                (line(np.zeros(rng.randint(2000, 16000), np.int16)), ()) for _ in range(len(pool) // 150)
            ]
            yield from self._grouped(heard, rng, noise)

    def _grouped(
        self, heard: list[tuple[Pcm, tuple[int, ...]]], rng: random.Random, noise: Any
    ) -> Iterator[Any]:
        groups: list[list[tuple[Pcm, tuple[int, ...]]]] = [[]]
        for row in sorted(heard, key=lambda r: len(r[0])):
            if (len(groups[-1]) + 1) * len(row[0]) > self._seconds * SAMPLE_RATE:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        for group in groups:
            yield stack(group, noise)


def stack(
    group: list[tuple[Pcm, tuple[int, ...]]], noise: np.random.Generator | None
) -> tuple[torch.Tensor, ...]:
    """Mel with sound at the end of each row, frames, labels in a row, their lengths; varied if ``noise``."""
    mels = [phone_log_mel(pcm) for pcm, _ in group]
    if noise is not None:
        mels = [hide(warp(mel, noise), noise) for mel in mels]
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


def greedy(log: torch.Tensor) -> list[int]:
    """The best unit of each frame, repeats and blanks removed."""
    best = log.argmax(-1).tolist()
    return [k for k, before in zip(best, [0, *best[:-1]], strict=True) if k and k != before]


def phone_error(network: PhoneNetwork, rows: list[tuple[Pcm, tuple[int, ...]]], device: str) -> float:
    """Phone error of the greedy reading, 0 to 1."""
    if not rows:
        return math.nan
    network.eval()
    wrong = total = 0
    with torch.no_grad():
        for row in rows:
            x, _, _, _ = stack([row], None)
            wrong += distance(row[1], greedy(network(x.to(device))[0]))
            total += len(row[1])
    network.train()
    return wrong / total


def pull_back(network: PhoneNetwork, was: dict[str, torch.Tensor], kept: float) -> None:
    """Move the encoder's layers towards the weights ``was`` that they began with."""
    with torch.no_grad():
        for name, weight in network.layers.named_parameters():
            weight.copy_(kept * weight + (1 - kept) * was[f"layers.{name}"].to(weight.device))


def beginning(start: Path | None, encoder: Path) -> PhoneNetwork:
    """The network that a run begins with: another run's, or the turn model's encoder and a new head."""
    network = PhoneNetwork(len(PHONES))
    if start is None:
        load_encoder(network, encoder)
    else:
        network.load_state_dict(torch.load(start, map_location="cpu")["mean"])
    return network


def measured(folder: Path, lexicon: dict[str, list[int]]) -> list[tuple[Pcm, tuple[int, ...]]]:
    """The recordings of a folder, as a phone line hands them over, for the curve only."""
    line = Line(1)
    return [(line(u.pcm())[:LONGEST], u.phones) for u in utterances(folder, lexicon)]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("speech", type=Path, nargs="+")
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--dictionary", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--start", type=Path, help="state.pt of another run, whose weights this one begins with"
    )
    parser.add_argument("--rate", type=float, default=1.0, help="factor on all learning rates")
    parser.add_argument(
        "--watch", type=Path, help="recordings with labels.csv to report on; never trained on"
    )
    parser.add_argument("--minutes", type=float, default=60, help="of training, all runs together")
    parser.add_argument("--frozen-minutes", type=float, default=4, help="at first the head learns alone")
    parser.add_argument("--thawed-until", type=float, default=25, help="minute from which it does so again")
    parser.add_argument(
        "--kept", type=float, default=0.4, help="share of what the encoder learned that stays"
    )
    parser.add_argument("--frozen-layers", type=int, default=2, help="layers of the encoder that never learn")
    parser.add_argument("--batch-seconds", type=float, default=100)
    parser.add_argument("--report-minutes", type=float, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--loaders", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    lexicon = dictionary(args.dictionary)
    network = beginning(args.start, args.encoder).to(device)
    was = {name: weight.clone() for name, weight in network.state_dict().items()}
    state_file = args.out / "state.pt"
    head = ("project", "blocks", "norm.", "out.")
    parameters = list(network.named_parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for n, p in parameters if n.startswith(head)], "rate": args.rate * HEAD_RATE},
            {
                "params": [p for n, p in parameters if not n.startswith(head)],
                "rate": args.rate * ENCODER_RATE,
            },
        ],
        lr=HEAD_RATE,
        betas=(0.9, 0.98),
        weight_decay=0.01,
    )
    spent, step, heard, mean_loss, pulled_back = 0.0, 0, 0.0, 0.0, False
    folders = list(args.speech)
    if state_file.exists():
        state = torch.load(state_file, map_location=device)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        spent, step, heard, mean_loss = state["spent"], state["step"], state["heard"], state["loss"]
        pulled_back = state["pulled_back"]
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(STEADINESS), use_buffers=False)
    if state_file.exists():
        mean.module.load_state_dict(state["mean"])
    loader = DataLoader(
        Batches(folders, lexicon, 1 + step, args.batch_seconds),
        batch_size=None,
        num_workers=args.loaders,
        prefetch_factor=12 if args.loaders else None,
    )
    first = next(p for f in folders for p in sorted(f.glob("*.tsv")))
    line = Line(7)
    held = [(line(u.pcm())[:LONGEST], u.phones) for u in list(shard(first, lexicon))[:HELD]]
    real = measured(args.watch, lexicon) if args.watch else []
    batches = iter(loader)
    if not step and args.start is None:
        network.eval()
        with torch.no_grad():
            some = [next(batches) for _ in range(6)]
            seen = torch.cat([network.encode(b[0].to(device), b[1].to(device)).flatten(0, 1) for b in some])
        network.mean.copy_(seen.mean(0))
        network.scale.copy_(1 / (seen.std(0) + 1e-3))
    if not step:
        mean.module.load_state_dict(network.state_dict())
    network.train()
    begun, last_report = time.monotonic(), spent
    while True:
        now = spent + time.monotonic() - begun
        done = now / (60 * args.minutes)
        if now >= 60 * args.thawed_until and not pulled_back:
            pull_back(network, was, args.kept)
            mean.module.load_state_dict(network.state_dict())
            pulled_back = True
        alone = pulled_back or now < 60 * args.frozen_minutes
        network.frozen_layers = LAYERS if alone else args.frozen_layers
        finished = done >= 1
        if finished or now - last_report > 60 * args.report_minutes:
            last_report = now
            row = [f"{now / 60:.1f}", step, f"{heard:.2f}", f"{mean_loss:.4f}"]
            row += [
                f"{phone_error(mean.module, held, device):.4f}",
                f"{phone_error(mean.module, real, device):.4f}",
            ]
            torch.save(
                {
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                    "spent": now,
                    "heard": heard,
                    "loss": mean_loss,
                    "config": network.config,
                    "pulled_back": pulled_back,
                    "mean": mean.module.state_dict(),
                },
                state_file,
            )
            with (args.out / "curve.csv").open("a", newline="") as file:
                if file.tell() == 0:
                    csv.writer(file).writerow(["minutes", "step", "hours", "loss", "held_out", "watched"])
                csv.writer(file).writerow(row)
            print("min {} step {} hours {} loss {} held-out {} watched {}".format(*row), flush=True)
        if finished:
            return
        x, frames, labels, lengths = (t.to(device) for t in next(batches))
        warm = min(1.0, (step + 1) / 200)
        thawed = 0.0 if alone else min(1.0, (now - 60 * args.frozen_minutes) / 90)
        for group, share in zip(optimizer.param_groups, (warm, thawed), strict=True):
            group["lr"] = group["rate"] * share * max(0.01, 0.5 + 0.5 * math.cos(math.pi * done))
        with torch.autocast(device, torch.bfloat16):
            log = network(x, frames)
        # Sound stands at the end of each row, CTC wants it at the beginning.
        shifted = torch.stack([torch.roll(log[i], int(n) - log.shape[1], 0) for i, n in enumerate(frames)])
        loss = functional.ctc_loss(
            shifted.float().transpose(0, 1), labels, frames, lengths, zero_infinity=True, reduction="sum"
        ) / max(1, int(lengths.sum()))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        mean.update_parameters(network)
        step += 1
        heard += float(frames.sum()) * STEP / SAMPLE_RATE / 3600
        mean_loss = loss.item() if step == 1 else 0.98 * mean_loss + 0.02 * loss.item()


if __name__ == "__main__":
    main()
