"""Why an image is in a queue, in a few words for its tile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.check.quality import QUALITY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
