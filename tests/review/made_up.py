"""Images as rows alone: what queues are made from, without files or networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import insert, update

from curator.project import Project
from curator.store import runs, schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CLASSES = ["a", "b", "c"]  # with the ids 1, 2 and 3
BY_ACTION = {
    "keep": schema.KEPT,
    "relabel": schema.KEPT,
    "delete": schema.DELETED,
    "unsure": schema.UNSURE,
    "several": schema.SEVERAL,
    "none": schema.NONE,
    "undo": schema.NEW,
}


@dataclass(frozen=True)
class Made:
    """One image; its id is its place in the list, from 1."""

    given: int = 1
    action: str = ""  # its only decision
    label: int = 0  # after the decision; 0: the given one
    shares: tuple[float, ...] = ()  # probabilities of the run; none: not seen
    seen_as: int = 1  # label when the run saw it
    in_sample: bool = False
    issue: bool = False
    group: int | None = None
    split: str = schema.TRAIN
    dark: float = 0.9
    side: int = 100
    outlier: float | None = None
    origins: tuple[str, ...] = ()  # none: an address of its own
    listed: tuple[int, ...] = ()  # classes of further sources
    audited: bool = False
    shown_again: bool = False

    @property
    def state(self) -> str:
        """The state after its decision."""
        return BY_ACTION[self.action] if self.action else schema.NEW

    @property
    def present(self) -> int:
        """The id of its present label."""
        return self.label if self.action and self.label else self.given

    @property
    def live(self) -> bool:
        """Whether it is neither deleted nor otherwise left out."""
        return self.state not in schema.OUT

    @property
    def predicted(self) -> int:
        """The id of the likeliest class."""
        return int(np.argmax(self.shares)) + 1


def make(path: Path, made: Sequence[Made], merged: bool = False) -> Project:
    """Make a project of these images; with ``merged`` the third class went into the first."""
    project = Project.create(path, CLASSES)
    with project.database.write() as connection:
        figures = {"error": 0.0, "low": 0.0, "high": 1.0, "images": len(made)}
        run_id = runs.add(
            connection,
            recipe="instant",
            backbone="none",
            ledger_position=0,
            out_of_fold=1,
            settings={"classes": [1, 2, 3]},
            metrics={"out_of_fold": figures, "valid": figures, "seconds": 0.0},
            history=[],
        )
        for kind in ("audit", "again"):
            connection.execute(
                insert(schema.pages).values(
                    at="now", by="me", queue=kind, images=0, hits=0, seconds=1.0
                )
            )
        for image_id, image in enumerate(made, 1):
            _insert(connection, run_id, image_id, image)
        if merged:
            connection.execute(
                update(schema.classes)
                .where(schema.classes.c.id == 3)
                .values(name="c (merged 3)", retired=1, merged_into=1)
            )
    return project


def _insert(connection, run_id: int, image_id: int, image: Made) -> None:  # type: ignore[no-untyped-def]
    connection.execute(
        insert(schema.images).values(
            id=image_id,
            sha256=f"{image_id:064x}",
            file=f"{image_id}.png",
            class_id=image.given,
            format="PNG",
            width=image.side,
            height=100,
            bytes=1000,
            phash="0" * 16,
            dark_score=image.dark,
            light_score=0.9,
            low_information_score=0.9,
            blurry_score=0.9,
            odd_aspect_ratio_score=0.9,
            grayscale_score=1.0,
            outlier_score=image.outlier,
            group_id=image.group,
            split=image.split,
            added_at="now",
        )
    )
    origins = image.origins or (f"https://example.org/{image_id}.jpg",)
    sources = [(origin, image.given) for origin in origins]
    sources += [(f"https://other.org/{image_id}-{key}", key) for key in image.listed]
    for origin, class_id in sources:
        connection.execute(
            insert(schema.sources).values(
                kind="address" if "://" in origin else "file",
                origin=origin,
                root=f"list {image_id}" if "://" not in origin else "",
                class_id=class_id,
                state=schema.FETCHED,
                image_id=image_id,
            )
        )
    if image.shares:
        shares = np.array(image.shares, dtype="<f4")
        score = float(shares[image.seen_as - 1])
        connection.execute(
            insert(schema.predictions).values(
                run_id=run_id,
                image_id=image_id,
                class_id=image.seen_as,
                predicted_id=image.predicted,
                label_score=score,
                confidence=float(shares.max()),
                loss=-np.log(max(score, 1e-12)),
                is_label_issue=int(image.issue),
                in_sample=int(image.in_sample),
                probabilities=shares.tobytes(),
            )
        )
    if image.action:
        connection.execute(
            insert(schema.decisions).values(
                batch=image_id,
                at="now",
                by="me",
                image_id=image_id,
                action=image.action,
                class_before=image.given,
                class_after=image.present,
                state_before=schema.NEW,
                state_after=image.state,
            )
        )
    for page_id, looked in ((1, image.audited), (2, image.shown_again)):
        if looked:
            connection.execute(
                insert(schema.looks).values(
                    page_id=page_id,
                    image_id=image_id,
                    class_before=1,
                    class_after=1,
                    state_before=schema.NEW,
                    state_after=schema.NEW,
                )
            )
