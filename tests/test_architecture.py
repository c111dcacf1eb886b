"""The shape of the code: who may import whom, and what the page loads."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from curator import worker
from tests import floors

ROOT = Path(__file__).parents[1]
TREE = floors.modules(ROOT, ["curator", "widgets"])
ARROWS = floors.arrows(TREE)
# From the ground up. A module needs those of its own room and of the floors below, never a room of
# its own floor or above.
FLOORS: list[set[str]] = [
    {"errors", "frames", "hashing", "phrasing", "records", "version"},
    {"platform", "settings", "spreadsheets", "trust"},
    {"files"},
    {"imaging", "store"},
    {"jobs"},
    {"encode"},
    {"collect"},
    {"cluster"},
    {"check", "sample"},
    {"learn"},
    {"find"},
    {"review"},
    {"deliver"},
    {"serve"},
    {"project", "worker"},
    {"curator"},  # the package's own file: the names that it promises
    {"widgets"},
    {"cli"},
    {"__main__"},
]
CORE = [name for name in TREE if name.startswith("curator")]
PAGE_ONLY = {"ipywidgets", "IPython", "voila", "anywidget", "traitlets", "notebooks"}
HEAVY = {"torch", "torchvision", "onnxruntime", "timm", "sklearn", "ray"}


def test_every_room_has_its_floor() -> None:
    """A new folder or module must be given a place in the house before it is used."""
    rooms = [floors.room(name, "curator") for name in TREE]
    assert sorted(set(rooms)) == sorted(name for floor in FLOORS for name in floor)


def test_imports_lead_down() -> None:
    """No arrow runs back up or to a neighbour, whether at the top, lazy, for types, or by name."""
    assert floors.upward(ARROWS, FLOORS, "curator") == []


def test_nothing_goes_round() -> None:
    """No module needs, by whatever way, a module that needs it."""
    assert floors.circles(ARROWS) == []


def test_the_jobs_are_among_the_arrows() -> None:
    """The worker's table of kinds counts as imports, and so do names that are looked up late."""
    drawn = {(arrow.source, arrow.target) for arrow in ARROWS}
    assert {("curator.worker", module) for module in worker.JOBS.values()} <= drawn
    assert ("curator", "curator.project") in drawn
    assert ("curator.project.learning", "curator.learn.train") in drawn


@pytest.mark.parametrize(
    "way",
    [
        "from core.top import thing",
        "import core.top",
        "def f():\n    from core import top",
        "if TYPE_CHECKING:\n    from core.top import Thing",
        "KINDS = {'work': 'core.top'}",
    ],
)
def test_the_drawing_sees_every_way_up(way: str, tmp_path: Path) -> None:
    """In a made-up house each way to import from above is found, with its line, and the circle."""
    for name, code in {
        "core/__init__.py": "",
        "core/ground.py": f'"""Speaks of core.top."""\n\n{way}\n',
        "core/middle/__init__.py": "",
        "core/middle/one.py": "from core import ground",
        "core/middle/two.py": "from core.middle import one",
        "core/top.py": "import core.middle.two",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    drawn = floors.arrows(floors.modules(tmp_path, ["core"]))
    house: list[set[str]] = [{"ground"}, {"middle"}, {"top"}]
    line = 3 + way.count("\n")
    assert floors.upward(drawn, house, "core") == [f"core.ground:{line} -> core.top"]
    assert floors.circles(drawn) == [
        ["core.ground", "core.middle.one", "core.middle.two", "core.top"]
    ]
    honest = [arrow for arrow in drawn if arrow.source != "core.ground"]
    assert floors.upward(honest, house, "core") == floors.circles(honest) == []
    neighbours: list[set[str]] = [{"ground"}, {"middle", "top"}]
    assert floors.upward(honest, neighbours, "core") == ["core.top:1 -> core.middle.two"]


@pytest.mark.parametrize("name", CORE)
def test_the_core_knows_no_user_interface(name: str) -> None:
    """Nothing of the page's libraries is imported in the core."""
    assert not {module.split(".")[0] for _, module, _ in floors.imports(TREE[name])} & PAGE_ONLY


@pytest.mark.parametrize("name", [name for name in TREE if name.startswith("widgets")])
def test_the_page_asks_no_database(name: str) -> None:
    """What is data belongs to a station: the page writes no SQL and holds no connection."""
    loaded = {module.split(".")[0] for _, module, _ in floors.imports(TREE[name])}
    asked = [
        node.lineno
        for node in ast.walk(ast.parse(TREE[name].read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"read", "write"}
        if isinstance(node.value, ast.Attribute) and node.value.attr == "database"
    ]
    assert ("sqlalchemy" in loaded, asked) == (False, [])


def test_project_ties_together_only_when_asked() -> None:
    """Importing the project loads the store alone; its verbs load their stations when called."""
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for name, path in TREE.items()
        if floors.room(f"{name}.x", "curator") == "project"
    ]
    top = {
        floors.room(f"{node.module}.x", "curator")
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("curator")
    }
    assert (len(trees) > 1, top) == (True, {"project", "store"})


@pytest.mark.slow
def test_the_page_stays_light() -> None:
    """What the page and the command line import loads no network library."""
    light = ("curator.store", "curator.check", "curator.find", "curator.review", "curator.jobs")
    names = [
        *(name for name in CORE if name.startswith(light)),
        "curator",
        "curator.collect.adding",
        "curator.collect.ingest",
        "curator.cluster.job",
        "curator.deliver.folder",
        "curator.serve.server",
        "curator.cli",
        "widgets.app",
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {names}:\n"
        "    importlib.import_module(name)\n"
        f"    print(name, *{HEAVY} & set(sys.modules), sep=',')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == names


def test_the_environment_file_sets_up_all() -> None:
    """environment.yml holds exactly what pyproject.toml asks for, with the tests' packages."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == "curator"
    *conda, pip = environment["dependencies"]
    assert conda == ["python=3.11", "pip"]
    expected = [*project["dependencies"], *project["optional-dependencies"]["test"], "-e ."]
    assert pip == {"pip": expected}
    assert project["requires-python"] == ">=3.11"
