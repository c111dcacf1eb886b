"""Zip archives of unknown origin: what is read, what is refused, and why."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.collect.imports.archives import Archive, Limits, is_archive
from curator.errors import BadFolder
from curator.imaging.decoding import Rejected
from curator.imaging.reasons import Reason
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = encoded(picture(1))


def packed(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes], method: int = 8) -> Path:
    """Write an archive; names go in as they are, however bad."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def refusals(path: Path) -> dict[str, str]:
    """Give the problem of each refused member."""
    with Archive(path) as archive:
        return {refusal.name: refusal.problem for refusal in archive.refused}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../evil.png", "leads out"),
        ("a/../../evil.png", "leads out"),
        ("/etc/evil.png", "absolute"),
        ("C:/evil.png", "absolute"),
        ("..\\evil.png", "backslash"),
        ("a\x07b.png", "unprintable"),
        ("inner.zip", "archive within"),
    ],
)
def test_a_dangerous_name_is_refused_and_the_rest_is_read(
    name: str, said: str, tmp_path: Path
) -> None:
    """Each bad name has its reason; the good member beside it is there."""
    path = packed(tmp_path / "x.zip", (name, IMAGE), ("cat/1.png", IMAGE))
    assert said in next(iter(refusals(path).values()))
    with Archive(path) as archive:
        assert [member.name for member in archive.members] == ["cat/1.png"]
        assert archive.members[0].read_bytes() == IMAGE


def test_links_are_refused(tmp_path: Path) -> None:
    """A member that unpacks to a symbolic link is never followed."""
    link = zipfile.ZipInfo("cat/link.png")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = packed(tmp_path / "x.zip", (link, b"/etc/passwd"))
    assert "link" in refusals(path)["cat/link.png"]


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    """The flag of encryption is seen before anything is read."""
    path = packed(tmp_path / "x.zip", ("cat/1.png", IMAGE))
    data = bytearray(path.read_bytes())
    for start in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[start] |= 1
    path.write_bytes(data)
    assert "encrypted" in refusals(path)["cat/1.png"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_taken_once(tmp_path: Path) -> None:
    """The second is refused: both would claim to be the same file."""
    path = packed(tmp_path / "x.zip", ("1.png", IMAGE), ("1.png", encoded(picture(2))))
    assert "twice" in refusals(path)["1.png"]
    with Archive(path) as archive:
        assert [member.read_bytes() for member in archive.members] == [IMAGE]


def test_methods_that_cannot_be_stopped_are_refused(tmp_path: Path) -> None:
    """LZMA and bzip2 give out many megabytes in one step."""
    path = packed(tmp_path / "x.zip", ("1.png", IMAGE), method=zipfile.ZIP_LZMA)
    assert "packed in a way" in refusals(path)["1.png"]


def test_junk_and_other_files_are_passed_over(tmp_path: Path) -> None:
    """What macOS and Windows add, folders and texts are neither images nor problems."""
    path = packed(
        tmp_path / "x.zip",
        ("__MACOSX/cat/._1.png", b"x"),
        ("cat/.DS_Store", b"x"),
        ("cat/Thumbs.db", b"x"),
        ("cat/", b""),
        ("readme.txt", b"hello"),
        ("cat/1.png", IMAGE),
        ("cat/without-ending", encoded(picture(3), "JPEG")),
    )
    with Archive(path) as archive:
        assert [member.name for member in archive.members] == ["cat/1.png", "cat/without-ending"]
        assert archive.refused == []


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(member=1_000_000), "more than 1,000,000 bytes"),
        (Limits(ratio=100, unsuspicious=100_000), "times its size"),
        (Limits(total=1_500_000), "as a whole"),
    ],
)
def test_bombs_are_stopped_while_they_unpack(limits: Limits, said: str, tmp_path: Path) -> None:
    """Size, ratio and the archive's sum are counted while reading, and each has its sentence."""
    bomb = bytes(2_000_000)
    path = packed(tmp_path / "x.zip", ("bomb.png", bomb), ("1.png", IMAGE))
    with Archive(path, limits) as archive, pytest.raises(Rejected, match=said) as caught:
        archive.members[0].read_bytes()
    assert caught.value.reason is Reason.TOO_BIG


def test_a_lie_about_the_size_gains_nothing(tmp_path: Path) -> None:
    """A member that claims to be small is damaged, whatever it unpacks to."""
    path = packed(tmp_path / "x.zip", ("bomb.png", bytes(5_000_000)))
    data = bytearray(path.read_bytes())
    for start in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        struct.pack_into("<L", data, start, 100)
    path.write_bytes(data)
    with Archive(path) as archive, pytest.raises(Rejected) as caught:
        archive.members[0].read_bytes()
    assert caught.value.reason is Reason.BROKEN


def test_too_many_entries_are_refused_before_they_are_read(tmp_path: Path) -> None:
    """The table of contents, which is read whole, is bounded by its size and its number."""
    path = packed(tmp_path / "x.zip", *((f"{n}.png", b"x") for n in range(50)))
    with pytest.raises(BadFolder, match="table of contents"):
        Archive(path, Limits(directory=1000))
    with pytest.raises(BadFolder, match="50 entries"):
        Archive(path, Limits(members=49))


def test_the_content_says_what_an_archive_is(tmp_path: Path) -> None:
    """A picture with an archive behind it is a picture; a cut archive is an error with its name."""
    whole = packed(tmp_path / "x.zip", ("1.png", IMAGE)).read_bytes()
    (tmp_path / "both.png").write_bytes(IMAGE + whole)
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    assert is_archive(tmp_path / "x.zip")
    assert not is_archive(tmp_path / "both.png")
    with pytest.raises(BadFolder, match=r"cut\.zip"):
        Archive(tmp_path / "cut.zip")


def test_an_archive_is_known_by_its_content(tmp_path: Path) -> None:
    """The same file elsewhere is the same archive; another one of that name is not."""
    (tmp_path / "a").mkdir()
    first = packed(tmp_path / "x.zip", ("1.png", IMAGE))
    (tmp_path / "a" / "x.zip").write_bytes(first.read_bytes())
    (tmp_path / "b").mkdir()
    other = packed(tmp_path / "b" / "x.zip", ("1.png", encoded(picture(2))))

    def identity(path: Path) -> str:
        with Archive(path) as archive:
            return archive.identity()

    assert identity(first) == identity(tmp_path / "a" / "x.zip") != identity(other)


DAMAGE = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
)


@given(damage=DAMAGE)
def test_any_damage_ends_in_a_named_error(
    damage: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes changed anywhere give images, refusals or named errors, never another exception."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", IMAGE)
        archive.writestr("dog/2.png", encoded(picture(2)))
    damaged = bytearray(buffer.getvalue())
    for share, value in damage:
        damaged[int(share * len(damaged))] = value
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    path.write_bytes(damaged)
    with contextlib.suppress(BadFolder), Archive(path) as opened:
        for member in opened.members:
            with contextlib.suppress(Rejected):
                member.read_bytes()
