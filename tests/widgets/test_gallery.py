"""The gallery without a browser: pages, decisions, other windows, second looks, ranking anew."""

from __future__ import annotations

from typing import Any

import pytest

from curator.project import Project
from curator.review.log import review_log
from curator.review.queue.kinds import QUEUES, open_queue
from curator.review.queue.ranking import scored
from curator.store import ledger
from tests.widgets.kernel import tell
from widgets.gallery import Gallery
from widgets.queue_view import PAGE

HANDLERS = dict.fromkeys(("decided", "moved", "looked", "page", "error"), lambda _: None)


def opened(project: Project, kind: str = "suspicious", **handlers: Any) -> Gallery:
    """Open a queue as a page does."""
    made = Gallery({**HANDLERS, **handlers})
    made.project = project
    made.show_queue(kind)
    return made


def shown(gallery: Gallery) -> list[int]:
    """Give the ids on the page."""
    return [tile["id"] for tile in gallery.state["tiles"]]


@pytest.fixture
def gallery(sample_copy: Project) -> Gallery:
    """Open the queue of suspicious images of the trained sample."""
    return opened(sample_copy)


def test_a_page_is_the_head_of_the_ranking(gallery: Gallery, sample_copy: Project) -> None:
    """The first page shows the first of `rank`, in its order, with what the run says."""
    ranked = sample_copy.rank(PAGE)
    assert shown(gallery) == ranked["image_id"].tolist()
    assert [tile["label"] for tile in gallery.state["tiles"]] == ranked["label"].tolist()
    assert gallery.state["total"] == len(sample_copy.rank())
    assert gallery.state["seen"] == PAGE


def test_a_decision_is_in_the_ledger_when_the_tile_shows_it(
    gallery: Gallery, sample_copy: Project
) -> None:
    """The ledger has the run and the score that the reviewer saw; the tile stays in its place."""
    first = shown(gallery)[0]
    tell(gallery, do="decide", ids=[first], action="delete", label="")
    row = sample_copy.log().iloc[0]
    assert (row["image_id"], row["action"], row["run_id"]) == (first, "delete", 1)
    table = scored(sample_copy).set_index("image_id")
    assert row["score"] == pytest.approx(table.loc[first, "label_score"])
    assert shown(gallery)[0] == first
    assert gallery.state["tiles"][0]["state"] == "deleted"
    assert (gallery.state["can_undo"], gallery.state["can_redo"]) == (True, False)
    tell(gallery, do="undo")
    assert gallery.state["tiles"][0]["state"] == "new"
    tell(gallery, do="redo")
    assert gallery.state["tiles"][0]["state"] == "deleted"


def test_the_rest_of_a_page_is_kept_and_the_next_one_shown(
    gallery: Gallery, sample_copy: Project
) -> None:
    """Enter confirms what is undecided, as one step of undo, and leaves what was decided."""
    tell(gallery, do="decide", ids=shown(gallery)[:2], action="delete", label="")
    tell(gallery, do="rest")
    assert gallery.state["offset"] == PAGE
    assert sample_copy.log()["action"].value_counts().to_dict() == {"keep": PAGE - 2, "delete": 2}
    assert len(sample_copy.undo()[0].image_ids) == PAGE - 2


def test_enter_in_the_trash_brings_nothing_back(sample_copy: Project) -> None:
    """Only undecided images are kept by Enter, so that leafing through the trash is safe."""
    sample_copy.decide(sample_copy.rank(3)["image_id"].tolist(), "delete")
    gallery = opened(sample_copy, "trash")
    assert gallery.state["total"] == 3
    tell(gallery, do="rest")
    assert sample_copy.status().states["deleted"] == 3


def test_a_relabelled_tile_shows_no_loss_of_the_old_label(gallery: Gallery) -> None:
    """A loss belongs to the label that the run saw."""
    first = gallery.state["tiles"][0]
    other = next(name for name in gallery.state["classes"] if name != first["label"])
    tell(gallery, do="decide", ids=[first["id"]], action="relabel", label=other)
    tile = gallery.state["tiles"][0]
    assert (tile["label"], tile["loss"], tile["relabelled"]) == (other, None, True)


def test_a_class_is_made_by_relabelling(gallery: Gallery, sample_copy: Project) -> None:
    """A name that is no class yet becomes one; two steps of undo take image and class back."""
    first = shown(gallery)[0]
    tell(gallery, do="decide", ids=[first], action="relabel", label="letter", fresh=True)
    assert sample_copy.class_names()[-1] == "letter"
    assert gallery.state["tiles"][0]["label"] == "letter"
    assert gallery.state["classes"][-1] == "letter"
    tell(gallery, do="undo")
    tell(gallery, do="undo")
    assert "letter" not in sample_copy.class_names()
    assert "letter" not in gallery.state["classes"]


def test_an_error_in_a_callback_reaches_the_page(sample_copy: Project) -> None:
    """Foreseen and unforeseen errors are told, not swallowed."""
    heard: list[str] = []
    made = opened(sample_copy, "all", error=lambda message: heard.append(message["text"]))
    tell(made, do="decide", ids=[999_999], action="keep", label="")
    tell(made, do="turn", by="x")
    assert "left already" in heard[0]
    assert "unforeseen" in heard[1]


def test_a_second_window_does_not_overwrite_the_first(sample_copy: Project) -> None:
    """A decision on an image that was decided elsewhere since it was shown is not taken."""
    first, second = opened(sample_copy), opened(sample_copy)
    wanted = shown(first)[:2]
    tell(first, do="decide", ids=wanted[:1], action="delete", label="")
    tell(second, do="decide", ids=wanted, action="keep", label="")
    states = [tile["state"] for tile in second.state["tiles"][:2]]
    assert states == ["deleted", "kept"]
    assert "1 image had been decided on elsewhere" in second.state["status"]
    tell(second, do="decide", ids=wanted[:1], action="keep", label="")  # now it was seen
    assert second.state["tiles"][0]["state"] == "kept"


def test_a_class_renamed_elsewhere_is_followed(sample_copy: Project) -> None:
    """Tiles, keys and filters bear the new name; the page is logged, and no tile looks changed."""
    gallery = opened(sample_copy, "all")
    tell(gallery, do="narrow", filters={"label": "three"})
    ids = shown(gallery)
    tell(gallery, do="decide", ids=ids[:1], action="keep", label="")
    with Project.open(sample_copy.path) as elsewhere:
        elsewhere.rename_class("three", "trois")
    assert gallery.follow_classes() == {"three": "trois"}
    assert gallery.state["classes"] == sample_copy.class_names()
    assert gallery.state["filters"]["label"] == "trois"
    assert {tile["label"] for tile in gallery.state["tiles"]} == {"trois"}
    assert not any(tile["relabelled"] for tile in gallery.state["tiles"])
    assert "three" not in {tile["predicted"] for tile in gallery.state["tiles"]}
    tell(gallery, do="turn", by=1)
    (day,) = review_log(sample_copy)["days"]
    assert (day["pages"], day["images"], day["hits"]) == (1, len(ids), 0)


def test_the_log_credits_who_decided(sample_copy: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that two sign is logged for each; what other windows decided counts for neither."""
    monkeypatch.setenv("CURATOR_REVIEWER", "ann")
    gallery = opened(sample_copy, "all")
    ids = shown(gallery)
    tell(gallery, do="decide", ids=ids[:3], action="delete", label="")
    gallery.hand_over()
    monkeypatch.setenv("CURATOR_REVIEWER", "bob")
    tell(gallery, do="decide", ids=ids[3:4], action="delete", label="")
    with Project.open(sample_copy.path) as elsewhere:
        elsewhere.decide(ids[4:9], "delete", by="eve")
    tell(gallery, do="turn", by=1)
    days = review_log(sample_copy)["days"]
    assert [(day["by"], day["decided"], day["hits"]) for day in days] == [
        ("ann", 3, 3),
        ("bob", 1, 1),
    ]


@pytest.mark.slow
def test_a_key_means_the_class_that_it_showed(sample_copy: Project) -> None:
    """Renamed elsewhere, even with another's name, the class that the page meant gets the image."""
    gallery = opened(sample_copy)
    ids, names = gallery.state["class_ids"], gallery.state["classes"]
    first, second, third = shown(gallery)[:3]
    with Project.open(sample_copy.path) as elsewhere:
        elsewhere.rename_class(names[0], "between")
        elsewhere.rename_class(names[1], names[0])
        elsewhere.rename_class("between", names[1])
    for place, image_id in ((0, first), (1, second)):
        relabel = {"action": "relabel", "label": names[place], "class_id": ids[place]}
        tell(gallery, do="decide", ids=[image_id], **relabel)
        with sample_copy.database.read() as connection:
            assert ledger.current_of(connection, [image_id])[image_id].class_id == ids[place]
        assert f"as {names[1 - place]}" in gallery.state["status"]
    with Project.open(sample_copy.path) as elsewhere:
        elsewhere.merge_classes(names[1], names[2])
    heard: list[str] = []
    gallery._handlers["error"] = lambda message: heard.append(message["text"])
    tell(gallery, do="decide", ids=[third], **{**relabel, "class_id": ids[0]})
    assert "merged or undone meanwhile" in heard[0]
    assert shown(gallery)[2] == third
    assert gallery.state["tiles"][2]["state"] == "new"


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(QUEUES))
def test_every_queue_shows_its_images(sample_copy: Project, kind: str) -> None:
    """Each queue's page holds the first of its images, or says why it is empty."""
    ids = sample_copy.rank(30)["image_id"].tolist()
    for number, action in enumerate(("unsure", "several", "none", "delete", "keep")):
        sample_copy.decide(ids[number * 2 : number * 2 + 2], action)  # type: ignore[arg-type]
    gallery = opened(sample_copy, kind)
    expected = open_queue(sample_copy, kind).ids.tolist()
    assert gallery.state["error"] is None
    assert gallery.state["total"] == len(expected)
    assert shown(gallery) == expected[:PAGE]
    assert bool(gallery.state["empty"]) == (not expected)
    assert gallery.state["meaning"]


def test_a_second_look_does_not_show_the_first(sample_copy: Project) -> None:
    """The queue "again" hides what was decided, and takes no page as a whole."""
    ids = sample_copy.rank(6)["image_id"].tolist()
    sample_copy.decide(ids, "delete")
    gallery = opened(sample_copy, "again")
    assert sorted(shown(gallery)) == sorted(ids)
    assert {tile["state"] for tile in gallery.state["tiles"]} == {"new"}
    tell(gallery, do="rest")
    assert sample_copy.status().states["deleted"] == 6
    tell(gallery, do="decide", ids=shown(gallery)[:1], action="delete", label="")
    assert [tile["state"] for tile in gallery.state["tiles"][:2]] == ["deleted", "new"]


def test_what_was_worked_through_is_in_the_review_log(sample_copy: Project) -> None:
    """A page left by going on is a row with its hits; one that was only opened is none."""
    done: list[dict[str, Any]] = []
    gallery = opened(sample_copy, page=done.append)
    tell(gallery, do="open", kind="all")
    assert done == []
    tell(gallery, do="open", kind="suspicious")
    tell(gallery, do="decide", ids=shown(gallery)[:3], action="delete", label="")
    tell(gallery, do="rest")
    tell(gallery, do="turn", by=1)
    assert [message["decided"] for message in done] == [True, False]
    with sample_copy.database.read() as connection:
        pages = connection.exec_driver_sql("SELECT queue, images, hits FROM pages").all()
    assert [tuple(row) for row in pages] == [("suspicious", PAGE, 3), ("suspicious", PAGE, 0)]


@pytest.mark.slow
def test_a_refit_ranks_the_unseen_rest_anew(gallery: Gallery, sample_copy: Project) -> None:
    """After a refit the page and what came before it stay; the rest follows the new run."""
    tell(gallery, do="decide", ids=shown(gallery)[:8], action="delete", label="")
    tell(gallery, do="turn", by=1)
    page = shown(gallery)
    sample_copy.refit()
    gallery.rerank()
    assert shown(gallery) == page
    tell(gallery, do="turn", by=1)
    fresh = open_queue(sample_copy, "suspicious").ids.tolist()
    rest = [i for i in fresh if i not in page and i not in sample_copy.log()["image_id"].tolist()]
    first = shown(gallery)
    assert first == [i for i in rest if i in first]
    tell(gallery, do="turn", by=-1)
    assert shown(gallery) == page


def test_an_enlarged_image_stays_when_pages_get_another_size(gallery: Gallery) -> None:
    """Its page is shown, whether it begins where the one before did or not, and it is enlarged."""
    last, second = shown(gallery)[-1], shown(gallery)[1]
    tell(gallery, do="zoom", id=last)
    tell(gallery, do="resize", size="L", page=PAGE // 2)
    assert last in shown(gallery)
    tell(gallery, do="zoom", id=last)
    assert gallery.enlarged == last
    tell(gallery, do="resize", size="M", page=PAGE)
    gallery.turn_to(1)
    tell(gallery, do="zoom", id=second)
    tell(gallery, do="resize", size="L", page=PAGE // 2)
    assert gallery.enlarged == second
