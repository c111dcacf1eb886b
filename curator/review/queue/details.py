"""All that is known of one image, for a close look: why it is suspicious and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from curator.check.outliers import THRESHOLD
from curator.check.quality import QUALITY
from curator.errors import ProjectAltered
from curator.imaging.exif import Exif, exif
from curator.records import Record
from curator.review.queue.context import is_outlier, known_limits, look_around
from curator.review.queue.nearest import most_alike
from curator.review.queue.scope import Scope
from curator.review.queue.tiles import images_of, judged_of, rows
from curator.store import images, schema, tags
from curator.store.vocabulary import DONE, STATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

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


@dataclass(frozen=True)
class ImageSource(Record):
    """Where the image came from: an address or a path, and the list that named it."""

    origin: str
    final_address: str | None
    class_name: str
    """Of the list; ``class`` in JSON."""
    listed_in: str | None
    line: int | None

    def to_dict(self) -> dict[str, object]:
        """All of it by name, as plain values."""
        names = {"class_name": "class"}
        return {names.get(name, name): value for name, value in super().to_dict().items()}


@dataclass(frozen=True)
class Near:
    """An image that is like it; ``cosine``: -1..1."""

    id: int
    label: str
    cosine: float


@dataclass(frozen=True)
class Nearest:
    """The images most like it, nearest first."""

    own: tuple[Near, ...]
    """Of its label."""
    predicted: tuple[Near, ...]
    """Of the likeliest other class."""


@dataclass(frozen=True)
class Entry:
    """A row of the ledger, with all of it in ``words``."""

    at: str
    by: str
    action: str
    label_before: str
    label_after: str
    state_after: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Details(Record):
    """All that is known of one image.

    Where names are those of :func:`curator.review.queue.tiles.rows`, so are the values.
    """

    id: int
    sha256: str
    file: str
    format: str
    width: int
    height: int
    bytes: int
    label: str
    given_label: str
    state: str
    decision_id: int | None
    split: str | None
    predicted: str | None
    label_score: float | None
    loss: float | None
    in_sample: bool
    run: int | None
    """Whose scores they are."""
    sources: tuple[ImageSource, ...]
    probabilities: tuple[tuple[str, float], ...]
    """Labels with 0..1, likeliest first, :data:`LIKELIEST` at most."""
    reasons: tuple[str, ...]
    """Sentences that say why it was flagged."""
    tags: tuple[tuple[str, float], ...]
    """Names with 0..1 that the pretrained network gives it."""
    nearest: Nearest
    history: tuple[Entry, ...]
    """Oldest first."""
    exif: Exif

    def to_dict(self) -> dict[str, object]:
        """All of it by name, as plain values."""
        return super().to_dict() | {"sources": [source.to_dict() for source in self.sources]}


def details(workspace: Workspace, image_id: int, run_id: int | None = None) -> Details:
    """All that is known of one image. Raises UnknownImage, UnknownRun.

    ``run_id``: whose scores are told; by default the newest run that ranks.
    """
    row = rows(workspace, "all", [image_id], run_id)[0]
    with workspace.database.read() as connection:
        scope = Scope(connection, run_id)
        image = images_of(connection, [image_id])[0]
        probabilities = _probabilities(scope, image)
        others = [key for key, _ in probabilities if key != image.class_id]
        other = others[0] if others else None
        around = look_around(scope, known_limits(workspace, connection), [image])
        return Details(
            **{key: row[key] for key in _PASSED_ON},
            run=scope.found_run.id if scope.found_run else None,
            sources=_sources(scope, image_id),
            probabilities=tuple((scope.names[key], share) for key, share in probabilities),
            reasons=(
                *_by_model(row),
                *_by_measures(row, image, around.issues(image)),
                *_by_comparison(connection, row, image),
            ),
            tags=tuple(tags.tags_of(connection, image_id)),
            nearest=Nearest(
                own=_near(workspace, scope, image_id, image.class_id),
                predicted=() if other is None else _near(workspace, scope, image_id, other),
            ),
            history=_history(scope, image_id),
            exif=_exif(workspace, image.file),
        )


def _exif(workspace: Workspace, file: str) -> Exif:
    try:
        return exif(workspace.original(file).read_bytes())
    except (OSError, ProjectAltered):  # said where the image is read; the rest is worth seeing
        return {}


def _near(workspace: Workspace, scope: Scope, image_id: int, class_id: int) -> tuple[Near, ...]:
    alike = most_alike(workspace, scope.connection, image_id, class_id)
    return tuple(Near(key, scope.names[class_id], cosine) for key, cosine in alike)


def _probabilities(scope: Scope, image: Any) -> list[tuple[int, float]]:
    if scope.found_run is None:
        return []
    stored, judged = judged_of(scope, [image])
    return judged.likeliest(scope.offered, LIKELIEST)[0] if stored else []


def _sources(scope: Scope, image_id: int) -> tuple[ImageSource, ...]:
    table = schema.sources.c
    query = (
        select(table.origin, table.final_address, table.class_id, table.listed_in, table.line)
        .where(table.image_id == image_id)
        .order_by(table.id)
    )
    return tuple(
        ImageSource(
            origin=row.origin,
            final_address=row.final_address,
            class_name=scope.names[scope.merged.get(row.class_id, row.class_id)],
            listed_in=row.listed_in,
            line=row.line,
        )
        for row in scope.connection.execute(query)
    )


def _by_model(row: dict[str, Any]) -> Iterator[str]:
    if row["predicted"] is None:
        return
    model = (
        "The model, which has learnt from it,"
        if row["in_sample"]
        else ("The model that did not see it")
    )
    if row["label_share"] is None:
        yield (
            f"{model} does not know its label; it says {row['predicted']}, "
            f"{_percent(row['confidence'])}."
        )
    elif row["predicted"] != row["label"]:
        yield (
            f"{model} gives its label {_percent(row['label_share'])}, and {row['predicted']} "
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
            images.present(table.id)
            .where(images.LIVE, table.group_id == image.group_id, table.id != image.id)
            .order_by(table.id)
        )
        twins = [str(key) for key in connection.execute(query).scalars()]
        named = twins[:_NAMED] + ([f"{len(twins) - _NAMED} more"] if len(twins) > _NAMED else [])
        yield f"Near-duplicate of image{'s' if len(twins) > 1 else ''} {_and(named)}."
    if row["listed_under"]:
        yield f"Listed under {_and(row['listed_under'])}."


def _history(scope: Scope, image_id: int) -> tuple[Entry, ...]:
    table = schema.decisions
    query = select(table).where(table.c.image_id == image_id).order_by(table.c.id)
    history = []
    for row in scope.connection.execute(query):
        before, after = scope.names[row.class_before], scope.names[row.class_after]
        words = _WORDS[row.action].format(before=before, after=after, state=STATES[row.state_after])
        history.append(Entry(row.at, row.by, row.action, before, after, row.state_after, words))
    return tuple(history)


_WORDS = {
    **DONE,
    "keep": "kept as {after}",
    "relabel": "relabelled from {before} to {after}",
    "merge": "{before} was merged into {after}",
    "import": "came with an import, as {after}",
    "undo": "took that back: {after}, {state}",
    "redo": "did it again: {after}, {state}",
}


def _percent(share: float) -> str:
    """A share of 1 as people write it; what is not quite none or all is not rounded to it."""
    if 0 < share < 0.005:
        return "under 1 %"
    return "over 99 %" if 0.995 <= share < 1 else f"{share:.0%}".replace("%", " %")


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
