"""The class editor: new class, rename, merge; each an entry of the ledger that U takes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curator.errors import CuratorError
from curator.phrasing import capitalised
from curator.project import Project
from curator.store.ledger import Decided
from widgets.panel import Handler, script
from widgets.section import Beside


class ClassesPanel(Beside):
    """The classes with their counts. ``errors`` name the field: "new", or the class's id.

    The page names classes by their ids, since another window may have renamed them.
    """

    _esm = script("classes")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "new_class": self._new,
            "rename": self._rename,
            "merge": self._merge,
        }
        super().__init__({**handlers, **own}, opened=False, classes=[], errors={}, said="", done=0)

    def figures(self, project: Project) -> dict[str, Any]:
        """Count the images of each class: ``images`` live ones, ``out`` left out."""
        return {
            "classes": [
                {"id": size.id, "name": size.name, "images": size.images, "out": size.left_out}
                for size in project.class_sizes()
            ]
        }

    def _new(self, message: dict[str, Any]) -> None:
        self._act("new", lambda: self.project.new_class(str(message["name"])))

    def _rename(self, message: dict[str, Any]) -> None:
        key, name = int(message["id"]), str(message["name"])
        self._act(str(key), lambda: self.project.rename_class(key, name))

    def _merge(self, message: dict[str, Any]) -> None:
        key, into = int(message["id"]), int(message["into"])
        self._act(str(key), lambda: self.project.merge_classes(key, into))

    def _act(self, field: str, act: Callable[[], Decided]) -> None:
        """Do it and say so, or say beside the field why not."""
        try:
            decided = act()
        except CuratorError as error:
            self.show(errors={field: str(error)}, said="")
            return
        said = f"{capitalised(decided.what)}. U takes it back."
        self.show(errors={}, said=said if decided.batch else "", done=self.state["done"] + 1)
        self.count(anew=True)
        self._handlers["decided"]({})
