"""The recognizer's network in torch: the turn model's encoder, unpacked, with a CTC head over phones.

The encoder is that of Whisper Tiny (Radford et al. 2022, section 2.2: two convolutions, pre-norm transformer
layers), as fine-tuned by the authors of smart-turn and stored in eight bits; here it is unpacked to floats so
that its layers can learn. The heads read the residual streams after its upper layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

WIDTH: Final = 384
HEADS: Final = 6
LAYERS: Final = 4
POSITIONS: Final = 400


class HeadShape(NamedTuple):
    """How big a head is, and after how many of the encoder's layers (counted from the last) it listens."""

    streams: int = 2
    width: int = 256
    blocks: int = 3
    kernel: int = 9


class EncoderLayer(nn.Module):
    """One transformer layer: attention over all frames, then two dense maps on each."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.final_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.value, self.out = (
            nn.Linear(WIDTH, WIDTH),
            nn.Linear(WIDTH, WIDTH),
            nn.Linear(WIDTH, WIDTH),
        )
        self.key = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor, visible: torch.Tensor | None) -> torch.Tensor:
        """[b, t, 384]; ``visible`` is [b, 1, 1, t] and True where there is sound."""
        b, t, _ = x.shape
        y = self.attention_norm(x)

        def split(z: torch.Tensor) -> torch.Tensor:
            return z.view(b, t, HEADS, WIDTH // HEADS).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            split(self.query(y)), split(self.key(y)), split(self.value(y)), attn_mask=visible
        )
        x = x + self.out(mixed.transpose(1, 2).reshape(b, t, WIDTH))
        return x + self.down(functional.gelu(self.up(self.final_norm(x))))


class Block(nn.Module):
    """A depthwise convolution over time, then a two-layer network on each frame; added to what came in."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[b, t, width] to the same."""
        y = self.conv(x.transpose(1, 2)).transpose(1, 2)
        return x + self.drop(self.down(functional.gelu(self.up(self.norm(y)))))


class Head(nn.Module):
    """CTC over phones, from the residual streams after the last ``streams`` layers of the encoder."""

    def __init__(self, units: int, shape: HeadShape, dropout: float) -> None:
        super().__init__()
        self.inputs = shape.streams * WIDTH
        self.register_buffer("mean", torch.zeros(self.inputs))
        self.register_buffer("scale", torch.ones(self.inputs))
        self.project = nn.Linear(self.inputs, shape.width)
        self.blocks = nn.ModuleList([Block(shape.width, shape.kernel, dropout) for _ in range(shape.blocks)])
        self.norm = nn.LayerNorm(shape.width)
        self.out = nn.Linear(shape.width, units)
        self.drop = nn.Dropout(dropout)

    @staticmethod
    def _elsewhere(x: torch.Tensor) -> torch.Tensor:
        """Features as other people and other lines might give them: each moved and stretched a little for a
        whole utterance, with noise on top. Without it the head learns what only machines sound like."""
        b, _, n = x.shape
        gain, shift = 1 + 0.15 * torch.randn(b, 1, n), 0.3 * torch.randn(b, 1, n)
        return x * gain.to(x) + shift.to(x) + 0.2 * torch.randn_like(x)

    def forward(self, streams: torch.Tensor, frames: torch.Tensor | None = None) -> torch.Tensor:
        """[b, t, 4 * 384] to log probabilities [b, t, units]."""
        x = (streams[:, :, -self.inputs :] - self.mean) * self.scale
        if self.training:
            x = self._elsewhere(x)
        if frames is not None:
            x = x * (torch.arange(x.shape[1])[None, :] >= x.shape[1] - frames[:, None])[:, :, None]
        y = functional.gelu(self.project(self.drop(x)))
        for block in self.blocks:
            y = block(y)
        return self.out(self.norm(y)).log_softmax(-1)


class PhoneNetwork(nn.Module):
    """Log-mel [b, 80, 2 t] -> log probabilities of phones [b, t, units]; the first unit is the CTC blank.

    One encoder and any number of heads, whose log probabilities are averaged.
    """

    def __init__(
        self, units: int, heads: Sequence[tuple[int, ...]] = (HeadShape(),), dropout: float = 0.15
    ) -> None:
        super().__init__()
        self.config = {"units": units, "heads": [tuple(shape) for shape in heads]}
        self.conv1 = nn.Conv1d(80, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.positions = nn.Parameter(torch.zeros(POSITIONS, WIDTH))
        self.layers = nn.ModuleList([EncoderLayer() for _ in range(LAYERS)])
        self.heads = nn.ModuleList([Head(units, HeadShape(*shape), dropout) for shape in heads])
        self.frozen_layers = LAYERS

    def encode(self, mel: torch.Tensor, frames: torch.Tensor | None = None) -> torch.Tensor:
        """[b, 80, 2 t] -> what each layer gives, side by side [b, t, 4 * 384]. Sound stands at the end of
        each row; ``frames`` says how much."""
        t = mel.shape[2] // 2
        visible = None
        if frames is not None:
            sound = torch.arange(t)[None, :] >= t - frames[:, None]
            visible = sound[:, None, None, :]
            mel = mel * sound.repeat_interleave(2, dim=1)[:, None, :]
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.frozen_layers == 0):
            x = functional.gelu(self.conv1(mel))
            x = functional.gelu(self.conv2(x)).transpose(1, 2) + self.positions[POSITIONS - t :]
        streams = []
        for i, layer in enumerate(self.layers):
            with torch.set_grad_enabled(torch.is_grad_enabled() and i >= self.frozen_layers):
                x = layer(x, visible)
            streams.append(x)
        return torch.cat(streams, dim=2)

    def readings(self, mel: torch.Tensor, frames: torch.Tensor | None = None) -> list[torch.Tensor]:
        """What each head hears. ``frames`` [b]: frames of sound in each row, None when all of it is."""
        streams = self.encode(mel, frames)
        return [head(streams, frames) for head in self.heads]

    def forward(self, mel: torch.Tensor, frames: torch.Tensor | None = None) -> torch.Tensor:
        """See the class."""
        return together(self.readings(mel, frames))


def together(readings: Sequence[torch.Tensor]) -> torch.Tensor:
    """The mean of log probabilities, made probabilities again."""
    return torch.stack(list(readings)).mean(0).log_softmax(-1) if len(readings) > 1 else readings[0]


def load_encoder(network: PhoneNetwork, path: Path) -> None:
    """Fill the encoder with the weights of smart-turn's ONNX file, eight bits unpacked."""
    graph = onnx.load(str(path)).graph
    stored = {i.name: numpy_helper.to_array(i) for i in graph.initializer}

    def unpacked(name: str, axis: int) -> np.ndarray:
        shape = [-1 if k == axis else 1 for k in range(stored[f"{name}_quantized"].ndim)]
        zero = stored[f"{name}_zero_point"].astype(np.float32).reshape(shape)
        values: np.ndarray = stored[f"{name}_quantized"].astype(np.float32) - zero
        return values * stored[f"{name}_scale"].reshape(shape)

    state: dict[str, np.ndarray] = {"positions": stored["inner.encoder.embed_positions.weight"]}
    for conv in ("conv1", "conv2"):
        bias = f"inner.encoder.{conv}.bias"
        state[f"{conv}.weight"] = unpacked(f"inner.encoder.{conv}.weight", 0)
        state[f"{conv}.bias"] = stored[f"{bias}_quantized"] * stored[f"{bias}_quantized_scale"]
    # Linear maps lost their names in the export: within a layer they come in the order of use, told apart by
    # the bias that is added next; the keys have none.
    names = {"self_attn.q_proj": "query", "self_attn.v_proj": "value", "self_attn.out_proj": "out"}
    names |= {"fc1": "up", "fc2": "down"}
    norms = {"self_attn_layer_norm": "attention_norm", "final_layer_norm": "final_norm"}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    weights = [
        (node, node.input[1].removesuffix("_DequantizeLinear_Output"))
        for node in graph.node
        if node.op_type == "MatMul"
        and node.input[1].endswith("_DequantizeLinear_Output")
        and f"{node.input[1].removesuffix('_DequantizeLinear_Output')}_quantized" in stored
    ]
    layer = 0
    for node, name in weights:
        matrix = unpacked(name, 1).T
        bias = _bias_after(node.output[0], users, stored)
        if bias is None:
            if matrix.shape == (WIDTH, WIDTH):
                keys = [k for k in range(LAYERS) if f"layers.{k}.key.weight" not in state]
                state[f"layers.{keys[0]}.key.weight"] = matrix
            continue
        found = [(k, v) for k, v in names.items() if f".{k}.bias" in bias and "inner.encoder.layers." in bias]
        if found:
            layer = int(bias.split(".")[3])
            state[f"layers.{layer}.{found[0][1]}.weight"] = matrix
            state[f"layers.{layer}.{found[0][1]}.bias"] = stored[bias]
    for k in range(LAYERS):
        for theirs, ours in norms.items():
            for part in ("weight", "bias"):
                state[f"layers.{k}.{ours}.{part}"] = stored[f"inner.encoder.layers.{k}.{theirs}.{part}"]
    missing, extra = network.load_state_dict(
        {k: torch.from_numpy(np.ascontiguousarray(v, dtype=np.float32)) for k, v in state.items()},
        strict=False,
    )
    if extra or [name for name in missing if not name.startswith("heads.")]:
        raise ValueError(f"{path} is not the turn model this script knows: {missing} missing")


def _bias_after(
    name: str, users: dict[str, list[onnx.NodeProto]], stored: dict[str, np.ndarray]
) -> str | None:
    """The stored vector that is added to ``name``, looking through quantization."""
    for node in users.get(name, []):
        if node.op_type == "Add":
            for other in node.input:
                if other in stored and stored[other].ndim == 1:
                    return other
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            found = _bias_after(node.output[0], users, stored)
            if found:
                return found
    return None
