"""A shard: one tar file with all that a parcel of addresses gave, failures included.

A tar file, since its parts lie in it as they are, one after the other: it is written in one pass,
any reader of WebDataset opens it, and no part has to be unpacked to reach another. Parquet would
hold a column of whole files in memory and pack them twice. Members, NAME being a SHA-256:

    NAME.jpg             the original, under the suffix of its format
    NAME.thumbnail.jpg
    NAME.features        float32, little-endian, where features were asked for
    NAME.tiny            the 32 x 32 version, uint8
    outcomes.jsonl       the last: what it is, then a line for each address

Who reads it trusts none of it further than a download: the bytes of an original are hashed again,
every size has a limit, and a line holds known fields with values that can be.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from curator.collect.http.downloader import Outcome
from curator.encode.backbones import DEFAULT, describe
from curator.encode.preprocess import TINY_DIMENSION
from curator.files import put_once
from curator.hashing import sha256
from curator.imaging.decoding import SUFFIXES
from curator.imaging.inspection import VerifiedImage
from curator.imaging.measures import MEASURES_VERSION
from curator.imaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import IO

    from numpy.typing import NDArray

FORMAT = 1  # raise it when an older reader would misread
_OUTCOMES = "outcomes.jsonl"
_MEMBER = re.compile(
    r"[0-9a-f]{64}\.(jpg|png|webp|gif|bmp|tiff|ppm|avif|thumbnail\.jpg|features|tiny)"
)
_LINE, _THUMBNAIL = 1 << 18, 1 << 20  # bytes at most
_JPEG = b"\xff\xd8\xff"

_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0, lt=1 << 53)]
_Side = Annotated[int, Field(ge=1, lt=1 << 31)]


class ShardAltered(Exception):
    """A shard that no task has written like this: it was cut off, or altered."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Scores(_Strict):
    dark_score: _Share
    light_score: _Share
    low_information_score: _Share
    blurry_score: _Share
    odd_aspect_ratio_score: _Share
    grayscale_score: _Share
    sharpness: Annotated[float, Field(ge=0)]


class _Image(_Strict):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    format: str
    suffix: str
    width: _Side
    height: _Side
    bytes: _Count
    phash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    scores: _Scores


class _Line(_Strict):
    key: int
    url: str
    reason: Reason | None
    detail: str
    final_address: str | None
    http_status: Annotated[int | None, Field(ge=0, le=999)]
    content_type: str | None
    bytes: _Count | None
    attempts: _Count
    seconds: Annotated[float, Field(ge=0)]
    image: _Image | None


class _Head(_Strict):
    format: Literal[1]
    measures: int
    backbone: str | None


@dataclass(frozen=True)
class Features:
    """Of one image: ``row`` (1280,) float32 of the default network, ``tiny`` (3072,) uint8."""

    row: NDArray[np.float32]
    tiny: NDArray[np.uint8]


class Writer:
    """Writes a shard to ``path``; whole once the ``with`` block has ended without an error."""

    def __init__(self, path: Path, features: bool) -> None:
        self._tar = tarfile.open(path, "x", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self._lines = io.BytesIO()
        self._contents: set[str] = set()
        backbone = describe(DEFAULT).key if features else None
        head = {"format": FORMAT, "measures": MEASURES_VERSION, "backbone": backbone}
        self._line(head)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        with contextlib.closing(self._tar):
            if failed is None:
                self._add(_OUTCOMES, self._lines.getvalue())

    def add(self, outcome: Outcome, originals: Path, features: Features | None = None) -> None:
        """Append how an address ended; its file goes from ``originals`` into the shard."""
        line = {name: value for name, value in vars(outcome).items() if name != "file"}
        if outcome.image is not None and outcome.file is not None:
            facts = asdict(outcome.image)
            for name in ("thumbnail", "view"):
                del facts[name]
            line["image"] = facts
            digest, original = outcome.image.sha256, originals / outcome.file
            if digest not in self._contents:
                self._contents.add(digest)
                self._add(digest + outcome.image.suffix, original.read_bytes())
                self._add(f"{digest}.thumbnail.jpg", outcome.image.thumbnail)
                if features is not None:
                    self._add(f"{digest}.features", features.row.astype("<f4").tobytes())
                    self._add(f"{digest}.tiny", features.tiny.tobytes())
            original.unlink(missing_ok=True)
        self._line(line)

    def _line(self, values: Mapping[str, object]) -> None:
        self._lines.write(json.dumps(values).encode() + b"\n")

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))


class Reader:
    """An open shard. Raises ShardAltered when it is none, here or while it is read."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self._tar = tar
        self._path = path
        self._members: dict[str, tarfile.TarInfo] = {}
        for member in tar:
            name = member.name
            if not member.isreg() or name in self._members or self._members.get(_OUTCOMES):
                raise self.altered(f"{name[:200]!r} does not belong there")
            if name != _OUTCOMES and not _MEMBER.fullmatch(name):
                raise self.altered(f"{name[:200]!r} does not belong there")
            self._members[name] = member
        first = next(self._rows(), b"")
        try:
            head = _Head.model_validate_json(first)
        except ValidationError as error:
            raise self.altered("it does not say what it is") from error
        self._measures = head.measures
        self.has_features = head.backbone == describe(DEFAULT).key
        """Whether there are features of the network that this machine has, too."""

    def asked(self) -> Iterator[tuple[int, str]]:
        """Key and address of each outcome."""
        return ((line.key, line.url) for line in self._outcomes())

    @property
    def has_images(self) -> bool:
        """Whether an address gave one."""
        return len(self._members) > 1

    def outcomes(
        self, asked: Mapping[int, str], originals: Path, most: int, stays: str | None = None
    ) -> Iterator[tuple[Outcome, Features | None]]:
        """How the addresses that were ``asked`` for ended.

        ``asked``: address by key; others are passed over. ``most``: bytes of an original.
        ``stays``: the path of this shard below ``originals``; None: each original is put there as a
        file of its own.
        """
        if self._measures != MEASURES_VERSION:
            raise self.altered("another version of the curator measured its images")
        for line in self._outcomes():
            if asked.get(line.key) != line.url:
                continue
            image = file = features = None
            if line.image is not None:
                image, content = self._image(line.image, most)
                name = image.sha256 + image.suffix
                file = self._part(name, stays) if stays else put_once(originals, content, name)
                features = self._features(image.sha256) if self.has_features else None
            elif line.reason is None:
                raise self.altered(f"{line.url[:200]} has neither an image nor a reason")
            values = {**dict(line), "image": image, "file": file}
            yield Outcome(**values), features

    def altered(self, what: str) -> ShardAltered:
        """The error that says what is wrong with it."""
        return _altered(self._path, what)

    def _outcomes(self) -> Iterator[_Line]:
        rows = self._rows()
        next(rows, None)
        seen = set()
        for row in rows:
            try:
                line = _Line.model_validate_json(row)
            except ValidationError as error:
                problem = error.errors()[0]
                raise self.altered(f"{problem['loc']}: {problem['msg']}") from error
            if line.key in seen:
                raise self.altered(f"two lines speak of {line.url[:200]}")
            seen.add(line.key)
            yield line

    def _rows(self) -> Iterator[bytes]:
        with self._member(_OUTCOMES) as stream:
            while row := stream.readline(_LINE + 1):
                if len(row) > _LINE or not row.endswith(b"\n"):
                    raise self.altered("a line has no end")
                yield row

    def _image(self, facts: _Image, most: int) -> tuple[VerifiedImage, bytes]:
        name = facts.sha256 + facts.suffix
        if SUFFIXES.get(facts.format) != facts.suffix:
            raise self.altered(f"{facts.format[:20]!r} is not written as {facts.suffix[:20]!r}")
        content = self._content(name, most)
        if sha256(content) != facts.sha256 or len(content) != facts.bytes:
            raise self.altered(f"{name} holds other bytes than its name says")
        thumbnail = self._content(f"{facts.sha256}.thumbnail.jpg", _THUMBNAIL)
        if not thumbnail.startswith(_JPEG):
            raise self.altered(f"{facts.sha256}.thumbnail.jpg is no JPEG")
        values = facts.model_dump()
        return VerifiedImage(**values, thumbnail=thumbnail), content

    def _part(self, name: str, shard: str) -> str:
        """What the database calls an original that stays in the shard."""
        member = self._members[name]
        return f"{shard}/{member.offset_data}-{member.size}{PurePosixPath(name).suffix}"

    def _features(self, digest: str) -> Features:
        dimension = describe(DEFAULT).dimension
        row = np.frombuffer(self._content(f"{digest}.features", 4 * dimension), "<f4")
        tiny = np.frombuffer(self._content(f"{digest}.tiny", TINY_DIMENSION), np.uint8)
        if len(row) != dimension or len(tiny) != TINY_DIMENSION or not np.isfinite(row).all():
            raise self.altered(f"the features of {digest} cannot be")
        return Features(row.astype(np.float32), tiny)

    def _content(self, name: str, most: int) -> bytes:
        with self._member(name) as stream:
            content = stream.read(most + 1)
        if len(content) > most:
            raise self.altered(f"{name} has more than {most:,} bytes")
        if len(content) != self._members[name].size:
            raise self.altered(f"{name} is cut off")
        return content

    def _member(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        stream = member and self._tar.extractfile(member)
        if not stream:
            raise self.altered(f"{name} is missing")
        return stream


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """The shard in that file. Raises ShardAltered, within the block, too."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield Reader(tar, path)
    except (tarfile.TarError, EOFError) as error:
        raise _altered(path, str(error)) from error


def _altered(path: Path, what: str) -> ShardAltered:
    return ShardAltered(f"The shard {path.name[:20]} was cut off or altered: {what}.")
