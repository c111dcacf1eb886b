"""The review log: hits, pace by reviewer and day, and agreement on a second look."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import InputError, UnknownImage
from curator.project import Project
from curator.review.log import Page, _kappa, record_page, review_log
from curator.review.queue.kinds import QUEUES


def rows(project: Project, count: int) -> list[dict[str, object]]:
    """Give the first images of the small project as a page shows them."""
    with project.database.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT image_id, name, state FROM current JOIN classes ON classes.id = class_id"
            f" ORDER BY image_id LIMIT {count}"
        ).all()
    return [
        {"id": row.image_id, "label": row.name, "state": row.state, "label_score": 0.25}
        for row in found
    ]


def test_hits_are_changed_labels_and_images_left_out(small: Project) -> None:
    """Keeping is no hit and neither is being unsure; relabel, delete, none and several are."""
    before = rows(small, 7)
    ids = [int(str(row["id"])) for row in before]
    small.decide(ids[:1], "keep")
    small.decide(ids[1:2], "unsure")
    small.decide(ids[2:3], "relabel", "owl")
    small.decide(ids[3:4], "delete")
    small.decide(ids[4:5], "none")
    small.decide(ids[5:6], "several")
    assert record_page(small, "all", None, before, 21.0) == Page(id=1, hits=4, images=7)
    with small.database.read() as connection:
        looks = connection.exec_driver_sql(
            "SELECT state_before, state_after, score FROM looks ORDER BY image_id"
        ).all()
    assert [row.state_before for row in looks] == ["new"] * 7
    after = ["kept", "unsure", "kept", "deleted", "none", "several", "new"]
    assert [row.state_after for row in looks] == after
    assert {row.score for row in looks} == {0.25}


def test_the_log_counts_decisions_by_reviewer_and_day(small: Project) -> None:
    """Decided are images that the page changed; minutes are those on pages."""
    before = rows(small, 6)
    ids = [int(str(row["id"])) for row in before]
    small.decide(ids[:3], "keep")
    record_page(small, "all", None, before, 30.0, by="ann")
    small.decide(ids[3:4], "delete")
    record_page(small, "all", None, rows(small, 6), 30.0, by="ann")
    record_page(small, "outliers", None, rows(small, 2), 0.0, by="bob")
    ann, bob = review_log(small)["days"]
    assert (ann["by"], ann["pages"], ann["images"], ann["hits"]) == ("ann", 2, 12, 0)
    assert (ann["decided"], ann["minutes"], ann["per_minute"]) == (3, 1.0, 3.0)
    assert (bob["by"], bob["decided"], bob["per_minute"]) == ("bob", 0, None)


def test_a_second_look_tells_how_well_decisions_agree(small: Project) -> None:
    """Three of four outcomes are the same the second time; a class that is out does not count."""
    ids = [int(str(row["id"])) for row in rows(small, 4)]
    small.decide(ids[:3], "keep")
    small.decide(ids[3:], "delete")
    before = rows(small, 4)
    nothing = review_log(small)["agreement"]
    assert (nothing["images"], nothing["share"]) == (0, None)
    assert QUEUES["again"].title in nothing["sentence"]
    small.decide(ids[:1], "relabel", "owl")
    record_page(small, "again", None, before, 9.0)
    found = review_log(small)["agreement"]
    assert (found["images"], found["same"], found["share"]) == (4, 3, 0.75)
    assert 0.30 < found["low"] < 0.75 < found["high"] < 0.96
    assert found["sentence"].startswith("3 of 4 decisions were the same the second time: 75%")


def test_what_cannot_be_recorded_is_refused(small: Project) -> None:
    """An empty page, a negative time, an unknown image: nothing is written."""
    good = rows(small, 1)
    with pytest.raises(InputError, match="without images"):
        record_page(small, "all", None, [], 1.0)
    with pytest.raises(InputError, match="-1"):
        record_page(small, "all", None, good, -1.0)
    with pytest.raises(UnknownImage):
        record_page(small, "all", None, [{**good[0], "id": 999}], 1.0)
    assert review_log(small)["days"] == []


def test_a_class_renamed_meanwhile_is_no_hit(small: Project) -> None:
    """A page that still shows the old name is recorded, and its images count as unchanged."""
    before = rows(small, 2)
    small.rename_class(str(before[0]["label"]), "tiger")
    assert record_page(small, "all", None, before, 5.0).hits == 0


outcomes = st.sampled_from([(1, "kept"), (2, "kept"), (None, "deleted")])


@pytest.mark.slow
@given(st.lists(st.tuples(outcomes, outcomes), min_size=1))
def test_kappa_is_one_for_agreement_and_never_more(pairs: list[tuple[object, object]]) -> None:
    """Cohen's kappa lies in -1..1 and is 1 exactly where all pairs agree and outcomes differ."""
    value = _kappa(pairs)
    same = all(first == second for first, second in pairs)
    if value is None:
        assert same
    else:
        assert -1 <= value <= 1
        assert (value == pytest.approx(1)) == same
