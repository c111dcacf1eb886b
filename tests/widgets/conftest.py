"""What every test of a panel needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_loop() -> Iterator[None]:
    """A browser's driver, where one runs in this process, has a loop; it is none of the panels'."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the list of recent projects of the person who runs the tests out of them."""
    monkeypatch.setenv("CURATOR_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CURATOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "1")
