"""The gallery: pages of a review queue, with decisions by keys and mouse.

One widget whose page is swapped. What a page shows travels in ``state``; its thumbnails, and those
of the next page, as binary buffers of one message. Every decision is in the ledger before the page
shows it.
"""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from curator.collect.decoding import Rejected, decode
from curator.collect.keeping import thumbnails
from curator.errors import CuratorError, NoRun, NothingToUndo
from curator.project import Project
from curator.review.queues import QUEUES, open_queue
from curator.store import ledger, runs, schema, tags
from curator.store.classes import names_by_id
from curator.words import many
from widgets.panel import Handler, Panel, script

PAGE = 24
ENLARGED = 1600  # pixels of the longer side
NAMED = 0.1  # probability of a name of the pretrained network that counts, 0..1
PAST = {
    "keep": "Kept",
    "delete": "Deleted",
    "relabel": "Relabelled",
    "unsure": "Marked as unsure:",
}
EMPTY = pd.DataFrame(columns=["image_id", "sha256", "file"])


class Gallery(Panel):
    """A queue of a project, a page at a time."""

    _esm = script("gallery")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own = {
            "ready": lambda _: self._send_pictures(everything=True),
            "decide": self._decide,
            "undo": lambda _: self._undo(),
            "rest": lambda _: self._rest(),
            "turn": lambda message: self._turn(int(message["by"])),
            "queue": lambda message: self.show_queue(message["kind"], tag=self.state["tag"]),
            "filter": lambda message: self.show_queue(
                self.state["kind"], message["label"], tag=message["tag"]
            ),
            "zoom": lambda message: self._enlarge(int(message["id"])),
        }
        super().__init__(
            {**handlers, **own},
            kind="suspicious",
            queues=[{"kind": kind, "title": queue.title} for kind, queue in QUEUES.items()],
            label="",
            predicted="",
            tag="",
            tags=[],
            classes=[],
            total=0,
            seen=0,
            offset=0,
            tiles=[],
            meaning="",
            empty="",
            step=None,
            status="",
            error=None,
            queue_number=0,
        )
        self.project: Project | None = None
        self._rows = pd.DataFrame()
        self._ids: list[int] = []
        self._seen: set[int] = set()
        self._sent: set[int] = set()
        self._run_id: int | None = None

    def show_queue(
        self,
        kind: str,
        label: str = "",
        predicted: str = "",
        offset: int = 0,
        status: str = "",
        tag: str = "",
    ) -> None:
        """Open a queue at ``offset``: its order is fixed until it is opened again."""
        assert self.project is not None
        error, step, empty = None, None, ""
        try:
            rows = open_queue(
                self.project,
                kind,
                label or None,
                predicted or None,
                tag=tag or None,
                tag_probability=NAMED,
            )
        except NoRun as problem:
            rows, empty = EMPTY, str(problem.problem)
            step = {"station": "train", "title": "Train"}
        except CuratorError as problem:
            rows, error = EMPTY, str(problem)
        self._rows = rows.set_index("image_id", drop=False)
        self._ids = [int(i) for i in rows["image_id"]]
        self._seen = set()
        with self.project.database.read() as connection:
            self._run_id = runs.ranking_id(connection)
            named = tags.tag_counts(connection, label or None)
        if not len(rows) and not empty:
            empty = "This queue is empty."
            if kind == "suspicious":
                step = {"station": "export", "title": "Go on to Export"}
        start = min(max(0, offset), max(0, len(self._ids) - 1)) // PAGE * PAGE
        self._page(
            start,
            kind=kind,
            label=label,
            predicted=predicted,
            tag=tag,
            tags=named[["name", "images"]].to_dict("records"),
            classes=self.project.class_names(),
            total=len(self._ids),
            meaning=QUEUES[kind].meaning if kind in QUEUES else "",
            empty=empty,
            step=step,
            error=error,
            status=status,
            queue_number=self.state["queue_number"] + 1,
        )
        self._handlers["moved"]({})

    def refresh(self, status: str | None = None) -> None:
        """Show the page's images as they are now; another window may have decided on them."""
        if self.project is not None:
            self._page(self.state["offset"], **({} if status is None else {"status": status}))

    def place(self) -> dict[str, Any]:
        """Queue, filter and position, to be remembered."""
        return {key: self.state[key] for key in ("kind", "label", "predicted", "tag", "offset")}

    def _page(self, offset: int, **changes: Any) -> None:
        ids = self._ids[offset : offset + PAGE]
        self._seen.update(ids)
        self.show(offset=offset, tiles=self._tiles(ids), seen=len(self._seen), **changes)
        self._send_pictures()

    def _tiles(self, ids: list[int]) -> list[dict[str, Any]]:
        assert self.project is not None
        with self.project.database.read() as connection:
            names = names_by_id(connection)
            present = ledger.current_of(connection, ids)
        return [self._tile(image_id, present[image_id], names) for image_id in ids]

    def _tile(self, image_id: int, now: Any, names: dict[int, str]) -> dict[str, Any]:
        label = names[now.class_id]
        values: dict[Any, Any] = self._rows.loc[image_id].to_dict()
        return {
            "id": image_id,
            "label": label,
            "state": now.state,
            "relabelled": now.state == schema.KEPT and label != values["given_label"],
            "predicted": values["predicted"] if pd.notna(values["predicted"]) else None,
            "confidence": _number(values["confidence"]),
            # Of the label that the run saw: after a relabelling it would mislead.
            "loss": _number(values["loss"]) if label == values["label"] else None,
            "split": values["split"] if pd.notna(values["split"]) else None,
            "suggestions": [list(pair) for pair in values["suggestions"]],
            "note": values["note"],
            "source": values["source"],
            "width": int(values["width"]),
            "height": int(values["height"]),
        }

    def _send_pictures(self, everything: bool = False) -> None:
        """Send the thumbnails of this page and the next that the browser does not hold yet."""
        if self.project is None:
            return
        if everything:
            self._sent = set()
        offset = self.state["offset"]
        wanted = self._ids[offset : offset + 2 * PAGE]
        fresh = [image_id for image_id in wanted if image_id not in self._sent]
        rows = self._rows.loc[fresh]
        digests = rows["sha256"].tolist()
        found = thumbnails(self.project, dict(zip(digests, rows["file"].tolist(), strict=True)))
        have = [(i, found[d]) for i, d in zip(fresh, digests, strict=True) if d in found]
        self._sent = set(wanted)
        if have or everything:
            message = {"type": "pictures", "ids": [i for i, _ in have], "keep": wanted}
            self.send(message, buffers=[picture for _, picture in have])

    def _decide(self, message: dict[str, Any]) -> None:
        assert self.project is not None
        action = message["action"]
        decided = self.project.decide(
            [int(i) for i in message["ids"]],
            action,
            message.get("label") or None,
            run_id=self._run_id,
        )
        if not decided.image_ids:
            self.refresh("That was so already.")
            return
        target = f" as {message['label']}" if action == "relabel" else ""
        text = f"{PAST[action]} {many(len(decided.image_ids), 'image')}{target}. U takes it back."
        self.refresh(text)
        self._handlers["decided"](message)

    def _undo(self) -> None:
        assert self.project is not None
        try:
            undone = self.project.undo()[0]
        except NothingToUndo as error:
            self.refresh(str(error))
            return
        here = set(self._ids[self.state["offset"] : self.state["offset"] + PAGE])
        elsewhere = "" if here & set(undone.image_ids) else ", on another page"
        self.refresh(f"Took back a decision on {many(len(undone.image_ids), 'image')}{elsewhere}.")
        self._handlers["decided"]({})

    def _rest(self) -> None:
        """Keep what is undecided on the page, then go on: "the rest of this page is fine"."""
        rest = [tile["id"] for tile in self.state["tiles"] if tile["state"] == schema.NEW]
        if rest:
            self._decide({"ids": rest, "action": "keep"})
        self._turn(1)

    def _turn(self, by: int) -> None:
        offset = self.state["offset"] + by * PAGE
        if offset >= len(self._ids):
            self.refresh("That was the last page of this queue. Retrain to rank the images anew.")
        elif offset >= 0:
            self._page(offset)
            self._handlers["moved"]({})

    def _enlarge(self, image_id: int) -> None:
        assert self.project is not None
        try:
            picture = decode(self.project.originals / str(self._rows.loc[image_id, "file"]))
        except (Rejected, OSError):
            return  # the thumbnail stays in its place
        picture.thumbnail((ENLARGED, ENLARGED))
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=85)
        self.send({"type": "zoom", "id": image_id}, buffers=[buffer.getvalue()])


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 4)
