"""What the tiles of a page show: read for its images alone, whatever the size of the data set.

A row is JSON as it stands. Scores are those of the image's present label, from the probabilities
that the run stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import bindparam, select

from curator.check.quality import QUALITY
from curator.errors import UnknownImage
from curator.find import unlabelled
from curator.review.queue.context import known_limits, look_around
from curator.review.queue.judgement import Judged, judge
from curator.review.queue.scope import Scope
from curator.store import images, ledger, opinions, schema
from curator.store.classes import present_names
from curator.store.database import pieces
from curator.store.predictions import unpack_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

_UNSEEN: dict[str, Any] = {
    "label_score": None,
    "label_share": None,
    "loss": None,
    "in_sample": False,
    "predicted": None,
    "confidence": None,
    "suggestions": [],
    "is_label_issue": False,
}
_STORED = (
    "id",
    "sha256",
    "file",
    "format",
    "width",
    "height",
    "bytes",
    "state",
    "action",
    "decision_id",
    "split",
    "group_id",
    "outlier_score",
)
_NAMED = ("label", "given_label", "decided_by", "source", "final_address", "host")
KEYS = [*_STORED, *_NAMED, *_UNSEEN, "listed_under", "flags", "note"]


@dataclass(frozen=True)
class Present:
    """How images are now: ``names`` of classes, as of ``present_names``, and each one's row.

    A row has class_id, state, decision_id and action.
    """

    names: dict[int, str]
    images: dict[int, Any]


def present(workspace: Workspace, image_ids: Sequence[int]) -> Present:
    """Label and state of these images, from one look at the ledger. Raises UnknownImage."""
    with workspace.database.read() as connection:
        return Present(present_names(connection), ledger.current_of(connection, image_ids))


def rows(
    workspace: Workspace, kind: str, image_ids: Sequence[int], run_id: int | None = None
) -> list[dict[str, Any]]:
    """What is shown of ``image_ids`` in a queue of that kind, in their order: :data:`KEYS`.

    ``action``, ``decision_id``, ``decided_by``: of the image's last decision; None, None and "".
    ``group_id``: near-duplicates share one. ``source``, ``final_address``, ``host``: of its first
    source; the host of a file is "". ``outlier_score``: 0..1, low = unlike the others of its label;
    None before a check.
    ``label_score``: 0..1, low = suspicious: how much the run believes the present label; None where
    it has not seen the image or does not know the label. ``loss``: -log of it, nats.
    ``label_share``: the label's probability by the model alone. ``in_sample``:
    whether that is by a model which saw the image, and so says little. ``predicted``: the likeliest
    class, ``confidence``: its probability, 0..1; None. ``suggestions``: [label, probability] of the
    three likeliest. ``is_label_issue``: flagged by the run, and neither confirmed nor left out.
    ``listed_under``: the classes of an undecided image that is listed under several. ``flags``:
    short words such as "flagged", "two classes", "duplicate", "outlier", "dark". ``note``: why it
    is in this queue, where its score does not say it all.

    Scores are of the run ``run_id``, by default the newest that ranks; None where there is none.
    Raises UnknownImage, UnknownRun.
    """
    ids = [int(i) for i in image_ids]
    found: dict[int, dict[str, Any]] = {}
    with workspace.database.read() as connection:
        scope = Scope(connection, run_id)
        quality = known_limits(workspace, connection)
        for piece in pieces(ids):
            every = images_of(connection, piece)
            around = look_around(scope, quality, every)
            sources = first_sources(connection, [image.id for image in every])
            said = said_of(scope, every) | _waiting(workspace, scope, every)
            disputes = opinions.views(connection, piece) if kind == "disputed" else {}
            for image in every:
                row = _described(image, sources.get(image.id), scope.names, scope.merged)
                row |= said.get(image.id, _UNSEEN)
                row["listed_under"] = around.listed.get(image.id, [])
                issues = around.issues(image)
                row["flags"] = ["flagged"] * row["is_label_issue"] + around.flags(image, issues)
                row["note"] = note(kind, row, around.place(image), issues)
                if image.id in disputes:
                    views = (view.in_words(scope.names) for view in disputes[image.id])
                    row["note"] = " · ".join(views)
                found[image.id] = row
    return [found[i] for i in ids]


def images_of(connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
    """Everything that the tables of images and of the ledger say of each image, in no order.

    ``class_id`` is the present label's, ``given_id`` that of the first source. Raises UnknownImage.
    """
    wanted = sorted({i for i in ids if i <= schema.LARGEST_ID})
    found = connection.execute(_IMAGES, {"ids": wanted}).all()
    if missing := set(ids) - {row.id for row in found}:
        raise UnknownImage(f"There is no image with id {min(missing)}.", "Open the queue again.")
    return found


def first_sources(connection: Connection, ids: Sequence[int]) -> dict[int, Any]:
    """(image_id, kind, origin, final_address) of the first source of each image."""
    return {row.image_id: row for row in connection.execute(_SOURCES, {"ids": list(ids)})}


def said_of(scope: Scope, every: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """What the run says of each image that it saw, as :func:`rows` gives it."""
    if scope.found_run is None:
        return {}
    stored, judged = judged_of(scope, every)
    undecided = {image.id for image in every if image.state in schema.UNDECIDED}
    return {
        said.image_id: {
            "label_score": None if np.isnan(score) else score,
            "label_share": None if np.isnan(share) else share,
            "loss": None if np.isnan(score) else loss,
            "in_sample": bool(said.in_sample),
            "predicted": scope.names[predicted],
            "confidence": confidence,
            "suggestions": [[scope.names[key], share] for key, share in likeliest],
            "is_label_issue": bool(said.is_label_issue) and said.image_id in undecided,
        }
        for said, score, share, loss, predicted, confidence, likeliest in zip(
            stored,
            judged.label_score.tolist(),
            judged.label_share.tolist(),
            judged.loss.tolist(),
            judged.predicted.tolist(),
            judged.confidence.tolist(),
            judged.likeliest(scope.offered),
            strict=True,
        )
    }


def _waiting(workspace: Workspace, scope: Scope, every: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """What the run that ranks says of those that wait for a label."""
    ids = [image.id for image in every if image.state == schema.UNLABELLED]
    said = unlabelled.said_of(workspace, scope.connection, ids) if ids else None
    if said is None:
        return {}
    labels = np.zeros(len(said.ids), dtype=np.int64)
    judged = judge(said.probabilities, said.class_ids.tolist(), labels, {})
    return {
        key: {
            **_UNSEEN,
            "predicted": scope.names[predicted],
            "confidence": confidence,
            "suggestions": [[scope.names[place], share] for place, share in likeliest],
        }
        for key, predicted, confidence, likeliest in zip(
            said.ids.tolist(),
            judged.predicted.tolist(),
            judged.confidence.tolist(),
            judged.likeliest(scope.offered),
            strict=True,
        )
    }


def judged_of(scope: Scope, every: Sequence[Any]) -> tuple[Sequence[Any], Judged]:
    """The run's rows of the images that it saw, and what they say by the present labels.

    Raises NoRun.
    """
    run = scope.run
    label_of = {image.id: image.class_id for image in every}
    stored = scope.connection.execute(_SAID, {"ids": list(label_of), "run": run.id}).all()
    labels = np.array([label_of[said.image_id] for said in stored], dtype=np.int64)
    matrix = unpack_rows([said.probabilities for said in stored], len(run.class_ids), run.id)
    scores = (
        np.array([said.class_id for said in stored], dtype=np.int64),
        np.array([said.label_score for said in stored], dtype=np.float64),
    )
    return stored, judge(matrix, run.class_ids, labels, scope.merged, scores)


def note(kind: str, row: Mapping[str, Any], place: str, issues: Sequence[str]) -> str:
    """One note for an image in a queue of that kind; empty where its score says it all.

    ``row``: what its tile shows besides. ``place``: what it is in its group of near-duplicates, ""
    without one. ``issues``: the measures of :data:`curator.check.quality.QUALITY` that flag it.
    """
    if kind == "outliers" and row["outlier_score"] is not None:
        return f"score {row['outlier_score']:.2f}"
    if kind == "problems":
        return ", ".join(QUALITY[name][1] for name in issues)
    if kind not in {"duplicates", "two classes"}:
        return ""
    parts = [f"group {row['group_id']}", place] if place else []
    others = [name for name in row["listed_under"] if name != row["label"]]
    if others:
        parts.append(f"also listed under {', '.join(others)}")
    return " · ".join(parts)


def _described(
    image: Any, source: Any, names: dict[int, str], merged: dict[int, int]
) -> dict[str, Any]:
    """What needs neither a run nor other images."""
    row: dict[str, Any] = {key: getattr(image, key) for key in _STORED}
    row["label"] = names[image.class_id]
    row["given_label"] = names[merged.get(image.given_id, image.given_id)]
    row["decided_by"] = image.by or ""
    row["source"] = source.origin if source else ""
    row["final_address"] = source.final_address if source else None
    # Addresses are stored normalised: a scheme, the host, a path.
    row["host"] = source.origin.split("/", 3)[2] if source and source.kind == "address" else ""
    return row


_IDS: Any = bindparam("ids", expanding=True)
_IMAGES = (
    images.present(
        *(column for column in schema.images.c if column.name != "class_id"),
        schema.images.c.class_id.label("given_id"),
        schema.current.c.class_id,
        schema.current.c.state,
        schema.current.c.action,
        schema.current.c.decision_id,
        schema.decisions.c.by,
    )
    .outerjoin(schema.decisions, schema.decisions.c.id == schema.current.c.decision_id)
    .where(schema.images.c.id.in_(_IDS))
)
_FIRST = images.first_sources().where(schema.sources.c.image_id.in_(_IDS)).subquery()
_SOURCES = select(
    schema.sources.c.image_id,
    schema.sources.c.kind,
    schema.sources.c.origin,
    schema.sources.c.final_address,
).join(_FIRST, _FIRST.c.source_id == schema.sources.c.id)
_SAID = select(
    schema.predictions.c.image_id,
    schema.predictions.c.class_id,
    schema.predictions.c.label_score,
    schema.predictions.c.is_label_issue,
    schema.predictions.c.in_sample,
    schema.predictions.c.probabilities,
).where(schema.predictions.c.run_id == bindparam("run"), schema.predictions.c.image_id.in_(_IDS))
