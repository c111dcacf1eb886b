"""Deciding on many at once: beside the page, with a bar, one at a time, one step of undo."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from curator.review.status import status
from curator.store import ledger
from tests.widgets.kernel import ended, on_loop, send
from widgets import deciding
from widgets.grid import GridPanel

if TYPE_CHECKING:
    import pytest

    from curator.project import Project


def test_a_decision_on_many(small: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar grows, a second decision is refused meanwhile, and undo takes back all at once."""
    monkeypatch.setattr(deciding, "MANY", 5)
    monkeypatch.setattr(ledger, "_AT_ONCE", 10)
    said: list[str] = []
    handlers = {
        "error": lambda message: said.append(message["text"]),
        "decided": lambda _: None,
        "moved": lambda _: None,
    }
    panel = GridPanel(handlers)
    panel.adopt(small)
    panel.choose("newest", "")
    on_loop(lambda: panel.refresh(status(small)))
    number, bars = panel.state["number"], []

    def note(change: dict[str, Any]) -> None:
        if change["new"]["deciding"]:
            bars.append(change["new"]["deciding"]["done"])

    panel.observe(note, names="state")

    async def decide_twice() -> None:
        message = {"do": "decide", "action": "delete", "label": "", "number": number}
        send(panel, **message, ranges=[[0, 30]])
        send(panel, **message, ranges=[[0, 1]])
        assert "being recorded" in said[-1]
        send(panel, do="undo")
        assert len(said) == 2
        await ended()

    asyncio.run(decide_twice())
    assert bars[0] == 0
    assert bars == sorted(bars)
    assert bars[-1] == 30
    assert panel.state["deciding"] is None
    assert "30 images deleted" in panel.state["status"]
    assert (small.status().images, len(small.queue("trash"))) == (0, 30)
    on_loop(lambda: send(panel, do="undo"))
    assert "Took back" in panel.state["status"]
    assert (small.status().images, len(small.queue("trash"))) == (30, 0)
    on_loop(lambda: send(panel, do="redo"))
    assert len(small.queue("trash")) == 30
    assert len(said) == 2
