"""The form of a data set recipe, written by us and read from anyone.

JSON lines: a header, then a line for each image by its SHA-256, so that two recipes can be compared
line by line, and the same data set gives the same bytes. A file from elsewhere is not trusted: it
must be a plain file of bounded size, each line is checked strictly before anything is done with
the first, names of classes are those that folders can have, and addresses have the form that lists
give them; whether one may be asked is for the fetch to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from curator.collect.http.urls import BadAddress, normalise
from curator.errors import BadRecipe
from curator.hashing import sha256_of
from curator.store import schema
from curator.store.class_names import valid_as_they_are
from curator.trust import not_plain

if TYPE_CHECKING:
    from typing import BinaryIO

KIND: Literal["curator data set"] = "curator data set"
FORMAT_VERSION = 1
LARGEST_FILE = 4 << 30  # bytes
LONGEST_LINE = 4 << 20
MOST_SOURCES = 5_000  # of one image; a placeholder has many addresses
MOST_DECISIONS = 1_000

AGAIN = "Ask for it again: `curator recipe write PROJECT FILE` makes it."

# Controls, separators of lines and marks that change the direction could forge what is shown.
FORBIDDEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Name = Annotated[str, Field(max_length=100)]
_Text = Annotated[str, Field(pattern=rf"^[^{FORBIDDEN}]*$", max_length=1_000)]
_Origin = Annotated[str, Field(pattern=rf"^[^{FORBIDDEN}]+$", max_length=10_000)]
_Reviewer = Annotated[str, Field(pattern=rf"^[^{FORBIDDEN}]*$", max_length=200)]
_Time = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$", max_length=29)
]
DecidedState = Literal["kept", "unsure", "several", "none", "deleted"]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class Header(_Strict):
    """The first line. ``seed``, ``test_share``: so that later images get the same split."""

    recipe: Literal["curator data set"]
    format_version: Annotated[int, Field(ge=1, le=FORMAT_VERSION)]
    name: _Text
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    test_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    classes: Annotated[list[_Name], Field(max_length=20_000)]
    images: Annotated[int, Field(ge=0)]
    """Lines that follow."""

    _are_names = field_validator("classes")(valid_as_they_are)


class Source(_Strict):
    """Where an image is from, and the class that it was listed under.

    ``kind``: "address"; else its bytes were given, and only the name is known.
    """

    kind: Literal["address", "data", "file"]
    origin: _Origin
    label: _Name
    license: _Text = ""
    creator: _Text = ""
    source_page: _Text = ""

    @model_validator(mode="after")
    def _is_address(self) -> Source:
        if self.kind == "address":
            try:
                if normalise(self.origin) != self.origin:
                    raise ValueError("an address is not in its normal form")
            except BadAddress as error:
                raise ValueError(f"an address cannot be used: {error}") from error
        return self


class Decision(_Strict):
    """One decision of the ledger that is in force. ``label``: by its name of today."""

    at: _Time
    by: _Reviewer
    state: DecidedState
    label: _Name


class ImageLine(_Strict):
    """One image. ``state``: "new" when nobody decided; ``decisions``: oldest first."""

    sha256: _Sha256
    bytes: Annotated[int, Field(ge=1, lt=2**53)]
    label: _Name
    state: Literal["new", "kept", "unsure", "several", "none", "deleted"]
    split: Literal["train", "valid", "test"] | None = None
    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=MOST_SOURCES)]
    decisions: Annotated[tuple[Decision, ...], Field(max_length=MOST_DECISIONS)] = ()

    @model_validator(mode="after")
    def _is_derived(self) -> ImageLine:
        last = self.decisions[-1].state if self.decisions else schema.NEW
        if self.state != last:
            raise ValueError("its state is not that of its last decision")
        return self

    @property
    def addresses(self) -> list[str]:
        """Where it can be fetched."""
        return [source.origin for source in self.sources if source.kind == "address"]


Line = TypeVar("Line", bound=_Strict)


def written(line: BaseModel) -> bytes:
    """A line, without what is empty."""
    said = line.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(said, ensure_ascii=False, separators=(", ", ": ")).encode() + b"\n"


@dataclass(frozen=True)
class Recipe:
    """A recipe that was read once and found good: it can be gone through again and again."""

    path: Path
    sha256: str
    header: Header

    def images(self) -> Iterator[ImageLine]:
        """The images by SHA-256, one after the other. Raises BadRecipe."""
        with _opened(self.path) as stream:
            yield from _images(self.path, stream, _header(self.path, stream))


def read(path: str | Path) -> Recipe:
    """Look at every line of a recipe. Raises BadRecipe with the number of the bad one."""
    place = Path(path).expanduser().absolute()
    with _opened(place) as stream:
        header = _header(place, stream)
        for _ in _images(place, stream, header):
            pass
    return Recipe(place, sha256_of(place), header)


def _opened(path: Path) -> BinaryIO:
    if not path.exists() and not path.is_symlink():
        raise BadRecipe(
            f"There is no file {path}.", "Name a file that `curator recipe write` made."
        )
    problem = not_plain(path)
    if problem is None and path.stat().st_size > LARGEST_FILE:
        problem = f"is larger than the {LARGEST_FILE >> 30} GiB that a recipe may have"
    if problem:
        raise BadRecipe(f"{path} {problem}, and a recipe is a plain file.", AGAIN)
    try:
        return path.open("rb")
    except OSError as error:
        raise BadRecipe(f"{path} cannot be read: {error.strerror or error}.", AGAIN) from error


def _header(path: Path, stream: BinaryIO) -> Header:
    line = _line(path, stream, 1)
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.get("recipe") != KIND:
        raise BadRecipe(
            f"{path} is no data set recipe.", "Name a file that `curator recipe write` made."
        )
    version = said.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise BadRecipe(
            f"{path} has format version {version}; this curator knows up to {FORMAT_VERSION}.",
            "Update the curator.",
        )
    return _checked(Header, path, 1, line)


def _images(path: Path, stream: BinaryIO, header: Header) -> Iterator[ImageLine]:
    classes = set(header.classes)
    before, number = "", 1
    while line := _line(path, stream, number + 1):
        number += 1
        image = _checked(ImageLine, path, number, line)
        if image.sha256 <= before:
            raise _bad(path, number, "images are not in the order of their SHA-256")
        before = image.sha256
        named = {image.label} | {item.label for item in image.sources}
        named |= {item.label for item in image.decisions}
        if strange := sorted(named - classes):
            raise _bad(path, number, f"{strange[0]!r} is none of its classes")
        yield image
    if number - 1 != header.images:
        raise BadRecipe(
            f"{path} holds {number - 1} images, and says that it has {header.images}: it is cut "
            "off, or was altered.",
            AGAIN,
        )


def _line(path: Path, stream: BinaryIO, number: int) -> bytes:
    line = stream.readline(LONGEST_LINE + 1)
    if len(line) > LONGEST_LINE:
        raise _bad(path, number, f"it is longer than {LONGEST_LINE >> 20} MiB")
    return line


def _checked(form: type[Line], path: Path, number: int, line: bytes) -> Line:
    try:
        return form.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        said = f"{place[:100]}: {first['msg'][:300]}" if place else first["msg"][:300]
        raise _bad(path, number, said) from error


def _bad(path: Path, number: int, problem: str) -> BadRecipe:
    return BadRecipe(
        f"{path} cannot be used: line {number}: {problem}. Nothing was taken from it.", AGAIN
    )
