"""The confusion matrix: a cell opens its images in the gallery."""

from __future__ import annotations

from typing import Any

from curator.errors import NoRun
from curator.project import Project
from curator.review.confusion import confusion, most_confused
from widgets.panel import Handler, Panel, script


class ConfusionPanel(Panel):
    """Counts over live images, out-of-fold, by the newest run."""

    _esm = script("confusion")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(handlers, labels=[], counts=[], pairs=[], label="", predicted="")

    def refresh(self, project: Project) -> None:
        """Count again; without a run there is nothing to show."""
        try:
            counts = confusion(project)
        except NoRun:
            self.show(labels=[], counts=[], pairs=[])
            return
        pairs: list[dict[str, Any]] = [
            {"label": row.label, "predicted": row.predicted, "count": int(str(row.count))}
            for row in most_confused(counts).itertuples()
        ]
        self.show(
            labels=[str(name) for name in counts.index],
            counts=counts.to_numpy().tolist(),
            pairs=pairs,
        )
