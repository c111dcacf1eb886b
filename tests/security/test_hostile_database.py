"""A database from an attacker: what it holds besides rows is refused before anything runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.errors import CuratorError, ProjectAltered
from curator.project import Project
from curator.store import runs
from curator.store.predictions import predictions_of
from tests.conftest import copy_project
from tests.security.attack import alter, asked, curator

if TYPE_CHECKING:
    from pathlib import Path

SCHEMES = {
    "trigger at a decision": """
        CREATE TRIGGER evil AFTER INSERT ON decisions BEGIN
            DELETE FROM images; END
    """,
    "trigger of our name": """
        CREATE TRIGGER decision_came AFTER INSERT ON decisions BEGIN
            UPDATE classes SET name = '../../..'; END
    """,
    "trigger at a job": """
        CREATE TRIGGER evil AFTER UPDATE ON jobs BEGIN
            INSERT INTO jobs (kind, arguments, state, created_at)
            VALUES ('export', '{}', 'queued', ''); END
    """,
    "view": "CREATE VIEW evil AS SELECT * FROM images",
    "virtual table": "CREATE VIRTUAL TABLE evil USING fts5(words)",
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_foreign_scheme_is_refused(scheme: str, hostile: Path) -> None:
    """A trigger, a view or a virtual table that is not ours is named, and the file stays as is."""
    alter(hostile, "DROP TRIGGER decision_came", SCHEMES[scheme])
    before = (hostile / "project.db").read_bytes()
    with pytest.raises(ProjectAltered, match="that the curator did not make"):
        Project.open(hostile)
    assert (hostile / "project.db").read_bytes() == before


@pytest.mark.parametrize("name", ["meta", "current", "images"])
def test_a_view_in_place_of_a_table_is_refused(name: str, hostile: Path) -> None:
    """A view under a table's name, which would run the attacker's query at each read."""
    alter(
        hostile,
        "PRAGMA legacy_alter_table=ON",
        "DROP TRIGGER image_came",
        "DROP TRIGGER decision_came",
        f"ALTER TABLE {name} RENAME TO true_{name}",
        f"CREATE VIEW {name} AS SELECT * FROM true_{name}",
    )
    with pytest.raises(ProjectAltered, match=f"view '{name}'"):
        Project.open(hostile)


def test_a_column_that_computes_is_refused(hostile: Path) -> None:
    """A generated column gives what the attacker's expression makes."""
    alter(hostile, "ALTER TABLE images ADD COLUMN evil AS (hex(zeroblob(1000000)))")
    with pytest.raises(ProjectAltered, match="table 'images'"):
        Project.open(hostile)


@pytest.mark.slow
def test_a_column_that_is_gone_is_named(hostile: Path) -> None:
    """A table that lacks what is needed is an error that says so."""
    alter(hostile, "ALTER TABLE images DROP COLUMN sharpness")
    done = curator("status", hostile)
    assert done.returncode == 1
    assert "lacks the column sharpness of its table images" in done.stderr


def test_an_expression_of_the_scheme_calls_nothing_harmful(hostile: Path) -> None:
    """Functions with effects outside of the database do not run from an index or a default."""
    with Project.open(hostile) as project, project.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA trusted_schema").scalar() == 0
        assert connection.exec_driver_sql("PRAGMA cell_size_check").scalar() == 1


def test_thumbnails_that_are_no_pictures_are_left_out(hostile: Path) -> None:
    """Rows of the other database that hold words or nothing are as good as none."""
    with closing(sqlite3.connect(hostile / "thumbnails.db")) as connection:
        connection.execute("UPDATE thumbnails SET webp = '<script>' WHERE rowid = 1")
        connection.execute("UPDATE thumbnails SET webp = NULL WHERE rowid = 2")
        connection.execute("UPDATE thumbnails SET webp = 7 WHERE rowid = 3")
        connection.commit()
        digests = [row[0] for row in connection.execute("SELECT sha256 FROM thumbnails LIMIT 5")]
    with Project.open(hostile) as project:
        assert all(isinstance(found, bytes) for found in project.thumbnails.get(digests).values())


@pytest.fixture
def trained(sample_folder: Path, tmp_path: Path) -> Path:
    """Give a project with a run for the attacker to alter."""
    return copy_project(sample_folder, tmp_path / "trained")


RUNS = {
    "nested too deep": ("settings", "[" * 200_000),
    "no JSON": ("metrics", "{"),
    "a list": ("settings", "[]"),
    "classes that are words": ("settings", json.dumps({"classes": ["a", None]})),
    "classes that are not there": ("settings", json.dumps({"classes": [70, 71, 72]})),
    "no classes": ("settings", "{}"),
    "no figures": ("metrics", "{}"),
    "figures of words": ("metrics", json.dumps({"out_of_fold": 3, "valid": "x"})),
}


@pytest.mark.slow
@pytest.mark.parametrize("attack", RUNS)
def test_a_run_of_rubbish_is_a_named_error(attack: str, trained: Path) -> None:
    """Settings and figures of another form are told with the run's number."""
    column, value = RUNS[attack]
    [[newest]] = asked(trained, "SELECT MAX(id) FROM runs")
    alter(trained, f"UPDATE runs SET {column} = '{value}' WHERE id = {newest}")
    with Project.open(trained) as project:
        for look in (project.status, project.rank, project.confusion, project.runs):
            try:
                look()
            except CuratorError as error:
                assert f"run {newest}" in str(error)  # noqa: PT017 -- not all of them look there


@pytest.mark.parametrize("blob", ["zeroblob(3)", "zeroblob(40000)", "x''", "'words'", "NULL"])
def test_probabilities_of_another_length_are_a_named_error(blob: str, trained: Path) -> None:
    """A row with more or fewer numbers than classes is not read as if it were another's."""
    [[newest]] = asked(trained, "SELECT MAX(id) FROM runs")
    column = "fixed_probabilities" if blob == "NULL" else "probabilities"
    alter(trained, f"UPDATE predictions SET {column} = {blob} WHERE run_id = {newest}")
    with Project.open(trained) as project, project.database.read() as connection:
        run = runs.get(connection)
        if blob == "NULL":
            assert np.isnan(predictions_of(connection, run).fixed).all()
        else:
            with pytest.raises(ProjectAltered, match=f"run {newest}"):
                predictions_of(connection, run)
