"""What the pretrained network calls the images: the names, their counts, and finding by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.encode.backbones import EFFICIENTNET_LITE0, load_network
from curator.encode.classifier import load_classifier
from curator.encode.project_features import feature_cache
from curator.project import Project
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import open_queue
from curator.store.images import live
from curator.store.tags import PLACES, matching, replace, tag_counts, tags_of
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_the_classifier_gives_the_full_network_s_logits(sample: Project) -> None:
    """Its layer on cached features says what the whole network says of the pixels."""
    import torch

    from curator.encode.preprocess import prepare_image
    from curator.imaging.decoding import decode

    with sample.database.read() as connection:
        table = live(connection).head(6)
    files = [sample.originals / file for file in table["file"]]
    pixels = np.stack([prepare_image(decode(file), EFFICIENTNET_LITE0) for file in files])
    with torch.no_grad():
        network = load_network(EFFICIENTNET_LITE0, logits=True)
        expected = network((torch.from_numpy(pixels).float() / 255 - 0.5) / 0.5).numpy()
    cache = feature_cache(sample, EFFICIENTNET_LITE0)
    classifier = load_classifier(EFFICIENTNET_LITE0)
    found = classifier.logits(cache.rows(table["sha256"].tolist()))
    assert found.shape == (6, 1000)
    assert np.abs(found - expected).max() < 1e-3


def test_the_names_are_those_that_people_use() -> None:
    """A thousand names, in ImageNet's order, two synonyms at most."""
    names = load_classifier(EFFICIENTNET_LITE0).names
    assert len(names) == 1000
    assert names[294:297] == (
        "brown bear, bruin",
        "American black bear, black bear",
        "ice bear, polar bear",
    )
    assert names[850] == "teddy, teddy bear"
    assert all(name and name.count(",") <= 1 for name in names)


def test_the_best_are_a_softmax() -> None:
    """Probabilities of all classes add up to 1 and fall; none for no image."""
    classifier = load_classifier(EFFICIENTNET_LITE0)
    features = np.random.default_rng(0).random((3, 1280), dtype=np.float32)
    places, shares = classifier.best(features, 1000)
    assert shares.sum(axis=1) == pytest.approx(1)
    assert (np.diff(shares, axis=1) <= 0).all()
    assert places[:, 0].tolist() == classifier.logits(features).argmax(axis=1).tolist()
    assert classifier.best(features[:0], 5)[0].shape == (0, 5)


@pytest.mark.slow
def test_a_check_names_every_image_once(small: Project, tmp_path: Path) -> None:
    """Five names each, likeliest first; images that come later get theirs, others keep them."""
    small.check()
    with small.database.read() as connection:
        first = {image_id: tags_of(connection, image_id) for image_id in range(1, 31)}
    for names in first.values():
        shares = [share for _, share in names]
        assert len(names) == PLACES
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1
    small.import_files(write_folders(tmp_path / "in", {"cat": 2}, start=700))
    small.check()
    with small.database.read() as connection:
        assert {image_id: tags_of(connection, image_id) for image_id in first} == first
        assert len(tags_of(connection, 32)) == PLACES


def named(project: Project) -> None:
    """Give four cats names of which the truth is known."""
    said = [
        (1, [("teddy, teddy bear", 0.9), ("toyshop", 0.05)]),
        (2, [("brown bear, bruin", 0.6), ("teddy, teddy bear", 0.3)]),
        (3, [("brown bear, bruin", 0.8), ("100%_wool", 0.1)]),
        (13, [("brown bear, bruin", 0.7)]),
    ]
    with project.database.write() as connection:
        replace(connection, said)


def test_names_are_counted(small: Project) -> None:
    """The likeliest name of live images counts, most frequent first, in all or in one class."""
    named(small)
    with small.database.read() as connection:
        counts = tag_counts(connection)
        cats = tag_counts(connection, "cat")
    assert counts["name"].tolist() == ["brown bear, bruin", "teddy, teddy bear"]
    assert counts["images"].tolist() == [3, 1]
    assert counts["probability"].tolist() == pytest.approx([0.7, 0.9])
    assert cats["images"].tolist() == [2, 1]
    small.decide([3], "delete")
    with small.database.read() as connection:
        assert tag_counts(connection)["images"].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("text", "at_least", "expected"),
    [
        ("TEDDY", 0.0, {1, 2}),
        ("teddy", 0.5, {1}),
        ("bear", 0.0, {1, 2, 3, 13}),
        ("%", 0.0, {3}),
        ("_", 0.0, {3}),
        ("", 0.95, set()),
        ("zebra", 0.0, set()),
    ],
)
def test_images_are_found_by_a_part_of_a_name(
    small: Project, text: str, at_least: float, expected: set[int]
) -> None:
    """In whatever case, in any of the names, and signs that SQL knows are plain letters."""
    named(small)
    with small.database.read() as connection:
        found = connection.execute(matching(connection, text, at_least)).scalars()
        assert set(found) == expected


def test_a_queue_is_narrowed_by_a_name(small: Project) -> None:
    """Before any training the cats that look like a teddy are two words away."""
    named(small)
    assert open_queue(small, "all", Filters(tag="teddy")).table()["image_id"].tolist() == [1, 2]
    some = open_queue(small, "all", Filters(tag="Teddy", tag_probability=0.5)).table()
    assert some["image_id"].tolist() == [1]
    assert open_queue(small, "all", Filters(label="dog", tag="teddy")).table().empty
