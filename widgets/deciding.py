"""What panels of everything share, the grid and the map: decisions on images that are chosen.

Their order is fixed while it is shown, and its number tells a message about one that was left. What
is chosen travels in each panel's own way; what is done with it is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import NothingToRedo, NothingToUndo
from curator.find import likeness
from curator.project import Project
from curator.store import ledger
from widgets import wording
from widgets.concept_queue import sought
from widgets.panel import Handler, Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class DecidingPanel(Panel):
    """``handlers``: queue, decided. A subclass says what it shows, and shows it anew."""

    _project: Project | None

    def __init__(self, handlers: dict[str, Handler], **state: Any) -> None:
        steps: dict[str, Handler] = {
            "undo": lambda _: self._step(Project.undo, "Took back"),
            "redo": lambda _: self._step(Project.redo, "Did again"),
        }
        known: dict[str, Any] = {"classes": [], "class_ids": [], "concepts": []}
        known |= {"can_undo": False, "can_redo": False}
        super().__init__({**handlers, **steps}, **known, status="", **state)

    def _images(self) -> NDArray[np.int64] | None:
        """Ids of the images that are shown (n,); None while nothing is."""
        raise NotImplementedError

    def _show_decided(self) -> None:
        """Show the images as they are now that something was decided."""
        raise NotImplementedError

    def _known(self, project: Project) -> dict[str, Any]:
        classes, steps = project.classes(), ledger.steps(project.database)
        return {
            "classes": [item.name for item in classes],
            "concepts": project.concept_names(),
            "class_ids": [item.id for item in classes],
            "can_undo": steps.can_undo,
            "can_redo": steps.can_redo,
        }

    def _asked(self, project: Project, message: dict[str, Any]) -> str | int | None:
        """The class that a message decides for, made if it is a new one."""
        label = message.get("label") or None
        if message.get("fresh") and label:
            project.new_class(label)
        # By its id: another window may have renamed the class, or given its name to another.
        class_id = message.get("class_id")
        return label if class_id is None else int(class_id)

    def _decided(self, action: str, given: str | int | None, done: ledger.Decided) -> None:
        """Tell what was decided for ``given``, a class's name or id."""
        assert self._project is not None
        label = self._project.class_called(given) if isinstance(given, int) else given
        self._after(wording.decided(action, label, done), done.batch)

    def _open_like(self, ids: Sequence[int]) -> None:
        """Open the images most like these."""
        self._handlers["queue"]({"queue": "similar", "like": likeness.written(ids)})

    def _seek_like(self, ids: Sequence[int], message: dict[str, Any]) -> None:
        """Look for what these images show, or for what they do not."""
        assert self._project is not None
        self._handlers["queue"](sought(self._project, ids, message))

    def _step(self, step: Callable[[Project], list[ledger.Decided]], words: str) -> None:
        """Undo or redo one act."""
        here = self._images()
        if self._project is None or here is None:
            return
        try:
            done = step(self._project)[0]
        except (NothingToUndo, NothingToRedo) as error:
            self.show(status=str(error))
            return
        shown = done.image_ids if np.isin(done.image_ids, here).any() else ()
        self._after(wording.stepped(words, done, shown), done.batch)

    def _after(self, status: str, batch: int) -> None:
        assert self._project is not None
        self.show(status=status, **self._known(self._project))
        self._show_decided()
        self._handlers["decided"]({"batch": batch})
