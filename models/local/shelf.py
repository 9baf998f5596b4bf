"""Where fetched models lie, and whether what lies there can be used.

Each model has a folder of its own. Beside its files lies a receipt, written last and only after every
published sha256 was found right: no receipt, no model. It also keeps the size and sha256 of each file that
came out of an archive, so that damage is noticed later.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from models.local.catalogue import LocalModel, PublishedFile
from models.model_file import ModelError

RECEIPT: Final = "receipt.json"


class Standing(StrEnum):
    """How a model stands on this machine."""

    READY = "ready"
    PLACED = "placed, not checked yet"
    """Published files lie there, but nobody has compared them with their sha256."""
    ABSENT = "not here"
    DAMAGED = "damaged"
    """It was ready once; files are missing, changed, or from another release."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as the receipt knows it: ``size`` in bytes, ``sha256`` hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of all fetched models. Nothing is made until a model is put there."""

    folder: Path

    def place(self, model: LocalModel) -> Path:
        """The folder of one model."""
        return self.folder / model.name

    def standing(self, model: LocalModel) -> Standing:
        """How ``model`` stands, by names and sizes alone: quick enough for every start."""
        place = self.place(model)
        try:
            receipt = _read_receipt(place, model)
        except FileNotFoundError:
            placed = any((place / file.name).is_file() for file in model.files)
            return Standing.PLACED if placed else Standing.ABSENT
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Standing.DAMAGED
        whole = all(_size(place / name) == kept.size for name, kept in receipt.items())
        return Standing.READY if whole and set(receipt) == set(model.provides) else Standing.DAMAGED

    def files(self, model: LocalModel) -> dict[str, Path]:
        """The model's files by name. Raises :class:`ModelError` with the remedy unless it is ready."""
        standing = self.standing(model)
        if standing is not Standing.READY:
            raise ModelError(
                f"{model.title} in {self.place(model)} is {standing.value}: "
                f"run `voice-agent models pull {model.name}`"
            )
        return {name: self.place(model) / name for name in model.provides}

    def damage(self, model: LocalModel) -> list[str]:
        """What is wrong with a model that was ready once, found by reading every byte; empty when nothing is.

        Raises :class:`ModelError` when it was never fetched.
        """
        place = self.place(model)
        try:
            receipt = _read_receipt(place, model)
        except FileNotFoundError:
            raise ModelError(f"{model.name} is {self.standing(model).value}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return [f"{RECEIPT} cannot be used ({error})"]
        wrong = [f"{name} is not listed in {RECEIPT}" for name in sorted(set(model.provides) - set(receipt))]
        for name, kept in receipt.items():
            try:
                found = sha256_of(place / name)
            except OSError as error:
                wrong.append(f"{name} cannot be read: {error.strerror}")
                continue
            if found != kept.sha256:
                wrong.append(f"{name} has sha256 {found}, expected {kept.sha256}")
        return wrong

    def sign(self, model: LocalModel, kept: Mapping[str, Kept]) -> None:
        """Write the receipt: every file of ``model`` is there and right. Raises :class:`OSError`."""
        place = self.place(model)
        receipt = {
            "sources": _sources(model),
            "files": {name: {"size": file.size, "sha256": file.sha256} for name, file in kept.items()},
        }
        written = place / f"{RECEIPT}.new"
        written.write_text(json.dumps(receipt, indent=1), encoding="utf-8")
        os.replace(written, place / RECEIPT)


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file. Raises :class:`OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sources(model: LocalModel) -> dict[str, str]:
    def one(file: PublishedFile) -> tuple[str, str]:
        return file.name, file.sha256

    return dict(map(one, model.files))


def _read_receipt(place: Path, model: LocalModel) -> dict[str, Kept]:
    receipt = json.loads((place / RECEIPT).read_text(encoding="utf-8"))
    if receipt["sources"] != _sources(model):
        raise ValueError("it is of another release")
    return {name: Kept(int(file["size"]), str(file["sha256"])) for name, file in receipt["files"].items()}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
