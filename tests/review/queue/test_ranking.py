"""The ranking: what its columns hold, in which order, and what decisions change in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.errors import NoRun, UnknownRun
from curator.review.queue.ranking import RANK_COLUMNS, rank, scored
from curator.store import runs
from curator.store.predictions import predictions_of
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path
    from urllib.parse import SplitResult  # noqa: F401

    from curator.project import Project
    from curator.sample.digits import Item


def test_columns_and_order(sample: Project) -> None:
    """One row a live image, lowest label score first, with a score between 0 and 1."""
    table = sample.rank()
    assert list(table.columns) == RANK_COLUMNS
    assert len(table) == sample.status().images
    assert table["image_id"].is_unique
    assert table["label_score"].is_monotonic_increasing
    assert table["label_score"].between(0, 1).all()
    assert list(table.index) == list(range(len(table)))
    assert set(table["split"]) == {"train", "valid"}


def test_top_gives_the_first(sample: Project) -> None:
    """``top`` is the beginning of the whole ranking."""
    assert sample.rank(7).equals(sample.rank().head(7))


def test_scores_are_those_of_the_run(sample_copy: Project) -> None:
    """Stored where the label is as the run saw it, else the new label's probability."""
    sample = sample_copy
    first = sample.rank(1).iloc[0]
    sample.decide([int(first["image_id"])], "relabel", str(first["suggested_label"]))
    with sample.database.read() as connection:
        run = runs.get(connection)
        said = predictions_of(connection, run)
    names = sample.class_names()
    row_of = {image_id: row for row, image_id in enumerate(said.image_ids.tolist())}
    table = sample.rank()
    for row in table[::20].itertuples():
        shares = said.probabilities[row_of[row.image_id]]
        relabelled = row.image_id == first["image_id"]
        share = float(shares[names.index(row.label)])
        stored = float(said.label_scores[row_of[row.image_id]])
        assert row.label_score == pytest.approx(share if relabelled else stored, abs=1e-6)
        best = names[int(shares.argmax())]
        assert row.suggested_label == ("" if best == row.label else best)


def test_paths_lead_to_the_originals(sample: Project) -> None:
    """Every path of the ranking is a file that is there."""
    from pathlib import Path

    assert all(Path(path).is_file() for path in sample.rank(30)["path"])


@pytest.mark.slow
def test_planted_wrong_labels_come_first(sample: Project, sample_items: dict[str, Item]) -> None:
    """Of the 27 planted wrong labels at least 20 are among the first 50, and most are flagged."""
    table = sample.rank()
    table["item"] = [sample_items["/" + source.split("/", 3)[3]] for source in table["source"]]
    wrong = table["item"].map(lambda item: item.fault == "wrong label")
    assert wrong.sum() == 27
    assert wrong.head(50).sum() >= 20
    flagged = table["is_label_issue"]
    assert (flagged & wrong).sum() >= 15
    assert flagged.mean() < 0.15
    right = table["item"].map(lambda item: item.truth) == table["suggested_label"]
    assert (right & wrong).sum() >= 20


def test_a_confirmed_image_is_not_flagged(sample_copy: Project) -> None:
    """Keeping an image says that its label is right: the flag goes, and undo brings it back."""
    flagged = sample_copy.rank().query("is_label_issue")["image_id"].tolist()
    first, second = flagged[:2]
    sample_copy.decide([first], "keep")
    sample_copy.decide([second], "unsure")
    after = sample_copy.rank().set_index("image_id")
    assert not after.loc[first, "is_label_issue"]
    assert after.loc[second, "is_label_issue"]
    assert sample_copy.status().left == len(flagged) - 2
    sample_copy.undo(2)
    assert sample_copy.rank().query("is_label_issue")["image_id"].tolist() == flagged


def test_decisions_show_at_once(sample_copy: Project) -> None:
    """A deleted image leaves the ranking; a relabelled one has its new label's score."""
    row = sample_copy.rank(2).iloc[0]
    first, second = sample_copy.rank(2)["image_id"].tolist()
    sample_copy.decide([first], "relabel", row["suggested_label"])
    sample_copy.decide([second], "delete")
    table = sample_copy.rank().set_index("image_id")
    assert second not in table.index
    assert table.loc[first, "label"] == row["suggested_label"]
    assert table.loc[first, "label_score"] > 0.5
    assert table.loc[first, "suggested_label"] == ""
    everything = scored(sample_copy).set_index("image_id")
    assert everything.loc[second, "state"] == "deleted"


def test_images_that_the_run_has_not_seen_come_last(sample_copy: Project, tmp_path: Path) -> None:
    """New images have no score yet, no suggestion and no flag."""
    root = write_folders(tmp_path / "in", {"three": 2, "new class": 1})
    sample_copy.import_files(root)
    table = sample_copy.rank()
    last = table.tail(3)
    assert last["label_score"].isna().all()
    assert table.head(len(table) - 3)["label_score"].notna().all()
    assert (last["suggested_label"] == "").all()
    assert not last["is_label_issue"].any()
    rows = scored(sample_copy).tail(3)
    assert rows["predicted"].isna().all()
    assert rows["confidence"].isna().all()
    assert rows["suggestions"].tolist() == [[], [], []]
    assert sample_copy.status().stale == 3


def test_scores_are_consistent_with_each_other(sample: Project) -> None:
    """Loss is -log of the score; confidence is that of the first suggestion, the prediction."""
    table = scored(sample)
    assert np.allclose(table["loss"], -np.log(table["label_score"].clip(lower=1e-12)))
    for row in table.head(20).itertuples():
        labels = [label for label, _ in row.suggestions]
        shares = [share for _, share in row.suggestions]
        assert labels[0] == row.predicted
        assert shares[0] == pytest.approx(row.confidence)
        assert shares == sorted(shares, reverse=True)
        assert sorted(labels) == sorted(sample.class_names())
        assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_without_a_run_there_is_no_ranking(small: Project) -> None:
    """The error says that training comes first; it does not grow with each call."""
    depths = []
    for _ in range(3):
        with pytest.raises(NoRun, match="curator train") as caught:
            small.rank()
        depths.append(len(caught.traceback))
    assert depths[0] == depths[1] == depths[2]


@pytest.mark.parametrize("unknown", [2, 10**30])
def test_an_unknown_run_is_named(sample: Project, unknown: int) -> None:
    """A run that there is not is refused, with the last one that there is."""
    with pytest.raises(UnknownRun, match=f"no run {unknown}.*up to 1"):
        rank(sample, run_id=unknown)
