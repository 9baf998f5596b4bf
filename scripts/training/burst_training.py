"""Training of the burst network: torch on one thread, the same weights for the same seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from models.emotion_encoder import VECTOR
from models.vocal_burst.network import ATTENTIONS, EPSILON, SPAN
from training.burst_frames import CHANNELS, FramedClips

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

WIDTH = 128
HIDDEN = 256
ASKED = 64
EPOCHS = 8
BATCH = 128
PEAK_RATE = 1.5e-3
SORTED_OVER = 4096
"""Clips among which those of one batch are alike in length."""

NOISE = 0.1
"""Added to the pooled vector, in standard deviations."""


@dataclass(frozen=True)
class Example:
    """Where a training clip lies: which copy, which row."""

    copy: int
    row: int


def normals(copies: list[FramedClips]) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean and deviation of the pooled vectors with the log of seconds, [1537], and of frames, [768]."""
    pooled = np.concatenate([with_length(c) for c in copies])
    rng = np.random.default_rng(0)
    drawn = np.concatenate([c.frames[np.sort(rng.choice(len(c.frames), 40000))] for c in copies]).astype(
        np.float32
    )
    return pooled.mean(0), pooled.std(0) + 1e-4, drawn.mean(0), drawn.std(0) + 1e-4


def with_length(clips: FramedClips) -> Floats:
    """Pooled vectors and the log of their seconds, [n, 1537]."""
    seconds = np.log(np.maximum(clips.features.seconds, 0.01))
    return np.concatenate([clips.features.vectors, seconds[:, None]], axis=1).astype(np.float32)


class Network(nn.Module):
    """Trained twin of :class:`models.vocal_burst.network.BurstNetwork`."""

    def __init__(
        self, means: tuple[Floats, Floats, Floats, Floats], categories: int, deliveries: int
    ) -> None:
        super().__init__()
        for name, value in zip(("pooled_mean", "pooled_sd", "frame_mean", "frame_sd"), means, strict=True):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(value, np.float32)))
        self.project, self.norm = nn.Linear(CHANNELS, WIDTH), nn.LayerNorm(WIDTH, eps=EPSILON)
        self.mix = nn.Conv1d(WIDTH, WIDTH, SPAN, padding=SPAN // 2, groups=WIDTH)
        self.point = nn.Linear(WIDTH, WIDTH)
        self.ask, self.answer = nn.Linear(WIDTH, ASKED), nn.Linear(ASKED, ATTENTIONS)
        self.hidden, self.heard = nn.Linear(VECTOR + 1, HIDDEN), nn.Linear(3 * WIDTH, HIDDEN, bias=False)
        self.batch_norm = nn.BatchNorm1d(HIDDEN)
        self.categories, self.deliveries = nn.Linear(HIDDEN, categories), nn.Linear(HIDDEN, deliveries)

    def forward(
        self, frames: torch.Tensor, there: torch.Tensor, pooled: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[n, t, 768], [n, t] of 0 and 1, [n, 1537] -> logits [n, 30], [n, 8]."""
        x = (frames - self.frame_mean) / self.frame_sd
        if self.training:
            x = functional.dropout1d(x, 0.1)
        h = functional.gelu(self.norm(self.project(x)), approximate="tanh") * there[..., None]
        mixed = self.mix(h.transpose(1, 2)).transpose(1, 2)
        h = h + functional.gelu(self.point(mixed), approximate="tanh")
        away = there[..., None] == 0
        weight = self.answer(torch.tanh(self.ask(h))).masked_fill(away, -1e4).softmax(1)[..., None]
        parts = h.reshape(*h.shape[:2], ATTENTIONS, -1)
        mean = (weight * parts).sum(1)
        spread = ((weight * (parts - mean[:, None]) ** 2).sum(1) + EPSILON).sqrt()
        heard = torch.cat([mean.flatten(1), spread.flatten(1), h.masked_fill(away, -1e4).amax(1)], 1)
        z = (pooled - self.pooled_mean) / self.pooled_sd
        if self.training:
            z = functional.dropout(z + NOISE * torch.randn_like(z), 0.3)
            heard = functional.dropout(heard, 0.4)
        out = functional.relu(self.batch_norm(self.hidden(z) + self.heard(heard)))
        out = functional.dropout(out, 0.5, self.training)
        return self.categories(out), self.deliveries(out)

    def arrays(self) -> dict[str, Floats]:
        """Weights in the layout of the product's network, standardization and batch normalization folded
        in."""
        w = {name: value.detach().double().numpy() for name, value in self.state_dict().items()}
        gain = w["batch_norm.weight"] / np.sqrt(w["batch_norm.running_var"] + self.batch_norm.eps)
        project = w["project.weight"].T / w["frame_sd"][:, None]
        hidden = w["hidden.weight"].T / w["pooled_sd"][:, None]
        hidden_bias = w["hidden.bias"] - w["pooled_mean"] @ hidden - w["batch_norm.running_mean"]
        folded = {
            "project": project,
            "project_bias": w["project.bias"] - w["frame_mean"] @ project,
            "scale": w["norm.weight"],
            "shift": w["norm.bias"],
            "mix": w["mix.weight"][:, 0].T,
            "mix_bias": w["mix.bias"],
            "point": w["point.weight"].T,
            "point_bias": w["point.bias"],
            "ask": w["ask.weight"].T,
            "ask_bias": w["ask.bias"],
            "answer": w["answer.weight"].T,
            "answer_bias": w["answer.bias"],
            "hidden": hidden * gain,
            "heard": w["heard.weight"].T * gain,
            "hidden_bias": hidden_bias * gain + w["batch_norm.bias"],
            "categories": w["categories.weight"].T,
            "categories_bias": w["categories.bias"],
            "deliveries": w["deliveries.weight"].T,
            "deliveries_bias": w["deliveries.bias"],
        }
        return {name: values.astype(np.float32) for name, values in folded.items()}


def _batch(
    copies: list[FramedClips], pooled: list[Floats], examples: list[Example]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    parts = [copies[e.copy].of(e.row) for e in examples]
    longest = max(map(len, parts))
    frames = np.zeros((len(parts), longest, CHANNELS), np.float16)
    there = np.zeros((len(parts), longest), np.float32)
    for i, part in enumerate(parts):
        frames[i, : len(part)] = part
        there[i, : len(part)] = 1
    vectors = np.stack([pooled[e.copy][e.row] for e in examples])
    return torch.from_numpy(frames).float(), torch.from_numpy(there), torch.from_numpy(vectors)


def train(
    copies: list[FramedClips], rows: list[Ints], category: list[Ints], delivery_of: Ints, seed: int
) -> Network:
    """``rows`` and ``category``: which clips of each copy to learn from, and the category of all its clips;
    ``delivery_of``: [30], -1 for none."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    network = Network(normals(copies), len(delivery_of), int(delivery_of.max()) + 1)
    pooled = [with_length(c) for c in copies]
    examples = [Example(copy, int(row)) for copy, chosen in enumerate(rows) for row in chosen]
    lengths = np.array([copies[e.copy].starts[e.row + 1] - copies[e.copy].starts[e.row] for e in examples])
    steps = len(examples) // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=EPOCHS * steps + 1)
    rarity = [1 / np.sqrt((delivery_of == d).sum()) for d in range(int(delivery_of.max()) + 1)]
    weight = torch.tensor(rarity, dtype=torch.float32)
    deliveries = torch.from_numpy(delivery_of)
    network.train()
    for epoch in range(EPOCHS):
        order = rng.permutation(len(examples))
        alike = [
            part[np.argsort(lengths[part])]
            for part in np.array_split(order, max(1, len(order) // SORTED_OVER))
        ]
        batches = np.array_split(np.concatenate(alike), steps)
        total = 0.0
        for i in rng.permutation(len(batches)):
            chosen = [examples[j] for j in batches[i]]
            truth = torch.tensor([int(category[e.copy][e.row]) for e in chosen])
            thirty, eight = network(*_batch(copies, pooled, chosen))
            loss = functional.cross_entropy(thirty, truth, label_smoothing=0.1)
            loss = loss + functional.cross_entropy(
                eight, deliveries[truth], weight=weight, ignore_index=-1, label_smoothing=0.05
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / steps:.4f}", flush=True)
    return network.eval()
