"""ONNX sessions the way a live call needs them: one thread, no arena growth, files found without imports."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import onnxruntime

from models.speech import SpeechError


def single_thread_session(path: Path) -> onnxruntime.InferenceSession:
    """A session on one CPU thread; calls share the cores, a model must not take them all.

    Raises :class:`SpeechError` when there is no file at ``path``.
    """
    if not path.is_file():
        raise SpeechError(f"model file {path} is missing: reinstall the package that carries it")
    return onnxruntime.InferenceSession(str(path), _options(), providers=["CPUExecutionProvider"])


def session_of_bytes(model: bytes) -> onnxruntime.InferenceSession:
    """As :func:`single_thread_session`, for a model that has been read and checked already."""
    return onnxruntime.InferenceSession(model, _options(), providers=["CPUExecutionProvider"])


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return options


def package_file(package: str, relative: str) -> Path:
    """A data file inside an installed package, found without importing it (which may take seconds).

    Raises :class:`SpeechError` when the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SpeechError(f"{package} is not installed: it carries {relative}")
    return Path(next(iter(spec.submodule_search_locations))) / relative


def pipecat_file(relative: str) -> Path:
    """A data file inside the installed pipecat package."""
    return package_file("pipecat", relative)
