"""The images of the page that is shown: as they were when it was opened, and as they are now.

What the model says of an image is read once, so that a refit does not change it under the eyes of
the reviewer; label and state follow the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curator.find.unlabelled import expected_wrong
from curator.review.log import record_page
from curator.review.queue.kinds import QUEUES
from curator.review.queue.tiles import present, rows
from curator.store import schema

if TYPE_CHECKING:
    from curator.project import Project

LONGEST_PAGE = 600.0  # seconds: who looks longer at a page has left the desk
_SHOWN = ("id", "label", "predicted", "confidence", "split", "in_sample", "flags", "note")
ACCEPTING = ("label next", "surest")  # queues whose images get the label that the model gives
_OPEN = (schema.NEW, schema.UNLABELLED)
_NAMES = ("label", "given_label", "predicted")


class Shown:
    """A page of a queue."""

    def __init__(
        self, project: Project, kind: str, image_ids: Sequence[int], run_id: int | None
    ) -> None:
        self._project = project
        self._kind = kind
        self.run_id = run_id
        """The run whose scores are shown; None: there is none."""
        self._names = present(project, ()).names
        self.rows = rows(project, kind, image_ids, run_id)
        self._decided: dict[int, str] = {}  # image id -> state that was decided on this page
        self._touched: set[int] = set()  # decided on here or taken back, and not in the log yet
        self.open()

    def open(self) -> None:
        """The page is looked at from now on, as it is now."""
        self._before = [dict(row) for row in self.rows]
        self._opened = time.monotonic()

    def fits(self, kind: str, image_ids: Sequence[int], run_id: int | None) -> bool:
        """Whether this is the page of those images in that queue, by that run."""
        return (self._kind, self.ids, self.run_id) == (kind, list(image_ids), run_id)

    @property
    def ids(self) -> list[int]:
        """The images, in order."""
        return [row["id"] for row in self.rows]

    @property
    def blind(self) -> bool:
        """Whether earlier decisions are hidden, because this is a second look."""
        return QUEUES[self._kind].blind

    @property
    def finished(self) -> bool:
        """Whether every image was decided on while the page was shown."""
        return len(self._decided) == len(self.rows)

    def known(self, image_ids: Iterable[int]) -> dict[int, int | None]:
        """The last decision of each of those images that are on the page, as it is shown."""
        wanted = set(image_ids)
        return {row["id"]: row["decision_id"] for row in self.rows if row["id"] in wanted}

    def undecided(self) -> list[int]:
        """Images on which nobody decided."""
        return [
            row["id"]
            for row, before in zip(self.rows, self._before, strict=True)
            if row["state"] in _OPEN and not _accepted(row, before)
        ]

    def expected(self) -> str:
        """How many labels are likely wrong if what is undecided gets those that the model gives.

        "" where the rest of the page gets none.
        """
        rest = set(self.undecided())
        sure = [row["confidence"] for row in self.rows if row["id"] in rest]
        if self._kind not in ACCEPTING or not sure or None in sure:
            return ""
        what = f"these {len(sure)}" if len(sure) > 1 else "this 1"
        said = expected_wrong(sure).of(what)
        return f"{said[0].upper()}{said[1:]}."

    def unlabelled(self, image_ids: Iterable[int]) -> bool:
        """Whether all of those images wait for a label."""
        waiting = {row["id"] for row in self.rows if row["state"] == schema.UNLABELLED}
        return waiting.issuperset(image_ids)

    def decided(self, image_ids: Iterable[int], state: str | None) -> None:
        """Note what was decided here; None: it was taken back."""
        image_ids = list(image_ids)
        self._touched.update(image_ids)
        for image_id in image_ids:
            if state is None:
                self._decided.pop(image_id, None)
            else:
                self._decided[image_id] = state

    def update(self) -> list[int]:
        """Read label and state anew; return the images whose last decision is another."""
        found = present(self._project, self.ids)
        names = found.names
        self._rename({old: names[key] for key, old in self._names.items() if names[key] != old})
        self._names = names
        changed = []
        for row in self.rows:
            now = found.images[row["id"]]
            if now.decision_id != row["decision_id"]:
                changed.append(row["id"])
            row |= {
                "label": names[now.class_id],
                "state": now.state,
                "decision_id": now.decision_id,
            }
        return changed

    def _rename(self, renamed: Mapping[str, str]) -> None:
        """Call classes by other names, by their old ones, also in what the page was before."""
        for row in [*self.rows, *self._before] if renamed else ():
            for key in _NAMES:
                row[key] = renamed.get(row[key], row[key])
            row["listed_under"] = [renamed.get(name, name) for name in row["listed_under"]]

    def tiles(self) -> list[dict[str, Any]]:
        """What the page draws, as JSON."""
        groups = list(dict.fromkeys(row["group_id"] for row in self.rows))
        bands = {group: place % 2 for place, group in enumerate(groups)}
        return [
            self._tile(row, before, bands[row["group_id"]] if QUEUES[self._kind].grouped else None)
            for row, before in zip(self.rows, self._before, strict=True)
        ]

    def _tile(
        self, row: dict[str, Any], before: dict[str, Any], band: int | None
    ) -> dict[str, Any]:
        state = self._decided.get(row["id"], schema.NEW) if self.blind else row["state"]
        relabelled = row["label"] != row["given_label"] and not self.blind
        return {
            **{key: row[key] for key in _SHOWN},
            "state": schema.KEPT if _accepted(row, before) else state,
            "relabelled": relabelled and (state == schema.KEPT or _accepted(row, before)),
            # Of the label that the page was opened with: after a relabelling it would mislead.
            "loss": row["loss"] if row["label"] == before["label"] else None,
            "band": band,
        }

    def record(self, worked_through: bool) -> bool | None:
        """Put the page into the review log if it was worked through or decided on.

        Returns whether something was decided; None: nothing was recorded.
        """
        if self._project.read_only:
            return None
        self.update()
        now = {row["id"]: row for row in self.rows}
        decided = any(now[row["id"]]["decision_id"] != row["decision_id"] for row in self._before)
        own = self._touched & self._decided.keys()
        # Of a second look only what was decided: the rest would count as agreement.
        before = [row for row in self._before if not self.blind or row["id"] in own]
        if not before or not (worked_through or decided or own):
            return None
        names = self._project.class_names()
        if any(row["label"] not in names for row in before):
            return decided  # a class is gone meanwhile, or not yet: the log could not name it
        # What was decided in other windows meanwhile is in the log of those.
        before = [row if row["id"] in self._touched else now[row["id"]] for row in before]
        seconds = min(time.monotonic() - self._opened, LONGEST_PAGE)
        record_page(self._project, self._kind, self.run_id, before, seconds)
        self._touched.clear()
        self.open()
        return decided


def _accepted(row: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether an image that had no label when the page was opened has that of the model now."""
    return (row["state"], before["state"]) == (schema.NEW, schema.UNLABELLED)
