"""What the recognizer's network learns at a step: to hear through a bad line, or which phones are said."""

from __future__ import annotations

import copy

import torch
from torch.nn import functional

from training.stt_network import LAYERS, WIDTH, PhoneNetwork, together

_UPPER = 3 * WIDTH
"""Of the streams side by side, those after the last three layers."""


class ThroughTheLine:
    """The encoder learns to hear over a bad line what it hears over a good one.

    The same speech goes over both; what the network as it was makes of the good one is the goal for what the
    learning one makes of the other (distillation without labels). No phones are taught, so the voices, which
    are few and machines, teach little that is not true of people.
    """

    def __init__(self, network: PhoneNetwork, *, headed: bool) -> None:
        """``headed``: its heads know phones already, and what they read must not change either."""
        self._teacher = copy.deepcopy(network).eval().requires_grad_(False)
        self._teacher.frozen_layers = LAYERS
        self._headed = headed

    def loss(
        self, network: PhoneNetwork, good: torch.Tensor, heard: torch.Tensor, frames: torch.Tensor
    ) -> torch.Tensor:
        """Mean squared distance of features, in units of their spread, and divergence of the phones read."""
        goal, mine = self._teacher.encode(good, frames), network.encode(heard, frames)
        sound = torch.arange(goal.shape[1])[None, :] >= goal.shape[1] - frames[:, None]
        wanted, got = (x[sound][:, -_UPPER:].float() for x in (goal, mine))
        loss = ((got - wanted) / (wanted.std(0) + 1e-3)).square().mean()
        for head in self._teacher.heads if self._headed else ():
            before, now = (head(x, frames)[sound].float() for x in (goal, mine))
            loss = loss + (before.exp() * (before - now)).sum(-1).mean()
        return loss


def phones_said(
    network: PhoneNetwork,
    mel: torch.Tensor,
    frames: torch.Tensor,
    labels: torch.Tensor,
    lengths: torch.Tensor,
) -> torch.Tensor:
    """CTC a phone: each head by itself, and all together, so that they agree on when a phone is said."""
    readings = network.readings(mel, frames)
    judged = [*readings, together(readings)] if len(readings) > 1 else readings
    losses = []
    for log in judged:
        # Sound stands at the end of each row, CTC wants it at the beginning.
        shifted = torch.stack([torch.roll(log[i], int(n) - log.shape[1], 0) for i, n in enumerate(frames)])
        losses.append(
            functional.ctc_loss(
                shifted.float().transpose(0, 1), labels, frames, lengths, zero_infinity=True, reduction="sum"
            )
        )
    return torch.stack(losses).mean() / max(1, int(lengths.sum()))
