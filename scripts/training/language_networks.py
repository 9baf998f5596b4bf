"""Training of the word networks: torch on one thread, the same weights for the same seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from models.language.word_network import LONGEST, SUM_POWER

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

WIDTH = 100
FILTERS = 128
EPOCHS = 6
BATCH = 128
LEARNING_RATE = 4e-3
FORGET_WORD = 0.1
"""Share of words replaced by the unknown one in training."""

PADDING = 0
"""Rows are shifted by one in training: 0 is no word, 1 the unknown word."""


class Network(nn.Module):
    """Trained twin of :class:`models.language.word_network.WordNetwork`."""

    def __init__(self, words: int, labels: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words + 2, WIDTH, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.three = nn.Conv1d(WIDTH, FILTERS, 3, padding=1)
        self.two = nn.Conv1d(WIDTH, FILTERS, 2, padding=1)
        self.output = nn.Linear(2 * FILTERS + WIDTH, labels)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """int64 [n, words] -> logits [n, labels]."""
        there = (rows != PADDING).float()
        if self.training:
            forgotten = (torch.rand(rows.shape) < FORGET_WORD) & (rows != PADDING)
            rows = torch.where(forgotten, torch.ones_like(rows), rows)
        vectors = functional.dropout(self.embedding(rows), 0.3, self.training) * there[..., None]
        channels = vectors.transpose(1, 2)
        three = functional.relu(self.three(channels)).amax(2)
        two = functional.relu(self.two(channels)).amax(2)
        total = vectors.sum(1) / there.sum(1, keepdim=True).clamp(min=1) ** SUM_POWER
        logits: torch.Tensor = self.output(
            functional.dropout(torch.cat([three, two, total], 1), 0.5, self.training)
        )
        return logits

    def arrays(self) -> dict[str, Floats]:
        """Weights in the layout of :class:`models.language.word_network.WordNetwork`."""

        def plain(tensor: torch.Tensor) -> Floats:
            return np.asarray(tensor.detach().numpy(), np.float32)

        return {
            "embedding": plain(self.embedding.weight[1:]),
            "filter3": plain(self.three.weight.permute(2, 1, 0).reshape(3 * WIDTH, FILTERS)),
            "filter2": plain(self.two.weight.permute(2, 1, 0).reshape(2 * WIDTH, FILTERS)),
            "filter3_bias": plain(self.three.bias),
            "filter2_bias": plain(self.two.bias),
            "output": plain(self.output.weight.T),
            "output_bias": plain(self.output.bias),
        }


def rows_of(texts: list[str], vocabulary: dict[str, int]) -> Rows:
    """Texts -> rows of the embedding, int64 [n, LONGEST], padded behind."""
    out = np.full((len(texts), LONGEST), PADDING, np.int64)
    for line, text in zip(out, texts, strict=True):
        known = [vocabulary.get(word, 0) + 1 for word in text.split()][-LONGEST:] or [1]
        line[: len(known)] = known
    return out


def train(texts: list[str], labels: Floats, vocabulary: dict[str, int], seed: int) -> Network:
    """A network from nothing. ``vocabulary``: word -> 1, 2, ... as the product counts them (0 is unknown)."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    rows = torch.from_numpy(rows_of(texts, vocabulary))
    lengths = (rows != PADDING).sum(1).numpy()
    truth = torch.from_numpy(labels)
    rate = labels.mean(0)
    weight = torch.from_numpy((np.minimum(6, np.sqrt((1 - rate) / rate)) * 0.5 + 0.5).astype(np.float32))
    network = Network(len(vocabulary), labels.shape[1])
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.01)
    steps = len(texts) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=EPOCHS * steps + 1)
    network.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in np.array_split(rng.permutation(len(texts)), steps):
            logits = network(rows[batch, : int(lengths[batch].max())])
            loss = functional.binary_cross_entropy_with_logits(logits, truth[batch], pos_weight=weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"network {seed}, epoch {epoch}: loss {total / steps:.4f}", flush=True)
    return network.eval()
