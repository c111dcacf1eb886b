"""What is wrong with the data before training, as counts and as problems with a next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Connection, bindparam, func, select

from curator.check.conflicts import differing, listed_under
from curator.check.keepers import twins
from curator.check.outliers import THRESHOLD, outliers
from curator.check.quality import QUALITY, quality_issues
from curator.store import images, originals, schema
from curator.store.classes import all_classes
from curator.store.database import pieces
from curator.words import many

if TYPE_CHECKING:
    from curator.project import Project

TINY_CLASS = 10  # images: below this neither training nor the figures can be trusted
UNBALANCED = 5  # times: largest class against smallest
EXAMPLES = 20


def report(project: Project) -> dict[str, Any]:
    """The state of the data as JSON: ``classes``, ``addresses``, ``originals``, ``problems``.

    ``originals``: ``examined_at`` (None before the first check), ``files``, and of the live images
    the numbers ``missing`` and ``altered``, all as of the last check.

    A problem has ``code``, ``count``, ``problem`` (what, with figures), ``fix`` (the next step),
    ``images`` (some ids) and ``queue`` (the review queue that shows all of them, or None). Problems
    come most important first.
    """
    with project.database.read() as connection:
        per_class = _per_class(connection)
        addresses = address_counts(connection)
        quality = quality_issues(connection)
        table = twins(connection)
        listed = sorted(listed_under(connection))
        unusual = outliers(connection)
        examined = originals.examined(connection)
        missing = _live_files(connection, examined.missing if examined else [])
        altered = _live_files(connection, examined.altered if examined else [])
    problems = [
        *_original_problems(missing, altered),
        *_class_problems(per_class),
        *_duplicate_problems(table, listed),
        *_outlier_problems(unusual),
        *_address_problems(addresses),
        *_quality_problems(quality),
    ]
    return {
        "images": sum(row["images"] for row in per_class),
        "classes": per_class,
        "addresses": addresses,
        "originals": {
            "examined_at": examined.at if examined else None,
            "files": examined.files if examined else 0,
            "missing": len(missing),
            "altered": len(altered),
        },
        "problems": problems,
    }


def _per_class(connection: Connection) -> list[dict[str, Any]]:
    """Live images of each class, and how many of them are on each side of the split."""
    now, split = schema.current.c, schema.images.c.split
    query = (
        select(now.class_id, split, func.count().label("number"))
        .join(schema.images, schema.images.c.id == now.image_id)
        .where(images.LIVE)
        .group_by(now.class_id, split)
    )
    found = {(row.class_id, row.split): row.number for row in connection.execute(query)}
    return [
        {
            "label": item.name,
            "images": sum(number for (key, _), number in found.items() if key == item.id),
            "train": found.get((item.id, schema.TRAIN), 0),
            "valid": found.get((item.id, schema.VALID), 0),
        }
        for item in all_classes(connection)
    ]


def sentence(found: dict[str, Any]) -> str:
    """One line for people."""
    count = len(found["problems"])
    seen = f"{many(found['images'], 'image')} in {many(len(found['classes']), 'class', 'classes')}"
    trainable = sum(row["images"] > 1 for row in found["classes"]) > 1
    following = "train" if trainable else "add images, of two classes at least"
    if not count:
        return f"{seen}, nothing wrong was found. Next: {following}."
    return f"{seen}, {many(count, 'thing')} to look at. Next: {following}."


def address_counts(connection: Connection) -> dict[str, Any]:
    """Addresses and imported files by state; the failed ones by reason code."""
    table = schema.sources
    rows = connection.execute(
        select(table.c.state, table.c.reason, func.count().label("number")).group_by(
            table.c.state, table.c.reason
        )
    ).all()
    failed = {row.reason: row.number for row in rows if row.state == schema.FAILED}
    return {
        "pending": sum(row.number for row in rows if row.state == schema.PENDING),
        "fetched": sum(row.number for row in rows if row.state == schema.FETCHED),
        "failed": dict(sorted(failed.items(), key=lambda item: -item[1])),
    }


def _problem(
    code: str,
    count: int,
    problem: str,
    fix: str,
    ids: list[int] | None = None,
    queue: str | None = None,
) -> dict[str, Any]:
    return {
        "code": code,
        "count": count,
        "problem": problem,
        "fix": fix,
        "images": [int(i) for i in (ids or [])[:EXAMPLES]],
        "queue": queue,
    }


def _live_files(connection: Connection, ids: list[int]) -> dict[int, str]:
    """The files of those of these images that are live, by id."""
    table, now = schema.images, schema.current.c
    query = (
        select(table.c.id, table.c.file)
        .join(schema.current, now.image_id == table.c.id)
        .where(images.LIVE, table.c.id.in_(bindparam("ids", expanding=True)))
        .order_by(table.c.id)
    )
    return {
        row.id: row.file
        for piece in pieces(ids)
        for row in connection.execute(query, {"ids": piece})
    }


def _original_problems(missing: dict[int, str], altered: dict[int, str]) -> list[dict[str, Any]]:
    """``missing``, ``altered``: files by image id."""
    fix = (
        "Put the files back from a copy of the project and check again, or delete the images; "
        "they cannot be exported."
    )
    found = []
    for code, files, what in (
        ("missing_originals", missing, ("original is missing", "originals are missing")),
        (
            "altered_originals",
            altered,
            (
                "original is no longer the file that was taken in",
                "originals are no longer the files that were taken in",
            ),
        ),
    ):
        if files:
            first = next(iter(files.values()))
            said = f"{many(len(files), *what)}, such as originals/{first}."
            found.append(_problem(code, len(files), said, fix, list(files)))
    return found


def _class_problems(per_class: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    if len(per_class) < 2:
        found.append(
            _problem(
                "one_class",
                len(per_class),
                f"The project has {many(len(per_class), 'class', 'classes')}.",
                "A classifier needs at least two: add another.",
            )
        )
    found.extend(
        _problem(
            "tiny_class",
            item["images"],
            f"The class {item['label']} has {many(item['images'], 'image')}.",
            f"Add more: below {TINY_CLASS} its figures mean little, below 2 it cannot be trained.",
        )
        for item in per_class
        if item["images"] < TINY_CLASS
    )
    sizes = [item["images"] for item in per_class if item["images"]]
    if len(sizes) > 1 and max(sizes) > UNBALANCED * min(sizes):
        found.append(
            _problem(
                "unbalanced",
                max(sizes) // min(sizes),
                f"The largest class has {max(sizes)} images, the smallest {min(sizes)}.",
                "Usually fine; watch the recall of the small one.",
            )
        )
    return found


def _duplicate_problems(table: pd.DataFrame, listed: list[int]) -> list[dict[str, Any]]:
    """``table``: the live near-duplicates; ``listed``: images listed under several classes."""
    found = []
    if listed:
        found.append(
            _problem(
                "listed_in_two_classes",
                len(listed),
                f"{many(len(listed), 'image is', 'images are')} listed under more than one "
                "class, byte for byte.",
                "Each counts once, for the class that listed it first: keep it there, or relabel "
                "it.",
                listed,
                "two classes",
            )
        )
    mixed = differing(table)
    if mixed:
        found.append(
            _problem(
                "near_duplicates_in_two_classes",
                len(mixed),
                f"{len(mixed)} near-duplicates carry different labels.",
                "At most one label can be right: relabel or delete the others.",
                mixed,
                "two classes",
            )
        )
    leaks = table[table.groupby("group_id")["split"].transform("nunique") > 1]
    if len(leaks):
        found.append(
            _problem(
                "near_duplicates_across_splits",
                len(leaks),
                f"{len(leaks)} near-duplicates lie in training and in validation.",
                "Their splits came before the check and stay, so the validation error is too good: "
                "delete the copies on one side.",
                leaks["image_id"].tolist(),
                "duplicates",
            )
        )
    if len(table):
        spare = len(table) - table["group_id"].nunique()
        found.append(
            _problem(
                "near_duplicates",
                len(table),
                f"{len(table)} images are near-duplicates of another, {spare} more than needed.",
                "They share a fold, and a side of the split unless said otherwise above, so they "
                "do no harm to the figures; of each group keep the first that is shown, the best.",
                table["image_id"].tolist(),
                "duplicates",
            )
        )
    return found


def _outlier_problems(ids: list[int]) -> list[dict[str, Any]]:
    if not ids:
        return []
    return [
        _problem(
            "outliers",
            len(ids),
            f"{many(len(ids), 'image looks', 'images look')} unlike the others of "
            f"{'its' if len(ids) == 1 else 'their'} label (outlier_score below {THRESHOLD}).",
            "Look at them: keep what belongs there, relabel or delete what does not.",
            ids,
            "outliers",
        )
    ]


def _address_problems(addresses: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    if addresses["pending"]:
        found.append(
            _problem(
                "pending",
                addresses["pending"],
                f"{many(addresses['pending'], 'address is', 'addresses are')} not fetched yet.",
                "Run fetch.",
            )
        )
    if addresses["failed"]:
        number = sum(addresses["failed"].values())
        reasons = ", ".join(
            f"{count} {code.replace('_', ' ')}" for code, count in addresses["failed"].items()
        )
        found.append(
            _problem(
                "failed",
                number,
                f"{number} addresses or files gave no image: {reasons}.",
                "Nothing is needed; fetching again asks those whose failure may pass.",
            )
        )
    return found


def _quality_problems(flagged: dict[str, list[int]]) -> list[dict[str, Any]]:
    return [
        _problem(
            f"is_{column.removesuffix('_score')}_issue",
            len(ids),
            f"{many(len(ids), 'image is', 'images are')} {QUALITY[column][1]} ({column} below "
            f"{QUALITY[column][0]}).",
            "Look at them; delete what shows nothing.",
            ids,
            "problems",
        )
        for column, ids in flagged.items()
    ]
