"""A simulated reviewer: goes through pages as the gallery does, and knows the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.review import log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.project import Project
    from curator.sample.digits import Item

PAGE = 24
SECONDS = 30.0


def shown(project: Project, image_ids: list[int]) -> list[dict[str, Any]]:
    """Give the rows of ``image_ids`` as a page shows them."""
    ranked = project.rank()
    labels, scores, sources = (
        dict(zip(ranked["image_id"].tolist(), ranked[name].tolist(), strict=True))
        for name in ("label", "label_score", "source")
    )
    with project.database.read() as connection:
        states = connection.exec_driver_sql("SELECT image_id, state FROM current").all()
    state_of = {row.image_id: row.state for row in states}
    return [
        {
            "id": image_id,
            "label": labels[image_id],
            "state": state_of[image_id],
            "label_score": scores[image_id],
            "source": sources[image_id],
        }
        for image_id in image_ids
    ]


def undecided(project: Project, count: int = PAGE) -> list[int]:
    """Give the most suspicious images that nobody decided on."""
    with project.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT image_id FROM current WHERE state = 'new'").all()
    new = {row.image_id for row in rows}
    return [i for i in project.rank()["image_id"].tolist() if i in new][:count]


def review(
    project: Project,
    items: Mapping[str, Item],
    image_ids: list[int],
    queue: str = "suspicious",
) -> log.Page:
    """Decide on a page by the truth, and record it."""
    with project.database.read() as connection:
        run_id = connection.exec_driver_sql("SELECT MAX(id) FROM runs").scalar_one()
    before = shown(project, image_ids)
    fine = []
    for row in before:
        truth = items["/" + row["source"].split("/", 3)[3]].truth
        if truth is None:
            project.decide([row["id"]], "none")
        elif truth != row["label"]:
            project.decide([row["id"]], "relabel", truth)
        else:
            fine.append(row["id"])
    project.decide(fine, "keep")
    return log.record_page(project, queue, run_id, before, SECONDS, by="someone")
