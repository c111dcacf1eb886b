"""What the dots of a map are coloured by: a category or a value for each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select

from curator.check.quality import QUALITY
from curator.errors import InputError
from curator.find import concepts
from curator.find.map.scores import label_scores
from curator.store import concepts as kept_concepts
from curator.store import images, runs, schema
from curator.store.classes import names_by_id
from curator.store.vocabulary import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

COLOURS = ("class", "prediction", "suspicion", "split", "host", "decision", "quality")
CONCEPT = "concept:"
MOST_NAMES = 20
OTHERS = "others"
UNKNOWN = "unknown"
FILES = "files"
_DECISIONS = {**STATES, schema.NEW: "undecided"}


@dataclass(frozen=True, eq=False)
class Colouring:
    """One colour for each of n images.

    Categories: ``codes`` (n,) count in ``names``, and ``values`` is empty. Values: ``values`` (n,),
    0..1, NaN unknown; ``names`` and ``codes`` are empty.
    """

    by: str
    codes: NDArray[np.int32]
    names: tuple[str, ...]
    values: NDArray[np.float32]


def choices(workspace: Workspace) -> list[str]:
    """All that images can be coloured by now: :data:`COLOURS` and the concepts."""
    with workspace.database.read() as connection:
        return [*COLOURS, *(CONCEPT + name for name in kept_concepts.names(connection))]


def colouring(workspace: Workspace, image_ids: NDArray[np.int64], by: str) -> Colouring:
    """What each of ascending ``image_ids`` (n,) is coloured by.

    "suspicion": 1 less the probability of the label; "quality": 1 less the worst measure;
    "concept:NAME": how surely it shows the concept, by rank. High is what deserves a look. Before
    a run, "prediction" and "suspicion" are unknown. Raises InputError, NotEnoughData for a concept
    without features.
    """
    with workspace.database.read() as connection:
        if by.startswith(CONCEPT):
            return _values(by, _concept(workspace, connection, image_ids, by[len(CONCEPT) :]))
        if by == "suspicion":
            return _values(by, 1 - _scores(connection, image_ids)[0])
        if by == "quality":
            return _values(by, _quality(connection, image_ids))
        if by not in COLOURS:
            raise InputError(
                f"Images are not coloured by {by[:60]!r}.",
                f"Use one of {', '.join(COLOURS)}, or {CONCEPT}NAME.",
            )
        return _categories(by, _words(connection, image_ids, by))


def _values(by: str, values: NDArray[np.floating]) -> Colouring:
    clipped = np.clip(values, 0, 1).astype(np.float32)
    return Colouring(by, np.empty(0, np.int32), (), clipped)


def _categories(by: str, words: Iterable[str]) -> Colouring:
    """The most frequent words first; what is beyond :data:`MOST_NAMES` of them is one."""
    every = np.asarray(list(words), dtype=object)
    found: dict[str, int] = {}
    for word in every.tolist():
        found[word] = found.get(word, 0) + 1
    names = sorted(found, key=lambda word: (word == UNKNOWN, -found[word], word))
    shown = names[:MOST_NAMES] + ([OTHERS] if len(names) > MOST_NAMES else [])
    code_of = {word: min(place, MOST_NAMES) for place, word in enumerate(names)}
    codes = np.array([code_of[word] for word in every.tolist()], dtype=np.int32)
    return Colouring(by, codes, tuple(shown), np.empty(0, np.float32))


def _scores(
    connection: Connection, image_ids: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    key = runs.ranking_id(connection)
    if key is None:
        unknown = np.full(len(image_ids), -1, dtype=np.int64)
        return np.full(len(image_ids), np.nan), unknown
    return label_scores(connection, runs.get(connection, key), image_ids)


def _words(connection: Connection, image_ids: NDArray[np.int64], by: str) -> list[str]:
    names = names_by_id(connection)
    if by == "prediction":
        return [names.get(key, UNKNOWN) for key in _scores(connection, image_ids)[1].tolist()]
    if by == "host":
        named = images.hosts(connection).items()
        words = {key: FILES if host is None else host or UNKNOWN for key, host in named}
        return _looked_up(words, image_ids)
    column = {
        "class": schema.current.c.class_id,
        "split": schema.images.c.split,
        "decision": schema.current.c.state,
    }[by]
    found: dict[int, Any] = {
        row[0]: row[1] for row in connection.execute(images.present(schema.images.c.id, column))
    }
    said: dict[Any, str] = names if by == "class" else _DECISIONS if by == "decision" else {}
    return _looked_up(
        {key: said.get(value, str(value)) for key, value in found.items() if value is not None},
        image_ids,
    )


def _looked_up(words: dict[int, str], image_ids: NDArray[np.int64]) -> list[str]:
    return [words.get(key, UNKNOWN) for key in image_ids.tolist()]


def _quality(connection: Connection, image_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 less the worst stored measure that flags an image's flaws, 0..1; NaN: not measured."""
    table = schema.images.c
    # Grey pictures are no poor ones: that measure is 0 or 1 and would hide the others.
    stored = [table[name] for name in QUALITY if name in table and name != "grayscale_score"]
    found = {key: min(scores) for key, *scores in connection.execute(select(table.id, *stored))}
    values = [found.get(key) for key in image_ids.tolist()]
    return 1 - np.array([np.nan if value is None else value for value in values], dtype=float)


def _concept(
    workspace: Workspace, connection: Connection, image_ids: NDArray[np.int64], name: str
) -> NDArray[np.float64]:
    """Marks as 1 and 0, the others by their place in the concept's order; NaN: no features."""
    marks = kept_concepts.marks(connection, name)
    values = np.full(len(image_ids), np.nan)
    ids, scores = concepts.ordered(workspace, connection, name)
    rank = np.empty(len(ids))
    rank[np.argsort(scores, kind="stable")] = (np.arange(len(ids)) + 0.5) / max(1, len(ids))
    there = np.isin(image_ids, ids)
    values[there] = rank[np.searchsorted(ids, image_ids[there])]
    values[np.isin(image_ids, list(marks.yes))] = 1
    values[np.isin(image_ids, list(marks.no))] = 0
    return values
