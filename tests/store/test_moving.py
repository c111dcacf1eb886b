"""A project's database in a PostgreSQL server: made there, moved there and back, and refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from sqlalchemy import create_engine, select, text

from curator.cli import run
from curator.errors import InputError, NotAProject, ProjectMoved, ServerUnreachable
from curator.project import Project
from curator.store import schema
from curator.store.moving import SCHEMA_FILE
from curator.store.server import VARIABLE
from tests.conftest import copy_project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def server(postgresql_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name the server."""
    monkeypatch.setenv(VARIABLE, postgresql_server)
    return postgresql_server


def rows(project: Project) -> dict[str, list[tuple[object, ...]]]:
    """Give all that the database holds, by table."""
    with project.database.read() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in schema.metadata.sorted_tables
        }


def schemas(server: str) -> list[str]:
    """Give the projects that the server holds."""
    engine = create_engine(server.replace("postgresql", "postgresql+pg8000"))
    query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'curator\\_%' ORDER BY 1"
    with engine.connect() as connection:
        found = list(connection.execute(text(query)).scalars())
    engine.dispose()
    return found


def test_moved_there_and_back_nothing_differs(
    sample_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql_server: str
) -> None:
    """Every row is the same; the work goes on in the other place, undo and all."""
    folder = copy_project(sample_folder, tmp_path / "p")
    with Project.open(folder) as project:
        project.merge_classes("three", "eight")
        project.decide([5, 6], "delete")
        before, ranked = rows(project), project.rank()
    monkeypatch.setenv(VARIABLE, postgresql_server)
    others = schemas(postgresql_server)
    moved = Project.move_database(folder)
    assert moved.rows == sum(map(len, before.values()))
    assert not list(folder.glob("project.db*"))
    with Project.open(folder) as project:
        assert not project.database.is_file
        assert rows(project) == before
        pd.testing.assert_frame_equal(project.rank(), ranked)
        assert [done.image_ids for done in project.undo()] == [(5, 6)]
        assert [done.image_ids for done in project.redo()] == [(5, 6)]
        project.decide([9], "keep")
        there = rows(project)
    assert len(schemas(postgresql_server)) == len(others) + 1
    assert run(["move-database", str(folder)]) == 0
    assert schemas(postgresql_server) == others
    assert not (folder / SCHEMA_FILE).exists()
    monkeypatch.delenv(VARIABLE)
    with Project.open(folder) as project:
        assert project.database.is_file
        assert rows(project) == there
        project.undo()
        pd.testing.assert_frame_equal(project.rank(), ranked)


def test_what_a_kill_leaves_on_the_way_counts_for_nothing(small: Project, server: str) -> None:
    """The file that is still there is not read, and not mixed with what comes back."""
    assert server
    names = ("project.db", "project.db-wal")
    small.decide([1], "delete")
    left = {name: (small.path / name).read_bytes() for name in names}
    assert left["project.db-wal"]
    Project.move_database(small.path)
    for name, content in left.items():
        (small.path / name).write_bytes(content)
    with Project.open(small.path) as moved:
        assert moved.undo()[0].image_ids == (1,)
        moved.decide([2], "keep")
    Project.move_database(small.path)
    with Project.open(small.path) as again:
        assert again.log()["image_id"].tolist() == [2, 1, 1]


def test_a_kill_on_the_way_back_leaves_the_file(
    small: Project, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever becomes of the schema: what the folder names is there."""
    assert server
    Project.move_database(small.path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("curator.store.database.Database.drop", killed)
    with pytest.raises(KeyboardInterrupt):
        Project.move_database(small.path)
    with Project.open(small.path) as again:
        assert again.database.is_file
        assert again.decide([1], "delete").image_ids == (1,)


def test_who_has_it_open_writes_nothing_in_the_old_place(small: Project, server: str) -> None:
    """Neither in the file that it left nor in the server: it is to be opened again."""
    assert server
    Project.move_database(small.path)
    with pytest.raises(ProjectMoved, match="moved to a server"):
        small.decide([1], "delete")
    with Project.open(small.path) as moved:
        Project.move_database(small.path)
        with pytest.raises(ProjectMoved, match="not in the server any more"):
            moved.decide([1], "delete")
    with Project.open(small.path) as again:
        assert again.log().empty


def test_a_folder_alone_says_nothing_of_a_server(
    small: Project, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user names the server; a folder from anyone names a schema, if it has its secret name."""
    Project.move_database(small.path)
    named = small.path / SCHEMA_FILE
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(InputError, match=VARIABLE):
        Project.open(small.path)
    monkeypatch.setenv(VARIABLE, server)
    for name in ("public", "pg_catalog", "curator_x; DROP SCHEMA public", "../x", ""):
        named.write_text(name)
        with pytest.raises(NotAProject, match="names no schema"):
            Project.open(small.path)
    named.write_text(f"curator_{'0' * 32}")
    with pytest.raises(NotAProject, match="holds no project"):
        Project.open(small.path)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:////etc/passwd", "names no PostgreSQL"),
        ("postgresql://host", "names no PostgreSQL"),
        ("postgresql://host/base?options=-c", "tls=on or tls=off"),
        ("nonsense", "no address"),
    ],
)
def test_what_names_no_server_is_refused(
    address: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is made but the folder, which can be used again."""
    monkeypatch.setenv(VARIABLE, address)
    with pytest.raises(InputError, match=said):
        Project.create(tmp_path / "p")
    monkeypatch.delenv(VARIABLE)
    Project.create(tmp_path / "p").close()


def test_a_server_that_does_not_answer(
    small: Project, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, with what to look at; a wrong database and user as well."""
    Project.move_database(small.path)
    monkeypatch.setenv(VARIABLE, "postgresql://tester@127.0.0.1:9/postgres")
    with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:9/postgres does not answer"):
        Project.open(small.path)
    monkeypatch.setenv(VARIABLE, server.replace("/postgres", "/other"))
    with pytest.raises(ServerUnreachable, match='database "other" does not exist'):
        Project.open(small.path)
    monkeypatch.setenv(VARIABLE, server.replace("tester", "nobody:secret"))
    with pytest.raises(ServerUnreachable) as caught:
        Project.open(small.path)
    assert "secret" not in str(caught.value)


def test_a_statement_may_take_longer_than_a_server_to_answer(
    small: Project, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for another's lock is not told that the server is gone."""
    assert server
    Project.move_database(small.path)
    monkeypatch.setattr("curator.store.server.ANSWER_SECONDS", 0.5)
    with Project.open(small.path) as project, project.database.read() as connection:
        connection.execute(text("SELECT pg_sleep(1)"))


def test_another_machine_is_spoken_to_by_tls_alone(
    small: Project, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that offers none is refused, unless the address says that it may."""
    Project.move_database(small.path)
    monkeypatch.setattr("curator.store.server._is_here", lambda _host: False)
    with pytest.raises(ServerUnreachable, match="refuses SSL"):
        Project.open(small.path)
    monkeypatch.setenv(VARIABLE, f"{server}?tls=off")
    Project.open(small.path).close()


def test_a_lost_connection_is_made_anew(small: Project, server: str) -> None:
    """A server that was started again, or a network that broke, costs nothing."""
    Project.move_database(small.path)
    ours = "FROM pg_stat_activity WHERE application_name = 'curator'"
    with Project.open(small.path) as project:
        engine = create_engine(server.replace("postgresql", "postgresql+pg8000"))
        with engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.execute(text(f"SELECT pg_terminate_backend(pid) {ours}"))
            while alone.execute(text(f"SELECT count(*) {ours}")).scalar_one():
                time.sleep(0.02)
        engine.dispose()
        assert project.decide([1], "delete").image_ids == (1,)
