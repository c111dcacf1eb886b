"""The small project as tests of the ledger need it: nothing of it can be undone."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from curator.project import Project
from tests.conftest import SMALL
from tests.pictures import write_folders

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def small_folder(build_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Give the small project with pictures that were pasted, one after the other, not imported."""

    def fill(folder: Path) -> None:
        pictures = write_folders(folder / "pictures", SMALL)
        with Project.create(folder / "project", list(SMALL), name="small") as project:
            for path in sorted(pictures.rglob("*.png")):
                content = base64.b64encode(path.read_bytes()).decode()
                project.add(path.parent.name, f"data:image/png;base64,{content}")
                project.fetch()

    return build_once("pasted", fill) / "project"
