"""Make the turn model skip the silence in front of short turns.

    python scripts/derive_turn.py [--model smart-turn-v3.2-cpu.onnx] [--out models/turn]

The turn model comes with pipecat-ai 1.14.0 and is found there unless ``--model`` names the file. Needs
``onnx``; the same version of it writes the same bytes. Weights are not changed: the network takes any number
of positions, the newest ones, and beside them what its layers made of the positions before: keys and values
of every attention, and what the pooling in the end adds up. Those are outputs too, so that a run over
silence gives them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.helper import make_node, make_tensor_value_info
from training.model_card import write_manifest
from training.turn_source import LENGTH, POSITIONS, derived, source_model

LAYERS, HEADS, HEAD_WIDTH, WIDTH = 4, 6, 64, 384
_TO_THE_END = 1 << 40


@dataclass
class _Joints:
    """Places where earlier positions are put in front of a run's own, as eight-bit numbers."""

    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    behind: dict[str, list[onnx.NodeProto]] = field(default_factory=dict)
    """Nodes to come after the one that makes an output."""

    def join(self, own: str, name: str, axis: int, shape: tuple[int | str, ...]) -> str:
        """Name of the whole of what was there before and ``own``, along ``axis`` of a ``shape`` whose entry
        there is replaced."""

        def told(tensor: str, length: str) -> onnx.ValueInfoProto:
            sizes = [length if place == axis else size for place, size in enumerate(shape)]
            return make_tensor_value_info(tensor, onnx.TensorProto.UINT8, sizes)

        self.inputs.append(told(f"before_{name}", "before"))
        self.outputs.append(told(own, "own"))
        whole = f"whole_{name}"
        self.behind[own] = [make_node("Concat", [f"before_{name}", own], [whole], axis=axis)]
        return whole


def with_silence_in_front(source: onnx.ModelProto) -> onnx.ModelProto:
    """``input_features`` [1, 80, 2 n] and what came before, as eight-bit numbers -> ``logits`` [1, 1] and the
    same numbers of the n positions, in the inputs' order."""
    graph = source.graph
    nodes = list(graph.node)
    made_by = {output: node for node in nodes for output in node.output}
    joints = _Joints()

    def reader(tensor: str) -> onnx.NodeProto:
        return next(node for node in nodes if tensor in node.input)

    *attentions, pooling = [node for node in nodes if node.op_type == "Softmax"]
    for layer, softmax in enumerate(attentions[:LAYERS]):
        scores = made_by[made_by[made_by[softmax.input[0]].input[0]].input[0]]
        keys = made_by[scores.input[1]]
        keys.input[0] = joints.join(keys.input[0], f"keys_{layer}", 3, (1, HEADS, HEAD_WIDTH, 0))
        weighed = reader(reader(reader(softmax.output[0]).output[0]).output[0])
        values = made_by[weighed.input[1]]
        values.input[0] = joints.join(values.input[0], f"values_{layer}", 2, (1, HEADS, 0, HEAD_WIDTH))
    weights = made_by[made_by[pooling.input[0]].input[0]]
    weights.input[0] = joints.join(weights.input[0], "weights", 1, (1, 0, 1))
    pooled = reader(pooling.output[0])
    frames = made_by[pooled.input[0]]
    own_frames = frames.input[0]
    whole = joints.join(own_frames, "frames", 1, (1, 0, WIDTH))
    pooled.input[0] = f"{whole}_numbers"
    joints.behind[own_frames].append(
        make_node("DequantizeLinear", [whole, *frames.input[1:]], [pooled.input[0]])
    )

    place = next(node for node in nodes if POSITIONS in node.input)
    sound = next(name for name in place.input if name != POSITIONS)
    place.input[list(place.input).index(POSITIONS)] = "own_positions"
    newest = [
        make_node("Shape", [sound], ["own_length"], start=1, end=2),
        make_node("Neg", ["own_length"], ["own_first"]),
        make_node("Slice", [POSITIONS, "own_first", "to_the_end", "along"], ["own_positions"]),
    ]
    arranged = []
    for node in nodes:
        arranged += [*newest, node] if node is place else [node]
        arranged += [extra for output in node.output for extra in joints.behind.get(output, ())]
    initializers = [each for each in graph.initializer if each.name != LENGTH]
    initializers += [
        numpy_helper.from_array(np.array([-1], np.int64), LENGTH),
        numpy_helper.from_array(np.array([_TO_THE_END], np.int64), "to_the_end"),
        numpy_helper.from_array(np.array([0], np.int64), "along"),
    ]
    float32 = onnx.TensorProto.FLOAT
    made = onnx.helper.make_graph(
        arranged,
        "turn",
        [make_tensor_value_info("input_features", float32, [1, 80, "frames"]), *joints.inputs],
        [make_tensor_value_info("logits", float32, [1, 1]), *joints.outputs],
        initializer=initializers,
    )
    return derived(source, made)


def main() -> None:
    """Write the network and its manifest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="the turn model, if not the installed one")
    parser.add_argument("--out", type=Path, default=Path("models/turn"))
    arguments = parser.parse_args()
    weights = with_silence_in_front(source_model(arguments.model)).SerializeToString()
    (arguments.out / "turn.onnx").write_bytes(weights)
    print(write_manifest(arguments.out, "turn", "turn.onnx"), f"{len(weights) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
