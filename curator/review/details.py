"""All that is known of one image, for a close look: why it is suspicious and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from curator.check.outliers import THRESHOLD
from curator.check.quality import QUALITY
from curator.errors import ProjectAltered
from curator.review.around import is_outlier, known_limits, look_around
from curator.review.exif import exif
from curator.review.nearest import most_alike
from curator.review.rows import images_of, judged_of, rows
from curator.review.scope import Scope
from curator.store import images, schema, tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from curator.project import Project

LIKELIEST = 10  # classes whose probability is given
DOUBTFUL = 0.5  # the likeliest class has less: it may be none of them
_NAMED = 5  # near-duplicates that are named
_PASSED_ON = (
    "id",
    "sha256",
    "file",
    "format",
    "width",
    "height",
    "bytes",
    "label",
    "given_label",
    "state",
    "decision_id",
    "split",
    "predicted",
    "label_score",
    "loss",
    "in_sample",
)


def details(project: Project, image_id: int, run_id: int | None = None) -> dict[str, Any]:
    """One image as JSON. Where names are the same, so are the values: see ``curator.review.rows``.

    ``sources``: all of them, each ``origin``, ``final_address``, ``class``, ``listed_in``,
    ``line``. ``run``: whose scores they are, or None. ``probabilities``: [label, 0..1], likeliest
    first, :data:`LIKELIEST` at most. ``reasons``: sentences that say why it was flagged. ``tags``:
    [name, 0..1] that the pretrained network gives it. ``nearest``: the images most like it, ``own``
    of its label and ``predicted`` of the likeliest other class, each ``id``, ``label``, ``cosine``
    (-1..1). ``history``: its rows of the ledger, oldest first: ``at``, ``by``, ``action``,
    ``label_before``, ``label_after``, ``state_after``, ``words``. ``exif``: see
    :func:`curator.review.exif.exif`.

    Raises UnknownImage, UnknownRun.
    """
    row = rows(project, "all", [image_id], run_id)[0]
    with project.database.read() as connection:
        scope = Scope(connection, run_id)
        image = images_of(connection, [image_id])[0]
        probabilities = _probabilities(scope, image)
        others = [key for key, _ in probabilities if key != image.class_id]
        alike = {
            "own": most_alike(project, connection, image_id, image.class_id),
            "predicted": (most_alike(project, connection, image_id, others[0]) if others else []),
        }
        label_of = {"own": image.class_id, "predicted": others[0] if others else None}
        around = look_around(scope, known_limits(project, connection), [image])
        found = {
            **{key: row[key] for key in _PASSED_ON},
            "run": scope.found_run.id if scope.found_run else None,
            "sources": _sources(scope, image_id),
            "probabilities": [[scope.names[key], share] for key, share in probabilities],
            "reasons": [
                *_by_model(row),
                *_by_measures(row, image, around.issues(image)),
                *_by_comparison(connection, row, image),
            ],
            "tags": [list(item) for item in tags.tags_of(connection, image_id)],
            "nearest": {
                side: [
                    {"id": key, "label": scope.names[label_of[side]], "cosine": cosine}
                    for key, cosine in near
                ]
                for side, near in alike.items()
            },
            "history": _history(scope, image_id),
        }
    try:
        written = exif(project.original(image.file))
    except ProjectAltered:  # said where the image is read; the rest is worth seeing
        written = {}
    return {**found, "exif": written}


def _probabilities(scope: Scope, image: Any) -> list[tuple[int, float]]:
    if scope.found_run is None:
        return []
    stored, judged = judged_of(scope, [image])
    return judged.likeliest(scope.offered, LIKELIEST)[0] if stored else []


def _sources(scope: Scope, image_id: int) -> list[dict[str, Any]]:
    table = schema.sources.c
    query = (
        select(table.origin, table.final_address, table.class_id, table.listed_in, table.line)
        .where(table.image_id == image_id)
        .order_by(table.id)
    )
    return [
        {
            "origin": row.origin,
            "final_address": row.final_address,
            "class": scope.names[scope.merged.get(row.class_id, row.class_id)],
            "listed_in": row.listed_in,
            "line": row.line,
        }
        for row in scope.connection.execute(query)
    ]


def _by_model(row: dict[str, Any]) -> Iterator[str]:
    if row["predicted"] is None:
        return
    model = (
        "The model, which has learnt from it,"
        if row["in_sample"]
        else ("The model that did not see it")
    )
    if row["label_score"] is None:
        yield (
            f"{model} does not know its label; it says {row['predicted']}, "
            f"{_percent(row['confidence'])}."
        )
    elif row["predicted"] != row["label"]:
        yield (
            f"{model} gives its label {_percent(row['label_score'])}, and {row['predicted']} "
            f"{_percent(row['confidence'])}."
        )
    if row["confidence"] < DOUBTFUL:
        yield f"{model} gives no class more than {_percent(row['confidence'])}."


def _by_measures(row: dict[str, Any], image: Any, issues: Sequence[str]) -> Iterator[str]:
    if is_outlier(image):
        yield (
            f"Among {row['label']} its nearest images are unusually far (score "
            f"{image.outlier_score:.2f}; under {THRESHOLD:.2f} is an outlier)."
        )
    for name in issues:
        threshold, words = QUALITY[name]
        if name == "odd_size_score":
            yield f"{words.capitalize()} in this project: {image.width} x {image.height} pixels."
        elif name == "grayscale_score":
            yield f"{words.capitalize()}."
        else:
            yield f"{words.capitalize()}: score {getattr(image, name):.2f}, under {threshold:g}."


def _by_comparison(connection: Connection, row: dict[str, Any], image: Any) -> Iterator[str]:
    if "duplicate" in row["flags"]:
        table = schema.images.c
        query = (
            select(table.id)
            .join(schema.current, schema.current.c.image_id == table.id)
            .where(images.LIVE, table.group_id == image.group_id, table.id != image.id)
            .order_by(table.id)
        )
        twins = [str(key) for key in connection.execute(query).scalars()]
        named = twins[:_NAMED] + ([f"{len(twins) - _NAMED} more"] if len(twins) > _NAMED else [])
        yield f"Near-duplicate of image{'s' if len(twins) > 1 else ''} {_and(named)}."
    if row["listed_under"]:
        yield f"Listed under {_and(row['listed_under'])}."


def _history(scope: Scope, image_id: int) -> list[dict[str, Any]]:
    table = schema.decisions
    query = select(table).where(table.c.image_id == image_id).order_by(table.c.id)
    history = []
    for row in scope.connection.execute(query):
        before, after = scope.names[row.class_before], scope.names[row.class_after]
        history.append(
            {
                "at": row.at,
                "by": row.by,
                "action": row.action,
                "label_before": before,
                "label_after": after,
                "state_after": row.state_after,
                "words": _WORDS[row.action].format(
                    before=before, after=after, state=_IN_STATE[row.state_after]
                ),
            }
        )
    return history


_WORDS = {
    "keep": "kept as {after}",
    "delete": "put into the trash",
    "relabel": "relabelled from {before} to {after}",
    "unsure": "marked as unsure",
    "several": "marked as showing more than one class",
    "none": "marked as none of the classes",
    "merge": "{before} was merged into {after}",
    "undo": "took that back: {after}, {state}",
    "redo": "did it again: {after}, {state}",
}
_IN_STATE = {
    schema.NEW: "not decided on",
    schema.KEPT: "kept",
    schema.UNSURE: "unsure",
    schema.SEVERAL: "more than one class",
    schema.NONE: "none of the classes",
    schema.DELETED: "in the trash",
}


def _percent(share: float) -> str:
    """A share of 1 as people write it; what is not quite none or all is not rounded to it."""
    if 0 < share < 0.005:
        return "under 1 %"
    return "over 99 %" if 0.995 <= share < 1 else f"{share:.0%}".replace("%", " %")


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
