"""Pictures that were pasted themselves, as ``data:`` addresses."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import select

from curator.project import Project
from curator.store import schema
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from pathlib import Path


def data_address(content: bytes) -> str:
    """Write content as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def test_a_pasted_picture_becomes_an_image(tmp_path: Path) -> None:
    """A fetch verifies what was pasted, stores its bytes unchanged, and empties the inbox of it."""
    good, bad = encoded(picture(1)), encoded(picture(2))[:-40]
    with Project.create(tmp_path / "p", ["cat", "dog"]) as project:
        added = project.add("cat", "\n".join(data_address(content) for content in (good, bad)))
        assert (added.new, added.embedded) == (2, 2)
        result = project.fetch()

        assert (result.images, result.failed) == (1, {"broken": 1})
        digest = hashlib.sha256(good).hexdigest()
        assert (project.originals / digest[:2] / f"{digest}.png").read_bytes() == good
        assert [path.read_bytes() for path in project.inbox.iterdir()] == [bad]


def test_the_same_picture_under_another_class(tmp_path: Path) -> None:
    """Pasted again for a second class after its fetch, it is found among the originals."""
    address = data_address(encoded(picture(1)))
    with Project.create(tmp_path / "p", ["cat", "dog"]) as project:
        project.add("cat", address)
        project.fetch()
        assert project.add("cat", address).new == 0
        assert project.add("dog", address).new == 1
        for path in project.inbox.iterdir():
            path.unlink()
        result = project.fetch()

        assert (result.images, result.same, result.failed) == (0, 1, {})
        with project.database.read() as connection:
            kinds = connection.execute(select(schema.sources.c.kind, schema.sources.c.state)).all()
        assert [tuple(row) for row in kinds] == [("data", "fetched"), ("data", "fetched")]
