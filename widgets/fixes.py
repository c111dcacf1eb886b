"""Suggested fixes: batches with a preview, applied by the user alone, undone in one step."""

from __future__ import annotations

from typing import Any

from curator.errors import CuratorError
from curator.phrasing import many
from curator.project import Project
from curator.review.queue.tiles import rows
from curator.store.undo import Decided
from widgets.panel import Handler, script
from widgets.section import Beside
from widgets.thumbnails import Thumbnails

PREVIEW = 24  # images of a suggestion that are shown at most
LABELS = "labels"  # the suggestion that gives images their predicted class


class FixesPanel(Beside):
    """A card for each suggestion; thumbnails travel as binary buffers of one message."""

    _esm = script("fixes")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "ready": lambda _: self._pictures(anew=True),
            "apply": lambda message: self._apply(str(message["key"]), message["leave_out"]),
        }
        super().__init__({**handlers, **own}, opened=True, names=[], fixes=[], said="", errors={})
        self._sent = Thumbnails(self)

    def figures(self, project: Project) -> dict[str, Any]:
        """Look for suggestions anew."""
        return {"names": project.class_names(), "fixes": offered(project)}

    def shown(self) -> None:
        """Send the pictures of fresh suggestions."""
        self._pictures()

    def _pictures(self, anew: bool = False) -> None:
        shown = (tile["id"] for item in self.state["fixes"] for tile in item["preview"])
        self._sent.send(self._counting.project, shown, anew)

    def _apply(self, key: str, leave_out: list[int]) -> None:
        try:
            decided = self.project.apply_suggestion(key, leave_out=[int(i) for i in leave_out])
        except CuratorError as error:
            self.show(errors={key: str(error)}, said="")
            return
        self.show(errors={}, said=said_of(decided, "U takes it back."))
        self.count(anew=True)
        self._handlers["decided"]({})


def offered(project: Project) -> list[dict[str, Any]]:
    """What could be fixed, as scripts draw it: the one source of Check and of Review's drawer."""
    found = project.suggestions()
    shown = {i for item in found for i in item.preview[:PREVIEW]}
    seen = {row["id"]: row for row in rows(project, "all", sorted(shown))}
    return [
        {
            **item.to_dict(),
            "preview": [_tile(seen[i], item.key) for i in item.preview[:PREVIEW] if i in seen],
        }
        for item in found
    ]


def said_of(decided: Decided, undo: str) -> str:
    """What a fix did; ``undo``: the sentence on how it is taken back."""
    if not decided.batch:
        return "Nothing was left to do."
    return f"{many(len(decided.image_ids), 'image')} {decided.what}. {undo}"


def _tile(row: dict[str, Any], key: str) -> dict[str, Any]:
    """An image of a suggestion; ``becomes``: the label it would get, None if it keeps its own."""
    becomes = row["predicted"] if key == LABELS else None
    return {**{name: row[name] for name in ("id", "label", "source")}, "becomes": becomes}
