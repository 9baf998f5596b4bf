"""Models come onto the machine whole and as published, or not at all."""

from __future__ import annotations

import fcntl
import resource
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from models.local import MODELS, Shelf, Standing
from models.local.pull import PullError, pull
from models.model_file import ModelError
from tests.models.file_server import (
    MEMBERS,
    VOICES,
    WEIGHTS,
    FileServer,
    archive,
    file_server,
    recognizer_model,
    voice_model,
)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "models")


def contents(shelf: Shelf, name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (shelf.folder / name).iterdir()}


def test_files_are_fetched_checked_and_ready(server: FileServer, shelf: Shelf) -> None:
    model, told = voice_model(server), []
    assert shelf.standing(model) is Standing.ABSENT
    pull(model, shelf, progress=lambda file, done, total: told.append((file, done, total)))
    assert {name: path.read_bytes() for name, path in shelf.files(model).items()} == {
        "weights.onnx": WEIGHTS,
        "voices.bin": VOICES,
    }
    assert ("weights.onnx", len(WEIGHTS), len(WEIGHTS)) in told
    assert shelf.damage(model) == []


def test_what_is_ready_is_not_fetched_again(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    pull(model, shelf)
    asked = len(server.requests)
    pull(model, shelf)
    assert len(server.requests) == asked


def test_an_archive_leaves_its_wanted_files_and_nothing_else(server: FileServer, shelf: Shelf) -> None:
    packed = archive({**MEMBERS, "README.md": b"read me", "test_wavs/0.wav": b"sound"})
    pull(recognizer_model(server, packed), shelf)
    left = contents(shelf, "tinyears")
    assert left.pop("receipt.json")
    assert left == MEMBERS


def test_an_archive_cannot_write_outside_its_place(server: FileServer, shelf: Shelf, tmp_path: Path) -> None:
    odd = []
    for name in ("../../evil", str(tmp_path / "absolute"), "tiny-en/../../../tokens.txt"):
        odd.append(info := tarfile.TarInfo(name))
        info.size = 4
    link = tarfile.TarInfo("tiny-en/link")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
    pull(recognizer_model(server, archive(MEMBERS, odd=(*odd, link))), shelf)
    assert set(contents(shelf, "tinyears")) == {*MEMBERS, "receipt.json"}
    assert [
        path.name for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "tinyears"
    ] == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_wanted_member_that_is_no_plain_file_is_refused(
    server: FileServer, shelf: Shelf, kind: bytes
) -> None:
    false = tarfile.TarInfo("tiny-en/tokens.txt")
    false.type, false.linkname = kind, "encode.onnx"
    model = recognizer_model(server, archive(MEMBERS, odd=(false,)))
    with pytest.raises(PullError, match="not one plain file"):
        pull(model, shelf)
    assert shelf.standing(model) is not Standing.READY


def test_an_archive_that_lacks_a_file_is_refused(server: FileServer, shelf: Shelf) -> None:
    model = recognizer_model(server, archive({"tokens.txt": b"a 1\n"}))
    with pytest.raises(PullError, match=r"lacks encode\.onnx"):
        pull(model, shelf)


def test_a_file_that_is_no_archive_is_refused(server: FileServer, shelf: Shelf) -> None:
    with pytest.raises(PullError, match="cannot be unpacked"):
        pull(recognizer_model(server, b"no archive"), shelf)


def test_another_file_than_the_published_one_is_thrown_away(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    server.files["/weights.onnx"] = WEIGHTS[::-1]
    with pytest.raises(PullError, match="expected " + model.files[0].sha256):
        pull(model, shelf)
    assert shelf.standing(model) is Standing.ABSENT
    server.files["/weights.onnx"] = WEIGHTS
    pull(model, shelf)
    assert shelf.standing(model) is Standing.READY


def test_a_body_without_an_end_is_not_stored(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    server.files["/weights.onnx"] = WEIGHTS * 20
    with pytest.raises(PullError, match="longer than"):
        pull(model, shelf)
    assert sum(map(len, contents(shelf, "tinyvoice").values())) == 0


def test_a_download_that_was_cut_off_goes_on_where_it_ended(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    server.cut_after = 100_000
    with pytest.raises(PullError):
        pull(model, shelf)
    server.cut_after = None
    pull(model, shelf)
    assert ("/weights.onnx", "bytes=100000-") in server.requests
    assert shelf.damage(model) == []


def test_a_server_without_ranges_sends_it_again(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    server.cut_after, server.knows_ranges = 100_000, False
    with pytest.raises(PullError):
        pull(model, shelf)
    server.cut_after = None
    pull(model, shelf)
    assert shelf.damage(model) == []


def test_redirects_are_followed_on_this_machine(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    server.files["/elsewhere"] = server.files.pop("/weights.onnx")
    server.redirects["/weights.onnx"] = f"{server.base_url}/elsewhere"
    pull(model, shelf)
    assert shelf.standing(model) is Standing.READY


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://example.org/weights.onnx", "only https"),
        ("ftp://127.0.0.1/weights.onnx", "only https"),
        ("/weights.onnx", "redirects"),
    ],
)
def test_redirects_to_unsafe_places_or_in_circles_are_refused(
    server: FileServer, shelf: Shelf, target: str, words: str
) -> None:
    model = voice_model(server)
    server.redirects["/weights.onnx"] = target
    with pytest.raises(PullError, match=words):
        pull(model, shelf)


def test_offline_it_says_what_to_place_where(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    with pytest.raises(PullError) as refused:
        pull(model, shelf, mirror="http://127.0.0.1:9/")
    told = str(refused.value)
    assert "http://127.0.0.1:9/weights.onnx cannot be fetched" in told
    for part in (model.files[0].url, model.files[0].sha256, str(shelf.folder / "tinyvoice" / "weights.onnx")):
        assert part in told


def test_a_mirror_serves_the_same_files(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    server.files = {f"/copies{path}": content for path, content in server.files.items()}
    pull(model, shelf, mirror=f"{server.base_url}/copies")
    assert shelf.standing(model) is Standing.READY


def test_files_placed_by_hand_are_checked_and_used_without_a_network(
    server: FileServer, shelf: Shelf
) -> None:
    voice, ears = voice_model(server), recognizer_model(server)
    for model in (voice, ears):
        shelf.place(model).mkdir(parents=True)
        for file in model.files:
            (shelf.place(model) / file.name).write_bytes(server.files[f"/{file.name}"])
        assert shelf.standing(model) is Standing.PLACED
        with pytest.raises(ModelError, match=f"models pull {model.name}"):
            shelf.files(model)
        pull(model, shelf)
        assert shelf.damage(model) == []
    assert server.requests == []
    assert (shelf.place(ears) / "tiny-en.tar.bz2").exists(), "what somebody placed is not ours to delete"


def test_a_wrong_file_placed_by_hand_is_named_and_kept(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    shelf.place(model).mkdir(parents=True)
    placed = shelf.place(model) / "weights.onnx"
    placed.write_bytes(b"something else")
    with pytest.raises(PullError, match="replace it by a copy"):
        pull(model, shelf)
    assert placed.read_bytes() == b"something else"


def test_a_folder_of_copies_is_a_source(server: FileServer, shelf: Shelf, tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    voice, ears = voice_model(server), recognizer_model(server)
    for path, content in server.files.items():
        (folder / path[1:]).write_bytes(content)
    for model in (voice, ears):
        pull(model, shelf, source=folder)
        assert shelf.damage(model) == []
    assert server.requests == []
    assert {path.name for path in folder.iterdir()} == {"weights.onnx", "voices.bin", "tiny-en.tar.bz2"}


def test_a_folder_without_the_file_says_which_is_wanted(
    server: FileServer, shelf: Shelf, tmp_path: Path
) -> None:
    with pytest.raises(PullError, match=r"tiny-en\.tar\.bz2 cannot be read"):
        pull(recognizer_model(server), shelf, source=tmp_path)


def test_damage_is_found_and_mended(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    pull(model, shelf)
    (shelf.place(model) / "weights.onnx").write_bytes(WEIGHTS[::-1])
    assert shelf.standing(model) is Standing.READY, "sizes alone tell nothing"
    (wrong,) = shelf.damage(model)
    assert wrong.startswith("weights.onnx has sha256")
    pull(model, shelf)
    assert shelf.damage(model) == []
    (shelf.place(model) / "voices.bin").unlink()
    assert shelf.standing(model) is Standing.DAMAGED
    pull(model, shelf)
    assert shelf.standing(model) is Standing.READY


@pytest.mark.parametrize("receipt", ["", "[]", "{}", '{"sources": {}, "files": {}}', '{"sources": 3}'])
def test_a_receipt_that_cannot_be_read_makes_no_model(server: FileServer, shelf: Shelf, receipt: str) -> None:
    model = voice_model(server)
    pull(model, shelf)
    (shelf.place(model) / "receipt.json").write_text(receipt)
    assert shelf.standing(model) is Standing.DAMAGED
    assert shelf.damage(model)


def test_too_little_room_is_told_before_anything_is_fetched(
    server: FileServer, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage: Any = shutil._ntuple_diskusage  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(PullError, match="make room"):
        pull(voice_model(server), shelf)
    assert server.requests == []


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_is_told_and_can_be_tried_again(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    with files_no_longer_than(50_000), pytest.raises(PullError, match="cannot be written"):
        pull(model, shelf)
    assert shelf.standing(model) is Standing.ABSENT
    pull(model, shelf)
    assert shelf.damage(model) == []


def test_two_at_a_time_do_not_write_the_same_file(server: FileServer, shelf: Shelf) -> None:
    model = voice_model(server)
    shelf.place(model).mkdir(parents=True)
    with (shelf.place(model) / "weights.onnx.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(PullError, match="another process"):
            pull(model, shelf)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_what_the_catalogue_names_could_be_fetched(model: Any) -> None:
    assert all(file.url.startswith("https://") and file.size > 1_000_000 for file in model.files)
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in model.files)
    assert model.room >= sum(file.size for file in model.files if not file.members)
    assert len(set(model.provides)) == len(model.provides)
