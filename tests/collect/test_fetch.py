"""Fetching into a project: everything once, and again only what is missing."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING

import pytest

from curator.check.counts import AddressCounts
from curator.collect.http.client import FetchSettings
from curator.errors import InputError
from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import serving
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from pathlib import Path

    from curator.jobs.progress import Progress

PRIVATE = {"allow_private": True, "backoff": 0.0}


def item(path: str, body: bytes, status: int = 200, listed: str = "a") -> Item:
    """Describe one address of the test's server."""
    return Item(path, listed, None, "", body, status=status)


def test_each_address_ends_as_an_image_or_with_its_reason(tmp_path: Path) -> None:
    """Good ones become images, the same content once, and each failure carries its code."""
    good = encoded(picture(1))
    items = [
        item("/good.png", good),
        item("/same.png", good),
        item("/dead.png", b"", 404),
        item("/cut.png", good[: len(good) // 2]),
        item("/page.png", b"<!doctype html><p>no"),
    ]
    with serving(items) as served, Project.create(tmp_path / "p", ["a"]) as project:
        project.add("a", "\n".join(served.addresses("a")))
        answer = project.fetch(FetchSettings(**PRIVATE))
        assert answer.asked == 5
        assert (answer.images, answer.same) == (1, 1)
        assert answer.failed == {"dead": 1, "broken": 1, "page_not_image": 1}
        assert "1 new image from 5 addresses" in answer.sentence
        files = list(project.originals.rglob("*.*"))
        assert [path.read_bytes() for path in files] == [good]


@pytest.mark.slow
def test_a_second_fetch_asks_only_for_what_may_have_changed(tmp_path: Path) -> None:
    """Images and dead addresses are left alone; a busy server is asked again; "all" asks all."""
    first = [
        item("/1.png", encoded(picture(1))),
        item("/gone.png", b"", 404),
        item("/busy.png", b"", 503),
    ]
    later = [item("/gone.png", encoded(picture(2))), item("/busy.png", encoded(picture(3)))]
    with Project.create(tmp_path / "p", ["a"]) as project:
        with serving(first) as served:
            port = int(served.base.rpartition(":")[2])
            project.add("a", "\n".join(served.addresses("a")))
            answer = project.fetch(FetchSettings(**(PRIVATE | {"attempts": 1})))
            assert answer.failed == {"dead": 1, "server_error": 1}
        with serving(later, port) as served:
            assert project.fetch(FetchSettings(**PRIVATE), retry="none").asked == 0
            answer = project.fetch(FetchSettings(**PRIVATE))
            assert (answer.asked, answer.images) == (1, 1)
            answer = project.fetch(FetchSettings(**PRIVATE))
            assert answer.asked == 0
            assert "Nothing is missing" in answer.sentence
            answer = project.fetch(FetchSettings(**PRIVATE), retry="all")
            assert (answer.asked, answer.images) == (1, 1)
        assert project.status().addresses == AddressCounts(pending=0, fetched=3, failed={})


def test_private_addresses_are_refused_unless_asked_for(tmp_path: Path) -> None:
    """Without the setting, an address of this machine is not fetched and says why."""
    with (
        serving([item("/1.png", encoded(picture(1)))]) as served,
        Project.create(tmp_path / "p", ["a"]) as project,
    ):
        project.add("a", served.base + "/1.png")
        answer = project.fetch()
        assert answer.images == 0
        assert set(answer.failed) <= {"refused_private", "refused_address"}
        assert sum(answer.failed.values()) == 1


def test_the_class_listed_first_gives_the_label(tmp_path: Path) -> None:
    """The same content under two classes is one image, and check names it."""
    same = encoded(picture(1))
    items = [item("/1.png", same, listed="a"), item("/2.png", same, listed="b")]
    with serving(items) as served, Project.create(tmp_path / "p", ["a", "b"]) as project:
        project.add("a", served.base + "/1.png")
        project.fetch(FetchSettings(**PRIVATE))
        project.add("b", served.base + "/2.png")
        project.fetch(FetchSettings(**PRIVATE))
        assert project.status().classes == {"a": 1, "b": 0}
        problems = {p.code: p for p in project.check().problems}
        assert problems["listed_in_two_classes"].images == (1,)


@pytest.mark.parametrize("settings", [{"threads": 0}, {"speed": "high"}, {"max_bytes": "many"}])
def test_wrong_settings_are_named(settings: dict[str, object], tmp_path: Path) -> None:
    """A setting that cannot be is refused by name, before anything is fetched."""
    with (
        Project.create(tmp_path / "p", ["a"]) as project,
        pytest.raises(InputError, match=next(iter(settings))),
    ):
        project.fetch(FetchSettings(**settings))


@pytest.mark.slow
def test_what_is_listed_during_a_fetch_is_fetched_too(tmp_path: Path) -> None:
    """Also what comes when the last address has ended, pasted pictures too; it is all counted."""
    # Slow enough for a report after each.
    slow = [Item(f"/{n}.png", "a", None, "", encoded(picture(n)), delay=0.3) for n in range(3)]
    pasted = "data:image/png;base64," + base64.b64encode(encoded(picture(9))).decode()
    with serving(slow) as served, Project.create(tmp_path / "p", ["a"]) as project:
        first, *others = served.addresses("a")
        project.add("a", first)
        waiting = ["\n".join(others), pasted]

        def add_more(progress: Progress) -> None:
            if progress.done and waiting:
                project.add("a", waiting.pop(0))

        answer = project.fetch(FetchSettings(**PRIVATE), listener=add_more)
        assert (answer.asked, answer.images, waiting) == (4, 4, [])
        assert project.status().addresses.pending == 0
        assert project.fetch(FetchSettings(**PRIVATE)).asked == 0


@pytest.mark.slow
def test_what_came_is_there_while_the_rest_hangs(tmp_path: Path) -> None:
    """One picture is in the project though the other address does not answer yet."""
    items = [Item(f"/{n}.png", "a", None, "", encoded(picture(n)), delay=n) for n in range(2)]
    gate = threading.Event()
    with (
        serving(items, gate=gate) as served,
        Project.create(tmp_path / "p", ["a"]) as project,
        Project.open(tmp_path / "p") as other,
    ):
        project.add("a", "\n".join(served.addresses("a")))
        seen = []

        def look() -> None:
            while not other.status().images and not done.wait(0.1):
                pass
            seen.append(gate.is_set() or done.is_set())
            gate.set()

        done = threading.Event()
        watcher = threading.Thread(target=look)
        watcher.start()
        answer = project.fetch(FetchSettings(**PRIVATE))
        done.set()
        watcher.join()
        assert (answer.images, answer.failed) == (2, {})
        assert seen == [False]
