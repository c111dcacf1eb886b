"""Review queues: which images a person looks at, and in what order.

A queue is a list of image ids fixed when it is opened, so that nothing moves under the eyes; a
decided image stays where it is until the queue is opened again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd

from curator.check.conflicts import two_classes
from curator.check.keepers import keepers, twins
from curator.check.quality import quality_issues
from curator.errors import InputError, NoRun
from curator.review.notes import notes
from curator.review.ranking import scored, with_outlier_scores
from curator.store import images, schema, tags

if TYPE_CHECKING:
    from curator.project import Project

Kind = Literal[
    "suspicious",
    "top losses",
    "confused",
    "duplicates",
    "two classes",
    "outliers",
    "problems",
    "unsure",
    "trash",
    "all",
]


@dataclass(frozen=True)
class Queue:
    """What a kind of queue holds, in words for the page."""

    title: str
    meaning: str
    needs_run: bool = False


QUEUES: dict[str, Queue] = {
    "suspicious": Queue(
        "Most suspicious",
        "Score: out-of-fold probability of its own label, low is suspicious. "
        "Images that you confirmed are left out.",
        needs_run=True,
    ),
    "top losses": Queue(
        "Top losses",
        "Loss: -log of the out-of-fold probability of its own label, validation and training "
        "images alike.",
        needs_run=True,
    ),
    "confused": Queue(
        "Confusion cell",
        "Images of one label that the out-of-fold prediction takes for another, surest first.",
        needs_run=True,
    ),
    "duplicates": Queue(
        "Near-duplicates",
        "Images that look the same, group by group; the first of each is the best to keep.",
    ),
    "two classes": Queue(
        "In two classes",
        "Images listed under several classes, and near-duplicates with different labels, group by "
        "group: at most one label can be right.",
    ),
    "outliers": Queue(
        "Outliers",
        "Score: how near it is to the images of its label most like it, low is suspicious; from "
        "the last check. Images that you confirmed are left out.",
    ),
    "problems": Queue("Quality problems", "Dark, light, blurry, nearly empty or oddly shaped."),
    "unsure": Queue("Unsure", "Images that you marked as unsure."),
    "trash": Queue("Trash", "Deleted images. Keep brings one back; nothing was removed from disk."),
    "all": Queue("Everything", "All images that are not deleted, in the order they came in."),
}


def everything(project: Project) -> pd.DataFrame:
    """All images with scores where a run exists, else with empty columns for its scores."""
    try:
        return scored(project)
    except NoRun:
        with project.database.read() as connection:
            table = with_outlier_scores(connection, images.with_sources(connection))
        for column in ("label_score", "confidence", "loss"):
            table[column] = float("nan")
        table["predicted"] = None
        table["is_label_issue"] = table["in_sample"] = False
        table["suggestions"] = [[] for _ in range(len(table))]
        return table


def open_queue(
    project: Project,
    kind: str = "suspicious",
    label: str | None = None,
    predicted: str | None = None,
    split: str | None = None,
    tag: str | None = None,
    tag_probability: float = 0.0,
) -> pd.DataFrame:
    """The rows of a queue in its order: the columns of :func:`ranking.scored`, and ``note``.

    ``label``, ``predicted`` and ``split`` narrow it, and so does ``tag``: a part, in whatever case,
    of one of the five names that the pretrained network gives an image, with a probability of at
    least ``tag_probability`` (0..1). Raises InputError for an unknown kind and NoRun where the kind
    needs scores.
    """
    if kind not in QUEUES:
        raise InputError(f"{kind!r} is no queue.", f"Use one of {', '.join(QUEUES)}.")
    table = scored(project) if QUEUES[kind].needs_run else everything(project)
    deleted = table["state"] == schema.DELETED
    table = table[deleted] if kind == "trash" else table[~deleted]
    for column, wanted in (("label", label), ("predicted", predicted), ("split", split)):
        if wanted:
            table = table[table[column] == wanted]
    if tag:
        with project.database.read() as connection:
            named = tags.matching(connection, tag, tag_probability)
        table = table[table["image_id"].isin(named)]
    table = _ordered(project, kind, table).reset_index(drop=True)
    with project.database.read() as connection:
        said = notes(connection, kind, table)
    return table.assign(note=pd.Series(said, index=table.index, dtype=object))


def _ordered(project: Project, kind: str, table: pd.DataFrame) -> pd.DataFrame:
    order, ascending = ["image_id"], [True]
    if kind == "suspicious":
        table = table[(table["state"] == schema.NEW) & table["label_score"].notna()]
        order, ascending = ["label_score", "image_id"], [True, True]
    elif kind in {"top losses", "confused"}:
        table = table[table["loss"].notna()]
        order, ascending = ["loss", "image_id"], [False, True]
    elif kind == "duplicates":
        table = table[table.groupby("group_id")["image_id"].transform("size") > 1]
        with project.database.read() as connection:
            best = keepers(twins(connection))
        table = table.assign(spare=~table["image_id"].isin(best))
        table = table.sort_values(["group_id", "spare", "image_id"])
        return table.drop(columns="spare")
    elif kind == "two classes":
        with project.database.read() as connection:
            table = table[table["image_id"].isin(two_classes(connection))]
        order, ascending = ["group_id", "image_id"], [True, True]
    elif kind == "outliers":
        table = table[(table["state"] != schema.KEPT) & table["outlier_score"].notna()]
        order, ascending = ["outlier_score", "image_id"], [True, True]
    elif kind == "unsure":
        table = table[table["state"] == schema.UNSURE]
    elif kind == "problems":
        with project.database.read() as connection:
            flagged = quality_issues(connection)
        table = table[table["image_id"].isin({i for ids in flagged.values() for i in ids})]
    return table.sort_values(order, ascending=ascending)
