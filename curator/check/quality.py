"""Which images are of poor quality: thresholds on the measures that each image was stored with."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from curator.store import images, schema

# Below these scores (0..1, low = suspicious) an image is worth a look.
QUALITY = {
    "dark_score": (0.32, "very dark"),
    "light_score": (0.05, "very light"),
    "low_information_score": (0.3, "nearly empty"),
    "blurry_score": (0.29, "blurry"),
    "odd_aspect_ratio_score": (0.35, "of an odd shape"),
}
# A measure that flags more than this share of the images describes the collection, not its faults:
# scanned digits are all "blurry". The same limit as cleanvision's ``max_prevalence``.
LARGEST_PREVALENCE = 0.5


def quality_issues(connection: Connection) -> dict[str, list[int]]:
    """For each measure of :data:`QUALITY` that flags some: the live images below, worst first."""
    flagged = {}
    joined = schema.images.join(schema.current, schema.current.c.image_id == schema.images.c.id)
    live = select(schema.images.c.id).select_from(joined).where(images.LIVE)
    total = connection.execute(select(func.count()).select_from(live.subquery())).scalar_one()
    for column, (threshold, _) in QUALITY.items():
        score = schema.images.c[column]
        query = live.where(score < threshold).order_by(score, schema.images.c.id)
        ids = [row.id for row in connection.execute(query)]
        if 0 < len(ids) <= LARGEST_PREVALENCE * total:
            flagged[column] = ids
    return flagged
