"""Runs and what each said of every image.

A run is asked for by the user, or is an *interim* one: a refit between two pages of a review. An
interim run that is not out-of-fold is *hidden*: it is being written, was never finished, or a newer
one took its place (:mod:`curator.store.run_writer`). Hidden runs are the newest of nothing and rank
nothing; their rows stay, since decisions refer to them.

One run is *in use*: it is exported, and it ranks, it or the refits that a review makes of it. It is
the newest that was asked for until the user chooses one (:func:`choose`); the choice holds until
the next. So nobody exports a refit without having chosen it. A newest run that came out no better
than another on the same images can be *held back* (:func:`hold_back`): the other stays in use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, and_, delete, false, func, insert, or_, select

from curator.errors import NoRun, ProjectAltered, UnknownRun
from curator.frames import pd
from curator.store import schema, versions
from curator.store.database import Database, now
from curator.store.images import frame
from curator.store.run_json import HistoryRow, Metrics, Quality, RunSettings

CHOSEN = "chosen_run"  # in ``meta``: the run, and the newest one when it was chosen
HELD_BACK = "held_back_run"  # in ``meta``: the run that stays in use, and the one held back
SHOWN = or_(schema.runs.c.interim == 0, schema.runs.c.out_of_fold == 1)


@dataclass(frozen=True)
class Run:
    """One trained model. ``settings["classes"]`` are its class ids, in the order of its outputs."""

    id: int
    at: str
    recipe: str
    backbone: str
    ledger_position: int
    settings: RunSettings
    metrics: Metrics
    history: list[HistoryRow]
    out_of_fold: bool
    """Whether every prediction is by a model that did not see the image."""
    interim: bool = False
    """Whether it is a refit between two pages of a review, not asked for by the user."""

    def figures(self, kind: str) -> Quality:
        """The error on "valid" or "out_of_fold" images. Raises ProjectAltered where it is none."""
        found = self.metrics.get(kind)
        if not isinstance(found, dict) or not {"error", "low", "high", "images"} <= found.keys():
            raise altered(self.id, f"it has no figures {kind!r}")
        if not all(value is None or isinstance(value, (int, float)) for value in found.values()):
            raise altered(self.id, f"the figures {kind!r} are no numbers")
        return cast("Quality", found)

    @property
    def title(self) -> str:
        """Its number, and that nobody asked for it where nobody did."""
        return f"run {self.id}" + (", an automatic refit" if self.interim else "")

    @property
    def class_ids(self) -> list[int]:
        """Class ids in the order of the model's outputs, length K."""
        return [int(i) for i in self.settings["classes"]]


def _run(row: Any) -> Run:
    values = dict(row._mapping)
    for key, kind in (("settings", dict), ("metrics", dict), ("history", list)):
        try:
            values[key] = json.loads(values[key])
        except (TypeError, ValueError, RecursionError) as error:
            raise altered(row.id, f"its {key} cannot be read") from error
        if not isinstance(values[key], kind):
            raise altered(row.id, f"its {key} are of another form")
    class_ids = values["settings"].get("classes")
    if not isinstance(class_ids, list) or not all(type(item) is int for item in class_ids):
        raise altered(row.id, "its classes are no list of numbers")
    return Run(**values | {key: bool(values[key]) for key in ("out_of_fold", "interim")})


def altered(run_id: int, problem: str) -> ProjectAltered:
    """The error of a record of a run that is not as it was written."""
    return ProjectAltered(
        f"The record of run {run_id} was altered: {problem}.",
        "Take the project from a copy, or train again.",
    )


def never_trained() -> NoRun:
    """The error of every step that needs a run; a new one each time, as it carries a traceback."""
    return NoRun("No run was trained in this project yet.", "Train first: `curator train PROJECT`.")


def latest_id(connection: Connection) -> int | None:
    """Id of the newest run, an interim one too, None before the first."""
    found = connection.execute(select(func.max(schema.runs.c.id)).where(SHOWN)).scalar()
    return None if found is None else int(found)


@dataclass(frozen=True)
class Choice:
    """The run that the user chose to be in use."""

    run: int
    since: int
    """The newest run, a hidden one too, when it was chosen: interim runs after it are refits of the
    chosen one."""


def chosen(connection: Connection) -> Choice | None:
    """What the user chose; None where the newest run that was asked for is in use."""
    return _two_runs(connection, CHOSEN)


def _two_runs(connection: Connection, key: str) -> Choice | None:
    """What ``meta`` holds there; None where the run is none of those that are shown."""
    query = select(schema.meta.c.value).where(schema.meta.c.key == key)
    try:
        run_id, since = map(int, str(connection.execute(query).scalar_one_or_none()).split())
    except ValueError:
        return None
    there = select(schema.runs.c.id).where(SHOWN, schema.runs.c.id == run_id)
    if not 0 < run_id <= schema.LARGEST_ID or connection.execute(there).first() is None:
        return None
    return Choice(run_id, min(since, schema.LARGEST_ID))


def choose(database: Database, run_id: int | None) -> None:
    """Take a run into use, or again always the newest that was asked for. Raises UnknownRun, NoRun.

    An automatic refit may be chosen, too; it is kept from then on.
    """
    with database.write() as connection:
        both = schema.meta.c.key.in_((CHOSEN, HELD_BACK))
        connection.execute(delete(schema.meta).where(both))
        if run_id is None:
            return
        found = get(connection, run_id)
        if found.interim and not found.out_of_fold:
            raise replaced(found)
        last = connection.execute(select(func.max(schema.runs.c.id))).scalar_one()
        connection.execute(insert(schema.meta), {"key": CHOSEN, "value": f"{run_id} {last}"})


def hold_back(database: Database, run_id: int, instead: int) -> None:
    """Keep ``instead`` in use as long as ``run_id`` is the newest run that was asked for.

    What the user chose, before or after, counts more.
    """
    with database.write() as connection:
        connection.execute(delete(schema.meta).where(schema.meta.c.key == HELD_BACK))
        connection.execute(insert(schema.meta), {"key": HELD_BACK, "value": f"{instead} {run_id}"})


def replaced(run: Run) -> UnknownRun:
    """The error for a refit whose predictions and files are gone."""
    return UnknownRun(
        f"Run {run.id} was an automatic refit, and a newer one took its place.",
        "Choose one of `curator runs PROJECT`, or train again.",
    )


def in_use_id(connection: Connection) -> int | None:
    """Id of the run that is in use; None before the first."""
    choice = chosen(connection)
    if choice is not None:
        return choice.run
    held = _held(connection)
    return _newest_asked(connection) if held is None else held.run


def held_back(connection: Connection) -> Run | None:
    """The newest run, where it was no better than the one that therefore stays in use."""
    held = None if chosen(connection) else _held(connection)
    return None if held is None else get(connection, held.since)


def _held(connection: Connection) -> Choice | None:
    held = _two_runs(connection, HELD_BACK)
    return held if held is not None and held.since == _newest_asked(connection) else None


def _newest_asked(connection: Connection) -> int | None:
    query = select(func.max(schema.runs.c.id)).where(schema.runs.c.interim == 0)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def to_export(connection: Connection) -> Run:
    """The run in use: exported where none is named, and what every view speaks of. Raises NoRun."""
    found = in_use_id(connection)
    if found is None:
        raise never_trained()
    return get(connection, found)


def ranking_id(connection: Connection) -> int | None:
    """Id of the run that ranks images: whose predictions are all out-of-fold; or None.

    It is the chosen one or the newest refit made since it was chosen. Without a choice, or where
    the chosen one has no folds, it is the newest of all.
    """
    table = schema.runs.c
    query = select(func.max(table.id)).where(table.out_of_fold == 1)
    choice = chosen(connection)
    if choice is not None:
        refits = and_(table.interim == 1, table.id > choice.since)
        found = connection.execute(query.where(or_(table.id == choice.run, refits))).scalar()
        itself = connection.execute(query.where(table.id == choice.run)).scalar()
        if found is not None and itself is not None:
            return int(found)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def ranking(connection: Connection) -> Run:
    """The newest run that ranks images. Raises NoRun."""
    found = ranking_id(connection)
    if found is None:
        raise never_trained()
    return get(connection, found)


def asked(connection: Connection, run_id: int | None = None) -> Run:
    """A run by id, else the one that ranks, or where none does the one in use.

    Raises UnknownRun, NoRun.
    """
    wanted = ranking_id(connection) if run_id is None else run_id
    return to_export(connection) if wanted is None else get(connection, wanted)


def get(connection: Connection, run_id: int | None = None) -> Run:
    """A run by id, or the newest. Raises UnknownRun, NoRun."""
    newest = latest_id(connection)
    if newest is None:
        raise never_trained()
    wanted = newest if run_id is None else run_id
    row = None
    if wanted <= newest:
        row = connection.execute(select(schema.runs).where(schema.runs.c.id == wanted)).first()
    if row is None:
        raise UnknownRun(f"There is no run {run_id}.", f"Runs are numbered up to {newest}.")
    found = _run(row)
    known = set(connection.execute(select(schema.classes.c.id)).scalars())
    if not set(found.class_ids) <= known:
        raise altered(found.id, "the project lacks its classes")
    return found


def all_runs(connection: Connection) -> list[Run]:
    """The runs that were asked for, the one in use, and the newest if it is interim, by age."""
    shown = [latest_id(connection), in_use_id(connection)]
    query = (
        select(schema.runs)
        .where(or_(schema.runs.c.interim == 0, schema.runs.c.id.in_(shown)))
        .order_by(schema.runs.c.id)
    )
    return [_run(row) for row in connection.execute(query)]


def add(connection: Connection, **values: Any) -> int:
    """Record a run; return its id. It is hidden, or its predictions are in the same transaction.

    ``values``: recipe, backbone, ledger_position, out_of_fold, interim (default 0); and settings,
    metrics, history, which are kept as JSON.
    """
    texts = {key: json.dumps(values.pop(key)) for key in ("settings", "metrics", "history")}
    key = connection.execute(
        insert(schema.runs).values(at=now(), **texts, **values)
    ).inserted_primary_key
    assert key is not None
    return int(key[0])


def table(database: Database) -> pd.DataFrame:
    """The runs of :func:`all_runs`: run, at, recipe, backbone, images, decisions known, and errors.

    ``interim``: whether it is a refit between two pages of a review; ``in_use``: whether it is what
    is exported and reviewed; ``version``: the tagged one whose very images, labels, splits and
    decisions it learnt from, None where there is none.
    ``out_of_fold_error`` is over every image that the run saw, missing for a run without folds;
    ``valid_error`` over the fixed validation images by a model that saw only training images; both
    0..1, with the ends of their 95 % intervals. ``test_looks``: how often it was judged on the test
    images.
    """
    with database.read() as connection:
        found = all_runs(connection)
        in_use = in_use_id(connection)
        version_of = versions.names(connection)
        judged = schema.judgements.c.run_id
        counted = select(judged, func.count().label("times")).group_by(judged)
        looks = {row.run_id: row.times for row in connection.execute(counted)}
        if not found:
            return frame(connection, select(schema.runs.c.id.label("run")).where(false()))
    rows = []
    for run in found:
        out_of_fold, valid = run.figures("out_of_fold"), run.figures("valid")
        rows.append(
            {
                "run": run.id,
                "at": run.at,
                "recipe": run.recipe,
                "interim": run.interim,
                "in_use": run.id == in_use,
                "backbone": run.backbone,
                "images": run.settings.get("images", out_of_fold["images"]),
                "version": version_of.get(run.settings.get("data_sha256", "")),
                "ledger_position": run.ledger_position,
                "out_of_fold_error": out_of_fold["error"],
                "out_of_fold_low": out_of_fold["low"],
                "out_of_fold_high": out_of_fold["high"],
                "valid_images": valid["images"],
                "valid_error": valid["error"],
                "valid_low": valid["low"],
                "valid_high": valid["high"],
                "test_looks": looks.get(run.id, 0),
                "seconds": run.metrics.get("seconds"),
            }
        )
    return pd.DataFrame(rows)
