"""The turn model that the packages bring, as a graph to cut models out of."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx

from models.onnx import pipecat_file
from models.turn.smart_turn import WHOLE_MODEL

SOURCE_SHA256 = "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f"
"""Of smart-turn-v3.2-cpu.onnx, 8,679,182 bytes; names of nodes are known for this file alone."""

LENGTH = "val_21"
"""Number of positions, read by two Reshapes."""

POSITIONS = "inner.encoder.embed_positions.weight"


def source_model(path: Path | None = None) -> onnx.ModelProto:
    """The turn model, from the installed pipecat-ai unless ``path`` names it.

    Raises :class:`ValueError` for any other.
    """
    source = (path or pipecat_file(WHOLE_MODEL)).read_bytes()
    if (found := hashlib.sha256(source).hexdigest()) != SOURCE_SHA256:
        raise ValueError(f"turn model has sha256 {found}, not {SOURCE_SHA256}: install pipecat-ai 1.14.0")
    return onnx.load_from_string(source)


def derived(source: onnx.ModelProto, graph: onnx.GraphProto) -> onnx.ModelProto:
    """``graph`` as a model of the source's versions."""
    domains = [opset for opset in source.opset_import if opset.domain in ("", "com.microsoft")]
    model = onnx.helper.make_model(graph, opset_imports=domains)
    model.ir_version = source.ir_version
    return model
