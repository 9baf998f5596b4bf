"""Files that hold what a model has learned: found, checked against the hash they were published with, and
read.

Beside every weights file lies ``model.json``, written by the script that trained it. Weights that are
missing or differ by a single byte are refused, because every figure on the model card belongs to that one
file: the caller of the model then goes on without it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

MANIFEST = "model.json"


class ModelError(Exception):
    """A model cannot be used: its file is missing or is not the one that was measured."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which weights made a score; to be stored with the score.

    Attributes:
        name: of the model, such as ``prosody``.
        version: changes whenever the weights do.
        sha256: of the weights file, hexadecimal.
    """

    name: str
    version: str
    sha256: str


def verified_file(folder: Path) -> tuple[ModelIdentity, bytes]:
    """The weights that ``folder``'s manifest names, and who they are.

    Raises :class:`ModelError` when the manifest or the file is missing, unreadable or not the published one.
    """
    manifest = folder / MANIFEST
    try:
        entry = json.loads(manifest.read_text(encoding="utf-8"))
        identity = ModelIdentity(entry["name"], entry["version"], entry["sha256"])
        path = folder / entry["file"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{manifest} cannot be read ({error!r}): restore it from the release") from error
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"weights {path} cannot be read ({error}): restore the file from the release"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != identity.sha256:
        raise ModelError(f"weights {path} have sha256 {found}, expected {identity.sha256}: restore the file")
    return identity, data


def verified_arrays(folder: Path) -> tuple[ModelIdentity, Mapping[str, npt.NDArray[np.generic]]]:
    """As :func:`verified_file`, for weights that are an ``.npz`` of plain arrays (never pickles)."""
    identity, data = verified_file(folder)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return identity, {name: archive[name] for name in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"weights of {identity.name} are not a plain array archive: {error}") from error
