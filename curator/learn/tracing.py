"""One sample through every stage, with what each makes of it: where and why something fails.

What fastai's ``summary`` is for: the first thing to look at when training refuses the data.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select

from curator.encode.backbones import choose
from curator.encode.encoder import Encoder
from curator.encode.preprocess import prepare_image
from curator.errors import CuratorError, FileError, NotEnoughData, UnknownImage
from curator.hashing import sha256
from curator.imaging.decoding import decode
from curator.learn.evaluation.label_quality import suggestions
from curator.records import Record
from curator.store import images, runs, schema
from curator.store.classes import names_by_id
from curator.store.predictions import predictions_of

if TYPE_CHECKING:
    from curator.store.workspace import Workspace


@dataclass(frozen=True)
class Stage(Record):
    """What a stage makes of the image."""

    stage: str
    result: str
    """In words, with shapes; "" where it failed."""
    milliseconds: float
    error: str | None = None
    """Why it failed."""

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON; ``error`` only where there is one."""
        return {name: value for name, value in super().to_dict().items() if value is not None}


def trace(workspace: Workspace, image_id: int | None = None) -> tuple[Stage, ...]:
    """One image through all stages, in order; one that fails is the last.

    ``image_id``: the first live image when None. Raises UnknownImage, NotEnoughData.
    """
    sample = _Sample(workspace, _row(workspace, image_id))
    stages: list[Stage] = []
    for stage in ("source", "original", "decode", "split", "prepare", "features", "prediction"):
        began = time.perf_counter()
        error = None
        try:
            result = getattr(sample, stage)()
        except Exception as problem:  # noqa: BLE001  whatever a stage says is the answer
            result = ""
            error = str(problem) if isinstance(problem, CuratorError) else repr(problem)
        spent = round((time.perf_counter() - began) * 1000, 1)
        stages.append(Stage(stage, result, spent, error))
        if error is not None:
            break
    return tuple(stages)


class _Sample:
    """One image on its way; each method is a stage and says what came out of it."""

    def __init__(self, workspace: Workspace, row: Any) -> None:
        self._workspace = workspace
        self._row = row

    def source(self) -> str:
        row = self._row
        return f"image {row.image_id}, {row.origin}, given as {row.given}"

    def original(self) -> str:
        original = self._workspace.original(self._row.file)
        self._content = original.read_bytes()
        digest = sha256(self._content)
        if digest != self._row.sha256:
            raise FileError(f"{original} was altered: its SHA-256 is {digest}.")
        return f"{self._row.bytes} bytes, SHA-256 {digest[:12]}... as recorded"

    def decode(self) -> str:
        self._image = decode(self._content)
        width, height = self._image.size
        return f"{self._row.format} to RGB, {width} x {height} pixels, orientation applied"

    def split(self) -> str:
        if self._row.split is None:
            return "not assigned yet: check or train assigns it"
        return f"{self._row.split}, near-duplicate group {self._row.group_id}"

    def prepare(self) -> str:
        self._choice = choose()
        backbone = self._choice.backbone
        self._pixels = prepare_image(self._image, backbone)
        return (
            f"short side {backbone.resize}, centre crop {backbone.size}: uint8 "
            f"{self._pixels.shape}, {self._pixels.min()} to {self._pixels.max()}"
        )

    def features(self) -> str:
        vector = Encoder(self._choice).encode(self._pixels[None])[0]
        return (
            f"{self._choice.backbone.name}, {self._choice.reason}: float32 {vector.shape}, "
            f"{vector.min():.2f} to {vector.max():.2f}"
        )

    def prediction(self) -> str:
        with self._workspace.database.read() as connection:
            if runs.ranking_id(connection) is None:
                return "no run yet: train comes next"
            run = runs.ranking(connection)
            names = names_by_id(connection)
            said = predictions_of(connection, run)
        where = np.flatnonzero(said.image_ids == self._row.image_id)
        if not len(where):
            return f"run {run.id} has not seen this image: train again"
        shares = said.probabilities[where[0]]
        best = suggestions(shares[None])[0]
        text = ", ".join(f"{names[run.class_ids[k]]} {shares[k]:.0%}" for k in best)
        return f"run {run.id}, out-of-fold: {text}"


def _row(workspace: Workspace, image_id: int | None) -> Any:
    first = images.first_sources().subquery()
    query = (
        select(
            schema.images.c.id.label("image_id"),
            schema.images,
            schema.sources.c.origin,
            schema.classes.c.name.label("given"),
        )
        .join(first, first.c.image_id == schema.images.c.id)
        .join(schema.sources, schema.sources.c.id == first.c.source_id)
        .join(schema.classes, schema.classes.c.id == schema.images.c.class_id)
        .join(schema.current, schema.current.c.image_id == schema.images.c.id)
        .order_by(schema.images.c.id)
        .limit(1)
    )
    if image_id is None:
        query = query.where(images.LIVE)
    else:
        query = query.where(schema.images.c.id == min(image_id, schema.LARGEST_ID))
    with workspace.database.read() as connection:
        row = connection.execute(query).first()
    if row is None and image_id is not None:
        raise UnknownImage(f"There is no image with id {image_id}.")
    if row is None:
        raise NotEnoughData("There is no image to trace.", "Fetch or import some first.")
    return row
