"""Data set recipes: written alike each time, rebuilt from addresses or a folder, and merged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from curator.collect.http.client import FetchSettings
from curator.errors import NothingToUndo, ProjectExists, TargetNotEmpty
from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import serving
from curator.store.images import with_sources
from tests.conftest import copy_project
from tests.pictures import encoded, picture, write_picture

if TYPE_CHECKING:
    from curator.deliver.recipe.rebuild import RebuildReport

PRIVATE = FetchSettings(allow_private=True, backoff=0.0, attempts=1)


def item(number: int, *, shows: int | None = None, status: int = 200, delay: float = 0.0) -> Item:
    """Serve picture ``number``, or another that the address shows by now, in one of two lists."""
    body = encoded(picture(number if shows is None else shows))
    listed = "cat" if number < 6 else "dog"
    return Item(f"/{number}.png", listed, None, "", body, status=status, delay=delay)


def table(project: Project) -> dict[str, tuple[str, ...]]:
    """Give label, given label, state and split of each image by its SHA-256."""
    with project.database.read() as connection:
        rows = with_sources(connection)
    columns = ["label", "given_label", "state", "split", "source", "license"]
    return {row["sha256"]: tuple(row[name] for name in columns) for row in rows.to_dict("records")}


def lines(path: Path) -> list[dict[str, object]]:
    """Read a recipe's lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    """Give a project of 12 fetched images and one file, its recipe, and the server's port.

    Decided by ana: 1 relabelled, 2 deleted, 3 kept and undone, 7 of none of the classes.
    """
    folder = tmp_path_factory.mktemp("origin")
    with (
        serving([item(number) for number in range(12)]) as served,
        Project.create(folder / "project", ["cat", "dog"], name="pets", seed=7) as project,
    ):
        for label in ("cat", "dog"):
            rows = [f"{address},CC0,Eve" for address in served.addresses(label)]
            project.add(label, "\n".join(["url,license,creator", *rows]), listed_in="list.csv")
        project.fetch(PRIVATE)
        project.import_files(write_picture(folder / "mine/private.png", 50), class_name="cat")
        project.check()
        by_source = {row[4].rpartition("/")[2]: key for key, row in table(project).items()}
        ids = _ids(project)
        project.decide([ids[by_source["1.png"]]], "relabel", "dog", by="ana")
        project.decide([ids[by_source["2.png"]]], "delete", by="ana")
        project.decide([ids[by_source["7.png"]]], "none", by="ana")
        project.decide([ids[by_source["3.png"]]], "keep", by="ana")
        project.undo()
        project.write_recipe(folder / "pets.jsonl")
        port = int(served.base.rpartition(":")[2])
    return folder / "project", folder / "pets.jsonl", port


def _ids(project: Project) -> dict[str, int]:
    with project.database.read() as connection:
        rows = with_sources(connection)
    return dict(zip(rows["sha256"], rows["image_id"].tolist(), strict=True))


def test_a_recipe_has_no_picture_and_no_path(
    origin: tuple[Path, Path, int], tmp_path: Path
) -> None:
    """The same data set gives the same bytes; a line an image; nothing of the machine is in it."""
    project, recipe, _ = origin
    with Project.open(project) as opened:
        report = opened.write_recipe(tmp_path / "again.jsonl")
        with pytest.raises(TargetNotEmpty):
            opened.write_recipe(recipe)
        expected = table(opened)
    text = recipe.read_bytes()
    assert (tmp_path / "again.jsonl").read_bytes() == text
    assert (report.images, report.without_address, report.decided) == (13, 1, 3)
    assert str(project.parent).encode() not in text
    header, *images = lines(recipe)
    assert header == {
        "recipe": "curator data set",
        "format_version": 1,
        "name": "pets",
        "seed": 7,
        "classes": ["cat", "dog"],
        "images": 13,
    }
    assert [image["sha256"] for image in images] == sorted(expected)
    for image in images:
        said = expected[str(image["sha256"])]
        assert (image["label"], image["state"], image["split"]) == (said[0], said[2], said[3])
        assert image["sources"][0]["origin"] == said[4]  # type: ignore[index]
    deleted = next(image for image in images if image["state"] == "deleted")
    assert [item["by"] for item in deleted["decisions"]] == ["ana"]  # type: ignore[attr-defined]


def test_rebuilding_says_what_is_gone_and_what_changed(
    origin: tuple[Path, Path, int], tmp_path: Path
) -> None:
    """The same images get labels, splits and decisions; a decision on a changed one is left out."""
    project, recipe, port = origin
    items = [item(number) for number in range(12) if number not in {2, 4, 5}]
    items += [item(2, shows=60), item(4, status=404), item(5, shows=61)]
    with (
        serving(items, port),
        Project.from_recipe(tmp_path / "new", recipe) as rebuilt,
        Project.open(project) as original,
    ):
        report = rebuilt.take_recipes(recipe, settings=PRIVATE)
        before, after = table(original), table(rebuilt)
        assert (report.images, report.same, report.gone, report.changed) == (13, 9, 1, 2)
        assert (report.no_address, report.replayed, report.not_replayed) == (1, 2, 1)
        assert {key: row for key, row in before.items() if key in after} == {
            key: row for key, row in after.items() if key in before
        }
        assert {row[2] for key, row in after.items() if key not in before} == {"new"}
        assert {a.problem: a.reason for a in report.absent}["gone"] == "dead"
        assert [a.source[-5:] for a in report.absent if a.decided] == ["2.png"]
        assert "2 changed" in report.sentence
        assert (rebuilt.seed, rebuilt.name) == (7, "pets")
        assert set(rebuilt.log()["by"]) == {"ana"}
        # The same again: nothing is asked, added or decided, not even what was taken back.
        rebuilt.undo()
        log, sources = len(rebuilt.log()), _count(rebuilt, "sources")
        rebuilt.redo()
        again = rebuilt.take_recipes(recipe, settings=PRIVATE)
        assert (again.same, again.replayed, len(rebuilt.log())) == (9, 0, log + 2)
        assert (_count(rebuilt, "sources"), _count(rebuilt, "images")) == (sources, 11)
        rebuilt.undo()
        with pytest.raises(NothingToUndo):
            rebuilt.undo()
    with pytest.raises(ProjectExists, match="recipe merge"):
        Project.from_recipe(project, recipe)


def _count(project: Project, name: str) -> int:
    with closing(sqlite3.connect(project.path / "project.db")) as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0])


@pytest.mark.slow
def test_pictures_are_taken_from_a_folder_by_their_hash(
    origin: tuple[Path, Path, int], tmp_path: Path
) -> None:
    """Under whatever names; nothing is fetched that is there, and what is private comes, too."""
    project, recipe, _ = origin
    folder = tmp_path / "pictures/deep"
    folder.mkdir(parents=True)
    originals = sorted((project / "originals").rglob("*.png"))
    for number, path in enumerate(originals):
        shutil.copyfile(path, folder / f"{number}.png")
    write_picture(folder / "stranger.png", 99)
    done = curator("recipe", "rebuild", tmp_path / "new", recipe, "--pictures", folder, "--json")
    report = json.loads(done.stdout)
    assert (report["same"], report["from_folder"], report["replayed"]) == (13, 13, 3)
    with Project.open(tmp_path / "new") as rebuilt, Project.open(project) as original:
        assert table(rebuilt) == table(original)
        assert rebuilt.fetch().asked == 0
        rebuilt.write_recipe(tmp_path / "second.jsonl")
        rebuilt.check()
        assert table(rebuilt) == table(original)  # each keeps its split
    first, second = lines(recipe)[1:], lines(tmp_path / "second.jsonl")[1:]
    assert [line["decisions"] for line in first if "decisions" in line] == [
        line["decisions"] for line in second if "decisions" in line
    ]


def curator(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    return subprocess.run(
        [sys.executable, "-m", "curator", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_without_a_fetch_nothing_is_asked(origin: tuple[Path, Path, int], tmp_path: Path) -> None:
    """`--no-fetch` enters what there is to fetch; the ordinary fetch gets it later."""
    _, recipe, port = origin
    with Project.from_recipe(tmp_path / "new", recipe) as rebuilt:
        report = rebuilt.take_recipes(recipe, fetch=False)
        assert (report.same, report.not_fetched, report.no_address) == (0, 12, 1)
        with serving([item(number) for number in range(12)], port):
            assert rebuilt.fetch(PRIVATE).images == 12
        report = rebuilt.take_recipes(recipe, fetch=False)
        assert (report.same, report.replayed) == (12, 3)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills a process group")
def test_a_killed_rebuilding_goes_on(origin: tuple[Path, Path, int], tmp_path: Path) -> None:
    """Killed while it fetches, and run again: all is there, and nothing twice."""
    project, recipe, port = origin
    new = tmp_path / "new"
    command = [sys.executable, "-m", "curator", "recipe", "rebuild", str(new), str(recipe)]
    with serving([item(n, delay=0.0 if n < 6 else 1.0) for n in range(12)], port):
        running = subprocess.Popen([*command, "--allow-private"], start_new_session=True)
        until = time.monotonic() + 60
        while time.monotonic() < until and not list(new.glob("originals/*/*.png")):
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    with serving([item(number) for number in range(12)], port):
        report = json.loads(curator(*command[3:], "--allow-private", "--json").stdout)
    assert (report["same"], report["replayed"], report["no_address"]) == (12, 3, 1)
    with Project.open(new) as rebuilt, Project.open(project) as original:
        missing = table(original).keys() - table(rebuilt).keys()
        assert len(missing) == 1
        assert table(rebuilt) == {k: v for k, v in table(original).items() if k not in missing}
        assert _count(rebuilt, "sources") == 12


@pytest.fixture
def two(small_folder: Path, tmp_path: Path) -> tuple[Project, Path]:
    """Give ana's project of 30 images and ben's recipe: both began with the same decisions.

    Together: 1 kept, 2 deleted. Ben: 3 to owl, 4 deleted, 5 kept, 6 unsure, 1 now owl, 10 kept.
    Ana: 3 to dog, 4 kept, 5 kept, 6 kept, 2 brought back, 7 kept.
    """
    with Project.open(copy_project(small_folder, tmp_path / "ana")) as ana:
        ana.decide([1], "keep", by="ana")
        ana.decide([2], "delete", by="ana")
    with Project.open(copy_project(tmp_path / "ana", tmp_path / "ben")) as ben:
        ben.decide([3], "relabel", "owl", by="ben")
        ben.decide([4], "delete", by="ben")
        ben.decide([5, 10], "keep", by="ben")
        ben.decide([6], "unsure", by="ben")
        ben.decide([1], "relabel", "owl", by="ben")
        ben.write_recipe(tmp_path / "ben.jsonl")
    ana = Project.open(tmp_path / "ana")
    ana.decide([3], "relabel", "dog", by="ana")
    ana.decide([4, 5, 6, 7], "keep", by="ana")
    ana.decide([2], "keep", by="ana")
    return ana, tmp_path / "ben.jsonl"


def states(project: Project) -> dict[int, tuple[str, str]]:
    """Give label and state of the first ten images."""
    queue = {row["image_id"]: row for row in _rows(project)}
    return {key: (queue[key]["label"], queue[key]["state"]) for key in range(1, 11)}


def _rows(project: Project) -> list[dict[str, object]]:
    with project.database.read() as connection:
        return with_sources(connection).to_dict("records")


def merged(project: Project, *files: Path) -> RebuildReport:
    """Merge without fetching."""
    return project.take_recipes(*files, fetch=False)


def test_agreements_are_taken_and_conflicts_are_a_queue(
    two: tuple[Project, Path], tmp_path: Path
) -> None:
    """Newer decisions win over what they knew of; the rest is asked, decided and undone."""
    ana, recipe = two
    with ana:
        before = states(ana)
        report = merged(ana, recipe)
        assert (report.replayed, report.agreed, report.own, report.disputed) == (2, 1, 2, 2)
        after = before | {
            1: ("owl", "kept"),  # ben knew of ana's decision
            3: ("dog", "unsure"),
            4: ("cat", "unsure"),
            10: ("cat", "kept"),
        }
        assert states(ana) == after
        assert merged(ana, recipe).replayed == 0  # nothing is heard twice
        queue = ana.queue("disputed")
        assert (queue.title, queue.ids.tolist()) == ("Two reviewers disagree", [3, 4])
        assert queue.table()["note"].tolist() == ["ana: dog · ben: owl", "ana: cat · ben: deleted"]
        ana.decide([3], "relabel", "owl", by="ana")
        ana.decide([4], "keep", by="ana")
        assert ana.queue("disputed").ids.tolist() == []
        ana.undo()
        assert ana.queue("disputed").ids.tolist() == [4]
        ana.undo(steps=2)  # the merge, too
        assert (states(ana), ana.queue("disputed").ids.tolist()) == (before, [])
        ana.redo()
        assert (states(ana), ana.queue("disputed").ids.tolist()) == (after, [3, 4])
        ana.undo()
        assert merged(ana, recipe).disputed == 2  # after an undo it may be merged again
        # A third opinion settles nothing by itself.
        with Project.open(copy_project(tmp_path / "ben", tmp_path / "cleo")) as cleo:
            cleo.decide([3], "relabel", "cat", by="cleo")
            cleo.write_recipe(tmp_path / "cleo.jsonl")
        assert merged(ana, tmp_path / "cleo.jsonl").disputed >= 1
        notes = ana.queue("disputed").table()["note"].tolist()
        assert notes[0] == "ana: dog · ben: owl · cleo: cat"


@pytest.mark.slow
def test_two_recipes_make_one_project(two: tuple[Project, Path], tmp_path: Path) -> None:
    """Neither of the two projects is needed: their recipes and the pictures are."""
    ana, recipe = two
    with ana:
        ana.write_recipe(tmp_path / "ana.jsonl")
        pictures = ana.originals
        with Project.from_recipe(tmp_path / "new", tmp_path / "ana.jsonl") as new:
            report = new.take_recipes(tmp_path / "ana.jsonl", recipe, pictures=pictures)
            assert (report.images, report.same, report.from_folder) == (60, 60, 30)
            assert report.disputed == 2
            assert new.queue("disputed").table()["note"].tolist() != []
        merged(ana, recipe)
        with Project.open(tmp_path / "new") as new:
            rows = {row["sha256"]: (row["label"], row["state"]) for row in _rows(new)}
            assert rows == {row["sha256"]: (row["label"], row["state"]) for row in _rows(ana)}
