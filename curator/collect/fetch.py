"""The job `fetch`: get and verify everything that is listed and still missing.

Addresses are downloaded; pictures that were pasted as ``data:`` lie in the inbox already. Whatever
ends is recorded in batches, so a kill loses at most the record of one batch, and no file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import ColumnElement, func, or_, select

from curator.collect.http.client import FetchSettings
from curator.collect.http.downloader import Outcome, Wanted, download
from curator.collect.ingest import Ended, ended, keep, known
from curator.collect.verification.pool import Verifiers
from curator.collect.verification.process import Verdict
from curator.errors import InputError, ProjectAltered
from curator.files import sweep
from curator.imaging.reasons import Reason
from curator.jobs.report import Report
from curator.phrasing import many
from curator.store import schema
from curator.trust import plain_file

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

# A record is written for so many outcomes or after so many seconds: each costs an fsync. A kill in
# between forgets that these were fetched; their files are found again by content.
BATCH, BATCH_SECONDS = 128, 0.5

_WITH_PENDING = ("passing", "all", "none")  # ask for what was never tried, too

Fetching: TypeAlias = Callable[[str, int, Callable[[], None]], Iterable[Ended]]
"""Fetches what :func:`missing` names, of sources with ids above the second argument.

The third is called several times a second, also while nothing comes, by the thread that reads what
is given.
"""


@dataclass(frozen=True, kw_only=True)
class FetchReport(Report):
    """How a fetch ended. Its figures count addresses and pasted pictures alike."""

    asked: int
    images: int
    """New by content."""
    same: int
    """Content that was there already."""
    failed: dict[str, int]
    """Each reason with its number, most frequent first."""
    left: int = 0
    """Addresses of which nothing is known yet, because what fetched them was lost."""
    notes: tuple[str, ...] = ()
    """What was lost, and why: a sentence for each parcel of addresses."""


def missing(retry: str = "passing") -> ColumnElement[bool]:
    """Which sources a fetch asks for: the pending, and of the failed those that ``retry`` names.

    "passing": failures that may pass (time-outs, busy or unreachable hosts); "all": every failure;
    "none": no failure. Reason codes, separated by commas: failures with these reasons, and nothing
    that is pending. Raises InputError for any other word.
    """
    table = schema.sources
    failed = table.c.state == schema.FAILED
    wanted = table.c.state == schema.PENDING
    if retry == "all":
        wanted = or_(wanted, failed)
    elif retry == "passing":
        codes = [reason.value for reason in Reason if reason.retryable]
        wanted = or_(wanted, failed & table.c.reason.in_(codes))
    elif retry != "none":
        wanted = failed & table.c.reason.in_(_codes(retry))
    return table.c.kind.in_(("address", "data")) & wanted


def _codes(retry: str) -> list[str]:
    codes = [code.strip() for code in retry.split(",")]
    known = [reason.value for reason in Reason]
    if unknown := [code for code in codes if code not in known]:
        raise InputError(
            f"{unknown[0]!r} is not known: it is no reason of a failure.",
            f"Use passing, all, none, or some of {', '.join(known)}, separated by commas.",
        )
    return codes


def run(
    workspace: Workspace,
    progress: Progress,
    retry: str = "passing",
    settings: Mapping[str, object] | None = None,
) -> FetchReport:
    """Fetch what is missing. ``settings``: fields of FetchSettings to override.

    What is listed meanwhile is fetched as well, unless ``retry`` asks for some failures alone.
    Raises InputError for a setting that cannot be.
    """
    chosen = FetchSettings.of(settings or {})

    def fetched(retry: str, after: int, moment: Callable[[], None]) -> Iterator[Ended]:
        def cancelled() -> bool:
            moment()
            return progress.cancelled()

        wanted = asked_addresses(workspace, retry, after)
        return map(ended_of, download(wanted, workspace.originals, chosen, cancelled))

    return gather(workspace, progress, retry, fetched)


def gather(
    workspace: Workspace,
    progress: Progress,
    retry: str,
    fetched: Fetching,
    before: Iterable[Ended] = (),
    saved: Callable[[], None] = lambda: None,
) -> FetchReport:
    """Record what ``before`` holds, then all that is missing as ``fetched`` gets it.

    ``saved`` is called whenever everything that was handed over so far is recorded. Raises
    JobCancelled.
    """
    total, seen = _asked(workspace, retry)
    progress.begin("fetching", total)
    sweep(workspace.originals)  # the lock of long work is held: no one else writes there
    images = same = 0
    failed: dict[str, int] = {}
    batch: list[Ended] = []
    recorded = time.monotonic()

    def save() -> None:
        nonlocal images, same, recorded
        new = keep(workspace, batch)
        images += new
        same += sum(item.image is not None for item in batch) - new
        batch.clear()
        if retry in _WITH_PENDING:
            progress.total = max(total, progress.done + _asked(workspace, "none")[0])
        saved()
        recorded = time.monotonic()

    def moment() -> None:
        """Record what came, also where the next one takes long: somebody waits to see it."""
        if batch and (len(batch) >= BATCH or time.monotonic() - recorded > BATCH_SECONDS):
            save()

    def take(items: Iterable[Ended]) -> None:
        try:
            for item in items:
                batch.append(item)
                if item.reason is not None:
                    failed[item.reason] = failed.get(item.reason, 0) + 1
                progress.advance(1, **{item.reason or "fetched": 1})
                moment()
        finally:
            save()

    take(before)
    take(chain(_given(workspace, retry), fetched(retry, 0, moment)))
    while retry in _WITH_PENDING:
        after = seen
        more, seen = _asked(workspace, "none", after)
        if not more:
            break
        late = _given(workspace, "none", after)
        take(chain(late, fetched("none", after, moment)))
    total = progress.done
    _tidy(workspace)
    progress.check()
    bad = sum(failed.values())
    return FetchReport(
        asked=total,
        images=images,
        same=same,
        failed=dict(sorted(failed.items(), key=lambda item: -item[1])),
        sentence=_sentence(total, images, same, bad),
    )


def _asked(workspace: Workspace, retry: str, after: int = 0) -> tuple[int, int]:
    """How many sources with ids above ``after`` are asked for, and the newest id of all."""
    table = schema.sources
    asked = select(func.count()).where(missing(retry), table.c.id > after)
    newest = select(func.coalesce(func.max(table.c.id), 0))
    with workspace.database.read() as connection:
        return connection.execute(asked).scalar_one(), connection.execute(newest).scalar_one()


def _sentence(total: int, images: int, same: int, bad: int) -> str:
    if total == 0:
        return "Nothing is missing: every address was fetched or has failed for good."
    parts = [f"{many(images, 'new image')} from {many(total, 'address', 'addresses')}"]
    if same:
        parts.append(f"{same} led to an image that is there already")
    if bad:
        parts.append(f"{bad} failed")
    step = "check the data" if images or same else "see under Collect why"
    return ", ".join(parts) + f". Next: {step}."


def _rows(workspace: Workspace, kind: str, retry: str, after: int = 0) -> Iterator[tuple[int, str]]:
    """Go by pages of rows, so that memory stays flat, and by id, so that none comes twice."""
    table = schema.sources
    last = after
    while True:
        query = (
            select(table.c.id, table.c.origin)
            .where(table.c.kind == kind, missing(retry), table.c.id > last)
            .order_by(table.c.id)
            .limit(1000)
        )
        with workspace.database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        last = rows[-1].id
        yield from ((row.id, row.origin) for row in rows)


def asked_addresses(workspace: Workspace, retry: str, after: int = 0) -> Iterator[Wanted]:
    """The addresses that a fetch asks for, with ids above ``after``, by id."""
    return (Wanted(key, url) for key, url in _rows(workspace, "address", retry, after))


def _given(workspace: Workspace, retry: str, after: int = 0) -> Iterator[Ended]:
    """Verify what lies in the inbox."""
    with Verifiers(workspace.originals) as verifiers:
        for key, origin in _rows(workspace, "data", retry, after):
            try:
                content = _lying(workspace, origin.rpartition(",")[2])
            except ProjectAltered as error:
                yield ended(key, Verdict(None, None, Reason.UNREADABLE, str(error), 0))
            else:
                yield ended(key, verifiers.submit(content).result())


def _lying(workspace: Workspace, digest: str) -> Path | bytes:
    """The bytes with that SHA-256, which were given themselves, or where they are."""
    workspace.original(f"{digest[:2]}/{digest}.jpg")  # refuses what is no hash, before it is a path
    # Listed under a second class after it left the inbox, it lies among the originals.
    query = select(schema.images.c.file).where(schema.images.c.sha256 == digest)
    with workspace.database.read() as connection:
        file = connection.execute(query).scalar()
    if file is not None and (original := workspace.original(file)).path.exists():
        return original.path if original.is_file else original.read_bytes()
    return plain_file(workspace.inbox / digest)


def _tidy(workspace: Workspace) -> None:
    """Empty the inbox of what is an image by now; the rest stays, it cannot be asked for again."""
    lying = [path.name for path in workspace.inbox.glob("*")]
    with workspace.database.read() as connection:
        for digest in known(connection, lying):
            (workspace.inbox / digest).unlink(missing_ok=True)


def ended_of(outcome: Outcome) -> Ended:
    """How a source ended that was downloaded."""
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
