"""The review log: how fast, by whom, with what yield, and how steadily images were decided."""

from __future__ import annotations

from typing import Any

from curator.project import Project
from curator.review.log import review_log
from curator.store import ledger
from widgets.panel import Handler, script
from widgets.section import Beside


class ReviewLogPanel(Beside):
    """Days by reviewer, agreement, and the name that decisions are signed with.

    The name itself is kept by whoever handles the message ``reviewer``; :meth:`sign` shows it.
    """

    _esm = script("reviewlog")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            handlers, opened=False, days=[], agreement=None, reviewer=ledger.reviewer(), error=None
        )

    def sign(self, reviewer: str, error: str | None = None) -> None:
        """Show the name that decisions are signed with from now on, or why it was refused."""
        self.show(reviewer=reviewer, error=error)

    def figures(self, project: Project) -> dict[str, Any]:
        """Read the log."""
        return review_log(project)
