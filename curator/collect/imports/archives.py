"""Reading the images of a zip archive of unknown origin.

Nothing is ever written under a name from the archive: members are read into memory, one at a time.
Names that lead elsewhere, links, encrypted members and archives within are refused one by one with
the reason, and the rest goes on. Sizes are counted while a member is unpacked; what the archive
says of its own sizes is not believed.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import threading
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from curator.collect.imports.labels import NOT_UTF8, SUFFIXES
from curator.errors import BadFolder
from curator.hashing import sha256_of
from curator.imaging.decoding import Rejected
from curator.imaging.reasons import Reason

_PIECE = 1 << 16
_ARCHIVES = {
    ".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cbz", ".cbr", ".jar"
}  # fmt: skip
_JUNK = {"__macosx", "thumbs.db", "desktop.ini"}
# bzip2 and LZMA unpack a few kilobytes to many megabytes in one step, before they can be stopped.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_UTF8 = 0x800  # the mark of names in UTF-8
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Limits:
    """What is unpacked at most. Sizes in bytes; ``ratio``: unpacked to packed size."""

    member: int = 50_000_000
    total: int = 200_000_000_000
    members: int = 500_000
    directory: int = 100_000_000  # the archive's table of contents, which is read whole
    ratio: int = 200  # the best that an honest BMP or TIFF of one colour comes to
    unsuspicious: int = 20_000_000  # below this much nothing is a bomb, whatever its ratio


LIMITS = Limits()


@dataclass(frozen=True)
class Refusal:
    """A file, or a member of an archive, that is not taken, with the problem in one sentence."""

    name: str
    problem: str


class Member:
    """One image of an open archive. ``name``: its path in there, with forward slashes."""

    def __init__(self, archive: Archive, info: zipfile.ZipInfo) -> None:
        self.name = info.filename
        self._archive = archive
        self._info = info

    @property
    def size(self) -> int:
        """Bytes when unpacked, as the archive says of itself."""
        return self._info.file_size

    def read_bytes(self) -> bytes:
        """Unpack it. Raises :class:`Rejected` when it is too big, a bomb, or damaged."""
        return self._archive.unpack(self._info)


class Archive:
    """An open zip archive: its images in ``members``, and what is ``refused``.

    Threads may read members at the same time; one is unpacked after the other. Raises BadFolder
    when the file is no archive that can be read.
    """

    def __init__(self, path: Path, limits: Limits = LIMITS) -> None:
        self.path = path
        self.refused: list[Refusal] = []
        self._limits = limits
        self._lock = threading.Lock()
        self._unpacked = 0
        self._names: _NamesMended | None = None
        self._misnamed: dict[int, str] = {}  # by place in the table of contents
        try:
            self._packed = path.stat().st_size
            self._check_directory()
            try:
                self._zip = zipfile.ZipFile(path)
            except UnicodeDecodeError:  # the whole archive, for one name
                self._names = _NamesMended(path)
                self._zip, self._misnamed = zipfile.ZipFile(self._names), self._names.misnamed
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            if self._names is not None:
                self._names.close()
            raise BadFolder(
                f"{path.name} is no zip archive that can be read: {error}.",
                "Pack it again as an ordinary zip file, or give the folder itself.",
            ) from error
        try:
            self.members = self._sift()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        if self._names is not None:
            self._names.close()

    def identity(self) -> str:
        """The archive's name and a digest of its content: another one of that name differs."""
        return f"{self.path.name} {sha256_of(self.path)[:12]}"

    def unpack(self, info: zipfile.ZipInfo) -> bytes:
        """The bytes of a member. Raises :class:`Rejected`."""
        with self._lock:
            try:
                with self._zip.open(info) as stream:
                    return self._read(stream, info)
            except Rejected:
                raise
            except (zipfile.BadZipFile, zlib.error, EOFError, struct.error) as error:
                raise Rejected(
                    Reason.BROKEN, f"It is damaged inside the archive: {error}."
                ) from error
            except (RuntimeError, NotImplementedError, OSError, ValueError) as error:
                raise Rejected(Reason.UNREADABLE, f"It cannot be unpacked: {error}.") from error

    def _read(self, stream: IO[bytes], info: zipfile.ZipInfo) -> bytes:
        limits = self._limits
        # A lie about the packed size gains nothing beyond the size of the whole archive.
        packed = max(1, min(info.compress_size, self._packed))
        most = min(limits.total, max(limits.unsuspicious, limits.ratio * self._packed))
        pieces: list[bytes] = []
        size = 0
        while piece := stream.read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            self._unpacked += len(piece)
            if size > limits.member:
                raise Rejected(Reason.TOO_BIG, f"It unpacks to more than {limits.member:,} bytes.")
            if size > limits.unsuspicious and size > limits.ratio * packed:
                raise Rejected(
                    Reason.TOO_BIG,
                    f"It unpacks to more than {limits.ratio} times its size, as no image does.",
                )
            if self._unpacked > most:
                raise Rejected(
                    Reason.TOO_BIG, f"The archive as a whole unpacks to more than {most:,} bytes."
                )
        return b"".join(pieces)

    def _check_directory(self) -> None:
        """Refuse a table of contents that would fill the memory, before it is read."""
        if (size := _directory(self.path)[1]) > self._limits.directory:
            raise ValueError(
                f"its table of contents has {size:,} bytes, and at most "
                f"{self._limits.directory:,} are read"
            )

    def _sift(self) -> list[Member]:
        entries = self._zip.infolist()
        if len(entries) > self._limits.members:
            raise BadFolder(
                f"{self.path.name} has {len(entries):,} entries; at most "
                f"{self._limits.members:,} are read.",
                "Split it into several archives.",
            )
        found: dict[str, Member] = {}
        for place, info in enumerate(entries):
            name = info.orig_filename
            if place in self._misnamed:
                self.refused.append(Refusal(_printable(self._misnamed[place]), NOT_UTF8))
            elif problem := _hazard(info):
                self.refused.append(Refusal(_printable(name), problem))
            elif info.is_dir() or _is_junk(name):
                continue
            elif name in found:
                self.refused.append(Refusal(name, "The archive holds this name twice."))
            elif self._is_image(info):
                if info.compress_type not in _METHODS:
                    self.refused.append(
                        Refusal(name, "It is packed in a way that is not read; use plain zip.")
                    )
                else:
                    found[name] = Member(self, info)
        return list(found.values())

    def _is_image(self, info: zipfile.ZipInfo) -> bool:
        """By its ending; where that says nothing, by how the content begins."""
        suffix = Path(info.filename).suffix.lower()
        if suffix in SUFFIXES:
            return True
        if info.compress_type not in _METHODS:
            return False
        try:
            with self._zip.open(info) as stream:
                return begins_like_an_image(stream.read(16))
        except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError, struct.error):
            return False


class _NamesMended(io.FileIO):
    """An archive in which names are said to be UTF-8 and are not, as one that can be opened.

    Python reads no archive with such a name. Here the mark of UTF-8 is taken off these entries of
    the table of contents while it is read; ``misnamed`` has their names by their place in it.
    Source of the layout: PKWARE's APPNOTE 6.3.10, section 4.3.12.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.misnamed: dict[int, str] = {}
        self._flags: dict[int, int] = {}  # place of a byte in the file, and the byte instead
        self._start, size = _directory(path)
        self.seek(self._start)
        table = super().read(size)
        at = place = 0
        while table[at : at + 4] == b"PK\x01\x02" and len(table) - at >= 46:
            flags, *lengths = struct.unpack_from("<8xH18x3H", table, at)
            name = table[at + 46 : at + 46 + lengths[0]]
            try:
                name.decode("utf-8" if flags & _UTF8 else "cp437")
            except UnicodeDecodeError:
                self.misnamed[place] = name.decode("utf-8", "replace")
                self._flags[self._start + at + 9] = (flags & ~_UTF8) >> 8
            at += 46 + sum(lengths)
            place += 1
        self.seek(0)

    def read(self, size: int | None = -1) -> bytes:
        """Read on, with the marks taken off."""
        start = self.tell()
        data = super().read(-1 if size is None else size)
        if start + len(data) <= self._start:
            return data
        changed = bytearray(data)
        for place, byte in self._flags.items():
            if start <= place < start + len(data):
                changed[place - start] = byte
        return bytes(changed)


def is_archive(path: Path) -> bool:
    """Whether the file begins like a zip archive: its content decides, not its name."""
    with path.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def begins_like_an_image(start: bytes) -> bool:
    """Whether the first 16 bytes are those of a format that is common for photographs."""
    return (
        start.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*"))
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
        or start[4:12] == b"ftypavif"
    )


def _hazard(info: zipfile.ZipInfo) -> str:
    """What speaks against a member, from its name and kind alone; empty: nothing."""
    name = info.orig_filename
    kind = stat.S_IFMT(info.external_attr >> 16)
    dangers = {
        "Its name holds a backslash.": "\\" in name,
        "Its name is an absolute path.": name.startswith("/") or _DRIVE.match(name),
        "Its name leads out of the archive.": ".." in name.split("/"),
        "Its name holds unprintable characters.": not name.isprintable() or not name,
        "It is a link or a device, not a file.": kind not in (0, stat.S_IFREG, stat.S_IFDIR),
    }
    others = {
        "It is encrypted; unpack the archive with its password and give the folder.": (
            info.flag_bits & _ENCRYPTED
        ),
        "It is an archive within the archive; unpack it and give it by itself.": (
            Path(name).suffix.lower() in _ARCHIVES
        ),
    }
    checks = dangers if _is_junk(name) else dangers | others
    return next((problem for problem, found in checks.items() if found), "")


def _is_junk(name: str) -> bool:
    """What macOS and Windows add of their own, and hidden files."""
    return any(
        part.startswith(".") or part.lower() in _JUNK for part in name.rstrip("/").split("/")
    )


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in name)[:200]


def _directory(path: Path) -> tuple[int, int]:
    """Place and bytes of the table of contents, as the record at the archive's end says.

    (0, 0) if none is there. Source: PKWARE's APPNOTE 6.3.10, sections 4.3.14 to 4.3.16.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - 22 - 0xFFFF - 20))
        tail = stream.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) - end < 22:
            return 0, 0
        ends = size - len(tail) + end
        found: int = struct.unpack_from("<L", tail, end + 12)[0]
        locator = tail[max(0, end - 20) : end]
        if found == 0xFFFFFFFF and locator[:4] == b"PK\x06\x07":
            stream.seek(struct.unpack_from("<Q", locator, 8)[0])
            record = stream.read(56)
            if record[:4] == b"PK\x06\x06" and len(record) == 56:
                found = struct.unpack_from("<Q", record, 40)[0]
                ends -= len(locator) + len(record)
    return max(0, ends - found), found
