"""One large file over HTTP, into a part file that a later call goes on with.

What arrived is not judged here: the caller checks the hash, which also catches a part file that
belongs to an older version of the file. Addresses are the curator's own, so private ones are not
refused; lists of image addresses go through :mod:`curator.collect.http.client` instead.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONNECT_SECONDS = 5.0
STALLED_SECONDS = 30.0
"""Without a single byte for so long, a connection counts as broken."""
TRIES = 3
"""Connections in a row that brought nothing new before it is given up."""

_PIECE = 1 << 16  # bytes that are lost at most when a connection breaks off
_PAUSE_SECONDS = 0.5
_TRANSIENT = {429, 500, 502, 503, 504}


class DownloadFailed(Exception):
    """Why there is no file: a phrase for the middle of a sentence."""


class _Transient(Exception):
    """Worth another connection."""


def download(
    address: str,
    part: Path,
    progress: Callable[[int, int], None],
    *,
    expected: int = 0,
    stalled_seconds: float = STALLED_SECONDS,
) -> None:
    """Fetch ``address`` into ``part``, from where ``part`` ends.

    ``expected``: bytes of the whole file as far as known, 0 when not; more than twice that is
    refused. ``progress`` gets (bytes so far, bytes in all or 0); what it raises ends the download,
    and ``part`` stays for the next call. Raises :class:`DownloadFailed`; OSError when the disk
    refuses.
    """
    fruitless = 0
    while True:
        before = _size(part)
        try:
            _connect(address, part, progress, expected, stalled_seconds)
        except (requests.RequestException, _Transient) as error:
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless >= TRIES:
                raise DownloadFailed(_reason(error)) from error
            time.sleep(_PAUSE_SECONDS * fruitless)
        else:
            return


def _connect(
    address: str,
    part: Path,
    progress: Callable[[int, int], None],
    expected: int,
    stalled_seconds: float,
) -> None:
    start = _size(part)
    # Compressed on the way, the bytes could not be resumed by their number.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(
        address, headers=headers, stream=True, timeout=(CONNECT_SECONDS, stalled_seconds)
    ) as answer:
        status = answer.status_code
        if status == requests.codes.requested_range_not_satisfiable:
            if answer.headers.get("Content-Range", "") == f"bytes */{start}":
                return  # it was whole already
            part.unlink()
            message = "the part on disk does not belong to the file"
            raise _Transient(message)
        if status in _TRANSIENT:
            raise _Transient(f"the server answered with status {status}")
        if status not in {200, 206}:
            raise DownloadFailed(f"the server answered with status {status}")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise DownloadFailed("the server answered with a web page instead of the file")
        goes_on = status == 206 and answer.headers.get("Content-Range", "").startswith(
            f"bytes {start}-"
        )
        done = start if goes_on else 0
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else expected
        with part.open("ab" if goes_on else "wb") as stream:
            progress(done, total)
            for piece in answer.iter_content(_PIECE):
                stream.write(piece)
                done += len(piece)
                if expected and done > 2 * expected:
                    raise DownloadFailed(f"the answer is longer than {2 * expected} bytes")
                progress(done, total)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off again and again"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to the server"
    return str(error)
