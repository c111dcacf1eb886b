"""What an export writes, whatever its form: the images, their names, and what is known of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from curator.deliver import concept_table, facts
from curator.errors import BadClassName, InputError, NotEnoughData, ProjectAltered
from curator.find import selections
from curator.hashing import sha256
from curator.records import Record
from curator.spreadsheets import csv_text
from curator.store import schema, versions
from curator.store.class_names import validated_names
from curator.store.versions import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import pandas as pd
    from sqlalchemy import Connection

    from curator.deliver.facts import Facts
    from curator.store.versions import TaggedVersion, VersionChange
    from curator.store.workspace import Workspace

__all__ = ["MANIFEST_COLUMNS", "UNDECIDED", "DataSet", "Part", "SplitCount", "counts", "plan"]

# Tagged versions promise this file byte for byte: a change here needs the old form kept beside it.
MANIFEST_COLUMNS = [
    "file_name",
    "source",
    "final_address",
    "sha256",
    "label",
    "split",
    "decision",
    "given_label",
    "license",
    "creator",
    "source_page",
]


@dataclass(frozen=True)
class SplitCount:
    """Images of one label on one side of the split."""

    split: str
    label: str
    images: int


@dataclass(frozen=True)
class Part(Record):
    """A file or folder of an export, as it will be: ``files`` in it, and about how many bytes."""

    path: str
    holds: str
    """In few words: "118 images"."""
    files: int
    bytes: int


@dataclass(frozen=True)
class DataSet:
    """A data set on its way out. ``images``: as of :func:`plan`."""

    workspace: Workspace
    images: pd.DataFrame
    facts: Facts
    version: TaggedVersion | None

    @property
    def title(self) -> str:
        """The project's name, and the version's."""
        name = self.workspace.name
        return name if self.version is None else f"{name}, version {self.version.name}"

    @property
    def classes(self) -> list[str]:
        """The labels, sorted: in the order in which readers of folders count them."""
        return sorted(set(self.images["label"]))

    @property
    def splits(self) -> list[str]:
        """Training and validation, and the test where there is one."""
        test = [schema.TEST] if (self.images["split"] == schema.TEST).any() else []
        return [schema.TRAIN, schema.VALID, *test]

    @property
    def manifest(self) -> bytes:
        """manifest.csv: one row an image."""
        return csv_text(self.images[MANIFEST_COLUMNS]).encode()

    @cached_property
    def concepts(self) -> bytes:
        """concepts.csv: what the images show that a person looked for; b"" where there is none.

        Not of a tagged version, whose files stay the same: answers do not.
        """
        return b"" if self.version else concept_table.written(self.workspace, self.images)

    def rows(self, split: str | None = None) -> Iterator[Any]:
        """The images, or those of one split, one after the other."""
        table = self.images
        chosen = table if split is None else table[table["split"] == split]
        return chosen.itertuples(index=False)


@dataclass(frozen=True)
class VersionDiff(Record):
    """What differs between two versions."""

    before: str
    after: str
    changes: tuple[VersionChange, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many changes there are of each kind."""
        return dict(Counter(item.change for item in self.changes))


def plan(workspace: Workspace, version: str | None = None) -> pd.DataFrame:
    """What an export would write: one row an image.

    Columns: :data:`MANIFEST_COLUMNS`, and more of :func:`curator.store.versions.present`, such as
    the original's ``file`` and size in ``bytes``. ``file_name`` is relative to the export,
    ``decision`` the state that a person gave the image ("kept", "relabelled", "unsure"; empty:
    nobody looked at it). Images that were deleted, or are of no one class, are left out. An image
    that came since the last check has the split ``undecided`` until it is exported. Raises
    UnknownVersion.
    """
    with workspace.database.read() as connection:
        tagged = None if version is None else versions.named(connection, version)
        return _planned(_as_of(connection, tagged))


def _as_of(connection: Connection, version: TaggedVersion | None) -> pd.DataFrame:
    """The images of a version; None: as they are now."""
    return versions.present(connection) if version is None else versions.tagged(connection, version)


def _planned(table: pd.DataFrame) -> pd.DataFrame:
    short = table["sha256"].str[:16]
    names = short.where(~short.duplicated(keep=False), table["sha256"])
    table["file_name"] = [
        f"{split}/{label}/{name}{Path(file).suffix}"
        for split, label, name, file in zip(
            table["split"], table["label"], names, table["file"], strict=True
        )
    ]
    return table


def gathered(workspace: Workspace, version: str | None, selection: str = "") -> DataSet:
    """The data set as it is, or as it was tagged; or of what it is now a ``selection`` alone.

    Raises UnknownVersion, ProjectAltered, InputError.
    """
    if version is not None and selection:
        raise InputError("A version is exported whole.", "Choose a version or a selection.")
    if version is None:
        table = plan(workspace)
        if selection:
            chosen = selections.read(workspace, selection)
            table = table[table["image_id"].isin(chosen)].reset_index(drop=True)
        return DataSet(workspace, table, facts.gathered(workspace, table), None)
    with workspace.database.read() as connection:
        tagged = versions.named(connection, version)
        table = _planned(_as_of(connection, tagged))
    data = DataSet(workspace, table, facts.read(tagged.facts, tagged.name), tagged)
    if sha256(data.manifest) != tagged.manifest_sha256:
        raise ProjectAltered(
            f"Version {tagged.name!r} is not what it was when it was tagged.",
            "Its record, or an address in it, was altered: take the project from a copy.",
        )
    return data


def tag(workspace: Workspace, name: str, by: str | None = None) -> TaggedVersion:
    """See :meth:`curator.Project.tag_version`."""
    data = gathered(workspace, None)
    unchecked = int((data.images["split"] == UNDECIDED).sum())
    if unchecked or data.images.empty:
        raise NotEnoughData(
            f"{unchecked} images have no split yet." if unchecked else "There is no image.",
            "Run `curator check PROJECT` first; then tag it.",
        )
    written = facts.written(data.facts)
    with workspace.database.write() as connection:
        return versions.add(connection, name, data.images, sha256(data.manifest), written, by)


def diff(workspace: Workspace, before: str, after: str) -> VersionDiff:
    """See :meth:`curator.Project.diff_versions`."""
    with workspace.database.read() as connection:
        both = [
            None if name.lower() == versions.NOW else versions.named(connection, name)
            for name in (before, after)
        ]
        old, new = (_as_of(connection, version) for version in both)
    names = [versions.NOW if version is None else version.name for version in both]
    return VersionDiff(names[0], names[1], versions.changes(old, new))


def check_names(labels: list[str]) -> None:
    """Raise BadClassName for a class that cannot be a folder everywhere, or that meets another.

    No new class has such a name, but one of an older project or of someone else's may.
    """
    taken: list[str] = []
    for label in labels:
        fix = "Rename it with `curator rename-class PROJECT CLASS NAME`, and export again."
        try:
            (name,) = validated_names([label], taken)
        except BadClassName as error:
            raise BadClassName(f"{error.problem} Nothing was exported.", fix) from error
        if name != label:
            raise BadClassName(
                f"The class {label!r} cannot be the name of a folder everywhere. "
                "Nothing was exported.",
                fix,
            )
        taken.append(name)


def counts(planned: pd.DataFrame) -> tuple[SplitCount, ...]:
    """Images of a plan for each split and label."""
    numbers = Counter(zip(planned["split"], planned["label"], strict=True))
    return tuple(
        SplitCount(split, label, number) for (split, label), number in sorted(numbers.items())
    )
