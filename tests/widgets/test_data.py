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


def test_a_subset_is_picked_in_the_grid(sample_copy: Project) -> None:
    """As many of each class; it is shown alone, has an address, and leads to a queue and to Use."""
    asked: list[dict[str, Any]] = []
    handlers = dict.fromkeys(("queue", "export"), asked.append)
    panel = GridPanel({**handlers, "moved": lambda _: None, "error": lambda _: None})

    async def picked() -> None:
        panel.adopt(sample_copy)
        panel.choose("newest", "")
        panel.refresh(status(sample_copy))
        while panel.state["opening"]:
            await asyncio.sleep(0.01)
        message = {"do": "pick", "number": panel.state["number"], "images": 6, "way": "typical"}
        panel._received(panel, message, [])
        while panel.state["picking"] or panel.state["opening"]:
            await asyncio.sleep(0.01)

    asyncio.run(picked())
    expected = sample_copy.subset(6, "typical", balanced=True, without_duplicates=True)
    assert panel.state["total"] == 6
    assert panel.state["status"] == expected.sentence
    assert panel.selection == sample_copy.select(expected.image_ids)
    number = panel.state["number"]
    panel._received(panel, {"do": "open", "number": number, "ranges": []}, [])
    panel._received(panel, {"do": "export", "number": number, "ranges": [[0, 2]]}, [])
    queue, export = asked
    opened = sample_copy.queue(queue["queue"], Filters(selection=queue["selection"]))
    assert sorted(opened.ids.tolist()) == sorted(expected.image_ids)
    assert sample_copy.preview_export(selection=export["selection"]).images == 2


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
