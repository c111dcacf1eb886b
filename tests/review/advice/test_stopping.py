"""Advice on stopping: pages and estimate from the real ledger, and the estimate's own laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.project import Project
from curator.review.advice.remaining import FEWEST, SCALE, wrong_left
from curator.review.advice.stopping import advice
from curator.sample.digits import Item
from tests.review.pages import PAGE, review, shown, undecided


def histogram(scores: np.ndarray) -> np.ndarray:
    """Count scores as the database does."""
    steps = np.floor(scores * SCALE + 0.5).astype(np.int64)
    return np.bincount(steps, minlength=SCALE + 1)


@pytest.mark.slow
def test_advice_falls_as_the_review_goes_on(
    sample_copy: Project, sample_items: dict[str, Item]
) -> None:
    """Three pages with refits: fewer hits each, a falling estimate whose interval holds the rest.

    Decisions go through the real ledger, and the job's refit ranks the pages.
    """
    before = advice(sample_copy)
    assert before.estimate is None
    assert (before.pages, before.stop) == ((), False)
    uppers = []
    for number in range(1, 4):
        review(sample_copy, sample_items, undecided(sample_copy))
        assert sample_copy.refit().run == 1 + number
        found = advice(sample_copy)
        assert len(found.pages) == number
        estimate = found.estimate
        left = [
            sample_items["/" + row["source"].split("/", 3)[3]]
            for row in shown(sample_copy, undecided(sample_copy, 1000))
        ]
        assert estimate.images == len(left)
        assert estimate.low <= sum(item.is_bad for item in left) <= estimate.high
        assert estimate.low <= estimate.wrong <= estimate.high
        assert estimate.basis == "model"
        uppers.append(estimate.high)
    assert uppers[2] < uppers[0]
    assert found.pages[2] < found.pages[0]
    assert found.images_per_page == PAGE
    assert found.sentence.startswith(f"last 3 pages: {', '.join(map(str, found.pages))} wron")


@pytest.mark.slow
def test_quiet_pages_and_an_audit_end_the_review(
    sample_copy: Project, sample_items: dict[str, Item]
) -> None:
    """After three quiet pages in a row and a random sample, few are left and it says to stop."""
    hits: list[int] = []
    while hits[-3:] != [0, 0, 0]:
        assert not advice(sample_copy).stop
        hits.append(review(sample_copy, sample_items, undecided(sample_copy)).hits)
        sample_copy.refit()
    rest = undecided(sample_copy, 1000)
    audit = np.random.default_rng(0).choice(rest, 120, replace=False).tolist()
    review(sample_copy, sample_items, audit, queue="audit")
    sample_copy.refit()
    found = advice(sample_copy)
    assert found.pages == tuple(hits[-10:])
    assert found.estimate.basis == "model and audit"
    left = [
        sample_items["/" + row["source"].split("/", 3)[3]]
        for row in shown(sample_copy, undecided(sample_copy, 1000))
    ]
    assert sum(item.is_bad for item in left) <= found.estimate.high
    assert found.stop
    assert "held nothing" in found.why


def test_an_undone_decision_is_no_evidence(
    sample_copy: Project, sample_items: dict[str, Item]
) -> None:
    """Taking all of a page back leaves its hits in the log, and nothing to estimate from."""
    everything = sample_copy.status().images
    review(sample_copy, sample_items, undecided(sample_copy))
    assert advice(sample_copy).estimate.images == everything - PAGE
    sample_copy.undo(100)
    found = advice(sample_copy)
    assert found.estimate is None
    assert found.pages[0] > 0


def test_deleted_duplicates_are_no_wrong_labels(sample_copy: Project) -> None:
    """Images put in the trash outside the queues of a ranking do not raise the estimate."""
    ids = sample_copy.rank()["image_id"].tolist()
    sample_copy.decide(ids[-2 * FEWEST :], "keep")
    first = advice(sample_copy).estimate
    sample_copy.decide(ids[-4 * FEWEST : -2 * FEWEST], "delete")
    assert advice(sample_copy).estimate.wrong <= first.wrong


def test_without_a_run_it_says_what_to_do(small: Project) -> None:
    """Before a training nothing is known, and the next step is told."""
    found = advice(small)
    assert not found.stop
    assert found.why.startswith("Train first")
    assert found.sentence == "30 images not yet decided"


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(20, 200), st.integers(1, 2000))
def test_an_interval_is_an_interval(seed: int, seen: int, unseen: int) -> None:
    """0 <= low <= high <= images, the mean within reason, and the same answer twice."""
    random = np.random.default_rng(seed)
    scores, wrong = random.random(seen), random.random(seen) < random.random()
    counts = histogram(random.random(unseen))
    found = wrong_left(scores, wrong, counts)
    assert found == wrong_left(scores, wrong, counts)
    assert 0 <= found.low <= found.high <= unseen
    assert found.low - 1 <= found.wrong <= found.high + 1


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3])
def test_a_random_sample_tells_the_share(share: float) -> None:
    """An audit alone finds the share of wrong labels where the scores say nothing of them."""
    random = np.random.default_rng(1)
    wrong = random.random(3000) < share
    scores = 0.5 + 0.4 * random.random(3000)
    found = wrong_left(scores[:400], wrong[:400], histogram(scores[400:]))
    assert found.low <= wrong[400:].sum() <= found.high
    assert found.high - found.low <= 0.15 * 2600


def test_more_hits_make_more_wrong_labels() -> None:
    """The estimate rises with the number of reviewed images that turned out wrong."""
    scores = np.linspace(0.01, 0.6, 60)
    counts = histogram(np.linspace(0.3, 0.99, 500))
    few, many = (wrong_left(scores, np.arange(60) < hits, counts) for hits in (5, 40))
    assert few.wrong < many.wrong
    assert few.high < many.high
