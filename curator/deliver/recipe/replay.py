"""The decisions of a recipe, taken over where nobody says otherwise.

Each recipe is an act of the ledger, with the times and the names of those who decided; where
somebody decided on an image again, the second decisions are another act, and so on. A decision is
taken over when the project has none on that image, or when theirs came after the project's own:
that is so when the project's last decision is among theirs. Where theirs is among the project's
own, the project's is the newer one and stays. Otherwise both decided without knowing of each
other: where they differ the image becomes unsure, and is in the queue of what reviewers dispute.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete, insert, select

from curator.collect.imports.job import batches
from curator.collect.ingest import known
from curator.deliver.recipe.history import Taken, in_force
from curator.deliver.recipe.write import cleaned
from curator.store import ledger, schema
from curator.store.database import now, rows_of
from curator.store.opinions import View, views
from curator.store.undo import is_undone, last_batch, reviewer
from curator.store.vocabulary import ACTION_INTO

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from curator.deliver.recipe.form import ImageLine
    from curator.deliver.recipe.sources import Sources
    from curator.store.workspace import Workspace

_Outcome = Literal["replayed", "agreed", "own", "disputed"]
_AT_ONCE = 500


@dataclass(frozen=True)
class _Theirs:
    """What a recipe says of an image."""

    view: View
    at: str
    history: tuple[Taken, ...]
    """Oldest first; the last one is the view."""

    @classmethod
    def of(cls, sources: Sources, line: ImageLine) -> _Theirs:
        ids = sources.class_ids
        taken = [Taken(i.at, i.by, i.state, ids[i.label]) for i in line.decisions]
        last = taken[-1] = replace(taken[-1], class_id=ids[line.label])
        return cls(View(last.by, last.class_id, last.state), last.at, tuple(taken))

    def since(self, own: Sequence[Taken]) -> tuple[Taken, ...]:
        """What came after the last decision that the project has as well."""
        common = set(map(_as_written, own))
        places = [place for place, taken in enumerate(self.history) if taken in common]
        return self.history[places[-1] + 1 :] if places else self.history


def replay(workspace: Workspace, recipe_id: int, sources: Sources) -> Counter[str]:
    """Take over the decisions on the images that are here; count what became of them.

    "replayed", "agreed" (the same as here), "own" (the project's is newer, or theirs is unsure),
    "disputed", and "absent" (the image is not here). What was heard before and not undone is
    counted in none of them.
    """
    with workspace.database.write() as connection:
        return _Act(connection, recipe_id).replay(sources)


class _Act:
    """One taking-over, in a transaction."""

    def __init__(self, connection: Connection, recipe_id: int) -> None:
        self._connection = connection
        self._recipe_id = recipe_id
        self._batch = last_batch(connection) + 1
        self._rows: dict[int, list[dict[str, Any]]] = defaultdict(list)  # by act, the first is 0
        self._counts: Counter[str] = Counter()

    def replay(self, sources: Sources) -> Counter[str]:
        decided = (line for line in sources.recipe.images() if line.state != schema.NEW)
        for lines in batches(decided, _AT_ONCE):
            self._hear(sources, lines)
        for act in sorted(self._rows):
            self._connection.execute(insert(schema.decisions), self._rows[act])
        return self._counts

    def _hear(self, sources: Sources, lines: list[ImageLine]) -> None:
        connection = self._connection
        there = known(connection, [line.sha256 for line in lines])
        present = ledger.current_of(connection, list(there.values()))
        heard = self._heard(list(present))
        own_taken = in_force(connection, list(present))
        disputes = views(connection, list(present))
        opinions = []
        for line in lines:
            image_id = there.get(line.sha256, 0)
            if not image_id or present[image_id].state == schema.WITHDRAWN:
                self._counts["absent"] += 1
                continue
            if image_id in heard:
                continue
            before = present[image_id]
            theirs = _Theirs.of(sources, line)
            own = own_taken.get(image_id, [])
            said = View(own[-1].by if own else "", before.class_id, before.state)
            is_disputed = before.state == schema.UNSURE and image_id in disputes
            outcome = "disputed" if is_disputed else _outcome(said, own, theirs)
            self._counts[outcome] += 1
            taken: tuple[Taken, ...] = ()
            if outcome == "replayed":
                taken = theirs.since(own)
            elif outcome == "disputed" and not is_disputed:
                taken = (Taken(now(), reviewer(), schema.UNSURE, before.class_id),)
            against = disputes[image_id][0] if is_disputed else said
            opinions.append(
                {
                    "recipe_id": self._recipe_id,
                    "image_id": image_id,
                    "batch": self._record(image_id, before, taken),
                    "at": theirs.at,
                    "by": theirs.view.by,
                    "class_id": theirs.view.class_id,
                    "state": theirs.view.state,
                    "other_by": against.by if outcome == "disputed" else None,
                    "other_class_id": against.class_id if outcome == "disputed" else None,
                    "other_state": against.state if outcome == "disputed" else None,
                }
            )
        self._keep(opinions)

    def _heard(self, image_ids: list[int]) -> set[int]:
        """The images of which this recipe's opinion is known, and its act not undone."""
        table = schema.opinions
        query = select(table.c.image_id, table.c.batch).where(table.c.recipe_id == self._recipe_id)
        found = list(rows_of(self._connection, query, table.c.image_id, image_ids))
        undone = {
            batch
            for batch in {row.batch for row in found}
            if batch and is_undone(self._connection, batch)
        }
        return {row.image_id for row in found if row.batch not in undone}

    def _keep(self, opinions: list[dict[str, Any]]) -> None:
        table = schema.opinions
        for item in opinions:
            self._connection.execute(
                delete(table).where(
                    table.c.recipe_id == item["recipe_id"], table.c.image_id == item["image_id"]
                )
            )
        if opinions:
            self._connection.execute(insert(table), opinions)

    def _record(self, image_id: int, before: Any, taken: Sequence[Taken]) -> int:
        """Record decisions on an image, each in an act of its own; give the last act, 0 if none."""
        class_id, state = before.class_id, before.state
        act = -1
        for item in taken:
            if (item.class_id, item.state) == (class_id, state):
                continue
            act += 1
            kept = "keep" if item.class_id == class_id else "relabel"
            self._rows[act].append(
                {
                    "batch": self._batch + act,
                    "at": item.at,
                    "by": item.by,
                    "image_id": image_id,
                    "action": ACTION_INTO.get(item.state, kept),
                    "class_before": class_id,
                    "class_after": item.class_id,
                    "state_before": state,
                    "state_after": item.state,
                }
            )
            class_id, state = item.class_id, item.state
        return 0 if act < 0 else self._batch + act


def _outcome(said: View, own: list[Taken], theirs: _Theirs) -> _Outcome:
    """What becomes of a decision; ``said``: what the project says now, by its ``own`` decisions."""
    if said.state == schema.NEW:
        return "replayed"
    if said.agrees(theirs.view):
        return "agreed"
    if own and _as_written(own[-1]) in theirs.history:
        return "replayed"
    if theirs.history[-1] in map(_as_written, own):
        return "own"
    if said.state == schema.UNSURE:
        return "replayed"
    return "own" if theirs.view.state == schema.UNSURE else "disputed"


def _as_written(taken: Taken) -> Taken:
    """A decision as a recipe tells it."""
    return Taken(taken.at, cleaned(taken.by, 200), taken.state, taken.class_id)
