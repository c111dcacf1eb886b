"""Curves made by hand, and what they are called."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import InputError
from curator.learn.finetune import diagnosis
from curator.learn.finetune.diagnosis import diagnose


def curve(train, valid, error):
    """Give a training table with these columns."""
    return [
        {
            "epoch": number,
            "phase": "all",
            "train_loss": row[0],
            "valid_loss": row[1],
            "error_rate": row[2],
            "rate": 1e-3,
            "seconds": 1.0,
        }
        for number, row in enumerate(zip(train, valid, error, strict=True), 1)
    ]


def codes(train, valid, error, classes=3, majority=0.66, images=140, **errors):
    """Give what is found in three columns."""
    rows = curve(train, valid, error)
    return [finding.code for finding in diagnose(rows, classes, majority, images, **errors)]


def test_the_errors_of_the_course_are_well():
    """The course's four errors, with training loss above validation loss, are no complaint."""
    found = codes(
        [0.710, 0.412, 0.298, 0.238],
        [0.105, 0.061, 0.060, 0.067],
        [0.028, 0.014, 0.014, 0.021],
    )
    assert found == [diagnosis.WELL]


def test_a_gap_alone_is_no_overfitting():
    """Training loss far below validation loss with a falling error is called fine, and why."""
    rows = curve([0.5, 0.1, 0.02, 0.005], [0.3, 0.25, 0.27, 0.31], [0.10, 0.08, 0.07, 0.07])
    (found,) = diagnose(rows, 3, 0.66, 140)
    assert found.code == diagnosis.WELL
    assert "what learning looks like" in found.sentence


def test_overfitting_is_a_worse_error():
    """The same losses with an error that gets worse are overfitting, and the epoch is named."""
    rows = curve([0.5, 0.1, 0.02, 0.005], [0.3, 0.35, 0.4, 0.5], [0.10, 0.15, 0.17, 0.19])
    (found,) = diagnose(rows, 3, 0.66, 140)
    assert found.code == diagnosis.OVERFITTING
    assert "10.0% after epoch 1 and 19.0%" in found.sentence
    assert found.next_step.startswith("Stop after epoch 1,")


def test_a_rise_within_chance_is_no_overfitting():
    """Three more wrong of 50 images are chance; of 1,000 images the same share is not."""
    train, valid = [0.5, 0.3, 0.1, 0.05], [0.4, 0.3, 0.3, 0.3]
    error = [0.12, 0.10, 0.16, 0.16]
    assert codes(train, valid, error, images=50) == [diagnosis.WELL]
    assert codes(train, valid, error, images=1000) == [diagnosis.OVERFITTING]


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        ([12.7, 5.1], [1e9, 3e5]),
        ([1.2, 1.3, 1.4], [1.2, 1.6, 2.9]),
        ([0.9, math.nan], [0.8, 0.9]),
        ([0.9, None], [0.8, None]),
        ([0.9, 0.8], [0.8, math.inf]),
    ],
)
def test_losses_that_explode(train, valid):
    """Huge, rising or missing losses are a rate too high, whatever else they look like."""
    error = [0.6] * len(train)
    assert codes(train, valid, error) == [diagnosis.RATE_TOO_HIGH]


def test_a_recovered_explosion_is_forgiven():
    """A first epoch that overshot is no matter when the end is good."""
    assert codes([3.0, 0.5, 0.2], [4.0, 0.22, 0.2], [0.5, 0.1, 0.05]) == [diagnosis.WELL]


def test_a_worse_error_without_a_lower_loss_is_too_high_a_rate():
    """One epoch of all layers that spoils what the head knew is named, seen in a real run."""
    found = codes([1.094, 1.208], [0.447, 1.030], [0.125, 0.411], images=112)
    assert found == [diagnosis.RATE_TOO_HIGH]


def test_worse_than_the_head_it_began_with():
    """A run that loses against the instant head says so, with both errors; a draw is no gain."""
    curves = ([0.5, 0.4, 0.3], [0.4, 0.35, 0.34], [0.20, 0.18, 0.18])
    assert codes(*curves, start_error=0.07) == [diagnosis.WORSE_THAN_START]
    assert codes(*curves, start_error=0.17) == [diagnosis.NO_GAIN]
    assert codes(*curves, start_error=0.18) == [diagnosis.NO_GAIN]
    assert codes(*curves, start_error=0.19) == [diagnosis.WELL]
    (found,) = diagnose(curve(*curves), 3, 0.66, 140, start_error=0.07)
    assert "18.0%, and the head that it began with had 7.0%" in found.sentence


def test_a_rate_too_low_falls_slowly():
    """Training loss above validation loss, both falling by little: the rate is too low."""
    found = codes([1.09, 1.05, 1.02, 1.0], [1.06, 1.03, 1.0, 0.98], [0.45, 0.42, 0.40, 0.39])
    assert found == [diagnosis.RATE_TOO_LOW]


def test_nothing_moves():
    """At the baseline, with losses that stand still, the rate is asked about first."""
    rows = curve([1.1, 1.1, 1.099], [1.1, 1.1, 1.1], [0.66, 0.66, 0.66])
    (found,) = diagnose(rows, 3, 0.66, 140)
    assert found.code == diagnosis.RATE_TOO_LOW
    assert "labels may not belong" in found.next_step


@pytest.mark.parametrize(
    ("train", "valid"),
    [([1.09, 0.99], [1.06, 0.80]), ([1.0], [0.85])],
)
def test_too_few_epochs_still_fall(train, valid):
    """The same signs, but steep at the end: more epochs."""
    error = [0.4, 0.25][: len(train)]
    assert codes(train, valid, error) == [diagnosis.TOO_FEW_EPOCHS]


def test_one_good_epoch_is_enough():
    """After a single epoch that knows nearly all, no more are asked for."""
    assert codes([0.4], [0.08], [0.02]) == [diagnosis.WELL]


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        ([1.12, 1.0, 0.7, 0.4], [1.1, 1.15, 1.4, 1.9]),
        ([1.12, 1.10, 1.09, 1.08], [1.1, 1.12, 1.15, 1.2]),
    ],
)
def test_labels_without_meaning(train, valid):
    """Validation stays at the baseline, whether or not training images are learnt by heart."""
    assert codes(train, valid, [0.66, 0.65, 0.67, 0.66]) == [diagnosis.UNINFORMATIVE_LABELS]


def test_validation_far_worse_from_the_start():
    """Quick learning that validation images see nothing of: the preprocessing is asked about."""
    train, valid, error = [0.6, 0.2, 0.1], [2.1, 2.8, 3.1], [0.62, 0.64, 0.66]
    assert codes(train, valid, error) == [diagnosis.PREPROCESSING]
    rows = curve(train, valid, [0.25, 0.26, 0.25])
    assert diagnose(rows, 3, 0.66, 140)[0].code == diagnosis.WELL
    (found,) = diagnose(rows, 3, 0.66, 140, train_error=0.02, valid_error=0.25)
    assert found.code == diagnosis.PREPROCESSING
    assert "25.0% against 2.0%" in found.sentence
    assert found.sentence.endswith("Is the preprocessing the same?")


def test_without_validation_images():
    """Without held-out images only an explosion can be seen, and that is said."""
    nothing = [None, None]
    assert codes([0.9, 0.5], nothing, nothing) == [diagnosis.NO_VALIDATION]
    assert codes([9.0, 50.0], nothing, nothing) == [diagnosis.RATE_TOO_HIGH]


losses = st.one_of(st.none(), st.floats(0, 1e6), st.just(math.nan), st.just(math.inf))


@given(
    rows=st.lists(st.tuples(losses, losses, st.floats(0, 1)), min_size=1, max_size=8),
    classes=st.integers(2, 50),
    majority=st.floats(0, 1),
    images=st.integers(0, 500),
)
def test_every_curve_has_a_finding(rows, classes, majority, images):
    """Whatever the figures: at least one finding, each with words and a next step."""
    table = curve(*zip(*rows, strict=True))
    found = diagnose(table, classes, majority, images)
    assert found
    assert all(finding.sentence.strip() and finding.next_step for finding in found)
    if any(finding.code == diagnosis.WELL for finding in found):
        assert len(found) == 1


def test_what_cannot_be_judged_is_named():
    """No epoch, one class or an impossible baseline are wrong use."""
    with pytest.raises(InputError, match="0 epochs"):
        diagnose([], 3, 0.5)
    with pytest.raises(InputError, match="1 classes"):
        diagnose(curve([1.0], [1.0], [0.5]), 1, 0.5)
    with pytest.raises(InputError, match=r"majority error of 1\.5"):
        diagnose(curve([1.0], [1.0], [0.5]), 3, 1.5)
