"""Databases of older versions: brought up to date whole, or left as they are.

``version_3.sql`` is a dump of a database that version 3 of the schema wrote: eight images, and
decisions on them of which some were undone.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from curator.store import ledger, runs, schema
from curator.store.database import Database
from tests.store.made_up import derived_current, kept_current, ledger_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_3 = Path(__file__).with_name("version_3.sql")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Give the path of a database of version 3."""
    path = tmp_path / "project.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_3.read_text(encoding="utf-8"))
    return path


@pytest.fixture
def opened(old: Path) -> Iterator[Database]:
    """Open it with the present version."""
    with closing(Database.open(old)) as database:
        yield database


def shape(path: Path) -> dict[str, set[str]]:
    """Give the columns of every table, and the names of indexes, triggers and views."""
    with closing(sqlite3.connect(path)) as connection:
        found: dict[str, set[str]] = {}
        for kind, name in connection.execute("SELECT type, name FROM sqlite_master").fetchall():
            if kind == "table":
                columns = connection.execute(f"PRAGMA table_info({name})")
                found[name] = {row[1] for row in columns}
            elif not name.startswith("sqlite_"):
                found.setdefault(kind, set()).add(name)
        return found


def dump(path: Path) -> list[str]:
    """Give all that a database holds, as statements."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_labels_and_states_stay_as_they_were(old: Path) -> None:
    """What the view of version 3 said of each image, the table of today says too."""
    with closing(sqlite3.connect(old)) as connection:
        said = connection.execute("SELECT * FROM current ORDER BY image_id").fetchall()
        decisions = connection.execute("SELECT * FROM decisions ORDER BY id").fetchall()
    assert {row[2] for row in said} == {"new", "kept", "unsure", "deleted"}
    with closing(Database.open(old)) as database:
        assert kept_current(database) == said == derived_current(database)
        assert [row[1:] for row in ledger_rows(database)] == decisions


def test_an_old_ledger_is_undone_to_its_beginning(opened: Database) -> None:
    """Acts of before are undone and redone by whoever opens the project today."""
    undone = ledger.undo(opened, steps=99)
    assert [item.image_ids for item in undone] == [(6, 7), (5,), (4,), (1, 2)]
    assert {row[2] for row in kept_current(opened)} == {"new"}
    assert len(ledger.redo(opened, steps=99)) == 4
    assert kept_current(opened) == derived_current(opened)


def test_the_shape_is_that_of_a_new_database(old: Path, tmp_path: Path) -> None:
    """Tables, columns, indexes and triggers are those of a database made today."""
    Database.create(tmp_path / "new.db", {"name": "new"}).close()
    assert shape(old) != shape(tmp_path / "new.db")
    Database.open(old).close()
    assert shape(old) == shape(tmp_path / "new.db")


def test_the_first_version_is_brought_up_to_date(old: Path, tmp_path: Path) -> None:
    """A database of version 1 goes all the way, and keeps its rows."""
    with closing(sqlite3.connect(old)) as connection:
        for table, column in (
            ("images", "grayscale_score"),
            ("images", "sharpness"),
            ("images", "measures_version"),
            ("images", "outlier_score"),
            ("images", "checked_with"),
            ("runs", "out_of_fold"),
            ("predictions", "in_sample"),
        ):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("DROP TABLE tags")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
        connection.commit()
    with closing(Database.open(old)) as database:
        assert database.meta("name") == "old"
        assert database.meta("schema_version") == str(schema.SCHEMA_VERSION)
        assert len(kept_current(database)) == 8
        with database.read() as connection:
            assert runs.ranking(connection).id == 1  # every run of that time was out-of-fold
    Database.create(tmp_path / "new.db", {"name": "new"}).close()
    assert shape(old) == shape(tmp_path / "new.db")


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from curator.store.database import Database
@event.listens_for(Engine, "before_cursor_execute")
def stop(connection, cursor, statement, *rest):
    if sys.argv[2] in statement:
        print("reached", flush=True)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
Database.open(Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("statement", ["INSERT INTO current", "UPDATE meta"])
def test_a_kill_half_way_changes_nothing(old: Path, statement: str) -> None:
    """Killed while it is brought up to date, the database is as before, and the next try works."""
    before = dump(old)
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(old), statement],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (child.stdout, child.stderr) == ("reached\n", "")
    assert child.returncode == (-signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    assert dump(old) == before
    with closing(Database.open(old)) as database:
        assert len(kept_current(database)) == 8
