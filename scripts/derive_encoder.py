"""Cut the emotion encoder out of the turn model: the first two layers, two seconds of sound.

    python scripts/derive_encoder.py [--model smart-turn-v3.2-cpu.onnx] [--out models/emotion_encoder]

The turn model comes with pipecat-ai 1.14.0 and is found there unless ``--model`` names the file. Needs
``onnx``; the same version of it writes the same bytes. Weights are not changed: 400 positions become the
newest 100, the nodes behind the second layer go.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from training.model_card import write_manifest

from models.onnx import pipecat_file
from models.turn.smart_turn import MODEL_FILE

SOURCE_SHA256 = "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f"
"""Of smart-turn-v3.2-cpu.onnx, 8,679,182 bytes; names of nodes are known for this file alone."""

LAYERS, SECONDS = 2, 2
_LENGTH = "val_21"
"""Number of positions, read by two Reshapes."""
_POSITIONS = "inner.encoder.embed_positions.weight"


def cut(source: bytes) -> onnx.ModelProto:
    """The encoder as a model: ``input_features`` [b, 80, 200] -> the output of each layer, [b, 100, 384].

    Raises :class:`ValueError` for any other turn model.
    """
    if (found := hashlib.sha256(source).hexdigest()) != SOURCE_SHA256:
        raise ValueError(f"turn model has sha256 {found}, not {SOURCE_SHA256}: install pipecat-ai 1.14.0")
    model = onnx.load_from_string(source)
    graph, positions = model.graph, 50 * SECONDS
    for initializer in graph.initializer:
        if initializer.name == _LENGTH:
            initializer.CopyFrom(numpy_helper.from_array(np.array([positions], np.int64), _LENGTH))
        elif initializer.name == _POSITIONS:
            newest = numpy_helper.to_array(initializer)[-positions:].copy()
            initializer.CopyFrom(numpy_helper.from_array(newest, _POSITIONS))
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
    domains = [opset for opset in model.opset_import if opset.domain in ("", "com.microsoft")]
    derived = onnx.helper.make_model(encoder, opset_imports=domains)
    derived.ir_version = model.ir_version
    return derived


def main() -> None:
    """Write the encoder and its manifest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="the turn model, if not the installed one")
    parser.add_argument("--out", type=Path, default=Path("models/emotion_encoder"))
    arguments = parser.parse_args()
    source = arguments.model or pipecat_file(MODEL_FILE)
    weights = cut(source.read_bytes()).SerializeToString()
    (arguments.out / "encoder.onnx").write_bytes(weights)
    print(write_manifest(arguments.out, "emotion_encoder", "encoder.onnx"), f"{len(weights) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
