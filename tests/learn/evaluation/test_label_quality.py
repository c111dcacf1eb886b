"""Label scores: cleanlab's numbers, flags, and what a person's word changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.learn.evaluation import label_quality as scores

PROBABILITIES = np.array(
    [
        [0.70, 0.20, 0.10],
        [0.05, 0.90, 0.05],
        [0.10, 0.15, 0.75],
        [0.40, 0.35, 0.25],
        [0.02, 0.03, 0.95],
        [0.60, 0.30, 0.10],
        [0.20, 0.55, 0.25],
        [0.33, 0.34, 0.33],
        [0.98, 0.01, 0.01],
        [0.15, 0.05, 0.80],
        [0.08, 0.82, 0.10],
        [0.45, 0.10, 0.45],
    ]
)
LABELS = np.array([0, 1, 2, 0, 0, 0, 1, 2, 0, 2, 2, 1])
# Computed by cleanlab 2.9.0, get_label_quality_scores with its defaults.
CLEANLAB = {
    scores.self_confidence: [0.7, 0.9, 0.75, 0.4, 0.02, 0.6, 0.55, 0.33, 0.98, 0.8, 0.1, 0.1],
    scores.normalized_margin: (
        [0.75, 0.925, 0.8, 0.525, 0.035, 0.65, 0.65, 0.495, 0.985, 0.825, 0.14, 0.325]
    ),
    scores.confidence_weighted_entropy: [
        *[0.685034, 0.841535, 0.71595, 0.504682, 0.231689, 0.631027],
        *[0.590582, 0.459987, 0.951374, 0.758691, 0.343192, 0.262307],
    ],
}


@pytest.mark.parametrize("score", CLEANLAB, ids=lambda score: score.__name__)
def test_scores_are_cleanlabs(score):
    """The three label-quality scores of cleanlab 2.9.0, to six digits."""
    np.testing.assert_allclose(score(PROBABILITIES, LABELS), CLEANLAB[score], atol=1e-6)


def test_confident_joint_is_cleanlabs():
    """Thresholds, counts and off-diagonal rows of compute_confident_joint, uncalibrated."""
    thresholds = scores.confident_thresholds(PROBABILITIES, LABELS)
    np.testing.assert_allclose(thresholds, [0.54, 0.5166666666666667, 0.495])
    joint = scores.confident_joint(PROBABILITIES, LABELS)
    # cleanlab counts at least one image of every class on the diagonal; here that changes nothing.
    assert joint.tolist() == [[3, 0, 1], [0, 2, 0], [0, 1, 2]]
    assert np.flatnonzero(scores.is_label_issue(PROBABILITIES, LABELS)).tolist() == [4, 10]


def test_a_trusted_label_is_no_issue():
    """What a person confirmed is not flagged, and flags of the others stay."""
    trusted = np.zeros(len(LABELS), bool)
    trusted[4] = True
    flagged = scores.is_label_issue(PROBABILITIES, LABELS, trusted)
    assert np.flatnonzero(flagged).tolist() == [10]


@settings(max_examples=40)
@given(seed=st.integers(0, 1000), classes=st.integers(1, 6))
def test_the_joint_counts_every_flag(seed, classes):
    """Scores stay in 0..1, and no more rows are flagged than lie off the joint's diagonal."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.4), 50)
    labels = random.integers(classes, size=50)
    entropy = scores.confidence_weighted_entropy(probabilities, labels)
    assert ((entropy >= 0) & (entropy <= 1)).all()
    joint = scores.confident_joint(probabilities, labels)
    assert joint.sum() <= 50
    flagged = scores.is_label_issue(probabilities, labels)
    assert flagged.sum() <= joint.sum() - np.trace(joint)
