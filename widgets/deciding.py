"""What panels of everything share, the grid and the map: decisions on images that are chosen.

Their order is fixed while it is shown, and its number tells a message about one that was left. What
is chosen travels in each panel's own way; what is done with it is the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import CuratorError, InputError, NothingToRedo, NothingToUndo
from curator.find import likeness
from curator.project import Project
from curator.store import ledger, ledger_log
from widgets import wording
from widgets.background import beside
from widgets.concept_queue import sought
from widgets.panel import Handler, Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MANY = 1_000  # images; a decision on more goes on beside the page


class DecidingPanel(Panel):
    """``handlers``: queue, decided, error. A subclass says what it shows, and shows it anew."""

    _project: Project | None

    def __init__(self, handlers: dict[str, Handler], **state: Any) -> None:
        steps: dict[str, Handler] = {
            "undo": lambda _: self._step(Project.undo, "Took back"),
            "redo": lambda _: self._step(Project.redo, "Did again"),
        }
        known: dict[str, Any] = {"classes": [], "class_ids": [], "concepts": []}
        known |= {"can_undo": False, "can_redo": False}
        super().__init__({**handlers, **steps}, **known, status="", deciding=None, **state)

    def _images(self) -> NDArray[np.int64] | None:
        """Ids of the images that are shown (n,); None while nothing is."""
        raise NotImplementedError

    def _show_decided(self) -> None:
        """Show the images as they are now that something was decided."""
        raise NotImplementedError

    def _known(self, project: Project) -> dict[str, Any]:
        classes, steps = project.classes(), ledger_log.steps(project.database)
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

    def _decide_on(
        self, ids: Sequence[int], message: dict[str, Any], run_id: int | None, **options: Any
    ) -> None:
        """Decide as a message says, as one step of undo; on many beside the page, with a bar.

        ``options``: of :meth:`curator.project.Project.decide`.
        """
        project = self._free()
        action, given = message["action"], self._asked(project, message)

        def decide(reached: Callable[[int], None]) -> ledger.Decided:
            return project.decide(ids, action, given, run_id=run_id, reached=reached, **options)

        if len(ids) <= MANY:
            self._decided(action, given, decide(lambda _: None))
            return
        self._beside(project, len(ids), decide, lambda done: self._decided(action, given, done))

    def _beside(
        self,
        project: Project,
        total: int,
        work: Callable[[Callable[[int], None]], Any],
        then: Callable[[Any], None],
    ) -> None:
        """Do ``work`` in a thread; the page shows a bar meanwhile, and asks for nothing else.

        ``total``: images; 0: nobody knows. ``work`` is given what says how many are done.
        """
        loop = asyncio.get_running_loop()
        self.show(status="", deciding={"done": 0, "total": total})

        def show(done: int) -> None:
            if self.state["deciding"]:
                self.show(deciding={"done": done, "total": total})

        def reached(done: int) -> None:
            loop.call_soon_threadsafe(show, done)

        def end(answer: Any) -> None:
            self.show(deciding=None)
            if project is self._project:
                then(answer)

        def fail(problem: dict[str, Any]) -> None:
            self.show(deciding=None)
            self._handlers["error"](problem)

        beside(lambda: work(reached), end, fail)

    def _free(self) -> Project:
        """The project, unless something is decided there now."""
        if self.state["deciding"]:
            raise InputError("A decision on many images is being recorded.", "Wait for its end.")
        assert self._project is not None
        return self._project

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
        if self._project is None or self._images() is None:
            return
        project = self._free()
        number = ledger_log.step_sizes(project.database)[step is Project.redo]

        def work(_: Callable[[int], None]) -> ledger.Decided | CuratorError:
            try:
                return step(project)[0]
            except (NothingToUndo, NothingToRedo) as error:
                return error

        def then(done: ledger.Decided | CuratorError) -> None:
            here = self._images()
            if isinstance(done, CuratorError):
                self.show(status=str(done))
            elif here is not None:
                shown = done.image_ids if np.isin(done.image_ids, here).any() else ()
                self._after(wording.stepped(words, done, shown), done.batch)

        if number <= MANY:
            then(work(lambda _: None))
        else:
            self._beside(project, 0, work, then)

    def _after(self, status: str, batch: int) -> None:
        assert self._project is not None
        self.show(status=status, **self._known(self._project))
        self._show_decided()
        self._handlers["decided"]({"batch": batch})
