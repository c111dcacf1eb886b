"""The originals as they were taken in: whether each file is there, and still the same bytes.

An original is named by its SHA-256, but a name proves nothing: a disk may fail, a copy may be cut
off, a file may be swapped. Whoever hands an original on hashes it in the same pass in which it is
read (:func:`copy_whole`, :func:`read_whole`). :func:`examine` hashes all of them; sizes and times
are not taken for an answer, since what changes a file can leave both as they were.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, delete, insert, select

from curator.errors import OriginalAltered, OriginalMissing
from curator.platform import cpu_count, hard_link, share_blocks
from curator.store import schema
from curator.store.database import Database, now, pieces

_PIECE = 1 << 20  # bytes read at a time
_AT_ONCE = 256  # files between two looks at the cancel flag
_KEY = "originals"  # in the table `meta`
_FIX = "Put it back from a copy of the project, or delete that image; `curator check` lists all."


class Reporting(Protocol):
    """Who is told how far it is, and may raise to stop it."""

    def begin(self, message: str, total: int) -> None:
        """A step begins."""

    def advance(self, items: int) -> None:
        """So many items more are done."""


@dataclass(frozen=True)
class Examined:
    """What :func:`examine` found last. ``missing``, ``altered``: image ids, deleted ones too."""

    at: str
    files: int
    missing: list[int]
    altered: list[int]


def copy_whole(original: Path, target: Path, sha256: str, size: int, link: bool = False) -> bool:
    """Copy an original to the new file ``target``, hashing what is there; say if it is a link.

    ``size``: in bytes, as recorded. A file system that can share blocks does; ``link``: else it is
    a read-only hard link, where there can be one. Raises OriginalMissing, or OriginalAltered when
    the content is not that of ``sha256`` (``target`` is then no good); OSError when ``target``
    cannot be written.
    """
    if share_blocks(original, target):
        for _ in _checked(original, sha256, size, target):
            pass
        return False
    if link and hard_link(original, target):
        for _ in _checked(original, sha256, size):
            pass
        return True
    with target.open("xb") as stream:
        for piece in _checked(original, sha256, size):
            stream.write(piece)
    return False


def read_whole(original: Path, sha256: str, size: int) -> bytes:
    """The bytes of an original. Raises OriginalMissing, OriginalAltered."""
    return b"".join(_checked(original, sha256, size))


def examine(database: Database, originals: Path, progress: Reporting) -> Examined:
    """Hash every original, and keep what was found until the next time. Raises JobCancelled."""
    table = schema.images
    query = select(table.c.id, table.c.file, table.c.sha256, table.c.bytes).order_by(table.c.id)
    with database.read() as connection:
        rows: Sequence[Any] = connection.execute(query).all()
    progress.begin("comparing the originals with their hashes", len(rows))
    missing: list[int] = []
    altered: list[int] = []

    def look(row: Any) -> None:
        try:
            for _ in _checked(originals / row.file, row.sha256, row.bytes):
                pass
        except OriginalMissing:
            missing.append(row.id)
        except OriginalAltered:
            altered.append(row.id)

    # Hashing lets go of the interpreter's lock, so threads use all cores.
    with ThreadPoolExecutor(cpu_count(), thread_name_prefix="hash") as pool:
        for piece in pieces(rows, _AT_ONCE):
            list(pool.map(look, piece))
            progress.advance(len(piece))
    found = Examined(now(), len(rows), sorted(missing), sorted(altered))
    with database.write() as connection:
        connection.execute(delete(schema.meta).where(schema.meta.c.key == _KEY))
        value = json.dumps(asdict(found))
        connection.execute(insert(schema.meta).values(key=_KEY, value=value))
    return found


def examined(connection: Connection) -> Examined | None:
    """What was found last; None before the first time."""
    query = select(schema.meta.c.value).where(schema.meta.c.key == _KEY)
    value = connection.execute(query).scalar()
    return None if value is None else Examined(**json.loads(value))


def _checked(original: Path, sha256: str, size: int, copy: Path | None = None) -> Iterator[bytes]:
    """The content in pieces; at its end, or as soon as it is too long, raises what is wrong.

    ``copy``: a file of the same blocks, which is read instead.
    """
    digest = hashlib.sha256()
    left = size
    try:
        if not original.is_file():  # nor anything that could block, such as a pipe
            raise OriginalMissing(f"The original {original} is missing.", _FIX)
        with (copy or original).open("rb") as stream:
            while left >= 0 and (piece := stream.read(_PIECE)):
                left -= len(piece)
                digest.update(piece)
                yield piece
    except OSError as error:
        raise OriginalMissing(
            f"The original {original} cannot be read: {error.strerror or error}.", _FIX
        ) from error
    if left or digest.hexdigest() != sha256:
        raise OriginalAltered(
            f"The original {original} is no longer the file that was taken in: its content does "
            f"not have the SHA-256 {sha256[:16]}... that was recorded.",
            _FIX,
        )
