"""The gallery: decisions on the images of a review queue, by keys, mouse and touch.

One widget whose page is swapped (:mod:`widgets.queue_view`). Every decision is in the ledger before
the page shows it. What a tile says of the model is fixed while its page is shown, though a refit
may end meanwhile; its label and state are those of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curator.collect.pictures import enlarged, thumbnails_of
from curator.errors import CuratorError, InputError, NothingToRedo, NothingToUndo
from curator.find import likeness
from curator.find.heat import as_png, overlays
from curator.find.unlabelled import random_tenth
from curator.find.why import explain
from curator.project import Project
from curator.review.queue.kinds import AUDIT
from curator.store import schema
from curator.store.vocabulary import STATE_AFTER
from widgets import wording
from widgets.background import beside
from widgets.concept_queue import CONCEPT, ConceptQueue
from widgets.page_shown import Shown
from widgets.panel import Handler, script

if TYPE_CHECKING:
    pass

# What the button does with the rest of a page, by the queue; otherwise keep.
REST = {"strangest": "none"}


class Gallery(ConceptQueue):
    """A queue to be decided on. ``handlers``: queue, decided, moved, looked, page, go, error."""

    _esm = script("gallery")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "decide": self._decide,
            "audit": lambda _: self._audit(),
            "like": self._like,
            "undo": lambda _: self._step_back(Project.undo, "Took back"),
            "redo": lambda _: self._step_back(Project.redo, "Did again"),
            "rest": lambda _: self._answered(self._rest),
            "zoom": lambda message: self._enlarge(int(message["id"])),
            "why": lambda message: self._why(int(message["id"])),
            "closed": lambda _: self._looked(None),
        }
        super().__init__({**handlers, **own})
        self._waiting: int | None = None  # image to enlarge once the page is drawn
        self._drawn = False
        self._accepted: set[int] = set()  # in the queue that is shown

    def _opened(self) -> None:
        super()._opened()
        self._accepted.clear()
        self.show(audit=0)

    def _decide(self, message: dict[str, Any]) -> None:
        project, page = self._here()
        action, label = message["action"], message.get("label") or None
        ids = [int(i) for i in message["ids"]]
        seen = page.known(ids)
        if len(seen) != len(set(ids)):
            raise InputError("That page was left already.", "Decide again on what is shown now.")
        if action == "keep" and page.unlabelled(ids):
            self._accept(message, ids, seen)
            return
        if message.get("fresh") and label:
            project.new_class(label)
            self.show(**self._classes())
        if message.get("class_id") is None:
            decided = project.decide(ids, action, label, run_id=page.run_id, seen=seen)
        else:
            # By its id: another window may have renamed the class, or given its name to another.
            class_id = int(message["class_id"])
            decided = project.decide(ids, action, class_id, run_id=page.run_id, seen=seen)
            label = project.class_called(class_id)
        taken = [i for i in ids if i not in decided.conflicts]
        page.decided(taken, STATE_AFTER[action])
        self.refresh(wording.decided(action, label, decided))
        self._handlers["decided"]({**message, "batch": decided.batch})

    def _accept(
        self, message: dict[str, Any], ids: Sequence[int], seen: Mapping[int, int | None]
    ) -> None:
        """Give images without a label what the model says: to keep there is nothing."""
        project, page = self._here()
        done = project.accept(ids, seen=seen)
        page.decided(done.decided, schema.NEW)
        self._accepted.update(done.decided)
        self.refresh(done.sentence)
        self._offer_audit()
        self._handlers["decided"]({**message, "batch": done.batch})

    def _offer_audit(self) -> None:
        """Offer to look at a random tenth of all that was accepted in this queue."""
        assert self.project is not None
        self.show(audit=len(random_tenth(self.project, [*self._accepted])))

    def _audit(self) -> None:
        project, _ = self._here()
        tenth = random_tenth(project, [*self._accepted])
        self._handlers["queue"]({"queue": AUDIT, "selection": project.select(tenth)})

    def _like(self, message: dict[str, Any]) -> None:
        """Open the images most like some of this page."""
        asked = likeness.written([int(i) for i in message["ids"]])
        self._handlers["queue"]({"queue": "similar", "like": asked})

    def _step_back(self, step: Any, words: str) -> None:
        """Undo or redo one act."""
        project, page = self._here()
        try:
            done = step(project)[0]
        except (NothingToUndo, NothingToRedo) as error:
            self._show_tiles(status=str(error))
            return
        page.decided(done.image_ids, None)
        self._accepted.difference_update(done.image_ids)
        self._offer_audit()
        text = wording.stepped(words, done, page.ids)
        self._show_tiles(status=text, **self._classes())
        self.follow_concept(status=text)
        self._handlers["decided"]({"batch": done.batch})

    def _rest(self) -> None:
        """Keep what is undecided on the page, then go on: "the rest of this page is fine"."""
        _, page = self._here()
        if self.state["kind"] == CONCEPT:
            self._answer_rest()
            self._turn(1)
            return
        if page.blind and not page.finished:
            # Keeping blindly what was deleted the first time would be no second look.
            self._show_tiles(status="Decide on each image: it is compared with the first time.")
            return
        rest = page.undecided()
        if rest:
            self._decide({"ids": rest, "action": REST.get(self.state["kind"], "keep")})
        self._turn(1, self.state["status"] if rest else "")

    def look(self, image_id: int) -> None:
        """Have the page enlarge an image that is on it."""
        if self._drawn:
            self.send({"type": "look", "id": image_id})
        else:
            self._waiting = image_id

    def _resize(self, size: str, page: int) -> None:
        """Show pages of another size, still with the image that is enlarged."""
        looked_at = self.enlarged
        super()._resize(size, page)
        if looked_at is not None and self.bring(looked_at):
            self.look(looked_at)

    def _ready(self) -> None:
        super()._ready()
        self._drawn = True
        if self._waiting is not None:
            self.look(self._waiting)
            self._waiting = None

    def _looked(self, image_id: int | None) -> None:
        self.enlarged = image_id
        self._handlers["looked"]({})

    def _here(self) -> tuple[Project, Shown]:
        assert self.project is not None
        assert self._shown is not None
        return self.project, self._shown

    def _enlarge(self, image_id: int) -> None:
        project, page = self._here()
        if image_id not in page.ids:
            return
        self._looked(image_id)
        found = project.details(image_id)
        near = [one.id for one in (*found.nearest.own, *found.nearest.predicted)]
        pictures = thumbnails_of(project, near)
        whole = enlarged(project, found.file)
        buffers = [*pictures.values(), *([whole] if whole else [])]
        message = {
            "type": "zoom",
            "id": image_id,
            "details": found.to_dict(),
            "near": list(pictures),
        }
        self.send(message, buffers=buffers)

    def _why(self, image_id: int) -> None:
        """Send the evidence for the label and the prediction, drawn, to lie over the picture."""
        project, page = self._here()
        if image_id not in page.ids:
            return
        run_id = page.run_id

        def work() -> tuple[dict[str, Any], list[bytes]]:
            try:
                found = explain(project, image_id, run_id, ready_only=True)
            except CuratorError as error:
                return {"classes": [], "said": str(error), "exact": True}, []
            layers = overlays(found)
            shares = {found.label: found.label_probability}
            shares[found.predicted] = found.predicted_probability
            message = {
                "classes": [
                    {"name": name, "probability": shares[name], "is_label": name == found.label}
                    for name in layers
                ],
                "said": found.sentence,
                "exact": found.exact,
            }
            return message, [as_png(layer) for layer in layers.values()]

        def then(answer: tuple[dict[str, Any], list[bytes]]) -> None:
            message, pictures = answer
            self.send({"type": "why", "id": image_id, **message}, buffers=pictures)

        beside(work, then, self._handlers["error"])
