"""Why a model says what it says: the evidence for a class at each place of a picture.

For a network that ends in the mean over all places, followed by a linear head, the evidence of a
place is the head applied to the features of that place. Its mean over the places is the class's
logit, so nothing is left out and nothing guessed (class activation maps: Zhou and others, 2016).
Fine-tuned networks have the same form. For any other network each part of the picture is covered in
turn, and what the logit loses by it is the evidence (Zeiler and Fergus, 2014): an approximation,
and said to be one.

Where a model averages over the picture and its mirror image, so does the evidence, the mirrored map
turned back. The head is the one that judged the image, which did not learn from it, where the run
kept it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.encode.backbones import choose
from curator.encode.maps import MapEncoder
from curator.encode.preprocess import prepare_image, seen_box
from curator.errors import DataError, UnknownImage
from curator.find.answering import answering, said_of
from curator.imaging.decoding import Rejected, decode
from curator.learn.evaluation.metrics import softmax
from curator.records import Record
from curator.store import runs, schema
from curator.store.classes import names_by_id
from curator.store.originals import read_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from curator.encode.maps import MapEncoder
    from curator.find.answering import Head
    from curator.store.workspace import Workspace

_CELLS = 7  # parts a side that are covered, one after the other
_AT_ONCE = 7  # covered pictures that the network sees at once


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation(Record):
    """Why a model says what it says of an image."""

    image_id: int
    run: int
    label: str
    predicted: str
    """The class with the largest logit, which may be the label."""
    label_probability: float | None
    """0..1, calibrated; None where the run does not know the label."""
    predicted_probability: float
    label_evidence: NDArray[np.float32] | None
    """(h, w), row by row from the top left of ``box``; in logits: what is positive speaks for the
    class. None where the run does not know the label."""
    predicted_evidence: NDArray[np.float32]
    """(h, w), likewise."""
    exact: bool
    """Whether the mean of the evidence is the class's logit; otherwise parts were covered."""
    in_sample: bool
    """Whether the model learnt from this image."""
    box: tuple[float, float, float, float]
    """The part of the picture that the network sees, as shares of its width and height: left, top,
    right, bottom."""
    size: tuple[int, int]
    """Width and height of the picture as the network got it, before the crop: its aspect."""
    sentence: str

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values; the evidence as lists of rows."""
        known = self.label_evidence
        return super().to_dict() | {
            "label_evidence": None if known is None else known.tolist(),
            "predicted_evidence": self.predicted_evidence.tolist(),
        }


def explain(
    workspace: Workspace, image_id: int, run_id: int | None = None, *, ready_only: bool = False
) -> Explanation:
    """Tell what in an image speaks for its label and for what the model says.

    ``run_id``: of which run, by default the one whose scores order the review, or where none has
    folds the one in use. ``ready_only``: refuse a fine-tuned run whose graph was not made yet,
    which takes torch and some seconds. Raises NoRun, UnknownRun, UnknownImage, InputError for that
    refusal, OriginalMissing, OriginalAltered, ProjectAltered, WeightsMissing, WeightsAltered.
    """
    with workspace.database.read() as connection:
        run = runs.asked(connection, run_id)
        now = schema.current.c
        class_id = connection.execute(
            select(now.class_id).where(now.image_id == image_id)
        ).scalar_one_or_none()
        if class_id is None:
            raise _unknown(image_id)
        names = names_by_id(connection)
        told = said_of(connection, run, image_id)
    backbone = choose(run.backbone, "cpu").backbone
    picture = picture_of(workspace, image_id, backbone.resize)
    pixels = prepare_image(picture, backbone)
    views = [pixels, np.ascontiguousarray(pixels[..., ::-1])]
    views = views[: 1 + bool(run.settings.get("mirror"))]
    network, head, in_sample, maps = answering(workspace, run, backbone, views, told, ready_only)
    seen = network.look(np.stack(views))
    logits = seen.features.mean(axis=0) @ head[0].T + head[1]
    shares = softmax(logits[None])[0]
    best = int(shares.argmax())
    own = run.class_ids.index(class_id) if class_id in run.class_ids else None
    wanted = [best] if own is None else [best, own]
    if maps is None:
        evidence = by_covering(network, views, head, wanted)
    else:
        evidence = of_maps(maps, (head[0][wanted], head[1][wanted]))
    label, predicted = names[class_id], names[run.class_ids[best]]
    return Explanation(
        image_id=image_id,
        run=run.id,
        label=label,
        predicted=predicted,
        label_probability=None if own is None else float(shares[own]),
        predicted_probability=float(shares[best]),
        label_evidence=None if own is None else evidence[1],
        predicted_evidence=evidence[0],
        exact=maps is not None,
        in_sample=in_sample,
        box=seen_box(picture.size, backbone),
        size=picture.size,
        sentence=_sentence(
            image_id,
            [(predicted, float(shares[best]), evidence[0])]
            + ([] if own in (None, best) else [(label, float(shares[own or 0]), evidence[1])]),
            label if own is None else None,
            maps is not None,
            in_sample,
        ),
    )


def of_maps(maps: NDArray[np.float32], head: Head) -> NDArray[np.float32]:
    """Evidence (K, h, w) from maps (D, h, w) by weights (K, D) and bias (K,).

    Its mean over the places is the logits of the mean of the maps.
    """
    found: NDArray[np.float32] = np.tensordot(head[0], maps, axes=1) + head[1][:, None, None]
    return found.astype(np.float32)


def picture_of(workspace: Workspace, image_id: int, at_least: int) -> Image.Image:
    """An image's original, whose hash was checked, decoded; RGB.

    ``at_least``: pixels of the short side, where it has them. Raises UnknownImage, OriginalMissing,
    OriginalAltered, ProjectAltered, DataError for what cannot be decoded.
    """
    table = schema.images.c
    query = select(table.file, table.sha256, table.bytes).where(table.id == image_id)
    with workspace.database.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise _unknown(image_id)
    try:
        content = read_whole(workspace.original(row.file), row.sha256, row.bytes)
        return decode(content, at_least=at_least)
    except Rejected as error:
        raise DataError(
            f"Image {image_id} cannot be decoded: {error}", "Look at it with another program."
        ) from error


def _unknown(image_id: int) -> UnknownImage:
    return UnknownImage(
        f"There is no image with id {image_id}.", "`curator rank` and `queue` list the ids."
    )


def by_covering(
    network: MapEncoder, views: list[NDArray[np.uint8]], head: Head, classes: list[int]
) -> NDArray[np.float32]:
    """What the logits of ``classes`` (C,) lose where a part is covered: (C, cells, cells)."""
    size = views[0].shape[-1]
    edges = np.linspace(0, size, _CELLS + 1).astype(int)
    lost = np.zeros((len(classes), _CELLS, _CELLS))
    weight, bias = head[0][classes], head[1][classes]
    for place, view in enumerate(views):
        grey = view.mean(axis=(1, 2), keepdims=True).astype(np.uint8)
        whole = weight @ network.look(view[None]).features[0] + bias
        covered = []
        for row in range(_CELLS):
            for column in range(_CELLS):
                part = view.copy()
                down, across = slice(*edges[row : row + 2]), slice(*edges[column : column + 2])
                part[:, down, across] = grey
                covered.append(part)
        features = np.concatenate(
            [
                network.look(np.stack(covered[start : start + _AT_ONCE])).features
                for start in range(0, len(covered), _AT_ONCE)
            ]
        )
        own = (whole[:, None] - (weight @ features.T + bias[:, None])).reshape(lost.shape)
        lost += own[..., ::-1] if place else own
    return (lost / len(views)).astype(np.float32)


def _sentence(
    image_id: int,
    told: list[tuple[str, float, NDArray[np.float32]]],
    unknown: str | None,
    exact: bool,
    in_sample: bool,
) -> str:
    parts = [
        f"{share:.0%} {name}, whose evidence is strongest {_where(evidence)}".replace("%", " %")
        for name, share, evidence in told
    ]
    who = "the model, which learnt from it," if in_sample else "the model"
    said = f"Image {image_id}: {who} says {', and '.join(parts)}."
    if unknown is not None:
        said += f" It does not know {unknown}."
    return said + ("" if exact else " The evidence is approximate: parts were covered in turn.")


def _where(evidence: NDArray[np.float32]) -> str:
    """Where the largest value is, in words."""
    if float(np.ptp(evidence)) == 0:
        return "nowhere"
    row, column = np.unravel_index(int(evidence.argmax()), evidence.shape)
    height, width = evidence.shape
    down = ["at the top", "in the middle", "at the bottom"][math.floor(3 * row / height)]
    across = ["left", "", "right"][math.floor(3 * column / width)]
    if down == "in the middle":
        return f"at the {across}" if across else down
    return f"{down} {across}".strip()
