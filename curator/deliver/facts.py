"""What a data set's card says beyond its images: what was left out, and what is not known.

A version keeps the facts of the day when it was tagged, so that its card stays true of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, select

from curator.errors import ProjectAltered
from curator.records import Record
from curator.review.advice.stopping import advice
from curator.store import schema

if TYPE_CHECKING:
    import pandas as pd

    from curator.store.workspace import Workspace


@dataclass(frozen=True)
class WrongLeft(Record):
    """Wrong labels among the images that nobody decided on, with the 95 % interval."""

    wrong: float
    low: int
    high: int
    images: int
    basis: str


@dataclass(frozen=True)
class Facts(Record):
    """Numbers of images, unless said otherwise."""

    left_out: dict[str, int]
    """By the state that a person gave them: deleted, several, none."""
    gave_none: int
    """Addresses and files that gave no image."""
    repeated: int
    """Addresses and files that gave a picture which was there already."""
    near_duplicates: int
    """Live images that another live one is nearly the same as."""
    wrong_left: WrongLeft | None
    """None: too few were reviewed to tell."""


_ADAPTER = TypeAdapter(Facts)


def gathered(workspace: Workspace, table: pd.DataFrame) -> Facts:
    """The facts of today; ``table`` as of :func:`curator.store.versions.present`."""
    estimate = advice(workspace).estimate
    now, source = schema.current.c, schema.sources.c
    with workspace.database.read() as connection:
        states = select(now.state, func.count()).where(now.state.in_(schema.OUT))
        left_out = {row[0]: row[1] for row in connection.execute(states.group_by(now.state))}
        ended = select(source.state, func.count()).group_by(source.state)
        ends = {row[0]: row[1] for row in connection.execute(ended)}
        known = connection.execute(select(func.count()).select_from(schema.images)).scalar_one()
    groups = table["group_id"].dropna()
    left = None
    if estimate is not None:
        left = WrongLeft(
            round(estimate.wrong, 1),
            estimate.low,
            estimate.high,
            estimate.images,
            estimate.basis,
        )
    return Facts(
        left_out=left_out,
        gave_none=ends.get(schema.FAILED, 0),
        repeated=max(0, ends.get(schema.FETCHED, 0) - int(known)),
        near_duplicates=int(groups.duplicated(keep=False).sum()),
        wrong_left=left,
    )


def written(facts: Facts) -> str:
    """Facts as a version keeps them."""
    return json.dumps(facts.to_dict(), sort_keys=True)


def read(text: str, version: str) -> Facts:
    """Facts that a version kept. Raises ProjectAltered."""
    try:
        return _ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        raise ProjectAltered(
            f"The record of version {version!r} was altered: its facts cannot be read.",
            "Take the project from a copy, or tag the data set again under another name.",
        ) from error
