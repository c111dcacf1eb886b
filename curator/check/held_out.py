"""A test split that is drawn of images that have a split already, or given back.

What a run learnt from, it cannot be judged on: a run from before the draw is judged on none of
these images (:mod:`curator.deliver.evaluate`), and they count again after the next training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from curator.check import splits
from curator.frames import pd
from curator.phrasing import many
from curator.records import Record
from curator.store import held_out, images, schema
from curator.store.classes import names_by_id
from curator.store.workspace import require_test_share

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

_NAMED = 8  # classes that a sentence counts each


@dataclass(frozen=True)
class ClassHeldOut:
    """Live images of a class, and how many of them are the test's before and after the draw."""

    label: str
    images: int
    before: int
    after: int


@dataclass(frozen=True)
class HeldOut(Record):
    """What a draw of the test split did, or would do."""

    share: float
    """Of each class, 0..0.5; kept for images that come later."""
    classes: tuple[ClassHeldOut, ...]
    moved: int
    """Live images that changed their split."""
    batch: int
    """The step of undo; 0 where nothing was changed."""
    sentence: str


def draw(workspace: Workspace, share: float, by: str | None = None) -> HeldOut:
    """Put a ``share`` of each class aside as a test, or give it back (0), as one step of undo.

    Raises InputError.
    """
    require_test_share(share)
    with workspace.database.write() as connection:
        before = workspace.test_share
        table, moved = _plan(connection, workspace.seed, share)
        batch = 0
        if moved or share != before:
            batch = held_out.record(connection, (before, share), moved, by).batch
        return _told(connection, table, moved, share, batch, done=True)


def preview(workspace: Workspace, share: float) -> HeldOut:
    """What :func:`draw` would do. Raises InputError."""
    require_test_share(share)
    with workspace.database.read() as connection:
        table, moved = _plan(connection, workspace.seed, share)
        return _told(connection, table, moved, share, 0, done=False)


def _plan(
    connection: Connection, seed: int, share: float
) -> tuple[pd.DataFrame, dict[int, tuple[str, str]]]:
    """Every image, by id, and which of them change their split, from and to which."""
    query = images.present(
        schema.images.c.id,
        schema.images.c.sha256,
        schema.images.c.group_id,
        schema.images.c.split,
        schema.current.c.class_id,
        schema.current.c.state,
    )
    table = images.frame(connection, query.order_by(schema.images.c.id))
    table["group"] = table["group_id"].fillna(table["id"]).astype("int64")
    table["live"] = ~table["state"].isin(schema.OUT)
    given = [None if pd.isna(value) else str(value) for value in table["split"]]
    ids, labels, groups, digests = (
        table[name].tolist() for name in ("id", "class_id", "group", "sha256")
    )
    if share:
        live = table["live"].tolist()
        drawn = splits.held_out(ids, labels, groups, digests, given, live, seed, share)
        after = dict.fromkeys(drawn, schema.TEST)
    else:
        had = _given_back(connection, table)
        rest = [None if key in had else split for key, split in zip(ids, given, strict=True)]
        anew = splits.assign(ids, labels, groups, digests, rest, seed, splits.VALID_SHARE)
        after = {key: split or anew[key] for key, split in had.items()}
    before = dict(zip(ids, given, strict=True))
    return table, {key: (str(before[key]), split) for key, split in after.items()}


def _given_back(connection: Connection, table: pd.DataFrame) -> dict[int, str]:
    """Test images of no imported test folder, by id, with the split they had; "" if none."""
    source = schema.sources.c
    query = select(source.image_id).where(source.split == schema.TEST, source.image_id.is_not(None))
    imported = set(connection.execute(query).scalars())
    stays = set(table["group"][table["id"].isin(imported)])
    back = table["id"][(table["split"] == schema.TEST) & ~table["group"].isin(stays)]
    had = held_out.before_the_test(connection)
    return {key: had.get(key, "") for key in back.tolist()}


def _told(
    connection: Connection,
    table: pd.DataFrame,
    moved: Mapping[int, tuple[str, str]],
    share: float,
    batch: int,
    *,
    done: bool,
) -> HeldOut:
    live = table[table["live"]]
    images_of: Counter[int] = Counter()
    before: Counter[int] = Counter()
    after: Counter[int] = Counter()
    columns = (live[name].tolist() for name in ("id", "class_id", "split"))
    for image_id, label, split in zip(*columns, strict=True):
        images_of[label] += 1
        before[label] += split == schema.TEST
        after[label] += (moved[image_id][1] if image_id in moved else split) == schema.TEST
    names = names_by_id(connection)
    classes = tuple(
        ClassHeldOut(names[key], images_of[key], before[key], after[key])
        for key in sorted(images_of)
    )
    number = int(live["id"].isin(moved).sum())
    sentence = _sentence(classes, number, share, not live["split"].notna().any(), done)
    return HeldOut(share, classes, number, batch, sentence)


def _sentence(
    classes: tuple[ClassHeldOut, ...], number: int, share: float, early: bool, done: bool
) -> str:
    aside = sum(item.after for item in classes)
    if not share:
        stay = f" {many(aside, 'image')} of an imported test folder stay." if aside else ""
        if not number:
            return f"No image that was put aside is left to give back.{stay}"
        verb = "are" if done else "would be"
        return f"{many(number, 'test image')} {verb} for training and validation again.{stay}"
    if early:
        verb = "puts" if done else "would put"
        return f"The next check {verb} {share:.0%} of each class aside as a test."
    if not number:
        return (
            f"{many(aside, 'image')} {'is' if aside == 1 else 'are'} aside already: nothing to add."
        )
    listed = f"{number} of {sum(item.images for item in classes)}"
    if len(classes) <= _NAMED:
        parts = (f"{item.label} {item.after - item.before} of {item.images}" for item in classes)
        listed = ", ".join(parts)
    verb = ("is" if number == 1 else "are") if done else "would be"
    return (
        f"{many(number, 'image')} {verb} put aside as a test: {listed}. "
        "Models trained before have learnt from them: train again, then judge with "
        "`curator evaluate PROJECT`."
    )
