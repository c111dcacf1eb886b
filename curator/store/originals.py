"""The originals as they were taken in: whether each file is there, and still the same bytes.

An original is a file of its own, or a part of a shard of many; who reads one gets an
:class:`Original` and need not know. Its SHA-256 is recorded, but proves nothing: a disk may fail, a
copy may be cut off, a file may be swapped. Whoever hands an original on hashes it in the same pass
in which it is read (:func:`copy_whole`, :func:`read_whole`). :func:`examine` hashes all of them;
sizes and times are not taken for an answer, since what changes a file can leave both as they were.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, delete, insert, select

from curator.errors import OriginalAltered, OriginalMissing, ProjectAltered
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
class Original:
    """Where the bytes of an image lie: ``size`` bytes of a file from ``start`` on; None: all."""

    path: Path
    start: int = 0
    size: int | None = None

    def __str__(self) -> str:
        return str(self.path) if self.is_file else f"{self.path} at byte {self.start}"

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name if self.is_file else f"{self.path.name} at byte {self.start}"

    @property
    def is_file(self) -> bool:
        """Whether it is a file of its own."""
        return self.size is None

    def read_bytes(self) -> bytes:
        """All of it, or what is left of it. Raises OSError."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """What :meth:`read_bytes` gives, piece by piece. Raises OSError."""
        left = sys.maxsize if self.size is None else self.size
        with self.path.open("rb") as stream:
            stream.seek(self.start)
            while piece := stream.read(min(left, _PIECE)):
                left -= len(piece)
                yield piece


@dataclass(frozen=True)
class Examined:
    """What :func:`examine` found last. ``missing``, ``altered``: image ids, deleted ones too."""

    at: str
    files: int
    missing: list[int]
    altered: list[int]


def copy_whole(
    original: Original, target: Path, sha256: str, size: int, link: bool = False
) -> bool:
    """Copy an original to the new file ``target``, hashing what is there; say if it is a link.

    ``size``: in bytes, as recorded. A file system that can share blocks does; ``link``: else it is
    a read-only hard link, where there can be one. Raises OriginalMissing, or OriginalAltered when
    the content is not that of ``sha256`` (``target`` is then no good); OSError when ``target``
    cannot be written.
    """
    if original.is_file and share_blocks(original.path, target):
        for _ in _checked(original, sha256, size, target):
            pass
        return False
    if link and original.is_file and hard_link(original.path, target):
        for _ in _checked(original, sha256, size):
            pass
        return True
    with target.open("xb") as stream:
        for piece in _checked(original, sha256, size):
            stream.write(piece)
    return False


def read_whole(original: Original, sha256: str, size: int) -> bytes:
    """The bytes of an original. Raises OriginalMissing, OriginalAltered."""
    return b"".join(_checked(original, sha256, size))


def examine(
    database: Database, original: Callable[[str], Original], progress: Reporting
) -> Examined:
    """Hash every original, and keep what was found until the next time. Raises JobCancelled.

    ``original``: gives the one that the database calls so, as a workspace does.
    """
    table = schema.images
    query = select(table.c.id, table.c.file, table.c.sha256, table.c.bytes).order_by(table.c.id)
    with database.read() as connection:
        rows: Sequence[Any] = connection.execute(query).all()
    progress.begin("comparing the originals with their hashes", len(rows))
    missing: list[int] = []
    altered: list[int] = []

    def look(row: Any) -> None:
        try:
            for _ in _checked(original(row.file), row.sha256, row.bytes):
                pass
        except OriginalMissing:
            missing.append(row.id)
        except (OriginalAltered, ProjectAltered):
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


def _checked(
    original: Original, sha256: str, size: int, copy: Path | None = None
) -> Iterator[bytes]:
    """The content in pieces; at its end, or as soon as it is too long, raises what is wrong.

    ``copy``: a file of the same blocks, which is read instead.
    """
    digest = hashlib.sha256()
    left = size
    try:
        if not original.path.is_file():  # nor anything that could block, such as a pipe
            raise OriginalMissing(f"The original {original} is missing.", _FIX)
        for piece in (original if copy is None else Original(copy)).pieces():
            left -= len(piece)
            if left < 0:
                break
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
