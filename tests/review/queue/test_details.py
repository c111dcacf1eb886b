"""The close look at one image: reasons, neighbours, history and what the camera wrote."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from curator.encode.backbones import DEFAULT, describe
from curator.encode.project_features import feature_cache
from curator.errors import UnknownImage
from curator.imaging.exif import LONGEST, exif
from curator.review.queue.details import Nearest, details
from curator.review.queue.kinds import open_queue
from curator.store import images
from tests.review.made_up import Made, make

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project


def test_a_flagged_image_says_why(sample: Project) -> None:
    """The most suspicious image: both probabilities in a sentence, all classes, its source."""
    image_id = int(open_queue(sample, "suspicious").ids[0])
    found = details(sample, image_id)
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    shares = dict(found.probabilities)
    assert set(shares) == set(sample.class_names())
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert found.label_score is not None
    assert 0 < found.label_score < shares[found.predicted]
    assert found.reasons[0].startswith("The model that did not see it gives its label ")
    assert f"and {found.predicted} " in found.reasons[0]
    assert found.sources[0].class_name == found.given_label
    assert found.sources[0].origin.startswith("http")
    assert len(found.tags) == 5
    assert (found.run, found.history, found.in_sample) == (1, (), False)


def test_nearest_images_are_those_of_all_by_hand(sample: Project) -> None:
    """Of its label and of the likeliest other: the highest cosines among all but its copies."""
    image_id = int(open_queue(sample, "suspicious").ids[0])
    found = details(sample, image_id)
    with sample.database.read() as connection:
        table = images.live(connection).set_index("image_id")
    features = feature_cache(sample, describe(DEFAULT)).rows(table["sha256"].tolist())
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = units @ units[table.index.get_loc(image_id)]
    away = (table["group_id"] != table.loc[image_id, "group_id"]).to_numpy()
    other = next(name for name, _ in found.probabilities if name != found.label)
    for side, label in (("own", found.label), ("predicted", other)):
        among = np.flatnonzero(away & (table["label"] == label).to_numpy())
        best = among[np.argsort(-cosines[among])[:3]]
        near = getattr(found.nearest, side)
        assert [item.id for item in near] == table.index[best].tolist()
        assert {item.label for item in near} == {label}
        assert [item.cosine for item in near] == pytest.approx(cosines[best].tolist(), abs=1e-5)


def test_without_features_there_are_no_neighbours(sample_copy: Project) -> None:
    """The rest is shown, and no folder appears."""
    shutil.rmtree(sample_copy.features)
    found = details(sample_copy, 1)
    assert found.nearest == Nearest(own=(), predicted=())
    assert not sample_copy.features.exists()


def test_every_reason_has_a_sentence(tmp_path: Path) -> None:
    """Measures with their thresholds, copies, other lists, and a model that is not sure."""
    made = [
        Made(group=1, dark=0.21, outlier=0.04, listed=(2,), shares=(0.3, 0.4, 0.3)),
        *(Made(group=1) for _ in range(2)),
        *(Made() for _ in range(4)),
        Made(given=3, seen_as=1, shares=(0.999, 0.0005, 0.0005), in_sample=True),
    ]
    with make(tmp_path / "project", made) as project:
        assert details(project, 1).reasons == (
            "The model that did not see it gives its label 30 %, and b 40 %.",
            "The model that did not see it gives no class more than 40 %.",
            "Among a its nearest images are unusually far (score 0.04; under 0.17 is an outlier).",
            "Very dark: score 0.21, under 0.32.",
            "Near-duplicate of images 2 and 3.",
            "Listed under a and b.",
        )
        assert details(project, 8).reasons == (
            "The model, which has learnt from it, gives its label under 1 %, and a over 99 %.",
        )
        assert details(project, 4).reasons == ()
        assert details(project, 4).probabilities == ()


def test_history_is_told_in_words(small: Project) -> None:
    """Oldest first, with who and what it was before and after, the undo too."""
    small.decide([1], "relabel", "dog", by="ann")
    small.decide([1], "delete", by="bob")
    small.undo(by="bob")
    history = details(small, 1).history
    assert [row.words for row in history[:1]] == ["came with an import, as cat"]
    history = history[1:]
    assert [(row.by, row.action, row.words) for row in history] == [
        ("ann", "relabel", "relabelled from cat to dog"),
        ("bob", "delete", "deleted"),
        ("bob", "undo", "took that back: dog, kept"),
    ]
    assert (history[0].label_before, history[0].label_after) == ("cat", "dog")
    assert history[1].state_after == "deleted"


def test_an_image_that_there_is_not(small: Project) -> None:
    """It is named."""
    with pytest.raises(UnknownImage, match="id 99"):
        details(small, 99)


def saved(path: Path, tags: dict[int, Any], kind: str = "JPEG", gps: bool = False) -> Path:
    """Write a small picture with these EXIF tags."""
    found = Image.Exif()
    for tag, value in tags.items():
        found[tag] = value
    found.get_ifd(0x8769)[0x9003] = "2024:02:29 12:30:00"
    if gps:
        found.get_ifd(0x8825)[2] = (48.0, 12.0, 30.0)
    Image.new("RGB", (8, 8)).save(path, kind, exif=found)
    return path


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_the_camera_wrote(tmp_path: Path, kind: str) -> None:
    """Camera, time, orientation and program; of the place only whether it is there."""
    tags = {0x010F: "Canon", 0x0110: "Canon EOS 5D", 0x0131: "darktable", 0x0112: 6}
    found = exif(saved(tmp_path / "a", tags, kind, gps=True))
    assert found == {
        "camera": "Canon EOS 5D",
        "taken": "2024-02-29 12:30:00",
        "orientation": 6,
        "gps": True,
        "software": "darktable",
    }


def test_hostile_texts_are_cleaned(tmp_path: Path) -> None:
    """No control character, no line break, no long text, no wrong number comes through."""
    tags = {0x010F: "A\x00\x1b[31m\n<b>", 0x0110: "x" * 60_000, 0x0131: "\u202eevil", 0x0112: 99}
    found = exif(saved(tmp_path / "a.jpg", tags))
    assert found["orientation"] == 1
    assert not found["gps"]
    for key in ("camera", "software"):
        assert len(found[key]) <= LONGEST
        assert found[key].isprintable()


def test_damaged_exif_is_none(tmp_path: Path) -> None:
    """Cut, looping or random EXIF data, other files and missing ones give nothing, or little."""
    whole = saved(tmp_path / "a.jpg", {0x010F: "Canon"}, gps=True).read_bytes()
    start = whole.index(b"Exif")
    rng = np.random.default_rng(0)
    for number in range(60):
        data = bytearray(whole)
        for place in rng.integers(start + 6, start + 120, 6):
            data[place] = rng.integers(256)
        path = tmp_path / "b.jpg"
        path.write_bytes(data[: len(data) - number])
        found = exif(path)
        assert set(found) <= {"camera", "taken", "orientation", "gps", "software"}
    loop = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=loop)
    (tmp_path / "loop.jpg").write_bytes(buffer.getvalue())
    assert exif(tmp_path / "loop.jpg").get("camera", "") == ""
    (tmp_path / "text").write_text("no picture")
    assert exif(tmp_path / "text") == exif(tmp_path / "missing") == {}
    Image.new("RGB", (8, 8)).save(tmp_path / "bare.png")
    assert exif(tmp_path / "bare.png") == {}


def test_exif_decodes_no_pixels(tmp_path: Path) -> None:
    """A PNG that claims 30,000 x 30,000 pixels is not decoded for its camera's name."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = b""
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        sum_ = zlib.crc32(kind + data)
        chunks += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum_)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    assert exif(tmp_path / "bomb.png") == {}
