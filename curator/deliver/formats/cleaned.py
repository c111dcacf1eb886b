"""Tables: fastai's cleaned.csv, which imports take back, and issues.csv with cleanlab's columns.

Both are safe in a spreadsheet (:mod:`curator.spreadsheets`). Names of files begin with their split
and so never get a mark; a class that begins like a formula does, and `curator import` takes it off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.check.outliers import THRESHOLD, stored_scores
from curator.check.quality import quality_table
from curator.deliver.dataset import Part
from curator.errors import NoRun
from curator.frames import pd
from curator.phrasing import many
from curator.review.queue.ranking import scored
from curator.spreadsheets import csv_text
from curator.store import schema

if TYPE_CHECKING:
    from pathlib import Path

    from curator.deliver.dataset import DataSet
    from curator.jobs.progress import Progress

CLEANED, TEST, ISSUES = "cleaned.csv", "test.csv", "issues.csv"
_ISSUES_ROW = 250  # bytes, about


def write(folder: Path, data: DataSet, progress: Progress) -> None:
    """Write cleaned.csv (name, label, is_valid), test.csv, issues.csv (see :func:`issues`).

    Test images are in a table of their own: a reader of the first would learn from them.
    """
    progress.check()
    for name, content in _tables(data).items():
        (folder / name).write_bytes(content)
    progress.check()
    (folder / ISSUES).write_bytes(csv_text(issues(data)).encode())


def parts(data: DataSet) -> list[Part]:
    """See :class:`curator.deliver.formats.Format`."""
    tables = [
        Part(name, many(content.count(b"\n") - 1, "row"), 1, len(content))
        for name, content in _tables(data).items()
    ]
    issues_rows = many(len(data.images), "row")
    return [*tables, Part(ISSUES, issues_rows, 1, _ISSUES_ROW * len(data.images))]


def _tables(data: DataSet) -> dict[str, bytes]:
    """The tables of images by file name; the test one where there are test images."""
    is_test = data.images["split"] == schema.TEST
    images = data.images[~is_test]
    cleaned = pd.DataFrame(
        {
            "name": images["file_name"],
            "label": images["label"],
            "is_valid": images["split"] == schema.VALID,
        }
    )
    tables = {CLEANED: csv_text(cleaned).encode()}
    if is_test.any():
        test = data.images.loc[is_test, ["file_name", "label"]]
        tables[TEST] = csv_text(test.rename(columns={"file_name": "name"})).encode()
    return tables


def issues(data: DataSet) -> pd.DataFrame:
    """One row an image: ``is_<issue>_issue`` and ``<issue>_score`` (0..1, low = suspicious).

    By the project's newest run and check, also where the data set is an older version: empty where
    they do not know the image. ``given_label`` is the label of this data set, as cleanlab means it.
    """
    images = data.images
    table = pd.DataFrame(
        {
            "image_id": images["image_id"],
            "name": images["file_name"],
            "given_label": images["label"],
        }
    )
    try:
        said = scored(data.workspace)[["image_id", "predicted", "is_label_issue", "label_score"]]
        said = said.rename(columns={"predicted": "predicted_label"})
        seen = said["label_score"].notna()
        said["is_label_issue"] = said["is_label_issue"].astype(object).where(seen, None)
    except NoRun:
        columns = ["image_id", "predicted_label", "is_label_issue", "label_score"]
        said = pd.DataFrame(columns=columns).astype({"image_id": "int64"})
    table = table.merge(said, "left", "image_id")
    with data.workspace.database.read() as connection:
        quality = quality_table(connection)
        outlier = table["image_id"].map(stored_scores(connection)).astype(float)
    table["is_outlier_issue"] = (outlier < THRESHOLD).astype(object).where(outlier.notna(), None)
    table["outlier_score"] = outlier
    groups = images["group_id"]
    table["is_near_duplicate_issue"] = groups.duplicated(keep=False) & groups.notna()
    return table.merge(quality, "left", "image_id").drop(columns="image_id")
