"""Features that are computed while images arrive are those of the files, and never in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from curator.encode.arriving import FEWEST, MOST_WAITING, Arriving
from curator.encode.backbones import DEFAULT, choose, describe
from curator.encode.encoder import graph_file
from curator.encode.extract import extract
from curator.encode.feature_cache import FeatureCache
from curator.encode.preprocess import TINY_DIMENSION, view_of
from curator.encode.project_features import encoder, feature_cache, tiny_cache
from curator.errors import JobCancelled
from curator.imaging.inspection import VerifiedImage, verify
from curator.project import Project
from curator.store import images
from tests.pictures import encoded, picture, write_folders

if TYPE_CHECKING:
    from pathlib import Path

BACKBONE = describe(DEFAULT)
SIZES = {"cat": 100, "dog": 45}


@pytest.fixture(autouse=True)
def made_graph() -> None:
    """Have the graph that nothing is encoded without while images arrive."""
    graph_file(BACKBONE)


def _large(number: int) -> bytes:
    """A JPEG file that is decoded at half its scale."""
    noise = np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return encoded(Image.fromarray(noise).resize((1200, 900)), "JPEG", quality=90)


@pytest.mark.slow
def test_an_import_leaves_nothing_to_encode(tmp_path: Path) -> None:
    """Every image has its features when the import ends: exactly those that its file has."""
    folder = write_folders(tmp_path / "pictures", SIZES)
    (folder / "cat" / "large.jpg").write_bytes(_large(1))
    with Project.create(tmp_path / "p", list(SIZES)) as project:
        project.import_files(folder)
        with project.database.read() as connection:
            table = images.live(connection)
        digests = table["sha256"].tolist()
        assert len(digests) == sum(SIZES.values()) + 1
        came = feature_cache(project, BACKBONE).rows(digests)
        small = tiny_cache(project).rows(digests)
        cache = FeatureCache(tmp_path / "c", BACKBONE.key, BACKBONE.dimension)
        tiny = FeatureCache(tmp_path / "c", "tiny", TINY_DIMENSION, dtype="uint8")
        files = [(row.sha256, project.original(row.file)) for row in table.itertuples()]
        assert extract(files, cache, tiny, encoder(choose(DEFAULT, "cpu"))) == []
    np.testing.assert_allclose(came, cache.rows(digests), atol=1e-5)
    np.testing.assert_array_equal(small, tiny.rows(digests))


def test_measures_do_not_hang_on_the_view() -> None:
    """An image that is seen by the network, too, has the facts of one that is not."""
    data = _large(2)
    seen, plain = verify(data, view=view_of(DEFAULT)), verify(data)
    assert len(seen.view) == 3 * BACKBONE.size**2 + TINY_DIMENSION
    assert {**vars(seen), "view": b""} == vars(plain)


def _verified(number: int) -> VerifiedImage:
    return verify(encoded(picture(number)), view=view_of(DEFAULT))


@pytest.mark.slow
def test_one_that_is_behind_is_helped(small: Project) -> None:
    """Where all places are taken, whoever offers encodes; at the end nothing is left."""
    image = _verified(1)
    with Arriving(small) as arriving:
        assert arriving.wanted() == DEFAULT
        arriving.offer([image] * MOST_WAITING, check=lambda: None)
        arriving.offer([image] * 20 * MOST_WAITING, check=lambda: None)
    assert feature_cache(small, BACKBONE).missing([image.sha256]) == []


@pytest.mark.slow
def test_an_import_that_is_behind_can_be_cancelled(small: Project) -> None:
    """Whoever encodes here and now is asked now and then, and what waits is dropped at once."""

    def stop() -> None:
        raise JobCancelled("Stopped.")

    with pytest.raises(JobCancelled), Arriving(small) as arriving:
        arriving.offer([_verified(1)] * 100 * MOST_WAITING, check=stop)


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_stops_nothing(small: Project, tmp_path: Path) -> None:
    """The images come all the same, and the check says what is wrong with the features."""
    folder = feature_cache(small, BACKBONE).folder
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    more = write_folders(tmp_path / "more", {"cat": FEWEST + 20}, start=500)
    assert small.import_files(more).images == FEWEST + 20
    folder.unlink()
    assert small.check().unreadable == ()


@pytest.mark.slow
def test_for_a_few_no_network_is_loaded(tmp_path: Path) -> None:
    """They are left to the check, which loads it anyway and encodes them in no time."""
    folder = write_folders(tmp_path / "pictures", {"cat": 12, "dog": 10})
    with Project.create(tmp_path / "p", list(SIZES)) as project:
        project.import_files(folder)
        assert not list(project.features.iterdir())
        assert project.check().unreadable == ()


def test_without_a_graph_nothing_waits_for_one(
    small: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a new machine the first images come without features: making the graph takes longer."""
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))
    with Arriving(small) as arriving:
        assert arriving.wanted() is None
        arriving.offer([_verified(1)], check=lambda: None)
    assert not (tmp_path / "cache").exists()
