"""The station Collect: lists in, images out, and what failed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from curator.collect.reasons import Reason
from curator.errors import CuratorError
from curator.project import Project
from curator.store import schema
from curator.store.classes import all_classes
from widgets.panel import Handler, Panel, script

EXAMPLES = 5
SHOWN_REFUSALS = 50


class CollectPanel(Panel):
    """Adds classes and addresses; fetching and importing go to the worker."""

    _esm = script("collect")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own = {
            "choose": lambda message: self.show(chosen=message["name"], added=None, errors={}),
            "private": lambda message: self.show(allow_private=bool(message["value"])),
            "add_class": self._add_class,
            "add": self._add,
        }
        super().__init__(
            {**handlers, **own},
            names=[],
            classes=[],
            chosen=None,
            added=None,
            added_number=0,
            addresses={"pending": 0},
            failures=[],
            errors={},
            busy=False,
            allow_private=False,
        )
        self.project: Project | None = None

    def refresh(self, project: Project, status: dict[str, Any], busy: bool) -> None:
        """Show the project's classes and what became of its addresses."""
        self.project = project
        names = project.class_names()
        chosen = self.state["chosen"]
        self.show(
            names=names,
            classes=_rows(project, status),
            chosen=chosen if chosen in names else (names[0] if names else None),
            addresses=status["addresses"],
            failures=failures(project),
            busy=busy,
        )

    def fail(self, where: str, error: CuratorError) -> None:
        """Show an error beside its cause."""
        self.show(errors={where: str(error)})

    def _add_class(self, message: dict[str, Any]) -> None:
        assert self.project is not None
        try:
            self.project.add_class(message["name"])
        except CuratorError as error:
            self.fail("class", error)
            return
        self.show(errors={}, chosen=str(message["name"]).strip(), added=None)
        self._handlers["changed"](message)

    def _add(self, message: dict[str, Any]) -> None:
        assert self.project is not None
        try:
            added = self.project.add(message["name"], message["text"])
        except CuratorError as error:
            self.fail("add", error)
            return
        refused = [
            {"line": r.line, "problem": r.problem, "text": r.text[:200]}
            for r in added.refused[:SHOWN_REFUSALS]
        ]
        self.show(
            errors={},
            added={"sentence": added.sentence, "refused": refused},
            added_number=self.state["added_number"] + 1,
        )
        self._handlers["changed"](message)


def _rows(project: Project, status: dict[str, Any]) -> list[dict[str, Any]]:
    table = schema.sources
    with project.database.read() as connection:
        classes = all_classes(connection)
        rows = connection.execute(
            select(table.c.class_id, table.c.state, func.count().label("number")).group_by(
                table.c.class_id, table.c.state
            )
        ).all()
    number = {(row.class_id, row.state): row.number for row in rows}
    return [
        {
            "name": item.name,
            "images": status["classes"].get(item.name, 0),
            "pending": number.get((item.id, schema.PENDING), 0),
            "failed": number.get((item.id, schema.FAILED), 0),
        }
        for item in classes
    ]


def failures(project: Project) -> list[dict[str, Any]]:
    """Failed sources by reason, most first, each with its meaning and some examples."""
    table = schema.sources
    found = []
    with project.database.read() as connection:
        groups = connection.execute(
            select(table.c.reason, func.count().label("number"))
            .where(table.c.state == schema.FAILED)
            .group_by(table.c.reason)
            .order_by(func.count().desc())
        ).all()
        for group in groups:
            examples = connection.execute(
                select(table.c.origin, table.c.detail)
                .where(table.c.state == schema.FAILED, table.c.reason == group.reason)
                .limit(EXAMPLES)
            ).all()
            found.append(
                {
                    "code": group.reason,
                    "count": group.number,
                    "explanation": Reason(group.reason).explanation,
                    "examples": [
                        {"origin": row.origin, "detail": row.detail or ""} for row in examples
                    ],
                }
            )
    return found
