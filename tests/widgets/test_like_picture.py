"""Find: what lacks is offered, what is no picture is named, and the queue of either kind opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from curator.encode.backbones import clip
from curator.find import likeness
from curator.store import jobs
from tests.pictures import encoded, picture
from tests.small_clip import SmallClip, clip_graphs, small_clip
from tests.widgets.kernel import on_loop, tell
from widgets.like_picture import LikePanel

if TYPE_CHECKING:
    from curator.project import Project

__all__ = ["clip_graphs", "small_clip"]


class Asked:
    """A panel, and what it asked for."""

    def __init__(self, project: Project) -> None:
        self.of: list[dict[str, Any]] = []
        handlers = dict.fromkeys(("queue", "go", "submit", "error"), self.of.append)
        self.panel = LikePanel(handlers)
        self.panel.adopt(project)
        on_loop(self.panel.ask)

    def give(self, content: bytes) -> None:
        """Send a picture as the script does, in two pieces."""
        half = len(content) // 2
        parts = content[:half], content[half:]

        def both() -> None:
            for number, part in enumerate(parts):
                place = {"first": number == 0, "last": number == 1}
                message = {"do": "picture", "name": "a.png", **place}
                self.panel._received(self.panel, message, [part])

        on_loop(both)

    def name(self, address: str) -> None:
        """Send an address as the script does."""
        message = {"do": "address", "address": address}
        on_loop(lambda: self.panel._received(self.panel, message, []))


def test_a_picture_opens_its_queue(checked: Project) -> None:
    """Pieces come together; the queue is asked for by the picture's hash, and nothing is added."""
    asked = Asked(checked)
    assert asked.panel.state["needs"] is None
    asked.give(encoded(picture(5, 80), "WEBP", quality=90))
    (message,) = asked.of
    assert message["queue"] == "similar"
    ids, digests = likeness.read(message["like"])
    assert (ids, len(digests)) == ([], 1)
    assert not asked.panel.state["is_open"]
    assert checked.thumbnails.get(digests).keys() == set(digests)
    assert checked.status().images == 30


def test_what_is_no_picture_is_named(checked: Project) -> None:
    """A page, no address, one that is not fetched: a sentence each, and the next picture works."""
    asked = Asked(checked)
    for give, said in (
        (lambda: asked.give(b"<html>no picture</html>"), "cannot be used"),
        (lambda: asked.name("teddy"), "no address"),
        (lambda: asked.name("http://127.0.0.1/a.png"), "not on the public internet"),
    ):
        give()
        assert said in asked.panel.state["error"]
        assert not asked.panel.state["asking"]
    assert asked.of == []
    asked.give(encoded(picture(5, 80), "PNG"))
    assert len(asked.of) == 1


@pytest.mark.slow
def test_features_that_lack_are_offered_first(small: Project) -> None:
    """A check is offered, waited for, and its end asks for the picture; a picture waits for it."""
    asked = Asked(small)
    assert "no features yet" in asked.panel.state["needs"]["sentence"]
    asked.give(encoded(picture(5, 80), "PNG"))
    assert asked.of == []
    on_loop(lambda: asked.panel._received(asked.panel, {"do": "needed"}, []))
    assert asked.of == [{"kind": "check", "arguments": {}}]
    number = jobs.queue(small.database, "check", {})
    asked.panel.follow(jobs.get(small.database, number))
    assert asked.panel.state["needs"]["title"] == ""
    jobs.start(small.database, number)
    jobs.end(small.database, number, jobs.FAILED, error="The disk is full.")
    asked.panel.follow(jobs.get(small.database, number))
    assert asked.panel.state["needs"]["title"] == "Compute them"
    assert asked.panel.state["error"] == "The disk is full."
    asked.panel.follow(jobs.get(small.database, jobs.queue(small.database, "check", {})))
    small.check()
    asked.panel.follow(jobs.get(small.database, number))
    assert asked.panel.state["needs"] is None


@pytest.mark.slow
def test_words_are_looked_for_by_the_worker(small: Project, small_clip: SmallClip) -> None:
    """What it takes is said first; its job is followed, and its end opens the queue."""
    asked = Asked(small)
    told = asked.panel.state["words"]
    assert told["can"]
    assert "clip_vit_b_32 is fetched first, once" in told["sentence"]
    assert "licence MIT" in told["sentence"]
    assert "30 images" in told["sentence"]
    assert "not yet with its real weights" in told["untried"]
    tell(asked.panel, do="words", words=" \n")
    assert "cannot be looked for" in asked.panel.state["error"]
    tell(asked.panel, do="words", words=" a drawing  of a bear ")
    text = "a drawing of a bear"
    assert asked.of == [{"kind": "find", "arguments": {"text": text}}]
    assert asked.panel.state["searching"] == text
    number = jobs.queue(small.database, "find", {"text": text})
    jobs.start(small.database, number)
    jobs.report(
        small.database, number, message="computing features on cpu", done=3, total=30, counts={}
    )
    asked.panel.follow(jobs.get(small.database, number))
    assert asked.panel.state["progress"] == "computing features on cpu: 3 of 30"
    jobs.end(small.database, number, jobs.FAILED, error="The disk is full.")
    asked.panel.follow(jobs.get(small.database, number))
    assert (asked.panel.state["searching"], asked.panel.state["error"]) == (
        "",
        "The disk is full.",
    )
    tell(asked.panel, do="words", words=text)
    small.find(text)
    asked.panel.follow(jobs.latest(small.database))
    assert asked.of[2:] == [{"queue": "words", "like": text}]
    assert not asked.panel.state["is_open"]
    on_loop(asked.panel.ask)
    assert asked.panel.state["words"]["sentence"] == ""
    tell(asked.panel, do="words", words=text)  # known: no job
    assert asked.of[3:] == [{"queue": "words", "like": text}]


def test_words_without_the_library(
    checked: Project, small_clip: SmallClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The field is closed, and beside it stands the command that installs what lacks."""
    monkeypatch.setattr(clip, "is_installed", lambda: False)
    told = Asked(checked).panel.state["words"]
    assert not told["can"]
    assert told["sentence"].endswith("pip install 'image-curator[text]'")
