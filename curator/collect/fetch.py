"""The job `fetch`: download and verify every address that is still missing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError
from sqlalchemy import ColumnElement, func, or_, select

from curator.collect.download import Outcome, Wanted, download
from curator.collect.keeping import Ended, keep
from curator.collect.network import FetchSettings
from curator.collect.reasons import Reason
from curator.errors import InputError
from curator.store import schema
from curator.words import many

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.project import Project

# A record is written for so many outcomes or after so many seconds: each costs an fsync. A kill in
# between forgets that these were fetched; their files are found again by content.
BATCH, BATCH_SECONDS = 32, 0.5

Retry = Literal["passing", "all", "none"]


def missing(retry: Retry = "passing") -> ColumnElement[bool]:
    """Which sources a fetch asks for: the pending, and of the failed those that ``retry`` names.

    "passing": failures that may pass (time-outs, busy or unreachable hosts); "all": every failure;
    "none": no failure.
    """
    table = schema.sources
    wanted = table.c.state == schema.PENDING
    if retry == "all":
        wanted = or_(wanted, table.c.state == schema.FAILED)
    elif retry == "passing":
        codes = [reason.value for reason in Reason if reason.retryable]
        wanted = or_(wanted, (table.c.state == schema.FAILED) & table.c.reason.in_(codes))
    return (table.c.kind == "address") & wanted


def run(
    project: Project,
    progress: Progress,
    retry: Retry = "passing",
    settings: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Fetch what is missing. ``settings``: fields of FetchSettings to override.

    The answer counts addresses: ``asked``, ``images`` (new by content), ``same`` (content that
    was there already) and, under ``failed``, each reason with its number. Raises InputError for a
    setting that cannot be.
    """
    chosen = _checked(settings or {})
    with project.database.read() as connection:
        total = connection.execute(
            select(func.count()).select_from(schema.sources).where(missing(retry))
        ).scalar_one()
    progress.begin("fetching", total)
    images = same = 0
    failed: dict[str, int] = {}
    batch: list[Outcome] = []
    saved = time.monotonic()

    def save() -> None:
        nonlocal images, same, saved
        new = keep(project, [_ended(outcome) for outcome in batch])
        images += new
        same += sum(outcome.image is not None for outcome in batch) - new
        batch.clear()
        saved = time.monotonic()

    outcomes = download(
        _wanted(project, retry), project.originals, chosen, cancelled=progress.cancelled
    )
    try:
        for outcome in outcomes:
            batch.append(outcome)
            if outcome.reason is not None:
                failed[outcome.reason.value] = failed.get(outcome.reason.value, 0) + 1
            if len(batch) >= BATCH or time.monotonic() - saved > BATCH_SECONDS:
                save()
            name = "fetched" if outcome.reason is None else outcome.reason.value
            progress.advance(1, **{name: 1})
    finally:
        save()
    progress.check()
    bad = sum(failed.values())
    return {
        "asked": total,
        "images": images,
        "same": same,
        "failed": dict(sorted(failed.items(), key=lambda item: -item[1])),
        "sentence": _sentence(total, images, same, bad),
    }


def _checked(settings: dict[str, Any]) -> FetchSettings:
    try:
        return FetchSettings(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(
            f"The setting {name} of a fetch cannot be {first['input']!r}: {first['msg']}.",
            f"The settings are: {', '.join(FetchSettings.model_fields)}.",
        ) from error


def _sentence(total: int, images: int, same: int, bad: int) -> str:
    if total == 0:
        return "Nothing is missing: every address was fetched or has failed for good."
    parts = [f"{many(images, 'new image')} from {many(total, 'address', 'addresses')}"]
    if same:
        parts.append(f"{same} led to an image that is there already")
    if bad:
        parts.append(f"{bad} failed")
    return ", ".join(parts) + ". Next: check the data."


def _wanted(project: Project, retry: Retry) -> Iterator[Wanted]:
    """Go by pages of rows, so that memory stays flat, and by id, so that none comes twice."""
    table = schema.sources
    last = 0
    while True:
        query = (
            select(table.c.id, table.c.origin)
            .where(missing(retry), table.c.id > last)
            .order_by(table.c.id)
            .limit(1000)
        )
        with project.database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        last = rows[-1].id
        for row in rows:
            yield Wanted(row.id, row.origin)


def _ended(outcome: Outcome) -> Ended:
    return Ended(
        source_id=outcome.key,
        image=outcome.image,
        file=outcome.file,
        reason=None if outcome.reason is None else outcome.reason.value,
        detail=outcome.detail,
        facts={
            "final_address": outcome.final_address,
            "http_status": outcome.http_status,
            "content_type": outcome.content_type,
            "bytes": outcome.bytes,
            "seconds": outcome.seconds,
            "attempts": outcome.attempts,
        },
    )
