"""Getting a model ready: from files placed by hand, from a folder, or from where it is published.

Whatever the way, each published file is compared with its sha256 before anything is made of it, and the
model counts as ready only when all of it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, Final

from models.local.catalogue import LocalModel, PublishedFile
from models.local.download import Progress, PullError, download
from models.local.shelf import Kept, Shelf, Standing, sha256_of

__all__ = ["Progress", "PullError", "pull"]

_PIECE: Final = 1 << 20


def _silent(_file: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def pull(
    model: LocalModel,
    shelf: Shelf,
    *,
    source: Path | None = None,
    mirror: str = "",
    progress: Progress = _silent,
) -> Path:
    """Make ``model`` ready on ``shelf`` and return its folder. Nothing happens when it is already.

    Args:
        source: a folder that holds the published files; nothing is fetched then.
        mirror: address of a folder that serves them instead of their makers.
        progress: told how far each download is.

    Raises:
        PullError: a file cannot be had or is not the published one; says how to place it by hand.
    """
    place = shelf.place(model)
    standing = shelf.standing(model)
    if standing is Standing.READY and not shelf.damage(model):
        return place
    was_ready = standing in (Standing.READY, Standing.DAMAGED)
    try:
        place.mkdir(parents=True, exist_ok=True)
        _make_room(model, place)
        kept: dict[str, Kept] = {}
        for file in model.files:
            if was_ready and not _is_right(place / file.name, file):
                (place / file.name).unlink(missing_ok=True)  # ours, and damaged: not placed by anybody
            kept |= _ready(file, model, place, source, mirror, progress)
        shelf.sign(model, kept)
    except OSError as error:
        raise PullError(f"{place} cannot be written: {error.strerror}") from error
    return place


def _make_room(model: LocalModel, place: Path) -> None:
    here = sum(path.stat().st_size for path in place.iterdir() if path.is_file())
    archives = sum(file.size for file in model.files if file.members)
    needed = model.room + archives - here
    free = shutil.disk_usage(place).free
    if free < needed:
        raise PullError(
            f"{model.name} needs {needed / 1e6:.0f} MB more in {place}, {free / 1e6:.0f} MB are free: "
            "make room or move the data directory"
        )


def _ready(
    file: PublishedFile,
    model: LocalModel,
    place: Path,
    source: Path | None,
    mirror: str,
    progress: Progress,
) -> dict[str, Kept]:
    """What ``file`` provides, in ``place``."""
    target = place / file.name
    placed = target.is_file()
    if placed or source is not None:
        origin = target if placed or source is None else source / file.name
        _check(origin, file)
    else:
        origin = target
        url = f"{mirror.rstrip('/')}/{file.name}" if mirror else file.url
        try:
            download(url, target, file, progress)
        except PullError as error:
            raise PullError(f"{error}\n{_by_hand(model, file, target)}") from error
    if file.members:
        kept = _unpack(origin, file, place)
        if not placed and origin == target:
            target.unlink()
        return kept
    if origin != target:
        _copy(origin, target)
    return {file.name: Kept(file.size, file.sha256)}


def _by_hand(model: LocalModel, file: PublishedFile, target: Path) -> str:
    return (
        f"Without a network from here: fetch {file.url} elsewhere ({file.size} bytes, sha256 {file.sha256}), "
        f"place it as {target}, and run `voice-agent models pull {model.name}` again."
    )


def _is_right(path: Path, file: PublishedFile) -> bool:
    return path.is_file() and sha256_of(path) == file.sha256


def _check(path: Path, file: PublishedFile) -> None:
    """Raises :class:`PullError` unless ``path`` is the published file."""
    try:
        found = sha256_of(path)
    except OSError as error:
        raise PullError(
            f"{path} cannot be read ({error.strerror}): it is to be a copy of {file.url}"
        ) from error
    if found != file.sha256:
        raise PullError(
            f"{path} has sha256 {found}, expected {file.sha256}: "
            f"replace it by a copy of {file.url}, or delete it"
        )


def _copy(origin: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copying-") as folder:
        copy = shutil.copyfile(origin, Path(folder) / target.name)
        os.replace(copy, target)


def _unpack(archive: Path, file: PublishedFile, place: Path) -> dict[str, Kept]:
    """The wanted members of a tar archive, under their own names in ``place``; nothing else is touched.

    The names that are written to come from the catalogue, never from the archive.
    """
    wanted: dict[tuple[str, ...], str] = {(file.folder, name): name for name in file.members}
    kept: dict[str, Kept] = {}
    with tempfile.TemporaryDirectory(dir=place, prefix=".unpacking-") as folder:
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    name = wanted.get(PurePosixPath(member.name).parts)
                    if name is None:
                        continue
                    content = tar.extractfile(member) if member.isreg() else None
                    if content is None or name in kept:
                        raise PullError(f"{archive}: {member.name} is not one plain file")
                    kept[name] = _write(content, Path(folder) / name)
        except (tarfile.TarError, EOFError) as error:
            raise PullError(f"{archive} cannot be unpacked: {error}") from error
        missing = sorted(set(file.members) - set(kept))
        if missing:
            raise PullError(f"{archive} lacks {', '.join(missing)} in {file.folder}")
        for name in kept:
            os.replace(Path(folder) / name, place / name)
    return kept


def _write(content: IO[bytes], path: Path) -> Kept:
    digest = hashlib.sha256()
    with path.open("wb") as out:
        while piece := content.read(_PIECE):
            digest.update(piece)
            out.write(piece)
        return Kept(out.tell(), digest.hexdigest())
