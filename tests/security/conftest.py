"""A project from an attacker, a victim's home that must stay as it is, and the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import browser, end_shared, items, open_page, served, watched
from tests.conftest import copy_project
from tests.security.attack import tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["browser", "end_shared", "items", "open_page", "served", "watched"]


@pytest.fixture(autouse=True)
def _idle_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers end by themselves soon after the last job."""
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "0.5")


@pytest.fixture
def hostile(small_folder: Path, tmp_path: Path) -> Path:
    """Give a project of 30 images for the attacker to alter."""
    return copy_project(small_folder, tmp_path / "hostile")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Give a victim's folder; at the end nothing in it has changed."""
    folder = tmp_path / "home"
    (folder / "secrets").mkdir(parents=True)
    (folder / "notes.txt").write_text("precious")
    (folder / "secrets" / "id_rsa").write_text("private")
    before = tree(folder)
    yield folder
    assert tree(folder) == before
