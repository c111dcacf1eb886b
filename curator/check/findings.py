"""What is wrong with the data: each finding with its images, its rule and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from curator.check.conflicts import differing, listed_under
from curator.check.counts import AddressCounts, ClassCount, address_counts, class_counts
from curator.check.duplicates.keepers import twins
from curator.check.outliers import THRESHOLD, outliers
from curator.check.quality import QUALITY, quality_issues
from curator.frames import pd
from curator.phrasing import many
from curator.store import dismissals, flags, images, originals, schema, weak_spots
from curator.store.database import rows_of

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

TINY_CLASS = 10  # images: below this neither training nor the figures can be trusted
UNBALANCED = 5  # times: largest class against smallest


def code_of(score: str) -> str:
    """The code of the finding of a quality score."""
    return f"is_{score.removesuffix('_score')}_issue"


OF_IMAGES = (
    "listed_in_two_classes",
    "near_duplicates_in_two_classes",
    "near_duplicates_across_splits",
    "near_duplicates",
    "outliers",
    flags.NO_PHOTOGRAPH,
    *(code_of(score) for score in QUALITY),
    *weak_spots.CODES,
)
"""The codes of the findings that are of images."""
DISMISSABLE = (*OF_IMAGES, "tiny_class", "unbalanced", "failed")
"""What a person may say is no problem; the others are wrong whatever anybody says."""


@dataclass(frozen=True)
class Problem:
    """One thing to look at, with the next step."""

    code: str
    count: int
    problem: str
    """What, with figures."""
    fix: str
    """The next step."""
    images: tuple[int, ...] = ()
    """Some of the ids, in a report :data:`~curator.check.report.EXAMPLES` at most."""
    queue: str | None = None
    """The review queue that shows all of them."""
    rule: str = ""
    """The measure and the threshold that found them, such as "blurry_score below 0.29"."""
    label: str | None = None
    """The class that it is about, where it is about one."""


@dataclass(frozen=True)
class Seen:
    """What the problems follow from."""

    per_class: tuple[ClassCount, ...]
    addresses: AddressCounts
    examined: originals.Examined | None
    missing: dict[int, str]
    altered: dict[int, str]
    quality: dict[str, list[int]]
    twins: pd.DataFrame
    listed: list[int]
    unusual: list[int]
    no_photographs: list[int] | None
    """Of the live images; None where they were not looked for."""
    weak: list[weak_spots.Kept] | None
    """Weak spots of the last run, of live images; None where none were looked for."""


@dataclass(frozen=True)
class Sieve:
    """Lets through what is not dismissed, or only what is (``dismissed_ones``)."""

    dismissed: dismissals.Dismissed
    dismissed_ones: bool = False

    def ids(self, code: str, ids: Iterable[int]) -> list[int]:
        """Of the images of a finding."""
        out = self.dismissed.images[code]
        return [i for i in ids if (i in out) == self.dismissed_ones]

    def groups(self, code: str, table: pd.DataFrame) -> pd.DataFrame:
        """Of groups of near-duplicates; one is dismissed while all its images are."""
        if table.empty:
            return table
        out = table["image_id"].isin(self.dismissed.images[code])
        return table[out.groupby(table["group_id"]).transform("all") == self.dismissed_ones]

    def about(self, code: str, class_id: int | None = None) -> bool:
        """Whether a finding of a class, or of the data as a whole, passes."""
        out = (
            code in self.dismissed.whole
            if class_id is None
            else class_id in self.dismissed.classes[code]
        )
        return out == self.dismissed_ones


def findings(connection: Connection, dismissed_ones: bool = False) -> list[Problem]:
    """The problems with the ids of all their images; or those that were dismissed."""
    return problems_in(look(connection), Sieve(dismissals.in_force(connection), dismissed_ones))


def weak_findings(workspace: Workspace) -> list[Problem]:
    """The weak spots of the last training that were not dismissed, with the ids of their images."""
    with workspace.database.read() as connection:
        return _weak_problems(_weak(connection) or [], Sieve(dismissals.in_force(connection)))


def look(connection: Connection) -> Seen:
    """What there is to find problems in, as it was last measured and compared."""
    examined = originals.examined(connection)
    return Seen(
        per_class=class_counts(connection),
        addresses=address_counts(connection),
        examined=examined,
        missing=_live_files(connection, examined.missing if examined else []),
        altered=_live_files(connection, examined.altered if examined else []),
        quality=quality_issues(connection),
        twins=twins(connection),
        listed=sorted(listed_under(connection)),
        unusual=outliers(connection),
        no_photographs=flags.kept(connection),
        weak=_weak(connection),
    )


def problems_in(seen: Seen, sieve: Sieve) -> list[Problem]:
    """What passes the sieve, each with the ids of all its images."""
    always = () if sieve.dismissed_ones else _original_problems(seen.missing, seen.altered)
    return [
        *always,
        *_class_problems(seen.per_class, sieve),
        *_duplicate_problems(seen.twins, seen.listed, sieve),
        *_weak_problems(seen.weak or [], sieve),
        *_outlier_problems(sieve.ids("outliers", seen.unusual)),
        *_no_photographs(sieve.ids(flags.NO_PHOTOGRAPH, seen.no_photographs or [])),
        *_address_problems(seen.addresses, sieve),
        *_quality_problems(seen.quality, sieve),
    ]


_SIDES = {schema.TRAIN: "training", schema.VALID: "validation", schema.TEST: "test"}


def sides(splits: pd.Series[str]) -> str:
    """The sides of the split that occur, in words: "training and test"."""
    return " and ".join(words for split, words in _SIDES.items() if (splits == split).any())


def _problem(
    code: str,
    count: int,
    problem: str,
    fix: str,
    ids: Sequence[int] = (),
    queue: str | None = None,
    rule: str = "",
    label: str | None = None,
) -> Problem:
    return Problem(code, count, problem, fix, tuple(int(i) for i in ids), queue, rule, label)


def _live_files(connection: Connection, ids: list[int]) -> dict[int, str]:
    """The files of those of these images that are live, by id."""
    table = schema.images
    query = images.present(table.c.id, table.c.file).where(images.LIVE).order_by(table.c.id)
    return {row.id: row.file for row in rows_of(connection, query, table.c.id, ids)}


def _weak(connection: Connection) -> list[weak_spots.Kept] | None:
    found = weak_spots.kept(connection)
    if not found:
        return found
    every = sorted({i for item in found for i in item.images})
    here = _live_files(connection, every).keys()
    return [replace(item, images=[i for i in item.images if i in here]) for item in found]


def _weak_problems(weak: list[weak_spots.Kept], sieve: Sieve) -> list[Problem]:
    passing = [(item, sieve.ids(item.code, item.images)) for item in weak]
    return [
        _problem(item.code, len(ids), item.problem, item.fix, ids, "all", item.rule)
        for item, ids in passing
        if ids
    ]


def _original_problems(missing: dict[int, str], altered: dict[int, str]) -> list[Problem]:
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


def _class_problems(per_class: Sequence[ClassCount], sieve: Sieve) -> list[Problem]:
    found = []
    if len(per_class) < 2 and not sieve.dismissed_ones:
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
            item.images,
            f"The class {item.label} has {many(item.images, 'image')}.",
            f"Add more: below {TINY_CLASS} its figures mean little, below 2 it cannot be trained.",
            label=item.label,
        )
        for item in per_class
        if item.images < TINY_CLASS and sieve.about("tiny_class", item.class_id)
    )
    sizes = [item.images for item in per_class if item.images]
    lopsided = len(sizes) > 1 and max(sizes) > UNBALANCED * min(sizes)
    if lopsided and sieve.about("unbalanced"):
        found.append(
            _problem(
                "unbalanced",
                max(sizes) // min(sizes),
                f"The largest class has {max(sizes)} images, the smallest {min(sizes)}.",
                "Usually fine; watch the recall of the small one.",
            )
        )
    return found


def _duplicate_problems(table: pd.DataFrame, listed: list[int], sieve: Sieve) -> list[Problem]:
    """``table``: the live near-duplicates; ``listed``: images listed under several classes."""
    found = []
    listed = sieve.ids("listed_in_two_classes", listed)
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
    mixed = differing(sieve.groups("near_duplicates_in_two_classes", table))
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
    leaks = sieve.groups("near_duplicates_across_splits", leaks)
    if len(leaks):
        found.append(
            _problem(
                "near_duplicates_across_splits",
                len(leaks),
                f"{len(leaks)} near-duplicates lie on several sides of the split: "
                f"{sides(leaks['split'])}.",
                "Their splits came before the check and stay, so the error that is measured on one "
                "side is too good: delete the copies on the other.",
                leaks["image_id"].tolist(),
                "duplicates",
            )
        )
    table = sieve.groups("near_duplicates", table)
    if len(table):
        spare = len(table) - table["group_id"].nunique()
        found.append(
            _problem(
                "near_duplicates",
                len(table),
                f"{len(table)} images are near-duplicates of another, {spare} more than needed.",
                "They are judged together, on one side of the split unless said otherwise above, "
                "so they do no harm to the figures; of each group keep the first that is shown, "
                "the best.",
                table["image_id"].tolist(),
                "duplicates",
            )
        )
    return found


def _outlier_problems(ids: list[int]) -> list[Problem]:
    if not ids:
        return []
    return [
        _problem(
            "outliers",
            len(ids),
            f"{many(len(ids), 'image looks', 'images look')} unlike the others of "
            f"{'its' if len(ids) == 1 else 'their'} label.",
            "Look at them: keep what belongs there, relabel or delete what does not.",
            ids,
            "outliers",
            f"outlier_score below {THRESHOLD}",
        )
    ]


def _no_photographs(ids: list[int]) -> list[Problem]:
    what = many(len(ids), "image looks", "images look")
    said = f"{what} drawn, or like a chart or a screen, not like a photograph."
    fix = "Look at them: a hint, which misses some. Delete what does not belong."
    rule = "a small model of made drawings, charts and screens"
    return [_problem(flags.NO_PHOTOGRAPH, len(ids), said, fix, ids, "all", rule)] if ids else []


def _address_problems(addresses: AddressCounts, sieve: Sieve) -> list[Problem]:
    found = []
    if addresses.pending and not sieve.dismissed_ones:
        found.append(
            _problem(
                "pending",
                addresses.pending,
                f"{many(addresses.pending, 'address is', 'addresses are')} not fetched yet.",
                "Run fetch.",
            )
        )
    if addresses.failed and sieve.about("failed"):
        number = sum(addresses.failed.values())
        reasons = ", ".join(
            f"{count} {code.replace('_', ' ')}" for code, count in addresses.failed.items()
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


def _quality_problems(flagged: dict[str, list[int]], sieve: Sieve) -> list[Problem]:
    passing = {
        column: ids
        for column, every in flagged.items()
        if (ids := sieve.ids(code_of(column), every))
    }
    return [
        _problem(
            code_of(column),
            len(ids),
            f"{many(len(ids), 'image is', 'images are')} {QUALITY[column][1]}.",
            "Look at them; delete what shows nothing.",
            ids,
            "problems",
            f"{column} below {QUALITY[column][0]}",
        )
        for column, ids in passing.items()
    ]
