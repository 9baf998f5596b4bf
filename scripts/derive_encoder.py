"""Cut the emotion encoder out of the turn model: the first two layers, two seconds of sound.

    python scripts/derive_encoder.py [--model smart-turn-v3.2-cpu.onnx] [--out models/emotion_encoder]

The turn model comes with pipecat-ai 1.14.0 and is found there unless ``--model`` names the file. Needs
``onnx``; the same version of it writes the same bytes. Weights are not changed: 400 positions become the
newest 100, the nodes behind the second layer go.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from training.model_card import write_manifest
from training.turn_source import LENGTH, POSITIONS, derived, source_model

LAYERS, SECONDS = 2, 2


def cut(source: onnx.ModelProto) -> onnx.ModelProto:
    """The encoder as a model: ``input_features`` [b, 80, 200] -> the output of each layer, [b, 100, 384]."""
    graph, positions = source.graph, 50 * SECONDS
    for initializer in graph.initializer:
        if initializer.name == LENGTH:
            initializer.CopyFrom(numpy_helper.from_array(np.array([positions], np.int64), LENGTH))
        elif initializer.name == POSITIONS:
            newest = numpy_helper.to_array(initializer)[-positions:].copy()
            initializer.CopyFrom(numpy_helper.from_array(newest, POSITIONS))
    # Every layer has two normalizations; what enters the first of the next layer is what this one made.
    normalizations = [node for node in graph.node if node.op_type == "LayerNormalization"]
    outputs = [normalizations[2 * layer].input[0] for layer in range(1, LAYERS + 1)]
    needed, kept = set(outputs), []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    float32 = onnx.TensorProto.FLOAT
    encoder = onnx.helper.make_graph(
        kept[::-1],
        "emotion_encoder",
        [onnx.helper.make_tensor_value_info("input_features", float32, ["b", 80, 2 * positions])],
        [onnx.helper.make_tensor_value_info(name, float32, ["b", positions, 384]) for name in outputs],
        initializer=[initializer for initializer in graph.initializer if initializer.name in needed],
    )
    return derived(source, encoder)


def main() -> None:
    """Write the encoder and its manifest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="the turn model, if not the installed one")
    parser.add_argument("--out", type=Path, default=Path("models/emotion_encoder"))
    arguments = parser.parse_args()
    weights = cut(source_model(arguments.model)).SerializeToString()
    (arguments.out / "encoder.onnx").write_bytes(weights)
    print(write_manifest(arguments.out, "emotion_encoder", "encoder.onnx"), f"{len(weights) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
