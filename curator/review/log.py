"""The review log: each page of images that a person went through, and what came of it.

A *hit* is an image whose label was changed, or that was left out of the data set, while its page
was open. What is in the log is never changed; a decision that is undone later stays a hit of its
page, and whoever draws conclusions from looks reads the present state too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, desc, func, insert, select

from curator.errors import InputError
from curator.learn.evaluation.metrics import wilson_interval
from curator.review.queue.kinds import AGAIN, QUEUES
from curator.store import ledger, schema
from curator.store.classes import names_by_id
from curator.store.database import now

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace


@dataclass(frozen=True)
class Page:
    """What was recorded."""

    id: int
    hits: int
    images: int


def record_page(
    workspace: Workspace,
    queue: str,
    run_id: int | None,
    before: Sequence[Mapping[str, Any]],
    seconds: float,
    by: str | None = None,
) -> Page:
    """Record that a page was gone through; what became of its images is read now.

    ``before``: a row for each image as it was shown, with ``id``, ``label`` (a class name),
    ``state`` and ``label_score`` (0..1 or None). ``run_id``: the run whose scores were shown, or
    None. ``seconds``: how long the page was looked at. Raises InputError for an empty page or a
    negative time, and UnknownImage; then nothing is recorded.
    """
    if not before:
        raise InputError("A page without images cannot be recorded.", "Pass the rows it showed.")
    if not seconds >= 0:
        raise InputError(f"A page cannot take {seconds} seconds.", "Pass 0 or more.")
    shown = {int(row["id"]): row for row in before}
    with workspace.database.write() as connection:
        class_of = {name: class_id for class_id, name in names_by_id(connection).items()}
        after = ledger.current_of(connection, list(shown))
        looks = [
            {
                "image_id": image_id,
                "score": row.get("label_score"),
                # A class that was renamed or merged meanwhile is no change of the image's label.
                "class_before": class_of.get(str(row["label"]), after[image_id].class_id),
                "class_after": after[image_id].class_id,
                "state_before": row["state"],
                "state_after": after[image_id].state,
            }
            for image_id, row in shown.items()
        ]
        hits = sum(map(_hit, looks))
        key = connection.execute(
            insert(schema.pages).values(
                at=now(),
                by=by or ledger.reviewer(),
                queue=queue,
                run_id=run_id,
                images=len(looks),
                hits=hits,
                seconds=float(seconds),
            )
        ).inserted_primary_key
        assert key is not None
        page_id = int(key[0])
        connection.execute(insert(schema.looks), [look | {"page_id": page_id} for look in looks])
    return Page(page_id, hits, len(looks))


def _hit(look: Mapping[str, Any]) -> bool:
    left_out = look["state_before"] not in schema.OUT and look["state_after"] in schema.OUT
    return bool(left_out or look["class_before"] != look["class_after"])


def review_log(workspace: Workspace) -> dict[str, Any]:
    """How the review went, as JSON.

    ``days``: for each reviewer and day (UTC), newest first: ``by``, ``day``, ``pages``, ``images``
    on them, ``hits``, ``decided`` (images on them whose label or state changed), ``minutes`` (only
    time on pages) and ``per_minute`` (decided images; None without time).
    ``agreement``: of decisions made a second time: ``images``, ``same`` (label and outcome),
    ``share`` with ``low`` and ``high`` (0..1; 95 %, Wilson), ``kappa`` (Cohen 1960, -1..1: 0 is
    chance) and ``sentence``; None and a next step where nothing was decided twice.
    """
    with workspace.database.read() as connection:
        return {"days": _days(connection), "agreement": _agreement(connection)}


def _days(connection: Connection) -> list[dict[str, Any]]:
    pages, looks = schema.pages.c, schema.looks.c
    changed = case(
        ((looks.class_before != looks.class_after) | (looks.state_before != looks.state_after), 1),
        else_=0,
    )
    decided = (
        select(looks.page_id, func.sum(changed).label("decided")).group_by(looks.page_id).subquery()
    )
    day = func.substr(pages.at, 1, 10)
    query = (
        select(
            pages.by,
            day.label("day"),
            func.count().label("pages"),
            func.sum(pages.images).label("images"),
            func.sum(pages.hits).label("hits"),
            func.sum(decided.c.decided).label("decided"),
            func.sum(pages.seconds).label("seconds"),
        )
        .join(decided, decided.c.page_id == pages.id)
        .group_by(pages.by, "day")
        .order_by(desc("day"), pages.by)
    )
    found = []
    for row in connection.execute(query).mappings():
        values = dict(row)
        minutes = values.pop("seconds") / 60
        pace = values["decided"] / minutes if minutes else None
        found.append({**values, "minutes": minutes, "per_minute": pace})
    return found


def _agreement(connection: Connection) -> dict[str, Any]:
    """Decisions made a second time; "again" shows an image without its first outcome."""
    looks = schema.looks.c
    query = (
        select(looks.class_before, looks.state_before, looks.class_after, looks.state_after)
        .join(schema.pages, schema.pages.c.id == looks.page_id)
        .where(schema.pages.c.queue == AGAIN)
    )
    # An image that is out has no class that counts.
    pairs = [
        (
            (None if row[1] in schema.OUT else row[0], row[1]),
            (None if row[3] in schema.OUT else row[2], row[3]),
        )
        for row in connection.execute(query)
    ]
    if not pairs:
        nothing = dict.fromkeys(("share", "low", "high", "kappa"))
        title = QUEUES[AGAIN].title
        said = f"No decision was made twice yet: the queue “{title}” shows some of yours again."
        return {"images": 0, "same": 0, **nothing, "sentence": said}
    same = sum(first == second for first, second in pairs)
    low, high = wilson_interval(same, len(pairs))
    share = same / len(pairs)
    return {
        "images": len(pairs),
        "same": same,
        "share": share,
        "low": low,
        "high": high,
        "kappa": _kappa(pairs),
        "sentence": f"{same} of {len(pairs)} decisions were the same the second time: {share:.0%} "
        f"(95 %: {low:.0%} to {high:.0%}).",
    }


def _kappa(pairs: Sequence[tuple[Any, Any]]) -> float | None:
    """Cohen's kappa of (first, second) outcomes; None where chance alone always agrees."""
    rows = len(pairs)
    observed = sum(first == second for first, second in pairs) / rows
    first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    chance = sum(number * second[value] for value, number in first.items()) / rows**2
    return None if chance == 1 else (observed - chance) / (1 - chance)
