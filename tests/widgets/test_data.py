"""Data in the kernel: addresses of its views, and a grid that decides on ranges of places."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from curator.errors import InputError
from curator.review.browsing import open_grid
from curator.review.queue.filters import Filters
from curator.review.status import status
from widgets import address
from widgets.address import Address
from widgets.grid import GridPanel

if TYPE_CHECKING:
    from curator.project import Project


def test_addresses_of_the_grid() -> None:
    """What is written is read again; what names no view says what there is."""
    grid = Address("bears", "data", filters=Filters(label="black"), tab="grid", sort="size")
    assert grid.to_dict()["queue"] == "grid"
    assert address.read(grid.to_dict(), 0.1) == grid
    home = Address("bears", "data")
    assert address.read(home.to_dict(), 0.1) == home
    for wrong in (
        {"queue": "heap"},
        {"queue": "map", "by": "colour"},
        {"queue": "grid", "sort": "colour"},
    ):
        with pytest.raises(InputError):
            address.read({"station": "data", **wrong}, 0.1)
    with pytest.raises(InputError):
        address.read({"station": "review", "queue": "grid"}, 0.1)


def test_a_grid_decides_on_what_is_there_alone(sample_copy: Project) -> None:
    """Ranges that are none and orders that were left decide nothing, and say so."""
    complaints: list[str] = []
    decided: list[dict[str, Any]] = []
    panel = GridPanel(
        {
            "error": lambda message: complaints.append(message["text"]),
            "decided": decided.append,
            "moved": lambda _: None,
        }
    )
    label = sample_copy.class_names()[0]

    async def opened() -> None:
        panel.adopt(sample_copy)
        panel.choose("newest", label)
        panel.refresh(status(sample_copy))
        while panel.state["opening"]:
            await asyncio.sleep(0.01)

    asyncio.run(opened())
    ids = open_grid(sample_copy, "newest", label).ids.tolist()
    assert panel.state["total"] == len(ids)

    def ask(ranges: list[Any], number: int) -> None:
        message = {"do": "decide", "action": "delete", "ranges": ranges, "number": number}
        panel._received(panel, message, [])

    here = panel.state["number"]
    for ranges in ([[0, len(ids) + 1]], [[3, 3]], [[-1, 2]], [["0", "2"]], [[0, 1], [5, 4]]):
        ask(ranges, here)
    ask([[0, 2]], here - 1)
    assert len(complaints) == 6
    assert "left already" in complaints[-1]
    assert decided == []
    ask([[0, 2], [4, 5]], here)
    assert len(decided) == 1
    assert sample_copy.undo()[0].image_ids == (ids[0], ids[1], ids[4])
