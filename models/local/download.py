"""One file from one address, whole and right, or not at all.

What has come stays beside the target until it is complete, and the next attempt goes on from there (HTTP
range requests, RFC 9110 section 14). Only a file with the expected sha256 ever gets the target's name.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from models.local.catalogue import PublishedFile
from models.local.shelf import sha256_of
from models.model_file import ModelError

Progress = Callable[[str, int, int], None]
"""Told (file name, bytes so far, bytes in all)."""

MAX_REDIRECTS: Final = 5
_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
"""Seconds without a byte."""


class PullError(ModelError):
    """A model could not be fetched; the message says what to do."""


def download(url: str, target: Path, file: PublishedFile, progress: Progress) -> None:
    """Fetch ``url`` to ``target``; ``file`` says what it must be.

    Raises:
        PullError: unreachable, refused, cut off, another file than the published one, or no room.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        with _alone(part) as out:
            _fetch(url, out, file, progress)
            out.flush()
            os.fsync(out.fileno())
            found = sha256_of(part)
            if found != file.sha256:
                out.truncate(0)
                raise PullError(f"{url} has sha256 {found}, expected {file.sha256}: it was thrown away")
            os.replace(part, target)
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise PullError(f"{url} cannot be fetched ({reason})") from error
    except OSError as error:
        raise PullError(
            f"{part} cannot be written: {error.strerror}; make room or move the data directory"
        ) from error


@contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    """``part``, open for appending, by this process alone."""
    with part.open("ab") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PullError(f"{part} is being fetched by another process: wait for it") from None
        yield out


def _fetch(url: str, out: BinaryIO, file: PublishedFile, progress: Progress) -> None:
    have = out.seek(0, os.SEEK_END)
    if have > file.size:
        have = out.truncate(0)
    if have == file.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with httpx.Client(timeout=_TIMEOUT) as client, _answer(client, url, headers) as response:
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            if not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
                raise PullError(f"{url} answered with another part than was asked for")
        elif response.status_code == httpx.codes.OK:
            have = out.truncate(0)  # the server knows no ranges
        else:
            raise PullError(f"{url} answered with status {response.status_code}")
        progress(file.name, have, file.size)
        for piece in response.iter_bytes():
            have += len(piece)
            if have > file.size:
                out.truncate(0)
                raise PullError(f"{url} is longer than the {file.size} bytes that were published")
            out.write(piece)
            progress(file.name, have, file.size)
    if have < file.size:
        raise PullError(f"{url} ended after {have} of {file.size} bytes: run the same command to go on")


@contextmanager
def _answer(client: httpx.Client, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """The answer at the end of all redirects, each of them to an address that is allowed."""
    for _ in range(MAX_REDIRECTS + 1):
        request = client.build_request("GET", _allowed(url), headers=headers)
        response = client.send(request, stream=True)
        try:
            if response.next_request is None:
                yield response
                return
            url = str(response.next_request.url)
        finally:
            response.close()
    raise PullError(f"{url} is behind more than {MAX_REDIRECTS} redirects")


def _allowed(url: str) -> str:
    """``url``, if nobody on the way could change what it says or see who asks: https, or this machine."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise PullError(f"{url!r} is no address: {error}") from error
    if parsed.host and (parsed.scheme == "https" or (parsed.scheme == "http" and _is_here(parsed.host))):
        return url
    raise PullError(f"{url} is not fetched: only https addresses are (http on this machine alone)")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
