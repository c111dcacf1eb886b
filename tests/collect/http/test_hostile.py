"""Every behaviour of the hostile server, end to end: through a download and through a project."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from curator.collect.http.downloader import Outcome, Wanted, download
from curator.collect.http.urls import MAX_LENGTH
from curator.project import Project
from curator.store import schema
from tests.collect.hostile.answers import ACTING, PROPER, RAW
from tests.collect.hostile.files import BODIES
from tests.collect.hostile.table import BEHAVIOURS, Behaviour
from tests.collect.hostile.world import World, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Run the hostile servers for all tests of this file."""
    with (
        pytest.MonkeyPatch.context() as patch,
        world(patch, tmp_path_factory.mktemp("certificates")) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that the one download fills."""
    return tmp_path_factory.mktemp("hostile") / "originals"


@pytest.fixture(scope="module")
def outcomes(internet: World, originals: Path) -> dict[Behaviour, Outcome]:
    """Download from all of them at once; give each one's outcome."""
    internet.begin()
    asked = [Wanted(n, internet.url(behaviour)) for n, behaviour in enumerate(BEHAVIOURS)]
    done = list(download(asked, originals, internet.settings, lambda: False))
    assert sorted(outcome.key for outcome in done) == list(range(len(BEHAVIOURS)))
    return {BEHAVIOURS[outcome.key]: outcome for outcome in done}


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_outcome(behaviour: Behaviour, outcomes: dict[Behaviour, Outcome], originals: Path) -> None:
    """Each behaviour ends as the table says, a good image with exactly the bytes served."""
    outcome = outcomes[behaviour]
    assert behaviour.expected == outcome.reason, outcome.detail
    assert len(outcome.content_type or "") <= 200
    assert (outcome.content_type or "").isprintable()  # no server writes to the user's terminal
    if outcome.reason is not None:
        assert outcome.detail.endswith(".")
        assert outcome.detail.isprintable()
        assert outcome.image is None is outcome.file
        return
    assert outcome.image is not None
    assert outcome.file is not None
    kept = (originals / outcome.file).read_bytes()
    assert BODIES[behaviour.kept] == kept
    assert hashlib.sha256(kept).hexdigest() == outcome.image.sha256


@pytest.mark.slow
def test_nothing_else_is_left(outcomes: dict[Behaviour, Outcome], originals: Path) -> None:
    """Beside the images there is no file and no folder: no name of a server's choice, no half."""
    expected = {outcome.file for outcome in outcomes.values() if outcome.file}
    found = {path.relative_to(originals).as_posix() for path in originals.rglob("*.*")}

    assert expected == found
    assert {originals.name} == {path.name for path in originals.parent.iterdir()}
    assert all(len(path.name) == 2 for path in originals.iterdir())


@pytest.mark.slow
def test_project(internet: World, tmp_path: Path) -> None:
    """A project that lists them all has each image once and each failure with its reason."""
    internet.begin()
    behaviours = {internet.url(each): each for each in BEHAVIOURS}
    usable = {url: each for url, each in behaviours.items() if len(url) <= MAX_LENGTH}
    with Project.create(tmp_path / "project", ["a"]) as project:
        added = project.add("a", "\n".join(behaviours))
        answer = project.fetch(internet.settings)
        with project.database.read() as connection:
            rows = connection.execute(select(schema.sources)).all()
        status = project.status()
        project.check()

    assert (len(usable), len(behaviours) - len(usable)) == (added.new, len(added.refused))
    found = {row.origin: row.reason for row in rows}
    assert {url: each.expected for url, each in usable.items()} == found
    kept = [BODIES[each.kept] for each in usable.values() if each.expected is None]
    assert (len(set(kept)), len(kept) - len(set(kept))) == (answer.images, answer.same)
    assert status.addresses.pending == 0
    assert status.addresses.fetched == len(kept)
    assert status.addresses.failed == answer.failed


def test_table_is_complete() -> None:
    """Everything the server can do has a row, and every refused file is refused for a reason."""
    listed = {behaviour.path for behaviour in BEHAVIOURS}
    first_parts = {"/" + path.split("/")[1] for path in listed}
    elsewhere = {"/redirect"}  # with every status, in the tests of redirects

    assert BODIES.keys() <= listed
    assert {*PROPER, *RAW, *ACTING} - elsewhere <= listed | first_parts
