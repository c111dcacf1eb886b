"""Every error that the curator means a user to meet.

    CuratorError
    ├── InputError                 wrong use: the caller can mend it (exit status 2)
    │   ├── BadClassName
    │   ├── UnknownClass
    │   ├── UnknownImage
    │   ├── UnknownRun
    │   ├── UnknownVersion
    │   ├── BadList                an address list or label table that cannot be read
    │   ├── BadRecipe              a data set recipe that cannot be used
    │   ├── BadFolder              a folder to import that holds nothing usable
    │   └── TargetNotEmpty         an export would land on existing files
    ├── ProjectError               the project folder itself
    │   ├── NotAProject
    │   ├── ProjectExists
    │   ├── ProjectTooNew
    │   ├── ProjectReadOnly
    │   ├── ProjectDamaged         its database is not whole any more
    │   ├── ProjectBusy            another process keeps it from being written
    │   ├── ProjectMoved           its database is elsewhere by now
    │   ├── ServerUnreachable      the database server does not answer, or refuses
    │   └── ProjectAltered         it holds what the curator never writes
    ├── DataError                  the data set does not allow this step
    │   ├── NotEnoughData
    │   ├── NoRun                  nothing was trained yet
    │   ├── NothingToUndo
    │   ├── NothingToRedo
    │   └── TrainingDiverged       the loss is no number any more
    ├── JobError                   long work
    │   ├── JobRunning
    │   ├── JobCancelled
    │   ├── JobSilent              its process does not answer
    │   └── DeviceFull             not even one image fits into the device's memory
    ├── UnsafeServer               the dashboard would be open to more than was asked for
    ├── FileError                  the disk: full, or not writable
    │   ├── OriginalMissing        an image's file is gone, or cannot be read
    │   └── OriginalAltered        an image's file holds other bytes than were taken in
    ├── PackageMissing             an optional package is not installed
    └── ModelError                 weights and bundles
        ├── WeightsMissing
        ├── WeightsAltered
        └── BundleInvalid

What one part raises for another that handles it (a row that becomes a reason, an address that is
none) stays with that part. An error's text says what is wrong (with the value and the place) and
then what to do next, so the command line and the page can show it as it stands, without a
traceback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class CuratorError(Exception):
    """Base of all. ``problem``: what and where; ``fix``: the next step, may be empty."""

    exit_status = 1

    def __init__(self, problem: str, fix: str = "") -> None:
        self.problem = problem
        self.fix = fix
        super().__init__(f"{problem} {fix}".strip())


class InputError(CuratorError):
    """Wrong use: mending the call mends it."""

    exit_status = 2


class BadClassName(InputError):
    """A class name that could not be a folder's name on every system, or that exists already."""


class UnknownClass(InputError):
    """A class that the project does not have."""


class UnknownImage(InputError):
    """An image id that the project does not have."""


class UnknownRun(InputError):
    """A run id that the project does not have."""


class UnknownVersion(InputError):
    """A version of the data set that was never tagged."""


class BadList(InputError):
    """An address list or a label table that holds nothing usable."""


class BadRecipe(InputError):
    """A data set recipe that is damaged, altered, or of a newer version."""


class BadFolder(InputError):
    """A folder to import that is missing or holds no image."""


class TargetNotEmpty(InputError):
    """An export would mix with files that are already there."""


class ProjectError(CuratorError):
    """The project folder cannot be used."""


class NotAProject(ProjectError):
    """The folder holds no project."""

    exit_status = 2


class ProjectExists(ProjectError):
    """A project is already there."""

    exit_status = 2


class ProjectTooNew(ProjectError):
    """The project was written by a newer version of the curator."""


class ProjectReadOnly(ProjectError):
    """The project's folder or files cannot be written."""


class ProjectDamaged(ProjectError):
    """The project's database is not whole: some of it was lost or overwritten."""


class ProjectBusy(ProjectError):
    """Another process has been writing to the project for too long."""


class ProjectMoved(ProjectError):
    """The project's database is not where it was when it was opened."""


class ServerUnreachable(ProjectError):
    """The server that holds the project's database does not answer, or refuses."""


class ProjectAltered(ProjectError):
    """The project holds what the curator never writes: it was altered, and perhaps to do harm."""


class DataError(CuratorError):
    """The data set, as it stands, does not allow this step."""


class NotEnoughData(DataError):
    """Too few images or classes."""


class NoRun(DataError):
    """The step needs a trained run."""


class NothingToUndo(DataError):
    """The ledger holds no act that is still in force."""


class NothingToRedo(DataError):
    """Nothing was undone, or something new was done since."""


class TrainingDiverged(DataError):
    """The loss is no number any more.

    ``history``: the epochs so far, as of :func:`curator.learn.finetune.loop.fit`; the last row may
    be of the epoch that failed, with None for what could not be computed.
    """

    def __init__(self, problem: str, fix: str, history: Sequence[Mapping[str, object]]) -> None:
        self.history = history
        super().__init__(problem, fix)


class JobError(CuratorError):
    """Long work could not be started or finished."""


class JobRunning(JobError):
    """Another long job holds the project."""


class JobCancelled(JobError):
    """The job was asked to stop."""


class JobSilent(JobError):
    """The process of a job does not answer and cannot be ended safely."""


class DeviceFull(JobError):
    """The device's memory does not even hold one image."""


class PackageMissing(CuratorError):
    """An optional package is not installed."""


class UnsafeServer(CuratorError):
    """The dashboard is not set up as it was asked for, so it does not listen."""


class FileError(CuratorError):
    """The disk is full or a file cannot be written."""


class OriginalMissing(FileError):
    """The file of an image is gone or cannot be read."""


class OriginalAltered(FileError):
    """The file of an image does not hold the bytes that were taken in."""


class ModelError(CuratorError):
    """Weights or an exported model."""


class WeightsMissing(ModelError):
    """Pretrained weights that are neither bundled nor on disk."""


class WeightsAltered(ModelError):
    """A weight file whose hash is not the expected one."""


class BundleInvalid(ModelError):
    """An exported model with a missing, altered or unreadable file."""
