"""Would more images help: on data where the answer is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import InputError
from curator.learn.curve.measure import draw_order, learning_curve
from curator.learn.curve.reading import conclude


def blobs(rows, dimension=30, distance=0.35, seed=0):
    """Three classes (N, D) whose means must be learnt from noisy examples."""
    random = np.random.default_rng(seed)
    means = random.normal(0, distance, (3, dimension))
    labels = np.arange(rows) % 3
    features = means[labels] + random.normal(0, 1, (rows, dimension))
    return features.astype(np.float32), labels


@pytest.mark.slow
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 25)), min_size=2, max_size=80),
    share=st.floats(0.05, 1),
    seed=st.integers(0, 9),
)
def test_parts_are_stratified_nested_and_whole_groups(rows, share, seed):
    """Near-duplicates join together, every class joins at the pace of the others, all at 1."""
    labels = np.array([label for label, _ in rows])
    groups = np.array([group for _, group in rows])
    train = np.arange(len(rows)) % 5 > 0
    order = draw_order(labels, groups, train, seed)
    part = order < share
    assert not part[~train].any()
    assert (order[train] < 1).all()
    for group in np.unique(groups[train]):
        assert len(set(order[train & (groups == group)])) == 1
    single = draw_order(labels, np.arange(len(rows)), train, seed) < share
    for label in np.unique(labels[train]):
        of_class = train & (labels == label)
        assert (single & of_class).sum() == np.ceil(share * of_class.sum() - 1e-9)


def test_a_growing_data_set_helps():
    """Where means are still being learnt, the curve falls and says that more images help."""
    features, labels = blobs(360)
    seen = []
    found = learning_curve(
        features, labels, np.arange(360), repeats=2, on_fit=lambda *at: seen.append(at)
    )
    errors = [point.error for point in found.points]
    assert errors[0] > errors[2] > errors[-1]
    assert [point.images for point in found.points][::5] == pytest.approx([29, 288], abs=3)
    assert all(point.low <= point.error <= point.high for point in found.points)
    assert found.verdict == "helps"
    assert 0 < found.gain.low <= found.gain.points <= found.gain.high
    assert "probably bring" in found.sentence
    assert seen == [(done, 12) for done in range(13)]


@pytest.mark.slow
def test_the_prediction_comes_true():
    """What is foretold from 300 images agrees with what 600 of the same kind then give."""
    features, labels = blobs(600, seed=3)
    half = learning_curve(features[:300], labels[:300], np.arange(300))
    whole = learning_curve(features, labels, np.arange(600))
    seen = 100 * (half.points[-1].error - whole.points[-1].error)
    # The error on 300 and on 600 images is itself known to some 3 points only.
    assert half.gain.low - 3 <= seen <= half.gain.high + 3
    assert half.gain.low < 100 * (whole.points[-3].error - whole.points[-1].error)


def test_labels_without_meaning_give_a_flat_curve():
    """Shuffled labels: chance at every size, and the advice to clean instead of collecting."""
    features, labels = blobs(400)
    shuffled = np.random.default_rng(1).permutation(labels)
    found = learning_curve(features, shuffled, np.arange(400), repeats=1)
    assert found.verdict == "flat"
    assert found.points[-1].error > 0.55
    assert "Clean the labels" in found.sentence


def test_near_duplicates_do_not_flatter():
    """Ten copies of each image add nothing: copies share a fold, so the error stays."""
    features, labels = blobs(90)
    once = learning_curve(features, labels, np.arange(90), repeats=2)
    copies = learning_curve(
        np.repeat(features, 5, axis=0), np.repeat(labels, 5), np.repeat(np.arange(90), 5), repeats=2
    )
    assert copies.points[-1].error == pytest.approx(once.points[-1].error, abs=0.08)
    assert copies.points[-1].error > 0.1


@pytest.mark.parametrize(
    ("errors", "rows", "verdict"),
    [
        ([0.20, 0.14, 0.10, 0.07, 0.05, 0.035], 2000, "helps"),
        ([0.08, 0.081, 0.079, 0.08, 0.08, 0.08], 2000, "flat"),
        ([0.30, 0.22, 0.20, 0.13, 0.15, 0.10], 70, "unclear"),
        ([0.30, 0.22, 0.20, 0.13, 0.15, 0.10], 40, "too few"),
        ([0.10, 0.02, 0.01, 0, 0, 0], 400, "no errors"),
    ],
)
def test_what_a_curve_means(errors, rows, verdict):
    """Each kind of curve is named, in a sentence with its numbers."""
    wrong = np.array([np.arange(rows) < round(error * rows) for error in errors], float)
    shuffled = np.random.default_rng(0).permutation(rows)
    sizes = np.geomspace(0.08, 0.8, 6) * rows
    found = conclude(sizes, wrong[:, shuffled], np.arange(rows) % 2, np.arange(rows), 1)
    assert found.verdict == verdict
    assert str(round(0.8 * rows)) in found.sentence
    assert found.fitted["a"] >= 0


def test_a_class_of_two_and_one_group_are_no_obstacle():
    """A class with two images, or a fold without one, still gives a curve."""
    features, labels = blobs(40)
    labels = np.where(np.arange(40) < 2, 0, 1 + np.arange(40) % 2)
    found = learning_curve(features, labels, np.arange(40) // 2, points=3, repeats=1)
    assert (len(found.points), found.verdict) == (3, "too few")


def test_bad_settings_and_a_stop():
    """Too few points are named, and an error raised by the check ends the work."""
    features, labels = blobs(30)
    with pytest.raises(InputError, match="points=2"):
        learning_curve(features, labels, np.arange(30), points=2)

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learning_curve(features, labels, np.arange(30), check=stop)


@pytest.mark.slow
def test_the_job(sample_copy):
    """On the sample the job gives a curve as JSON and records no run."""
    runs = len(sample_copy.runs())
    heard = []
    found = sample_copy.learning_curve(
        points=3, repeats=1, listener=lambda job: heard.append((job.done, job.total))
    )
    json.dumps(found.to_dict(), allow_nan=False)
    assert len(found.points) == 3
    assert found.judged_on == sample_copy.status().images
    assert found.points[-1].error < found.points[0].error
    assert found.points[-1].images == pytest.approx(0.8 * found.judged_on, abs=4)
    assert {"a", "b", "c"} == set(found.fitted)
    assert str(found.points[-1].images) in found.sentence
    assert heard[-1] == (3, 3)
    assert len(sample_copy.runs()) == runs


def test_the_class_that_is_still_being_learnt_gains():
    """Of two classes that are confused and one that stands apart, the gain is with the two."""
    random = np.random.default_rng(5)
    means = random.normal(0, 0.2, (3, 100))
    means[2] += 10
    labels = np.arange(600) % 3
    features = (means[labels] + random.normal(0, 1, (600, 100))).astype(np.float32)
    found = learning_curve(features, labels, np.arange(600), repeats=2)
    assert {item.label for item in found.classes} == {0, 1}
    assert any(item.helps for item in found.classes)
    for item in found.classes:
        assert item.images == 200
        assert 0 < item.error < 0.5
        assert item.gain.low <= item.gain.points <= item.gain.high
        assert item.spared == pytest.approx(item.gain.points * 2)
