"""The check's report: what is wrong with the data before training, and what is fine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from curator.check.counts import AddressCounts, ClassCount
from curator.check.findings import Problem, Seen, Sieve, code_of, look, problems_in
from curator.check.quality import QUALITY
from curator.jobs.report import Report
from curator.phrasing import many
from curator.store import dismissals, flags, images, schema, weak_spots

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

EXAMPLES = 20


@dataclass(frozen=True)
class OriginalCounts:
    """The stored files, as of the last check."""

    examined_at: str | None
    """None before the first check."""
    files: int
    missing: int
    """Of live images, as ``altered``."""
    altered: int


@dataclass(frozen=True, kw_only=True)
class CheckReport(Report):
    """The state of the data. Problems come most important first."""

    images: int
    classes: tuple[ClassCount, ...]
    addresses: AddressCounts
    originals: OriginalCounts
    problems: tuple[Problem, ...]
    dismissed: tuple[Problem, ...] = ()
    """What somebody said is no problem, with the images of which that was said."""
    fine: tuple[str, ...] = ()
    """What was looked for and not found, one sentence each; empty before every image is checked."""
    unreadable: tuple[str, ...] = ()
    """What is wrong with images that could not be read, one sentence each."""
    notes: tuple[str, ...] = ()
    """What had to be made again or given up on the way."""


def report(workspace: Workspace) -> CheckReport:
    """What is wrong with the data as it was last measured and compared; changes nothing."""
    with workspace.database.read() as connection:
        seen = look(connection)
        dismissed = dismissals.in_force(connection)
        checked = _all_checked(connection)
    problems = problems_in(seen, Sieve(dismissed))
    return CheckReport(
        images=sum(item.images for item in seen.per_class),
        classes=seen.per_class,
        addresses=seen.addresses,
        originals=OriginalCounts(
            seen.examined.at if seen.examined else None,
            seen.examined.files if seen.examined else 0,
            len(seen.missing),
            len(seen.altered),
        ),
        problems=_with_examples(problems),
        dismissed=_with_examples(problems_in(seen, Sieve(dismissed, dismissed_ones=True))),
        fine=_fine({item.code for item in problems}, seen) if checked else (),
        sentence=_sentence(seen.per_class, len(problems)),
    )


def _all_checked(connection: Connection) -> bool:
    """Whether there are images, and each was compared with the others."""
    table = schema.images.c
    first = images.present(table.id).where(images.LIVE).limit(1)
    lacking = first.where(table.group_id.is_(None))
    return (
        connection.execute(first).first() is not None
        and connection.execute(lacking).first() is None
    )


def _fine(found: set[str], seen: Seen) -> tuple[str, ...]:
    """What was looked for and is not among the codes ``found``."""
    said = {
        "near_duplicates": "No image is there twice.",
        "listed_in_two_classes": "No image is listed under two classes.",
        "near_duplicates_in_two_classes": "Images that look the same have the same label.",
        "outliers": "No image looks unlike the others of its label.",
        **{code_of(score): f"No image is {words}." for score, (_, words) in QUALITY.items()},
        "tiny_class": "Every class has enough images to learn from.",
        "unbalanced": "The classes are of similar size.",
        "failed": "Every address and file gave an image.",
    }
    fine = [sentence for code, sentence in said.items() if code not in found]
    if seen.no_photographs is not None and flags.NO_PHOTOGRAPH not in found:
        fine.append("No image looks drawn, or like a chart or a screen.")
    weak = seen.weak is not None
    if weak and not found & {*weak_spots.SPOTS}:
        fine.append("No cluster of like images is judged worse than the rest.")
    if weak and not found & {*weak_spots.CODES} - {*weak_spots.SPOTS}:
        fine.append("Neither host, size, shape, greyness nor border alone tells the class.")
    return tuple(fine)


def _with_examples(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(replace(item, images=item.images[:EXAMPLES]) for item in problems)


def _sentence(per_class: Sequence[ClassCount], count: int) -> str:
    """One line for people; ``count``: of the problems."""
    images = many(sum(item.images for item in per_class), "image")
    seen = f"{images} in {many(len(per_class), 'class', 'classes')}"
    trainable = sum(item.images > 1 for item in per_class) > 1
    following = "train" if trainable else "add images, of two classes at least"
    if not count:
        return f"{seen}, nothing wrong was found. Next: {following}."
    return f"{seen}, {many(count, 'thing')} to look at. Next: {following}."
