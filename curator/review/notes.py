"""Why an image is in a queue, in a few words for its tile."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from curator.check.conflicts import listed_under
from curator.check.keepers import keepers, twins
from curator.check.quality import QUALITY, quality_issues

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from sqlalchemy import Connection


def notes(connection: Connection, kind: str, table: pd.DataFrame) -> list[str]:
    """One note for each row of a queue's ``table``; empty where its score says it all."""
    if kind in {"duplicates", "two classes"}:
        return _of_groups(connection, table)
    if kind == "outliers":
        return [f"score {score:.2f}" for score in table["outlier_score"]]
    if kind == "problems":
        return _of_quality(connection, table["image_id"].tolist())
    return [""] * len(table)


def _of_groups(connection: Connection, table: pd.DataFrame) -> list[str]:
    """The number of the group in this queue, whether it is the best of it, and other classes."""
    groups = twins(connection)
    best = set(keepers(groups))
    in_group = set(groups["image_id"])
    listed = listed_under(connection)
    numbers = {group: place for place, group in enumerate(table["group_id"].unique(), start=1)}
    found = []
    for image_id, group, label in zip(
        table["image_id"].tolist(), table["group_id"].tolist(), table["label"], strict=True
    ):
        parts = []
        if image_id in in_group:
            parts.append(f"group {numbers[group]}")
            parts.append("best to keep" if image_id in best else "spare")
        others = [name for name in listed.get(image_id, []) if name != label]
        if others:
            parts.append(f"also listed under {', '.join(others)}")
        found.append(" · ".join(parts))
    return found


def _of_quality(connection: Connection, image_ids: Sequence[int]) -> list[str]:
    issues = defaultdict(list)
    for column, ids in quality_issues(connection).items():
        for image_id in ids:
            issues[image_id].append(QUALITY[column][1])
    return [", ".join(issues[image_id]) for image_id in image_ids]
