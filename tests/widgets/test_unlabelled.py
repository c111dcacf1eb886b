"""Images without a label in the gallery: keep takes the model's word, and the rest of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from curator import NO_LABEL, Filters
from tests.pictures import encoded, picture
from tests.widgets.kernel import tell
from tests.widgets.test_gallery import opened, shown

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project

WAITING = 10


@pytest.fixture
def waiting(small: Project, tmp_path: Path) -> Project:
    """Give a trained project with ten images that have no label."""
    loose = tmp_path / "loose"
    loose.mkdir()
    for number in range(WAITING):
        (loose / f"{number}.png").write_bytes(encoded(picture(1000 + number)))
    small.import_files(loose, class_name=NO_LABEL)
    small.train()
    return small


@pytest.mark.slow
def test_keep_takes_the_models_word(waiting: Project) -> None:
    """The image gets the class that it was shown with; undo takes it back."""
    gallery = opened(waiting, "surest")
    tile = gallery.state["tiles"][0]
    assert (tile["label"], tile["state"]) == (NO_LABEL, "unlabelled")
    tell(gallery, do="decide", ids=[tile["id"]], action="keep", label="")
    assert gallery.state["status"].startswith("1 image got the label that the model gives")
    now = gallery.state["tiles"][0]
    assert (now["label"], now["state"]) == (tile["predicted"], "kept")
    tell(gallery, do="undo")
    assert gallery.state["tiles"][0]["state"] == "unlabelled"
    assert waiting.status().unlabelled == WAITING


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "action"), [("surest", "accept"), ("label next", "accept"), ("strangest", "none")]
)
def test_the_rest_of_a_page(waiting: Project, kind: str, action: str) -> None:
    """What was not decided on is accepted; of the strangest it is said that it shows no class."""
    gallery = opened(waiting, kind)
    first, *rest = shown(gallery)
    tell(gallery, do="decide", ids=[first], action="delete", label="")
    tell(gallery, do="rest")
    done = waiting.log(len(rest))
    assert set(done["action"]) == {action}
    assert sorted(done["image_id"]) == sorted(rest)
    assert waiting.status().unlabelled == 0


@pytest.mark.slow
def test_what_is_likely_wrong_is_said_before_and_after(waiting: Project) -> None:
    """By the confidence of what is undecided; the last page keeps what accepting it told."""
    gallery = opened(waiting, "surest")
    ids = shown(gallery)
    asked = waiting.accept(ids, dry_run=True)
    before = gallery.state["expected"]
    assert f"of these {WAITING}" in before
    assert before.endswith(f"wrong ({asked.low} to {asked.high}).")
    tell(gallery, do="decide", ids=ids[:2], action="delete", label="")
    assert f"of these {WAITING - 2}" in gallery.state["expected"]
    tell(gallery, do="rest")
    status = gallery.state["status"]
    assert f"{WAITING - 2} images got the label" in status
    assert status.endswith("That was the last page of this queue.")
    assert gallery.state["expected"] == ""


@pytest.mark.slow
def test_a_random_tenth_of_what_was_accepted_is_audited(waiting: Project) -> None:
    """It is offered after accepting, no longer after undo, and opens as the audit's queue."""
    gallery = opened(waiting, "surest")
    ids = shown(gallery)
    asked: list[dict[str, Any]] = []
    gallery._handlers["queue"] = asked.append
    tell(gallery, do="decide", ids=ids[:3], action="keep", label="")
    assert gallery.state["audit"] == 1
    tell(gallery, do="undo")
    assert gallery.state["audit"] == 0
    tell(gallery, do="rest")
    assert gallery.state["audit"] == 1
    tell(gallery, do="audit")
    (message,) = asked
    audit = waiting.queue(message["queue"], Filters(selection=message["selection"]))
    assert len(audit) == 1
    assert set(audit.ids.tolist()) <= set(ids)
    tell(gallery, do="open", kind="all", like="")
    assert gallery.state["audit"] == 0
