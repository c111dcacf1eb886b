"""Turn lists of image addresses into a clean, labelled data set and a classifier.

The public API is what ``__all__`` names; everything else may change.
"""

import sys

# Started with ``-m``, Python looks for modules first where the user stands: a folder of images that
# came from elsewhere may hold a `requests.py`. That entry goes before anything else is imported (a
# `from __future__` above would be looked for there, too), unless this package itself lies there.
# Whoever imports the curator from a program of their own keeps the path as it is.
if (
    sys.argv[:1] == ["-m"]
    and not sys.flags.safe_path
    and sys.orig_argv[-len(sys.argv)].removeprefix("-m").partition(".")[0] == __name__
    and sys.path[0] != __path__[0][: -len(__name__) - 1]
):
    del sys.path[0]

from importlib import import_module
from typing import TYPE_CHECKING

from curator.errors import (
    BadClassName,
    BadFolder,
    BadList,
    BadRecipe,
    BundleInvalid,
    CuratorError,
    DataError,
    DeviceFull,
    FileError,
    InputError,
    JobCancelled,
    JobError,
    JobRunning,
    JobSilent,
    ModelError,
    NoRun,
    NotAProject,
    NotEnoughData,
    NothingToRedo,
    NothingToUndo,
    OriginalAltered,
    OriginalMissing,
    PackageMissing,
    ProjectAltered,
    ProjectBusy,
    ProjectDamaged,
    ProjectError,
    ProjectExists,
    ProjectMoved,
    ProjectReadOnly,
    ProjectTooNew,
    ServerUnreachable,
    TargetNotEmpty,
    TrainingDiverged,
    UnknownClass,
    UnknownImage,
    UnknownRun,
    UnknownVersion,
    UnsafeServer,
    WeightsAltered,
    WeightsMissing,
)
from curator.version import __version__

if TYPE_CHECKING:
    from curator.check.counts import AddressCounts, ClassCount
    from curator.check.findings import Problem
    from curator.check.held_out import ClassHeldOut, HeldOut
    from curator.check.report import CheckReport, OriginalCounts
    from curator.cluster.settings import ClusterSettings
    from curator.collect.adding import Added, Preview
    from curator.collect.fetch import FetchReport
    from curator.collect.http.client import FetchSettings
    from curator.collect.imports.archives import Refusal
    from curator.collect.imports.job import ImportReport
    from curator.collect.imports.preview import ImportPreview
    from curator.deliver.bundle import ModelReport
    from curator.deliver.dataset import SplitCount, VersionDiff
    from curator.deliver.evaluate import EvaluationReport
    from curator.deliver.folder import ExportReport
    from curator.deliver.formats import FormatName
    from curator.deliver.predict import Predictor
    from curator.deliver.preview import ExportPreview
    from curator.deliver.recipe.rebuild import AbsentImage, RebuildReport
    from curator.deliver.recipe.write import RecipeReport
    from curator.find.concepts import Concept
    from curator.find.map.colours import Colouring
    from curator.find.map.kept import ImageMap
    from curator.find.map.region import WrongShare
    from curator.find.subsets import Subset
    from curator.find.unlabelled import Accepted
    from curator.find.why import Explanation
    from curator.find.words import FindNeeds
    from curator.jobs.marks import WaitingJob
    from curator.jobs.progress import Listener, Progress
    from curator.jobs.report import Report
    from curator.learn.curve.measure import CurveReport
    from curator.learn.curve.reading import Gain, Point
    from curator.learn.finetune.cost_job import CostReport
    from curator.learn.finetune.rate_job import RateReport
    from curator.learn.finetune.settings import FinetuneSettings
    from curator.learn.instant.refit_job import RefitReport
    from curator.learn.instant.settings import InstantSettings
    from curator.learn.networks import BackbonesReport, TriedBackbone
    from curator.learn.tracing import Stage
    from curator.learn.train import TrainReport
    from curator.learn.weak.spots import Shortcut, WeakSpot, WeakSpots
    from curator.project import Project
    from curator.records import Record
    from curator.review.advice.fixes import Suggestion
    from curator.review.advice.stopping import Advice, Estimate
    from curator.review.comparison.compare import Comparison, Difference, Judged, Version
    from curator.review.counts import NewestRun
    from curator.review.duplicates import Duplicate, DuplicateGroup
    from curator.review.queue.details import Details, Entry, ImageSource, Near, Nearest
    from curator.review.queue.filters import Filters
    from curator.review.queue.kinds import Queue
    from curator.review.status import Status
    from curator.serve.deploy import DeployReport, deploy_model
    from curator.serve.server import serve_model
    from curator.serve.settings import ServeSettings
    from curator.serve.trying import NearImage, Tried
    from curator.store.class_names import NO_LABEL
    from curator.store.classes import Class, ClassSize
    from curator.store.copies import Restored
    from curator.store.ledger import Choice
    from curator.store.moving import Moved
    from curator.store.run_json import HistoryRow, Metrics
    from curator.store.runs import Run
    from curator.store.undo import Decided
    from curator.store.versions import TaggedVersion, VersionChange
    from curator.store.vocabulary import Action

__all__ = [
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

# Looked up when they are asked for: processes that only verify pictures do without the rest.
_PLACES = {
    "NO_LABEL": "curator.store.class_names",
    "AbsentImage": "curator.deliver.recipe.rebuild",
    "Accepted": "curator.find.unlabelled",
    "Action": "curator.store.vocabulary",
    "Added": "curator.collect.adding",
    "AddressCounts": "curator.check.counts",
    "Advice": "curator.review.advice.stopping",
    "BackbonesReport": "curator.learn.networks",
    "CheckReport": "curator.check.report",
    "Choice": "curator.store.ledger",
    "Class": "curator.store.classes",
    "ClassCount": "curator.check.counts",
    "ClassHeldOut": "curator.check.held_out",
    "ClassSize": "curator.store.classes",
    "ClusterSettings": "curator.cluster.settings",
    "Colouring": "curator.find.map.colours",
    "Comparison": "curator.review.comparison.compare",
    "Concept": "curator.find.concepts",
    "CostReport": "curator.learn.finetune.cost_job",
    "CurveReport": "curator.learn.curve.measure",
    "Decided": "curator.store.undo",
    "Details": "curator.review.queue.details",
    "DeployReport": "curator.serve.deploy",
    "Difference": "curator.review.comparison.compare",
    "Duplicate": "curator.review.duplicates",
    "DuplicateGroup": "curator.review.duplicates",
    "Entry": "curator.review.queue.details",
    "Estimate": "curator.review.advice.stopping",
    "ExportPreview": "curator.deliver.preview",
    "EvaluationReport": "curator.deliver.evaluate",
    "Explanation": "curator.find.why",
    "ExportReport": "curator.deliver.folder",
    "FetchReport": "curator.collect.fetch",
    "FetchSettings": "curator.collect.http.client",
    "Filters": "curator.review.queue.filters",
    "FindNeeds": "curator.find.words",
    "FinetuneSettings": "curator.learn.finetune.settings",
    "FormatName": "curator.deliver.formats",
    "Gain": "curator.learn.curve.reading",
    "HeldOut": "curator.check.held_out",
    "HistoryRow": "curator.store.run_json",
    "ImageMap": "curator.find.map.kept",
    "ImageSource": "curator.review.queue.details",
    "ImportPreview": "curator.collect.imports.preview",
    "ImportReport": "curator.collect.imports.job",
    "InstantSettings": "curator.learn.instant.settings",
    "Judged": "curator.review.comparison.compare",
    "Listener": "curator.jobs.progress",
    "Metrics": "curator.store.run_json",
    "ModelReport": "curator.deliver.bundle",
    "Moved": "curator.store.moving",
    "Near": "curator.review.queue.details",
    "NearImage": "curator.serve.trying",
    "Nearest": "curator.review.queue.details",
    "NewestRun": "curator.review.counts",
    "OriginalCounts": "curator.check.report",
    "Point": "curator.learn.curve.reading",
    "Predictor": "curator.deliver.predict",
    "Preview": "curator.collect.adding",
    "Problem": "curator.check.findings",
    "Progress": "curator.jobs.progress",
    "Project": "curator.project",
    "Queue": "curator.review.queue.kinds",
    "RateReport": "curator.learn.finetune.rate_job",
    "RebuildReport": "curator.deliver.recipe.rebuild",
    "RecipeReport": "curator.deliver.recipe.write",
    "Record": "curator.records",
    "RefitReport": "curator.learn.instant.refit_job",
    "Refusal": "curator.collect.imports.archives",
    "Report": "curator.jobs.report",
    "Restored": "curator.store.copies",
    "Run": "curator.store.runs",
    "ServeSettings": "curator.serve.settings",
    "Shortcut": "curator.learn.weak.spots",
    "SplitCount": "curator.deliver.dataset",
    "Stage": "curator.learn.tracing",
    "Status": "curator.review.status",
    "Subset": "curator.find.subsets",
    "Suggestion": "curator.review.advice.fixes",
    "TaggedVersion": "curator.store.versions",
    "TrainReport": "curator.learn.train",
    "Tried": "curator.serve.trying",
    "TriedBackbone": "curator.learn.networks",
    "Version": "curator.review.comparison.compare",
    "VersionChange": "curator.store.versions",
    "VersionDiff": "curator.deliver.dataset",
    "WaitingJob": "curator.jobs.marks",
    "WeakSpot": "curator.learn.weak.spots",
    "WeakSpots": "curator.learn.weak.spots",
    "WrongShare": "curator.find.map.region",
    "deploy_model": "curator.serve.deploy",
    "serve_model": "curator.serve.server",
}


def __getattr__(name: str) -> object:
    """Give a public name from where it is at home."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for those who look around."""
    return list(__all__)
