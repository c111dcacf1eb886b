"""The append-only ledger: decisions on images, and undo and redo of everything.

A decision says what, when, by whom, the class and state before and after, and the score and run
that the reviewer saw. Rows are never changed or removed: undo appends the inverse, and redo the
inverse of that. An image's present class and state are those of its last row (table ``current`` in
the schema). In which order acts are taken back is in :mod:`curator.store.undo`; changes of classes,
which undo and redo take along, are in :mod:`curator.store.class_changes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text

from curator.errors import InputError, NothingToRedo, NothingToUndo, UnknownClass, UnknownImage
from curator.store import (
    class_changes,
    concept_changes,
    concepts,
    dismissals,
    held_out,
    runs,
    schema,
)
from curator.store.classes import all_classes, names_by_id, no_label_id
from curator.store.database import Database, now, pieces, rows_of
from curator.store.predictions import unpack_row
from curator.store.undo import (
    ACCEPT,
    REDO,
    UNDO,
    Decided,
    can_redo,
    can_undo,
    described,
    in_words,
    last_batch,
    redoable,
    reviewer,
    undoable,
)
from curator.store.vocabulary import STATE_AFTER, Action

__all__ = [
    "Choice",
    "Decided",
    "can_redo",
    "can_undo",
    "current_of",
    "decide",
    "decide_each",
    "redo",
    "reviewer",
    "undo",
]

_AT_ONCE = 2000  # images between two words on how far it is


@dataclass(frozen=True)
class Choice:
    """What to decide on one image. ``class_id`` is needed by, and only by, ``relabel``."""

    image_id: int
    action: Action
    class_id: int | None = None


def current_of(connection: Connection, image_ids: Sequence[int]) -> dict[int, Any]:
    """The present row (class_id, state) of each image; :class:`UnknownImage` names the missing."""
    table = schema.current
    asked = [i for i in image_ids if i <= schema.LARGEST_ID]
    found: dict[int, Any] = {
        row.image_id: row for row in rows_of(connection, select(table), table.c.image_id, asked)
    }
    missing = [str(i) for i in image_ids if i not in found]
    if missing:
        shown = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        raise UnknownImage(
            f"There is no image with id {shown}.",
            "Ids are in the first column of `curator rank`. Nothing was decided.",
        )
    return found


def decide(
    database: Database,
    image_ids: Sequence[int],
    action: Action,
    class_id: int | None = None,
    by: str | None = None,
    run_id: int | None = None,
    seen: Mapping[int, int | None] | None = None,
    reached: Callable[[int], None] = lambda _: None,
) -> Decided:
    """Record one act on ``image_ids`` as one batch; see :func:`decide_each`."""
    _check(action, class_id)
    choices = [Choice(int(i), action, class_id) for i in image_ids]
    return decide_each(database, choices, by, run_id, seen, reached)


def decide_each(
    database: Database,
    choices: Sequence[Choice],
    by: str | None = None,
    run_id: int | None = None,
    seen: Mapping[int, int | None] | None = None,
    reached: Callable[[int], None] = lambda _: None,
    *,
    of_the_model: bool = False,
) -> Decided:
    """Record one act, a decision for each image, as one batch, in one transaction.

    ``run_id``: the run whose scores the reviewer saw. ``seen``: the id of each image's last
    decision as the reviewer saw it, None for an undecided one; an image whose last decision is
    another by now is left as it is and named in the answer's ``conflicts``; images that ``seen``
    leaves out are not looked at in this way. An image that already is as decided gets no new row,
    so a second click is no second decision. ``reached``: is told now and then how many images are
    done; none is decided on before all are. ``of_the_model``: labels that a model gave and nobody
    looked at: such an image is undecided afterwards, as if it had been listed under its class.

    Raises UnknownImage, UnknownClass, UnknownRun, and InputError for an action that there is not or
    two different decisions on one image; then nothing is recorded.
    """
    wanted: dict[int, Choice] = {}
    for choice in choices:
        _check(choice.action, choice.class_id)
        if wanted.setdefault(choice.image_id, choice) != choice:
            raise InputError(
                f"Two different decisions on image {choice.image_id} are one too many.",
                "Give each image one. Nothing was decided.",
            )
    done = 0
    changed: list[int] = []
    conflicts: list[int] = []
    kinds: set[tuple[Any, Any]] = set()
    with database.write() as connection:
        names = names_by_id(connection)
        _check_classes(connection, {item.class_id for item in wanted.values()})
        no_label = no_label_id(connection)
        batch = last_batch(connection) + 1
        signed = {"batch": batch, "at": now(), "by": by or reviewer(), "run_id": run_id}
        for piece in pieces(wanted, _AT_ONCE):
            present = current_of(connection, piece)
            scores = _scores(connection, present, run_id)
            rows = []
            for image_id in piece:
                choice, before = wanted[image_id], present[image_id]
                if (
                    seen is not None
                    and seen.get(image_id, before.decision_id) != before.decision_id
                ):
                    conflicts.append(image_id)
                elif row := _row(choice, before, no_label, of_the_model):
                    rows.append({**signed, **row, "score": scores.get(image_id)})
            if rows:
                connection.execute(insert(schema.decisions), rows)
            changed += [row["image_id"] for row in rows]
            kinds |= {(row["action"], names[row["class_after"]]) for row in rows}
            done += len(piece)
            reached(done)
    return Decided(batch if changed else 0, tuple(changed), tuple(conflicts), in_words(kinds))


def _row(
    choice: Choice, before: Any, no_label: int | None, of_the_model: bool
) -> dict[str, Any] | None:
    """What a choice changes of an image that is ``before``; None where it is so already."""
    if before.state == schema.WITHDRAWN:
        raise UnknownImage(
            f"The import that brought image {choice.image_id} was taken back.",
            "Redo, or import it again, to decide on it. Nothing was decided.",
        )
    after = before.class_id if choice.class_id is None else choice.class_id
    state = schema.NEW if of_the_model else STATE_AFTER[choice.action]
    if after == no_label and state in schema.LIVE_STATES:
        raise InputError(
            f"Image {choice.image_id} has no label that could be kept.",
            "Give it one: relabel it, or accept what the model says. Nothing was decided.",
        )
    if (after, state) == (before.class_id, before.state):
        return None
    return {
        "image_id": choice.image_id,
        "action": ACCEPT if of_the_model else choice.action,
        "class_before": before.class_id,
        "class_after": after,
        "state_before": before.state,
        "state_after": state,
    }


def undo(database: Database, steps: int = 1, by: str | None = None) -> list[Decided]:
    """Take back the last ``steps`` acts that are still in force, newest first, whoever did them.

    Raises :class:`NothingToUndo` when there is none at all; fewer than asked for is no error.
    """
    undone: list[Decided] = []
    with database.write() as connection:
        batch = undoable(connection)
        while batch is not None and len(undone) < steps:
            undone.append(_invert(connection, batch, UNDO, by))
            batch = undoable(connection, batch - 1)
    if not undone:
        raise NothingToUndo("There is no act left to undo.")
    return undone


def redo(database: Database, steps: int = 1, by: str | None = None) -> list[Decided]:
    """Do again the last ``steps`` acts that were undone, the last undone first.

    Raises :class:`NothingToRedo` when nothing was undone, or when something new was done since;
    fewer than asked for is no error.
    """
    redone: list[Decided] = []
    with database.write() as connection:
        batch = redoable(connection)
        while batch is not None and len(redone) < steps:
            redone.append(_invert(connection, batch, REDO, by))
            batch = redoable(connection, batch - 1)
    if not redone:
        raise NothingToRedo(
            "There is nothing to redo.", "Only what was just undone can be done again."
        )
    return redone


_INVERSE = text("""
INSERT INTO decisions (batch, at, "by", image_id, action, class_before, class_after,
                       state_before, state_after, score, run_id, undoes)
SELECT CAST(:number AS BIGINT), :at, :by, row.image_id, :action, current.class_id, row.class_before,
       current.state, row.state_before, row.score, row.run_id, row.id
FROM decisions AS row JOIN current ON current.image_id = row.image_id
WHERE row.batch = :batch ORDER BY row.id
""")


def _invert(connection: Connection, batch: int, action: str, by: str | None) -> Decided:
    """Append the inverse of every row of a batch: of an act to undo it, of an undo to redo it."""
    number = last_batch(connection) + 1
    signed = {"number": number, "at": now(), "by": by or reviewer(), "action": action}
    connection.execute(_INVERSE, {**signed, "batch": batch})
    table = schema.decisions
    ids = connection.execute(
        select(table.c.image_id).where(table.c.batch == number).order_by(table.c.id)
    ).scalars()
    changed = class_changes.invert(connection, batch, number, action, by)
    if changed and action == REDO:
        class_changes.follow(connection)  # what came under a merged class since the undo
    parts = (dismissals, concept_changes, concepts, held_out)
    told = {  # undone from the last to the first: answers, then the concept that they are about
        part: part.invert(connection, batch, number, action, by)
        for part in (parts if action == REDO else reversed(parts))
    }
    said = (described(connection, batch), changed, *(told[part] for part in parts))
    return Decided(number, tuple(ids), what=" and ".join(words for words in said if words))


def _check(action: str, class_id: int | None) -> None:
    if action not in STATE_AFTER:
        raise InputError(f"{action!r} is no decision.", f"Use one of {', '.join(STATE_AFTER)}.")
    if (class_id is not None) != (action == "relabel"):
        raise InputError("Relabel needs a class, and the other decisions take none.")


def _check_classes(connection: Connection, class_ids: set[int | None]) -> None:
    """Raise UnknownClass unless each is a class that is not retired."""
    live = {item.id for item in all_classes(connection)}
    for class_id in class_ids - {None} - live:
        raise UnknownClass(
            f"There is no class with id {class_id}.",
            "It may have been merged or undone meanwhile. Nothing was decided.",
        )


def _scores(
    connection: Connection, present: Mapping[int, Any], run_id: int | None
) -> dict[int, float]:
    """What the run says of each image's present label, 0..1: the score that the reviewer saw."""
    if run_id is None:
        return {}
    class_ids = runs.get(connection, run_id).class_ids
    table = schema.predictions.c
    said = (table.image_id, table.class_id, table.label_score, table.probabilities)
    query = select(*said).where(table.run_id == run_id)
    scores: dict[int, float] = {}
    for row in rows_of(connection, query, table.image_id, present):
        label = present[row.image_id].class_id
        if label == row.class_id:
            scores[row.image_id] = row.label_score
        elif label in class_ids:
            probabilities = unpack_row(row.probabilities, len(class_ids), run_id)  # (K,)
            scores[row.image_id] = float(probabilities[class_ids.index(label)])
    return scores
