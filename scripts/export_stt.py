"""Write what ``scripts/train_stt.py`` learned as the file that the product runs: ONNX with eight-bit weights.

    python scripts/export_stt.py RUN/state.pt [BEFORE/state.pt ...] [--out models/stt]

Of several states of one line of training the mean of their weights is written: what came before and after a
further run is together better with other speakers than either (Wortsman et al. 2022).
Matrices are stored in eight bits, one scale a column, and inputs are brought to eight bits as they come
(dynamic quantization), so nothing has to be calibrated. Needs torch, onnx and onnxscript.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from training.model_card import write_manifest
from training.stt_network import PhoneNetwork


class _Plain(torch.nn.Module):
    """The network with one input: all of it is sound."""

    def __init__(self, network: PhoneNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """[1, 80, 2 n] to [1, n, units]."""
        return self.network(mel)


def _without_remarks(path: Path) -> None:
    """Drop what the exporter says of where each step came from: names of files on the machine it ran on."""
    model = onnx.load(str(path))
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    onnx.save(model, str(path))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("state", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=Path("models/stt"))
    parser.add_argument("--floats", action="store_true", help="keep 32-bit weights, for comparison")
    args = parser.parse_args()
    states = [torch.load(path, map_location="cpu") for path in args.state]
    network = PhoneNetwork(**states[0]["config"])
    weights = [state["mean"] for state in states]
    network.load_state_dict({name: sum(w[name] for w in weights) / len(weights) for name in weights[0]})
    network.frozen_layers = 0
    network.eval()
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.onnx"
        torch.onnx.export(
            _Plain(network),
            (torch.zeros(1, 80, 200),),
            str(raw),
            input_names=["mel"],
            output_names=["log_probabilities"],
            dynamic_shapes={"mel": {2: 2 * torch.export.Dim("frames", min=5, max=400)}},
            dynamo=True,
            external_data=False,
        )
        target = args.out / "phones.onnx"
        if args.floats:
            target.write_bytes(raw.read_bytes())
        else:
            quantize_dynamic(
                raw, target, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"]
            )
    _without_remarks(target)
    print(write_manifest(args.out, "phones", "phones.onnx"), f"{target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
