"""Review queues: which images each holds, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.check.conflicts import listed_under
from curator.check.report import report
from curator.errors import InputError, NoRun, UnknownRun
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import QUEUES, TABLE_COLUMNS, counts, open_queue, queue_named
from curator.review.queue.ranking import scored
from tests.pictures import write_folders, write_picture

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project


def ids(project: Project, kind: str, **narrow: str) -> list[int]:
    """Give the image ids of a queue."""
    return [int(i) for i in open_queue(project, kind, Filters(**narrow)).table()["image_id"]]


def test_suspicious_follows_the_ranking_without_what_was_decided(sample_copy: Project) -> None:
    """The queue is the ranking; kept, unsure and deleted images are out of it."""
    ranked = sample_copy.rank()["image_id"].tolist()
    assert ids(sample_copy, "suspicious") == ranked
    for image_id, action in zip(ranked[:3], ("keep", "unsure", "delete"), strict=True):
        sample_copy.decide([image_id], action)  # type: ignore[arg-type]
    assert ids(sample_copy, "suspicious") == ranked[3:]


def test_top_losses_are_the_largest_first(sample: Project) -> None:
    """Losses fall, over training and validation images alike."""
    table = open_queue(sample, "top losses").table()
    assert table["loss"].is_monotonic_decreasing
    assert len(table) == sample.status().images
    assert set(table["split"]) == {"train", "valid"}


def test_a_confusion_cell_holds_as_many_as_the_matrix_says(sample: Project) -> None:
    """Narrowed to a label and a prediction, the queue is that cell of the matrix."""
    matrix = sample.confusion()
    for label in matrix.index:
        for predicted in matrix.columns:
            table = open_queue(
                sample, "confused", Filters(label=label, predicted=predicted)
            ).table()
            assert len(table) == matrix.loc[label, predicted]
            assert set(table["label"]) <= {label}
            assert set(table["predicted"]) <= {predicted}
            sure = table["confidence"]
            ordered = (
                sure.is_monotonic_increasing
                if label == predicted
                else (sure.is_monotonic_decreasing)
            )
            assert ordered


def test_duplicates_come_group_by_group(sample: Project) -> None:
    """The ten planted near copies make ten groups of two."""
    table = open_queue(sample, "duplicates").table()
    assert len(table) == 20
    assert (table.groupby("group_id").size() == 2).all()
    assert table["group_id"].is_monotonic_increasing


def test_the_best_of_a_group_comes_first(sample: Project) -> None:
    """The planted copies are smaller than their originals, so the originals are those to keep."""
    table = open_queue(sample, "duplicates").table()
    assert table["width"].tolist() == [160, 140] * 10


def test_a_group_with_one_left_is_no_duplicate(sample_copy: Project) -> None:
    """After one of two is deleted the other is no longer in the queue."""
    first = ids(sample_copy, "duplicates")
    sample_copy.decide([first[1]], "delete")
    assert ids(sample_copy, "duplicates") == first[2:]


def test_problems_are_those_of_the_report(sample: Project) -> None:
    """The queue holds the images that the check names."""
    named = {
        image_id
        for problem in report(sample).problems
        if problem.code.startswith("is_")
        for image_id in problem.images
    }
    assert len(named) > 1
    assert ids(sample, "problems") == sorted(named)


def test_all_problem_images_are_in_the_queue(small: Project, tmp_path: Path) -> None:
    """The report shows some examples; the queue holds every image that has the problem."""
    from PIL import Image

    from tests.pictures import encoded

    folder = tmp_path / "in" / "cat"
    folder.mkdir(parents=True)
    for number in range(25):
        image = Image.new("RGB", (40 + number, 40), (number % 5, 0, 0))
        (folder / f"{number}.png").write_bytes(encoded(image))
    small.import_files(folder.parent)
    small.import_files(write_folders(tmp_path / "more", {"dog": 10}, start=300))
    assert set(range(31, 56)) <= set(ids(small, "problems"))


@pytest.mark.slow
def test_two_classes_hold_what_can_have_one_label_only(small: Project, tmp_path: Path) -> None:
    """The same bytes listed twice, and copies with other labels; a decision settles the first."""
    write_picture(tmp_path / "in" / "dog" / "again.png", 0)  # picture 0 is a cat, image 1
    write_picture(tmp_path / "in" / "owl" / "copy.png", 1, side=90)  # picture 1 too, image 2
    write_picture(tmp_path / "in" / "cat" / "copy.png", 2, side=90)  # the same label: no conflict
    small.import_files(tmp_path / "in")
    codes = {problem.code: problem for problem in small.check().problems}
    table = open_queue(small, "two classes").table()
    copy = int(table["image_id"].max())
    assert table["image_id"].tolist() == [1, 2, copy]
    assert table["group_id"].is_monotonic_increasing
    assert table["label"].tolist() == ["cat", "cat", "owl"]
    with small.database.read() as connection:
        assert listed_under(connection) == {1: ["cat", "dog"]}
    for code, count in (("listed_in_two_classes", 1), ("near_duplicates_in_two_classes", 2)):
        assert (codes[code].count, codes[code].queue) == (count, "two classes")
    small.decide([1], "keep")
    assert ids(small, "two classes") == [2, copy]
    small.decide([copy], "relabel", "cat")
    assert ids(small, "two classes") == []


@pytest.mark.slow
def test_every_problem_names_a_queue_that_holds_its_images(sample: Project) -> None:
    """Where a problem is one of images, its queue shows them."""
    shown = 0
    for problem in report(sample).problems:
        if problem.images:
            assert set(problem.images) <= set(ids(sample, problem.queue))
            shown += 1
        else:
            assert problem.queue is None
    assert shown > 1


def test_unsure_trash_and_all(small: Project) -> None:
    """Unsure and deleted images have queues of their own, before any run too."""
    small.decide([3, 5], "unsure")
    small.decide([4, 8], "delete")
    small.decide([9], "keep")
    assert ids(small, "unsure") == [3, 5]
    assert ids(small, "trash") == [4, 8]
    assert ids(small, "all") == [i for i in range(1, 31) if i not in {4, 8}]
    small.decide([4], "keep")
    assert ids(small, "trash") == [8]


def test_queues_can_be_narrowed(sample: Project) -> None:
    """By label and by split, keeping the order."""
    every = open_queue(sample, "suspicious").table()
    some = open_queue(sample, "suspicious", Filters(label="five", split="valid")).table()
    expected = every[(every["label"] == "five") & (every["split"] == "valid")]
    assert some["image_id"].tolist() == expected["image_id"].tolist()
    assert 0 < len(some) < len(every)


@pytest.mark.slow
def test_every_queue_opens_with_the_same_columns(sample: Project, small: Project) -> None:
    """With a run all queues open; without one those that need scores say so."""
    provenance = {"source_id", "license", "creator", "source_page"}  # of exports, not of a review
    assert set(scored(sample).columns) - provenance < set(TABLE_COLUMNS)
    for kind, queue in QUEUES.items():
        columns = [*TABLE_COLUMNS]
        if queue.scores:
            columns.insert(1, queue.score_name)
        assert list(open_queue(sample, kind).table().columns) == columns
        assert queue.title
        assert queue.meaning
        if queue.needs_run:
            with pytest.raises(NoRun):
                open_queue(small, kind).table()
        else:
            assert list(open_queue(small, kind).table().columns) == columns


def test_an_unknown_queue_is_named(sample: Project) -> None:
    """The error lists the queues that there are."""
    with pytest.raises(InputError, match=r"'worst' is no queue.*suspicious"):
        open_queue(sample, "worst").table()


@pytest.mark.parametrize("name", ["top-losses", "Top losses", " top  losses "])
def test_queues_are_named_with_hyphens_or_blanks(name: str, sample: Project) -> None:
    """Python and the command line take the same spellings."""
    assert queue_named(name) == "top losses"
    assert sample.queue(name).ids.tolist() == sample.queue("top losses").ids.tolist()
    assert counts(sample, [name]) == counts(sample, ["top losses"])


def test_tiles_say_why_they_are_there(sample_copy: Project) -> None:
    """Each group names its best image once, and every tile of a queue of faults names them."""
    sample = sample_copy
    sample.check()
    duplicates = open_queue(sample, "duplicates").table()
    assert duplicates["note"].str.contains("best to keep").sum() == 10
    assert duplicates["note"].str.contains("spare").sum() == 10
    first = duplicates.iloc[0]
    assert first["note"] == f"group {first['group_id']} · best to keep"
    assert open_queue(sample, "outliers").table()["note"].str.fullmatch(r"score \d\.\d\d").all()
    assert (open_queue(sample, "problems").table()["note"] != "").all()
    assert (open_queue(sample, "all").table()["note"] == "").all()


def test_the_menu_counts_what_queues_hold(sample: Project, small: Project) -> None:
    """Every queue has a title, a meaning and a group; its count is its length, 0 without a run."""
    numbers = counts(sample)
    assert numbers == {kind: len(open_queue(sample, kind).ids) for kind in QUEUES}
    assert numbers["suspicious"] > numbers["most confused"] > 0
    groups = {queue.group for queue in QUEUES.values()}
    assert groups == {
        "By the model",
        "By comparison",
        "Without a label",
        "By state",
        "By chance",
    }
    assert counts(small, ["top losses", "all"]) == {"top losses": 0, "all": 30}
    with pytest.raises(InputError, match="is no queue"):
        counts(small, ["worst"])


def test_most_confused_pairs_come_first(sample: Project) -> None:
    """The images of the pair with most of them, surest first, then those of the next."""
    table = open_queue(sample, "most confused").table()
    pairs = list(zip(table["label"], table["predicted"], strict=True))
    sizes = [pairs.count(pair) for pair in dict.fromkeys(pairs)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(table) == sum(sizes)
    for pair in set(pairs):
        rows = [place for place, other in enumerate(pairs) if other == pair]
        assert rows == list(range(rows[0], rows[-1] + 1))
        assert table["confidence"].iloc[rows].is_monotonic_decreasing


def test_recent_is_newest_first(small: Project) -> None:
    """Every decided image, trash too, the last decision first; undone ones are not decided."""
    for image_id, action in ((3, "keep"), (9, "delete"), (5, "unsure"), (1, "keep")):
        small.decide([image_id], action)  # type: ignore[arg-type]
    small.decide([3], "delete")
    assert ids(small, "recent") == [3, 1, 5, 9]
    small.undo(2)
    assert ids(small, "recent") == [3, 5, 9]


def test_scores_of_a_run_that_there_is_not(sample: Project) -> None:
    """An unknown run is named."""
    with pytest.raises(UnknownRun, match="no run 7"):
        open_queue(sample, "suspicious", run_id=7)
