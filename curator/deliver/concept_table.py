"""concepts.csv: which images of a data set show what a person looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.errors import NotEnoughData
from curator.find import concepts
from curator.frames import pd
from curator.spreadsheets import csv_text
from curator.store import concepts as kept

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

CONCEPTS = "concepts.csv"
YES, NO, LIKELY = "yes", "no", "likely"


def written(workspace: Workspace, images: pd.DataFrame) -> bytes:
    """One row an image of ``images``: ``file_name``, and a column a concept; b"" without one.

    A cell is :data:`YES` or :data:`NO` where a person said so; :data:`LIKELY` where nobody did, and
    at least half of what scores like it shows it; else empty. ``images`` has the columns
    ``image_id`` and ``file_name``.
    """
    with workspace.database.read() as connection:
        columns = [images["file_name"]]
        for name in kept.names(connection):
            marks = kept.marks(connection, name)
            try:
                likely = concepts.showing(workspace, connection, name)
            except NotEnoughData:  # before the check: what a person said is known all the same
                likely = []
            said = {**dict.fromkeys(likely, LIKELY), **dict.fromkeys(marks.yes, YES)}
            said |= dict.fromkeys(marks.no, NO)
            columns.append(images["image_id"].map(said).rename(name))
    return csv_text(pd.concat(columns, axis="columns")).encode() if columns[1:] else b""
