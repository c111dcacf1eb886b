"""What a project trains on: live images with labels, groups, split, and who confirmed them.

Every recipe, the rate finder and the learning curve start here. Rows are ordered by content, not
by arrival, so that the same images give the same folds everywhere. Test images are not among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curator.check.job import prepare
from curator.encode.backbones import choose
from curator.encode.project_features import (
    Checked,
    ensure_features,
    feature_cache,
    ready,
    tiny_cache,
)
from curator.errors import NotEnoughData
from curator.frames import pd
from curator.hashing import number_of
from curator.learn.folds import assign_folds
from curator.learn.instant.rows import Rows
from curator.store import images, ledger_log, schema
from curator.store.classes import Class, all_classes
from curator.store.versions import data_digest

if TYPE_CHECKING:
    from curator.encode.backbones import Choice
    from curator.encode.feature_cache import StoredRows
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

_MOST_HELD = 1 << 30  # bytes of features in memory: reading them in pieces takes half as long again


@dataclass(frozen=True)
class TrainingSet:
    """N images of K classes. ``table``: the columns of :func:`curator.store.images.live`."""

    choice: Choice
    """Backbone and device."""
    table: pd.DataFrame
    data_sha256: str
    """Of the data set that they are of, test images too; as of a tagged version."""
    position: int
    """Of the last decision that these labels know of."""
    trained: list[Class]
    """The K classes that have images, in the project's order: columns of every probability."""
    left_out: list[str]
    """Names of the classes without an image."""
    labels: NDArray[np.int64]
    """(N,), 0..K-1."""
    groups: NDArray[np.int64]
    """(N,), near-duplicates share a number."""
    valid: NDArray[np.bool_]
    """(N,), True for the fixed validation images."""
    trusted: NDArray[np.bool_]
    """(N,), True where a person confirmed the present label."""
    unreadable: list[str]
    """What is wrong with images that were left out, one sentence each."""
    notes: list[str]
    """What had to be made again or given up on the way, for the user."""

    @property
    def names(self) -> list[str]:
        """The K labels."""
        return [item.name for item in self.trained]

    @property
    def class_ids(self) -> list[int]:
        """The K class ids."""
        return [item.id for item in self.trained]

    @property
    def digests(self) -> list[str]:
        """SHA-256 of each image."""
        return list(self.table["sha256"])

    @property
    def learnt_from(self) -> NDArray[np.bool_]:
        """Rows (N,) that the exported model learns from: training images.

        A class whose images all lie in validation (an imported split may do that) is learnt from
        them, since a model that has never seen a class cannot name it.
        """
        mask = ~self.valid
        for label in np.unique(self.labels):
            if not mask[self.labels == label].any():
                mask = mask | (self.labels == label)
        return mask

    def folds(self, count: int, seed: int) -> NDArray[np.intp]:
        """The fold (N,) of each image: stratified, near-duplicates together.

        Few move when a few images come, go or change their label, so that what a retrain changes is
        what the decisions changed.
        """
        keys = np.array([number_of(digest) for digest in self.digests], dtype=np.int64)
        return assign_folds(self.labels, self.groups, count, seed, keys)

    def features(self, workspace: Workspace, *, flip: bool = False) -> NDArray[np.float32]:
        """The backbone's features (N, D); with ``flip`` of the mirrored images."""
        backbone, precision = self.choice.backbone, self.choice.precision
        cache = feature_cache(workspace, backbone, flip=flip, precision=precision)
        return cache.rows(self.digests)

    def rows(self, workspace: Workspace, *, flip: bool = False) -> Rows:
        """:meth:`features`, left on the disk and read in pieces where they are many."""
        backbone, precision = self.choice.backbone, self.choice.precision
        stored = feature_cache(workspace, backbone, flip=flip, precision=precision).stored(
            self.digests
        )
        return stored if stored.nbytes > _MOST_HELD else stored[:]

    def tiny(self, workspace: Workspace) -> StoredRows:
        """The 32 x 32 versions (N, 3072), uint8, for the baselines."""
        return tiny_cache(workspace).stored(self.digests)


def training_set(
    workspace: Workspace,
    progress: Progress,
    backbone: str | None = None,
    device: str | None = None,
    *,
    flip: bool = False,
) -> TrainingSet:
    """Bring groups, split and features up to date, and read what there is to train on.

    ``backbone`` and ``device``: chosen automatically when None. ``flip``: features of the mirrored
    images, too. Raises NotEnoughData, InputError, JobCancelled, WeightsMissing, WeightsAltered,
    FileError.
    """
    # Before the long work: what cannot be trained, or run, is told at once.
    choose(backbone, device)
    _live(workspace)
    notes: list[str] = []
    choice = ready(progress, backbone, device, notes)
    checked: Checked = {}
    prepare(workspace, progress, choice.device, notes, checked)
    table, position, classes = _live(workspace)
    # Those that wait for a label, too: the model says what they may be.
    with workspace.database.read() as connection:
        waiting = images.unlabelled(connection)
    every = pd.concat([table, waiting]) if len(waiting) else table
    unreadable = ensure_features(
        workspace, progress, choice, every, flip=flip, notes=notes, checked=checked
    )
    if unreadable:
        table = table[~table["sha256"].isin([digest for digest, _ in unreadable])]
    data_sha256 = data_digest(table)
    table = _learnable(table)
    _enough(table, classes)
    table = table.sort_values("sha256")
    present = set(table["class_id"].tolist())
    trained = [item for item in classes if item.id in present]
    column = {item.id: number for number, item in enumerate(trained)}
    return TrainingSet(
        choice=choice,
        table=table,
        data_sha256=data_sha256,
        position=position,
        trained=trained,
        left_out=[item.name for item in classes if item.id not in present],
        labels=np.array([column[i] for i in table["class_id"].tolist()], dtype=np.int64),
        groups=np.asarray(pd.factorize(table["group_id"])[0], dtype=np.int64),
        valid=(table["split"] == schema.VALID).to_numpy(dtype=bool),
        trusted=(table["state"] == schema.KEPT).to_numpy(dtype=bool),
        unreadable=[f"{digest}: {problem}" for digest, problem in unreadable],
        notes=notes,
    )


def _live(workspace: Workspace) -> tuple[pd.DataFrame, int, list[Class]]:
    """The live images, the last decision, and the classes. Raises NotEnoughData."""
    with workspace.database.read() as connection:
        table = images.live(connection)
        position = ledger_log.position(connection)
        classes = all_classes(connection)
    _enough(_learnable(table), classes)
    return table, position, classes


def _learnable(table: pd.DataFrame) -> pd.DataFrame:
    """Without the test images: nothing is learnt, chosen or calibrated on them."""
    return table[table["split"] != schema.TEST]


def _enough(table: pd.DataFrame, classes: list[Class]) -> None:
    counts = {item.name: int((table["class_id"] == item.id).sum()) for item in classes}
    if not len(table):
        raise NotEnoughData(
            "There is no image to train on.",
            "Fetch or import some, or take deletions back with `curator undo`.",
        )
    filled = [name for name, number in counts.items() if number]
    if len(filled) < 2:
        raise NotEnoughData(
            f"Only the class {filled[0]} has images; a classifier needs at least two classes.",
            "Add a class with images, or take decisions back with `curator undo`.",
        )
    lonely = [name for name, number in counts.items() if number == 1]
    if lonely:
        raise NotEnoughData(
            f"The class {', '.join(lonely)} has one image; each class needs at least 2, and 10 to "
            "mean anything.",
            "Add images to it, or delete that one image to leave the class out.",
        )
