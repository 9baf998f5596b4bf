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
these parts, each of which may be left out: the encoder learns to hear over a bad line what it hears over a
good one, without phones (``--clear-minutes``); the heads alone learn phones; heads and upper layers; heads
alone. Whenever the encoder has learned it goes most of the way back to where it came from: the mean of
weights before and after is better than either with other speakers (Wortsman et al. 2022, "Robust fine-tuning
of zero-shot models").

Needs torch and onnx; uses an accelerator when torch sees one.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from training.edit_distance import distance
from training.phone_lines import Line
from training.stt_batches import LONGEST, Batches, dictionary, shard, stack, utterances
from training.stt_lessons import ThroughTheLine, phones_said
from training.stt_network import LAYERS, HeadShape, PhoneNetwork, load_encoder

from models.speech import SAMPLE_RATE, Pcm
from models.stt.phone_mel import STEP
from models.stt.phones import PHONES

HELD: Final = 80
HEAD_RATE, ENCODER_RATE, CLEAR_RATE = 2e-3, 2.5e-4, 2e-4
STEADINESS: Final = 0.995
"""Of the running mean of the weights, which is what is measured and exported."""


class Stage(Enum):
    """What learns."""

    CLEAR = "the whole encoder, to hear through bad lines"
    HEADS = "heads"
    LAYERS = "heads and upper layers"


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
    """Move the encoder towards the weights ``was`` that it began with."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if not name.startswith("heads."):
                weight.copy_(kept * weight + (1 - kept) * was[name].to(weight.device))


def beginning(start: Path | None, encoder: Path, more: list[HeadShape]) -> PhoneNetwork:
    """The network that a run begins with: another run's, or the turn model's encoder; ``more``: new heads."""
    if start is None:
        network = PhoneNetwork(len(PHONES), more or [HeadShape()])
        load_encoder(network, encoder)
        return network
    state = torch.load(start, map_location="cpu")
    network = PhoneNetwork(len(PHONES), [*state["config"]["heads"], *more])
    network.load_state_dict(state["mean"], strict=not more)
    return network


def measured(folder: Path, lexicon: dict[str, list[int]]) -> list[tuple[Pcm, tuple[int, ...]]]:
    """The recordings of a folder, as a phone line hands them over, for the curve only."""
    line = Line(1)
    return [(line(u.pcm())[:LONGEST], u.phones) for u in utterances(folder, lexicon)]


class Run:
    """One run of training; what is in ``out`` already goes on."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._lexicon = dictionary(args.dictionary)
        more = [HeadShape(*map(int, shape.split(","))) for shape in args.head]
        self._network = beginning(args.start, args.encoder, more).to(self._device)
        self._teacher = ThroughTheLine(self._network, headed=args.start is not None)
        self._known_heads = len(self._network.heads) - len(more) if args.start else 0
        self._optimizer = self._optimizer_of(self._network)
        self._spent, self._step, self._heard, self._loss = 0.0, 0, 0.0, 0.0
        self._used: dict[Path, int] = {}
        self._stage: Stage | None = None
        self._was = self._encoder()
        self._file = args.out / "state.pt"
        self._mean = AveragedModel(
            self._network, multi_avg_fn=get_ema_multi_avg_fn(STEADINESS), use_buffers=False
        )
        if self._file.exists():
            self._restore()
        line = Line(7)
        first = next(p for f in args.speech for p in sorted(f.glob("*.tsv")))
        self._held = [(line(u.pcm())[:LONGEST], u.phones) for u in list(shard(first, self._lexicon))[:HELD]]
        self._real = measured(args.watch, self._lexicon) if args.watch else []

    def _encoder(self) -> dict[str, torch.Tensor]:
        """Its weights as they are."""
        weights = self._network.named_parameters()
        return {name: w.detach().clone() for name, w in weights if not name.startswith("heads.")}

    def _optimizer_of(self, network: PhoneNetwork) -> torch.optim.Optimizer:
        """Rates: of heads that knew phones before this run, of new ones, of the encoder."""
        known = tuple(f"heads.{i}." for i in range(self._known_heads))
        kinds: tuple[list[torch.nn.Parameter], ...] = ([], [], [])
        for name, weight in network.named_parameters():
            kinds[0 if name.startswith(known) else 1 if name.startswith("heads.") else 2].append(weight)
        rates = (self._args.rate * HEAD_RATE, HEAD_RATE, self._args.rate * ENCODER_RATE)
        return torch.optim.AdamW(
            [{"params": p, "rate": rate} for p, rate in zip(kinds, rates, strict=True)],
            lr=HEAD_RATE,
            betas=(0.9, 0.98),
            weight_decay=0.01,
        )

    def _restore(self) -> None:
        state = torch.load(self._file, map_location=self._device)
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._spent, self._step, self._heard = state["spent"], state["step"], state["heard"]
        self._loss, self._stage, self._was = state["loss"], Stage[state["stage"]], state["was"]
        self._mean.module.load_state_dict(state["mean"])
        self._used = {Path(path): times for path, times in state["used"].items()}

    def _stage_at(self, minutes: float) -> Stage:
        args = self._args
        if minutes < args.clear_minutes:
            return Stage.CLEAR
        if minutes < args.clear_minutes + args.frozen_minutes or minutes >= args.thawed_until:
            return Stage.HEADS
        return Stage.LAYERS

    def _batches(self, stage: Stage) -> Iterator[Any]:
        args = self._args
        pairs = stage is Stage.CLEAR
        data = Batches(
            args.speech, self._lexicon, 1 + self._step, args.batch_seconds, self._used, pairs=pairs
        )
        prefetch = 12 if args.loaders else None
        return iter(DataLoader(data, batch_size=None, num_workers=args.loaders, prefetch_factor=prefetch))

    def _enter(self, stage: Stage, batches: Iterator[Any]) -> None:
        """Go on from the mean of what was learned; heads that are new find their scale."""
        network = self._network
        changed = self._stage is not stage
        if changed and self._stage is not None:
            network.load_state_dict(self._mean.module.state_dict())
            pull_back(network, self._was, self._args.kept)
            self._was = self._encoder()
        network.frozen_layers = {
            Stage.CLEAR: 0,
            Stage.HEADS: LAYERS,
            Stage.LAYERS: self._args.frozen_layers,
        }[stage]
        new = [h for h in network.heads if bool((h.scale == 1).all())]
        if stage is not Stage.CLEAR and new:
            network.eval()
            with torch.no_grad():
                some = [next(batches) for _ in range(6)]
                rows = [network.encode(b[0].to(self._device), b[1].to(self._device)) for b in some]
            seen = torch.cat([r.flatten(0, 1) for r in rows])
            for head in new:
                head.mean.copy_(seen[:, -head.inputs :].mean(0))
                head.scale.copy_(1 / (seen[:, -head.inputs :].std(0) + 1e-3))
        if changed:
            self._mean.module.load_state_dict(network.state_dict())
        network.train()
        self._stage = stage

    def _rates(self, minutes: float) -> None:
        """Warm up, then down along a cosine, in clearing and in what comes after."""
        args = self._args
        clear = self._stage is Stage.CLEAR
        begin, end = (0.0, args.clear_minutes) if clear else (args.clear_minutes, args.minutes)
        done = min(1.0, (minutes - begin) / max(1e-9, end - begin))
        share = max(0.01, 0.5 + 0.5 * math.cos(math.pi * done)) * min(1.0, (minutes - begin) / 2 + 0.02)
        for i, group in enumerate(self._optimizer.param_groups):
            group["lr"] = share * group["rate"]
            if i == 2:
                layers = share * group["rate"] if self._stage is Stage.LAYERS else 0.0
                group["lr"] = share * CLEAR_RATE if clear else layers

    def _report(self, minutes: float) -> None:
        network: Any = self._mean.module
        row = [f"{minutes:.1f}", self._step, f"{self._heard:.2f}", f"{self._loss:.4f}"]
        row += [f"{phone_error(network, rows, self._device):.4f}" for rows in (self._held, self._real)]
        state = {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "spent": 60 * minutes,
            "heard": self._heard,
            "loss": self._loss,
            "config": self._network.config,
            "stage": (self._stage or Stage.HEADS).name,
            "was": self._was,
            "mean": network.state_dict(),
            "used": {str(path): times for path, times in self._used.items()},
        }
        torch.save(state, self._file)
        with (self._args.out / "curve.csv").open("a", newline="") as file:
            if file.tell() == 0:
                csv.writer(file).writerow(["minutes", "step", "hours", "loss", "held_out", "watched"])
            csv.writer(file).writerow(row)
        print("min {} step {} hours {} loss {} held-out {} watched {}".format(*row), flush=True)

    def learn(self) -> None:
        """Until the minutes are over."""
        args, network = self._args, self._network
        begun, reported = time.monotonic(), self._spent
        batches: Iterator[Any] | None = None
        while True:
            now = self._spent + time.monotonic() - begun
            if now >= 60 * args.minutes or now - reported > 60 * args.report_minutes:
                reported = now
                self._report(now / 60)
                if now >= 60 * args.minutes:
                    return
            stage = self._stage_at(now / 60)
            if batches is None or stage is not self._stage:
                batches = self._batches(stage)
                self._enter(stage, batches)
            self._rates(now / 60)
            batch = [t.to(self._device) for t in next(batches)]
            with torch.autocast(self._device, torch.bfloat16):
                lesson = self._teacher.loss if stage is Stage.CLEAR else phones_said
                loss = lesson(network, *batch)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            self._optimizer.step()
            self._mean.update_parameters(network)
            self._step += 1
            self._heard += float(batch[-1 if stage is Stage.CLEAR else 1].sum()) * STEP / SAMPLE_RATE / 3600
            self._loss = loss.item() if self._step == 1 else 0.98 * self._loss + 0.02 * loss.item()


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
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="STREAMS,WIDTH,BLOCKS,KERNEL",
        help="a new head, beside those of --start; may be given several times",
    )
    parser.add_argument("--rate", type=float, default=1.0, help="factor on the rates of what --start knows")
    parser.add_argument(
        "--watch", type=Path, help="recordings with labels.csv to report on; never trained on"
    )
    parser.add_argument("--minutes", type=float, default=60, help="of training, all runs together")
    parser.add_argument("--clear-minutes", type=float, default=0, help="of learning to hear through lines")
    parser.add_argument("--frozen-minutes", type=float, default=4, help="then the heads learn alone")
    parser.add_argument("--thawed-until", type=float, default=25, help="minute from which they do so again")
    parser.add_argument(
        "--kept", type=float, default=0.4, help="share of what the encoder learned of phones that stays"
    )
    parser.add_argument("--frozen-layers", type=int, default=2, help="layers that never learn phones")
    parser.add_argument("--batch-seconds", type=float, default=100)
    parser.add_argument("--report-minutes", type=float, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--loaders", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    Run(args).learn()


if __name__ == "__main__":
    main()
