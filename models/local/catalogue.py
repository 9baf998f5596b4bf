"""The models that can be fetched: where their files are published, and what those files must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.model_file import ModelError


class Task(StrEnum):
    """What a model is for."""

    RECOGNIZER = "recognizer"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file as its makers publish it.

    Attributes:
        url: https address.
        sha256: hexadecimal, of the file at ``url``.
        size: bytes.
        members: for a tar archive the files that are wanted from it; empty when the file is used as it is.
        folder: the archive's folder in which ``members`` lie.
    """

    url: str
    sha256: str
    size: int
    members: tuple[str, ...] = ()
    folder: str = ""

    @property
    def name(self) -> str:
        """The last part of the address: what the file is called on this machine."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def provides(self) -> tuple[str, ...]:
        """Names of the files that are used in the end."""
        return self.members or (self.name,)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that a user may have on this machine.

    Attributes:
        name: as in settings and on the command line.
        package: what must be importable to run it.
        extra: the optional dependency that brings ``package``.
        room: bytes that the files take once they are ready, about.
    """

    name: str
    task: Task
    title: str
    licence: str
    package: str
    extra: str
    room: int
    files: tuple[PublishedFile, ...]

    @property
    def provides(self) -> tuple[str, ...]:
        """Names of the files that are used in the end."""
        return tuple(name for file in self.files for name in file.provides)

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)


MOONSHINE: Final = LocalModel(
    name="moonshine",
    task=Task.RECOGNIZER,
    title="Moonshine base, English, int8",
    licence="MIT",
    package="sherpa_onnx",
    extra="local",
    room=300_000_000,
    files=(
        PublishedFile(
            "https://github.com/k2-fsa/sherpa-onnx/releases/download/asr-models/"
            "sherpa-onnx-moonshine-base-en-int8.tar.bz2",
            "21870cecaa2e44e4e2bf63e02d1072bed183ccd10284871353bd9d24dad14e5e",
            250_807_309,
            (
                "preprocess.onnx",
                "encode.int8.onnx",
                "uncached_decode.int8.onnx",
                "cached_decode.int8.onnx",
                "tokens.txt",
            ),
            "sherpa-onnx-moonshine-base-en-int8",
        ),
    ),
)

_KOKORO_RELEASE: Final = "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/"

KOKORO: Final = LocalModel(
    name="kokoro",
    task=Task.VOICE,
    title="Kokoro 82M v1.0, 54 voices",
    licence="Apache-2.0",
    package="kokoro_onnx",
    extra="local",
    room=354_000_000,
    files=(
        PublishedFile(
            _KOKORO_RELEASE + "kokoro-v1.0.onnx",
            "7d5df8ecf7d4b1878015a32686053fd0eebe2bc377234608764cc0ef3636a6c5",
            325_532_387,
        ),
        PublishedFile(
            _KOKORO_RELEASE + "voices-v1.0.bin",
            "bca610b8308e8d99f32e6fe4197e7ec01679264efed0cac9140fe9c29f1fbf7d",
            28_214_398,
        ),
    ),
)

MODELS: Final = (MOONSHINE, KOKORO)


def model_named(name: str, models: Sequence[LocalModel]) -> LocalModel:
    """The one of ``models`` that has that name. Raises :class:`ModelError` naming those there are."""
    for model in models:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in models)
    raise ModelError(f"there is no model {name!r} to fetch: there are {known}")
