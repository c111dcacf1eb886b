"""Projects that many tests look at: built once, and copied for tests that change them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from filelock import FileLock
from hypothesis import settings

from curator.encode.backbones import choose
from curator.encode.encoder import graph_file
from curator.project import Project
from curator.sample.digits import Item, build
from curator.store.server import VARIABLE, is_named
from tests import postgresql
from tests.pictures import write_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Several test processes share the cores: with a thread for each core in every one of them, torch's
# threads wait for each other most of the time. Read when torch is imported, here and in what the
# tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Shared machines are slow at times; what a test shows must not hang on that.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

IN_CI = os.environ.get("CI", "").lower() in {"true", "1"}


def lacking(what: str) -> pytest.MarkDecorator:
    """Mark a test that needs ``what``, which is not here: it is skipped.

    In CI, where the environment variable CI is "true", it fails: what a machine can be given must
    be there, or nobody would notice that a test shows nothing any more.
    """
    return pytest.mark.lacking(what) if IN_CI else pytest.mark.skip(reason=what)


def lack(what: str) -> NoReturn:
    """Skip the test that runs, or in CI fail it; see :func:`lacking`."""
    if IN_CI:
        pytest.fail(f"{what} (CI must have it)", pytrace=False)
    pytest.skip(what)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail what is marked by :func:`lacking`."""
    for mark in item.iter_markers("lacking"):
        lack(mark.args[0])


SMALL = {"cat": 12, "dog": 10, "owl": 8}


@contextlib.contextmanager
def kept_in_files() -> Iterator[None]:
    """Make what is to be copied without the server in which a test may keep its projects."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(VARIABLE, raising=False)
        yield


def copy_project(source: Path, target: Path) -> Path:
    """Copy a project that nobody changes, though others may have it open just now.

    Its database goes to the server where the test keeps projects in one.
    """
    passing = shutil.ignore_patterns("*-wal", "*-shm", "*.lock")
    copy = Path(shutil.copytree(source, target, ignore=passing))
    if is_named():
        Project.move_database(copy)
    return copy


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked ``on_server_too`` with projects in a PostgreSQL server as well."""
    if metafunc.definition.get_closest_marker("on_server_too"):
        on_server = pytest.param("server", marks=pytest.mark.slow)
        metafunc.parametrize("kept_in", ["file", on_server], indirect=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Give the address of a database server of this test run."""
    if postgresql.programs() is None:
        pytest.skip(postgresql.LACKING)
    with postgresql.running() as address:
        yield address


@pytest.fixture(autouse=True)
def kept_in(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let new projects, and copies of projects, be in the server where the test runs on it.

    For every test, as such a fixture comes before those that make projects.
    """
    with pytest.MonkeyPatch.context() as patched:
        if getattr(request, "param", "file") == "server":
            patched.setenv(VARIABLE, request.getfixturevalue("postgresql_server"))
        yield


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what the curator remembers of its user out of the real user's folder."""
    os.environ.setdefault("CURATOR_STATE", str(tmp_path_factory.mktemp("state")))


@pytest.fixture(autouse=True)
def own_loops(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test run loops of its own after one that drove Chromium.

    Playwright's loop waits in a greenlet of this thread until the tests end, and is marked there as
    running, so that asyncio would refuse any other.
    """
    waiting = None if request.node.get_closest_marker("browser") else asyncio._get_running_loop()
    if waiting is None:
        yield
        return
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(waiting)


@pytest.fixture(scope="session")
def build_once(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Callable[[str, Callable[[Path], None]], Path]:
    """Fill a folder once for all worker processes of this test run, and give its path."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent

    def build_in(name: str, fill: Callable[[Path], None]) -> Path:
        target = shared / name
        with FileLock(shared / f"{name}.lock"):
            if not target.exists():
                unfinished = shared / f"{name}.unfinished"
                shutil.rmtree(unfinished, ignore_errors=True)
                with kept_in_files():
                    fill(unfinished)
                unfinished.rename(target)
        return target

    return build_in


@pytest.fixture(scope="session")
def small_folder(build_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Give a project of 30 made-up pictures in the classes of ``SMALL``; never change it."""

    def fill(folder: Path) -> None:
        with Project.create(folder / "project", list(SMALL), name="small") as project:
            project.import_files(write_folders(folder / "pictures", SMALL))
            # They come with an import where the network's graph is on this machine already.
            shutil.rmtree(project.features)
            project.features.mkdir()

    return build_once("small", fill) / "project"


@pytest.fixture
def small(small_folder: Path, tmp_path: Path) -> Iterator[Project]:
    """Open a copy of the small project: 30 images, no features, nothing decided."""
    with Project.open(copy_project(small_folder, tmp_path / "small")) as project:
        yield project


@pytest.fixture(scope="session")
def checked_folder(
    small_folder: Path, build_once: Callable[[str, Callable[[Path], None]], Path]
) -> Path:
    """Give the small project after a check; never change it."""

    def fill(folder: Path) -> None:
        with Project.open(copy_project(small_folder, folder / "project")) as project:
            project.check()

    return build_once("checked", fill) / "project"


@pytest.fixture
def checked(checked_folder: Path, tmp_path: Path) -> Iterator[Project]:
    """Open a copy of the small project that is checked: features, groups, split, names."""
    with Project.open(copy_project(checked_folder, tmp_path / "small")) as project:
        yield project


@pytest.fixture(scope="session")
def sample_folder(build_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Give a project with the embedded sample, fetched and trained once; never change it."""

    def fill(folder: Path) -> None:
        with Project.create(folder / "project", name="digits") as project:
            project.take_sample()
            project.train()

    return build_once("sample", fill) / "project"


@pytest.fixture
def sample(sample_folder: Path) -> Iterator[Project]:
    """Open the trained sample project, for tests that only look."""
    with Project.open(sample_folder) as project:
        yield project


@pytest.fixture
def sample_copy(sample_folder: Path, tmp_path: Path) -> Iterator[Project]:
    """Open a copy of the trained sample project, for tests that change it."""
    with Project.open(copy_project(sample_folder, tmp_path / "digits")) as project:
        yield project


@pytest.fixture(scope="session")
def served_model(
    sample_folder: Path, build_once: Callable[[str, Callable[[Path], None]], Path]
) -> Path:
    """Give the sample's exported model, without its project; never change it."""

    def fill(folder: Path) -> None:
        with Project.open(copy_project(sample_folder, folder / "project")) as project:
            project.export_model(folder / "model", int8=False)
        shutil.rmtree(folder / "project")

    return build_once("served-model", fill) / "model"


@pytest.fixture(scope="session")
def graph_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a cache of this run's own, with the bundled network's graph as the user's cache has it.

    The export takes many seconds: it is done where the user's cache has none yet.
    """
    own = tmp_path_factory.mktemp("cache")
    graph = graph_file(choose(device="cpu").backbone)
    shutil.copytree(graph.parent, own / graph.parent.name, ignore=shutil.ignore_patterns("*.lock"))
    return own


@pytest.fixture(scope="session")
def sample_items() -> dict[str, Item]:
    """Give what the sample knows of each address, by path and query."""
    return {item.path: item for item in build()}


@pytest.fixture(scope="session")
def bears() -> Path:
    """Give the folder of the bears: three classes with lists and files."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "bears"
    folder = Path(os.environ.get("CURATOR_BEARS", beside))
    if not folder.is_dir():
        lack(f"the bears are not at {folder}: set CURATOR_BEARS to their folder")
    return folder
