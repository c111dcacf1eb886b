"""The queue of a concept: what likely shows it first, answered yes or no, and in a new order after.

What is answered stays where it is; each page that is turned to is in the order of the answers so
far. Counting how many images show it takes longer, and goes on beside the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from curator.errors import InputError
from curator.store.newest import newest
from widgets import wording
from widgets.background import Counting
from widgets.panel import Handler
from widgets.queue_view import Paging

if TYPE_CHECKING:
    from curator.find.concepts import Concept
    from curator.project import Project
    from curator.store.concepts import Marks

CONCEPT = "concept"  # the kind of queue
AFTER = "suspicious"  # the queue that is shown when a concept is removed


class ConceptQueue(Paging):
    """A queue that may be a concept's; the list of all concepts with their counts."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "seek": self._seek,
            "answer": lambda message: self._answer(message["ids"], bool(message["shows"])),
            "rename_concept": lambda message: self._rename(str(message["name"])),
            "remove_concept": lambda _: self._remove(),
        }
        super().__init__({**own, **handlers})
        self.show(concepts=[])
        self._ordered_by: Marks | None = None  # the answers that gave the order
        self._concept_id: int | None = None  # of the concept that is shown
        self._counted: dict[str, tuple[Any, Concept]] = {}  # by what it was counted from
        self._listing = Counting(
            self._list,
            lambda found: self.show(concepts=[one.to_dict() for one in found]),
            handlers.get("error", lambda _: None),
        )

    def _opened(self) -> None:
        super()._opened()
        self._ordered_by = marks = self._marks()
        self._concept_id = None if marks is None else marks.id

    def count(self) -> None:
        """Count the queues and the concepts if the store changed."""
        super().count()
        self.follow_concept()
        self._listing.project = self.project
        self._listing.count()

    def follow_concept(self, status: str | None = None) -> None:
        """Call the concept that is shown as it is called now, or leave the queue of a removed one.

        Somebody may have renamed or removed it, or taken that back; ``status``: what is said then.
        """
        if self.project is None or self._concept_id is None or not self.concept:
            return
        name = self.project.concept_called(self._concept_id)
        if name is None:
            gone = f"{self.concept} is no longer looked for."
            self.show_queue(AFTER, status=gone if status is None else status)
        elif name != self.concept:
            self._called(name)

    def _called(self, name: str) -> None:
        f = self.filters
        self._renamed(replace(f, like=name, concept=name if f.concept == f.like else f.concept))

    def leave(self) -> None:
        """Let go of the project."""
        super().leave()
        self._listing.project = None
        self._counted.clear()
        self.show(concepts=[])

    @property
    def concept(self) -> str:
        """The name of the concept whose queue is shown, "" for another queue."""
        return self.filters.like if self.state["kind"] == CONCEPT else ""

    def _marks(self) -> Marks | None:
        """What was answered so far; None where no concept is shown that there is."""
        if not self.concept or self.project is None:
            return None
        try:
            return self.project.concept_marks(self.concept)
        except InputError:
            return None

    def _list(self, project: Project) -> list[Concept]:
        """All concepts; counted anew only what is shown, or what was answered since."""
        images, found = newest(project.database).images, []
        for marks in map(project.concept_marks, project.concept_names()):
            before = self._counted.get(marks.name)
            if before is None or before[0] != (marks, images) or marks.name == self.concept:
                before = (marks, images), project.concept(marks.name)
                self._counted[marks.name] = before
            found.append(before[1])
        return found

    def _tiles(self) -> list[dict[str, Any]]:
        marks = self._marks()
        if marks is None:
            return super()._tiles()
        said = {**dict.fromkeys(marks.yes, True), **dict.fromkeys(marks.no, False)}
        return [{**tile, "shows": said.get(tile["id"])} for tile in super()._tiles()]

    def _turn(self, by: int, said: str = "") -> None:
        """Turn the page; what comes is in the order of the answers so far."""
        marks = self._marks()
        if by > 0 and marks != self._ordered_by:
            self._ordered_by = marks
            self.rerank()
        super()._turn(by, said)

    def _seek(self, message: dict[str, Any]) -> None:
        """Look for what some images of this page show, or for what they do not."""
        assert self.project is not None
        assert self._shown is not None
        ids = list(self._shown.known(message["ids"]))
        self._handlers["queue"](sought(self.project, ids, message))

    def _answer(self, image_ids: Sequence[int], shows: bool) -> None:
        """Answer of images of this page whether they show it."""
        assert self.project is not None
        assert self._shown is not None
        ids = list(self._shown.known(image_ids))
        done = self.project.mark_concept(self.concept, ids, shows)
        self.refresh(wording.answered(shows, ids, done))
        self._handlers["decided"]({"batch": done.batch})

    def _answer_rest(self) -> None:
        """Say of what is not answered on this page that it does not show it."""
        marks = self._marks()
        if marks is not None and self._shown is not None:
            rest = [i for i in self._shown.ids if i not in marks.yes | marks.no]
            if rest:
                self._answer(rest, shows=False)

    def _rename(self, name: str) -> None:
        assert self.project is not None
        before = self.concept
        done = self.project.rename_concept(before, name)
        self.follow_concept()
        self._concepts_changed(f"Renamed {before} to {self.concept}. U takes it back.", done.batch)

    def _remove(self) -> None:
        assert self.project is not None
        name = self.concept
        done = self.project.remove_concept(name)
        said = f"{name} is no longer looked for. U takes it back."
        self.show_queue(AFTER, status=said)
        self._concepts_changed(said, done.batch)

    def _concepts_changed(self, status: str, batch: int) -> None:
        self.refresh(status)
        self._listing.project = self.project
        self._listing.count(anew=True)
        self._handlers["decided"]({"batch": batch})


def sought(project: Project, image_ids: Sequence[int], message: dict[str, Any]) -> dict[str, Any]:
    """Take images as examples of the concept that a message names; the queue to open then.

    Raises InputError for what cannot be a name, or where no image is chosen.
    """
    if not image_ids:
        raise InputError("Nothing is selected.", "Select a few images that show it.")
    shown, missing = (image_ids, ()) if message["shows"] else ((), image_ids)
    found = project.add_concept(str(message["name"]), shown, missing)
    return {"queue": CONCEPT, "like": found.name}
