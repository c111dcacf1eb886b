"""Keeping a run's predictions without holding the write lock for long.

A person decides on images while a refit of 200,000 is recorded, and a decision waits for the write
lock. So the run is added hidden (see :mod:`curator.store.runs`), its predictions come in pieces,
each in a transaction of its own, and one short transaction shows it: whoever reads sees either
nothing of it or all. What a kill leaves is hidden, and the next run sweeps it away.

One process records at a time: its job holds the project's work lock.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, delete, not_, select, update

from curator.store import runs, schema
from curator.store.database import Database
from curator.store.predictions import Predictions, add_predictions

VALUES = 20_000  # probabilities written in one transaction: some 10 to 30 ms
FEWEST, MOST = 100, 1000  # images of one


def begin(database: Database, **values: Any) -> int:
    """Add a run that nobody sees yet; return its id. ``values`` as of :func:`runs.add`."""
    with database.write() as connection:
        return runs.add(connection, **values, out_of_fold=0, interim=1)


def write_predictions(
    database: Database, run_id: int, class_ids: Sequence[int], said: Predictions
) -> None:
    """Add what a hidden run says, piece by piece."""
    size = min(MOST, max(FEWEST, VALUES // max(1, len(class_ids))))
    count = len(said.image_ids)
    for start in range(0, count, size):
        began = time.monotonic()
        with database.write() as connection:
            add_predictions(connection, run_id, class_ids, said.piece(slice(start, start + size)))
        if start + size < count:
            _let_others_write(began)


def show(database: Database, run_id: int, out_of_fold: bool, interim: bool) -> None:
    """Let a whole run be seen, and hide the interim runs before it.

    The run that ranked until now is spared until the next: a page that is open shows its scores.
    One that the user chose stays.
    """
    table = schema.runs
    with database.write() as connection:
        spared = {run_id, runs.ranking_id(connection) or 0, runs.in_use_id(connection) or 0}
        connection.execute(
            update(table)
            .where(table.c.interim == 1, table.c.id.not_in(spared))
            .values(out_of_fold=0)
        )
        connection.execute(
            update(table)
            .where(table.c.id == run_id)
            .values(out_of_fold=int(out_of_fold), interim=int(interim))
        )


def sweep(database: Database, runs_folder: Path) -> None:
    """Remove predictions and files of hidden runs; the rows of the runs stay."""
    said = schema.predictions.c
    with database.read() as connection:
        hidden = [
            row.id for row in connection.execute(select(schema.runs.c.id).where(not_(runs.SHOWN)))
        ]
    first = select(said.image_id).where(said.run_id == bindparam("run"))
    piece = first.order_by(said.image_id).limit(MOST)
    remove = delete(schema.predictions).where(
        said.run_id == bindparam("run"), said.image_id.in_(piece)
    )
    for run_id in hidden:
        while True:
            with database.read() as connection:
                if connection.execute(first.limit(1), {"run": run_id}).first() is None:
                    break
            began = time.monotonic()
            with database.write() as connection:
                connection.execute(remove, {"run": run_id})
            _let_others_write(began)
        shutil.rmtree(runs_folder / str(run_id), ignore_errors=True)


def _let_others_write(began: float) -> None:
    # Who waits for SQLite's lock asks for it now and then; a lock that is free half of the time
    # is had at the second or third try.
    time.sleep(time.monotonic() - began)
