"""The class editor: new class, rename, merge; each an entry of the ledger that U takes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from curator.errors import CuratorError
from curator.project import Project
from curator.store import class_changes, classes, schema
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
        present = schema.current.c
        query = select(present.class_id, present.state, func.count()).group_by(
            present.class_id, present.state
        )
        with project.database.read() as connection:
            names = classes.all_classes(connection)
            counted = connection.execute(query).all()
        rows = {
            item.id: {"id": item.id, "name": item.name, "images": 0, "out": 0} for item in names
        }
        for class_id, state, number in counted:
            if class_id in rows:
                where = "out" if state in schema.OUT else "images"
                rows[class_id][where] = int(str(rows[class_id][where])) + number
        return {"classes": list(rows.values())}

    def _new(self, message: dict[str, Any]) -> None:
        self._act("new", lambda: self.project.new_class(str(message["name"])))

    def _rename(self, message: dict[str, Any]) -> None:
        key, name = int(message["id"]), str(message["name"])
        self._act(str(key), lambda: class_changes.rename(self.project.database, key, name))

    def _merge(self, message: dict[str, Any]) -> None:
        key, into = int(message["id"]), int(message["into"])
        self._act(str(key), lambda: class_changes.merge(self.project.database, key, into))

    def _act(self, field: str, act: Callable[[], Decided]) -> None:
        """Do it and say so, or say beside the field why not."""
        try:
            decided = act()
        except CuratorError as error:
            self.show(errors={field: str(error)}, said="")
            return
        said = f"{decided.what[:1].upper()}{decided.what[1:]}. U takes it back."
        self.show(errors={}, said=said if decided.batch else "", done=self.state["done"] + 1)
        self.count(anew=True)
        self._handlers["decided"]({})
