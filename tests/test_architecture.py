"""The shape of the code: who may import whom, what the page loads, and what is promised."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import curator
from curator.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "curator").rglob("*.py"))
# Data flows one way; a station imports only from those before it.
STATIONS = ["collect", "encode", "check", "learn", "review", "deliver"]
# These know no station at all.
GROUND = {"store", "errors", "files", "platform", "spreadsheets", "trust", "words"}
# These stand on top: no station imports them.
TOP = {"jobs", "cli", "sample", "tracing", "__main__"}
PAGE_ONLY = {"ipywidgets", "IPython", "voila", "anywidget", "traitlets", "widgets", "notebooks"}
HEAVY = {"torch", "torchvision", "onnxruntime", "timm", "sklearn"}
ROOT_NAMES = {"project", "curator"}


def name_of(path: Path) -> str:
    """Give a file's module name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """Give the part of the curator that a module belongs to: its second name."""
    names = module.split(".")
    return names[1] if len(names) > 1 else names[0]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Give (line, module) of every import that runs, those inside functions too."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
            for name in node.names:
                yield node.lineno, f"{node.module}.{name.name}"
        waiting.extend(ast.iter_child_nodes(node))


def inner_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Give (line, part) of every import from the curator itself."""
    for line, module in imports(path):
        if module.split(".")[0] == "curator":
            yield line, part_of(module)


def test_every_part_has_its_place() -> None:
    """A new folder or module must be given a place in the order before it is used."""
    parts = {part_of(name_of(path)) for path in FILES}
    assert parts == set(STATIONS) | GROUND | TOP | ROOT_NAMES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_core_knows_no_user_interface(path: Path) -> None:
    """Nothing of the page is imported, but for the command that starts its server."""
    found = {
        (name_of(path), module) for _, module in imports(path) if module.split(".")[0] in PAGE_ONLY
    }
    assert found <= {("curator.cli.delivering", "widgets.server.serve")}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    """A station imports from those before it, the ground from no station, nobody from the top."""
    own = part_of(name_of(path))
    if own in TOP | ROOT_NAMES:
        return
    before = set(STATIONS[: STATIONS.index(own)]) if own in STATIONS else set()
    allowed = GROUND | before | {own}
    if own in STATIONS:
        allowed |= {"project", "curator", "__version__"}
    wrong = [
        f"{path}:{line} imports {part}" for line, part in inner_imports(path) if part not in allowed
    ]
    assert wrong == []


def test_project_ties_together_only_when_asked() -> None:
    """Importing the project loads the store alone; its verbs load their stations when called."""
    tree = ast.parse((ROOT / "curator" / "project.py").read_text(encoding="utf-8"))
    top = {
        part_of(f"{node.module}.x")
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("curator")
    }
    assert top <= GROUND


def modules(*packages: str) -> list[str]:
    """Give every module of those packages."""
    return [name_of(path) for path in FILES if name_of(path).startswith(packages)]


@pytest.mark.parametrize(
    "names",
    [
        ["curator"],
        modules("curator.store"),
        modules("curator.check"),
        modules("curator.review"),
        modules("curator.jobs"),
        ["curator.collect.adding", "curator.collect.keeping"],
        ["curator.deliver.folder"],
        ["curator.cli"],
        ["widgets.app"],
    ],
    ids=lambda names: names[0],
)
def test_the_page_stays_light(names: list[str]) -> None:
    """What the page and the command line import loads no network library."""
    code = f"import sys; import {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not HEAVY & set(done.stdout.split())


def test_the_public_names() -> None:
    """What is promised to users changes only on purpose."""
    assert curator.__all__ == ["CuratorError", "Project", "__version__"]
    assert all(hasattr(curator, name) for name in curator.__all__)
    public = {name for name in vars(Project) if not name.startswith("_")}
    assert public == {
        "add",
        "add_class",
        "advice",
        "apply_suggestion",
        "class_names",
        "close",
        "confusion",
        "create",
        "decide",
        "decide_each",
        "features",
        "inbox",
        "log",
        "log_file",
        "merge_classes",
        "new_class",
        "open",
        "original",
        "originals",
        "preview",
        "queue",
        "rank",
        "read_only",
        "redo",
        "rename_class",
        "restore",
        "run",
        "runs",
        "runs_folder",
        "status",
        "submit",
        "suggestions",
        "undo",
        "waiting_jobs",
    }


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
