"""The file of small pictures: what goes in comes out, and losing it loses nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from curator.project import Project
from curator.store.images import with_sources
from curator.store.thumbnails import Thumbnails
from tests.pictures import encoded, picture


def test_what_is_put_is_got(tmp_path: Path) -> None:
    """More than one statement's worth comes back; unknown ones are left out; a put replaces."""
    store = Thumbnails(tmp_path / "thumbnails.db")
    store.create()
    items = {f"{number:064x}": bytes([number % 256]) * 3 for number in range(1200)}
    store.put(items.items())
    store.put([(f"{0:064x}", b"new")])
    found = store.get([*items, "unknown"])
    assert found == items | {f"{0:064x}": b"new"}
    assert store.get([]) == {}


def test_every_image_has_a_thumbnail(small: Project) -> None:
    """An import leaves a JPEG picture for each image."""
    with small.database.read() as connection:
        digests = with_sources(connection)["sha256"].tolist()
    found = small.thumbnails.get(digests)
    assert set(found) == set(digests)
    assert all(picture.startswith(b"\xff\xd8") for picture in found.values())


@pytest.mark.slow
def test_the_file_may_be_lost(small: Project, tmp_path: Path) -> None:
    """Without its thumbnails a project is checked all the same: those it needs are made again."""
    (tmp_path / "copies" / "cat").mkdir(parents=True)
    original = next(small.originals.rglob("*.png"))
    with Image.open(original) as image:
        image.resize((60, 60)).save(tmp_path / "copies" / "cat" / "copy.jpg")
    small.import_files(tmp_path / "copies")
    for path in small.path.glob("thumbnails.db*"):
        path.unlink()
    answer = small.check()
    assert {problem.code for problem in answer.problems} >= {"near_duplicates"}
    with small.database.read() as connection:
        table = with_sources(connection)
    assert table["split"].notna().all()
    assert len(small.thumbnails.get(table["sha256"].tolist())) >= 2


def test_a_lost_original_does_not_stop_the_check(small: Project, tmp_path: Path) -> None:
    """With a picture's original and its thumbnail gone, the others still get their splits."""
    for path in small.path.glob("thumbnails.db*"):
        path.unlink()
    shutil.rmtree(small.originals)
    (tmp_path / "copies" / "cat").mkdir(parents=True)
    (tmp_path / "copies" / "cat" / "copy.png").write_bytes(encoded(picture(0, 60)))
    small.import_files(tmp_path / "copies")
    assert small.check().images == 31
    with small.database.read() as connection:
        assert with_sources(connection)["split"].notna().all()
