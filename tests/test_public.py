"""What is promised to users: the names, the verbs of a project, and types without gaps."""

from __future__ import annotations

import ast
import inspect
import sys
import typing
from pathlib import Path
from typing import Any

import pytest

import curator
from curator import errors
from curator.project import Project

SOURCE = ast.parse(Path(curator.__file__).read_text(encoding="utf-8"))


def test_the_public_names() -> None:
    """What ``__all__`` names changes only on purpose; all of it is there, every error too."""
    assert curator.__all__ == [
        "NO_LABEL",
        "AbsentImage",
        "Accepted",
        "Action",
        "Added",
        "AddressCounts",
        "Advice",
        "BackbonesReport",
        "BadClassName",
        "BadFolder",
        "BadList",
        "BadRecipe",
        "BundleInvalid",
        "CheckReport",
        "Choice",
        "Class",
        "ClassCount",
        "ClassHeldOut",
        "ClassSize",
        "ClusterSettings",
        "Colouring",
        "Comparison",
        "Concept",
        "CostReport",
        "CuratorError",
        "CurveReport",
        "DataError",
        "Decided",
        "DeployReport",
        "Details",
        "DeviceFull",
        "Difference",
        "Duplicate",
        "DuplicateGroup",
        "Entry",
        "Estimate",
        "EvaluationReport",
        "Explanation",
        "ExportPreview",
        "ExportReport",
        "FetchReport",
        "FetchSettings",
        "FileError",
        "Filters",
        "FindNeeds",
        "FinetuneSettings",
        "FormatName",
        "Gain",
        "HeldOut",
        "HistoryRow",
        "ImageMap",
        "ImageSource",
        "ImportPreview",
        "ImportReport",
        "InputError",
        "InstantSettings",
        "JobCancelled",
        "JobError",
        "JobRunning",
        "JobSilent",
        "Judged",
        "Listener",
        "Metrics",
        "ModelError",
        "ModelReport",
        "Moved",
        "Near",
        "NearImage",
        "Nearest",
        "NewestRun",
        "NoRun",
        "NotAProject",
        "NotEnoughData",
        "NothingToRedo",
        "NothingToUndo",
        "OriginalAltered",
        "OriginalCounts",
        "OriginalMissing",
        "PackageMissing",
        "Point",
        "Predictor",
        "Preview",
        "Problem",
        "Progress",
        "Project",
        "ProjectAltered",
        "ProjectBusy",
        "ProjectDamaged",
        "ProjectError",
        "ProjectExists",
        "ProjectMoved",
        "ProjectReadOnly",
        "ProjectTooNew",
        "Queue",
        "RateReport",
        "RebuildReport",
        "RecipeReport",
        "Record",
        "RefitReport",
        "Refusal",
        "Report",
        "Restored",
        "Run",
        "ServeSettings",
        "ServerUnreachable",
        "Shortcut",
        "SplitCount",
        "Stage",
        "Status",
        "Subset",
        "Suggestion",
        "TaggedVersion",
        "TargetNotEmpty",
        "TrainReport",
        "TrainingDiverged",
        "Tried",
        "TriedBackbone",
        "UnknownClass",
        "UnknownImage",
        "UnknownRun",
        "UnknownVersion",
        "UnsafeServer",
        "Version",
        "VersionChange",
        "VersionDiff",
        "WaitingJob",
        "WeakSpot",
        "WeakSpots",
        "WeightsAltered",
        "WeightsMissing",
        "WrongShare",
        "__version__",
        "deploy_model",
        "serve_model",
    ]
    assert dir(curator) == sorted(curator.__all__)
    assert all(getattr(curator, name) is not None for name in curator.__all__)
    raised = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert raised <= set(curator.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Projekt'"):
        curator.Projekt  # noqa: B018


def test_what_a_checker_sees_is_what_is_there() -> None:
    """Names that are looked up late are imported from the same module under TYPE_CHECKING."""
    (block,) = [
        node
        for node in SOURCE.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == curator._PLACES
    assert {*seen, *vars(errors), "__version__"} >= set(curator.__all__)


def test_the_verbs_of_a_project() -> None:
    """The methods and places that a project offers."""
    assert {name for name in dir(Project) if not name.startswith("_")} == {
        "accept",
        "add",
        "add_class",
        "add_concept",
        "advice",
        "apply_suggestion",
        "bring_back",
        "check",
        "class_called",
        "class_names",
        "class_sizes",
        "classes",
        "close",
        "colouring",
        "compare",
        "concept",
        "concept_called",
        "concept_marks",
        "concept_names",
        "concepts",
        "confusion",
        "create",
        "decide",
        "decide_each",
        "details",
        "diff_versions",
        "dismiss",
        "draw_test",
        "duplicate_groups",
        "estimate_cost",
        "evaluate",
        "explain",
        "export",
        "export_model",
        "features",
        "fetch",
        "find",
        "find_needs",
        "find_rate",
        "from_recipe",
        "held_back_run",
        "import_files",
        "preview_export",
        "preview_import",
        "preview_test",
        "inbox",
        "keep_best_duplicates",
        "keep_duplicates",
        "kept_map",
        "learning_curve",
        "log",
        "log_file",
        "map",
        "mark_concept",
        "merge_classes",
        "move_database",
        "new_class",
        "open",
        "original",
        "originals",
        "preview",
        "queue",
        "rank",
        "ranking_run",
        "read_only",
        "redo",
        "refit",
        "region",
        "remove_concept",
        "rename_class",
        "rename_concept",
        "restore",
        "run_to_export",
        "runs",
        "runs_folder",
        "select",
        "similar",
        "status",
        "subset",
        "suggestions",
        "tag_version",
        "take_recipes",
        "take_sample",
        "test_share",
        "trace",
        "train",
        "try_backbones",
        "try_picture",
        "undo",
        "use_run",
        "versions",
        "waiting_jobs",
        "weak_spots",
        "write_recipe",
        "wrong_within",
    }


def test_types_are_shipped() -> None:
    """The marker that lets checkers read the types lies in the package."""
    assert (Path(curator.__file__).parent / "py.typed").is_file()


@pytest.mark.slow
def test_no_public_type_says_anything_goes() -> None:
    """No parameter, field or answer of what is public, or reached from it, is or holds Any."""
    kinds = _reached()
    assert {curator.Status, curator.AddressCounts, curator.Progress} <= set(kinds)
    assert _loose(kinds) == []


@pytest.mark.slow
def test_the_search_finds_what_it_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that takes anything is named with its parameter, however deep the Any is."""

    def careless() -> None:
        """Stands for a method."""

    careless.__module__ = curator.Status.__module__
    careless.__annotations__ = {"values": list[dict[str, Any] | None], "number": int}
    monkeypatch.setattr(curator.Status, "careless", careless, raising=False)
    assert _loose(_reached()) == ["Status.careless: values"]


def _reached() -> list[type]:
    """Give the public classes and, of ours, all that their types lead to."""
    waiting = [part for name in curator.__all__ for part in _parts(getattr(curator, name))]
    met: list[type] = []
    while waiting:
        found = waiting.pop()
        if inspect.isclass(found) and _is_ours(found) and found not in met:
            met.append(found)
            waiting.extend(part for _, hint in _hints(found) for part in _parts(hint))
    return met


def _loose(kinds: list[type]) -> list[str]:
    return [place for kind in kinds for place, hint in _hints(kind) if Any in _parts(hint)]


def _is_ours(kind: type) -> bool:
    return kind.__module__.split(".")[0] == "curator"


def _hints(kind: type) -> list[tuple[str, Any]]:
    """Give (place, type) of each public field, property and parameter that is written in ours."""
    found: list[tuple[str, Any]] = []
    for owner in filter(_is_ours, kind.__mro__):
        names = {
            name: value
            for base in filter(_is_ours, reversed(owner.__mro__))
            for name, value in _namespace(base.__module__).items()
        }
        own = inspect.get_annotations(owner)
        hints = typing.get_type_hints(owner, names) if own else {}
        found += [
            (f"{owner.__name__}.{name}", hints[name]) for name in own if not name.startswith("_")
        ]
        for name, value in vars(owner).items():
            if name.startswith("_") and name != "__init__":
                continue
            function = value.fget if isinstance(value, property) else inspect.unwrap(value)
            function = getattr(function, "__func__", function)
            if inspect.isfunction(function) and function.__module__ == owner.__module__:
                hints = typing.get_type_hints(function, names)
                found += [(f"{owner.__name__}.{name}: {of}", hint) for of, hint in hints.items()]
    return found


def _namespace(module: str) -> dict[str, Any]:
    """Give the names of a module with those that it imports for checkers alone."""
    names = dict(vars(sys.modules[module]))
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            block = ast.Module(node.body, [])
            exec(compile(block, module, "exec"), names)
    return names


def _parts(hint: Any) -> list[Any]:
    """Give a type and all that it is made of; what belongs to others, such as arrays, is whole."""
    origin = typing.get_origin(hint)
    if origin is not None and getattr(origin, "__module__", "").startswith("numpy"):
        return [origin]
    parts = [hint]
    for argument in typing.get_args(hint):
        inner = argument if isinstance(argument, list) else [argument]
        parts += [part for each in inner for part in _parts(each)]
    return parts
