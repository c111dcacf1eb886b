"""The split into training, validation and test images: made once, for the image, not for the run.

About 20 % validation, stratified by class, drawn by the project's seed for each near-duplicate
group, so that a group never straddles the split. An image that has a split keeps it for ever; a
new image joins its group's. Deleting or relabelling changes nothing here. Test images are those of
an imported test folder, and a share that is drawn in the same way where the project has one: of new
images by :func:`assign`, of those that have a split by :func:`held_out`, when a person asks for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from curator.hashing import place
from curator.store.schema import TEST, TRAIN, VALID

VALID_SHARE = 0.2  # of what is not for the test


def assign(
    image_ids: Sequence[int],
    labels: Sequence[int],
    groups: Sequence[int],
    digests: Sequence[str],
    splits: Sequence[str | None],
    seed: int,
    valid_share: float,
    test_share: float = 0.0,
) -> dict[int, str]:
    """Splits for the images that have none yet, by image id.

    All sequences have length N. ``groups``: near-duplicates share a number; ``digests``: SHA-256
    of each image. Within a class the groups are taken in an order that depends only on the seed
    and the content, so that the same images split alike in every project, and go to validation
    where they fit into the class's ``valid_share`` (0..1, below a half). A class with two groups
    or more gets at least one in each of these. ``test_share``: that of the test, drawn before; a
    class with three images or more gets at least one there.
    """
    # A project may come from anyone: a word that is no split counts as none.
    splits = [split if split in (TRAIN, VALID, TEST) else None for split in splits]
    members: dict[int, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    decided: dict[int, str] = {}
    counts: dict[int, dict[str, int]] = defaultdict(lambda: {TRAIN: 0, VALID: 0, TEST: 0})
    undecided: dict[int, list[list[int]]] = defaultdict(list)  # class -> groups without a split
    ordered = sorted(members.values(), key=lambda own: place(seed, min(digests[p] for p in own)))
    for positions in ordered:
        fixed = [splits[p] for p in positions if splits[p] is not None]
        if not fixed:
            undecided[_majority([labels[p] for p in positions])].append(positions)
            continue
        for position in positions:
            split = splits[position] or fixed[0]
            if splits[position] is None:
                decided[image_ids[position]] = str(split)
            counts[labels[position]][str(split)] += 1
    for label, waiting in undecided.items():
        there = counts[label]
        learning = there[TRAIN] + there[VALID]
        test: set[int] = set()
        if test_share and len(waiting) + learning > 2:
            test = _drawn(waiting, learning, there[TEST], test_share, spare=2)
        rest = [positions for positions in waiting if positions[0] not in test]
        valid = _drawn(rest, there[TRAIN], there[VALID], valid_share)
        for position in (position for positions in waiting for position in positions):
            drawn = VALID if position in valid else TRAIN
            decided[image_ids[position]] = TEST if position in test else drawn
    return decided


def held_out(
    image_ids: Sequence[int],
    labels: Sequence[int],
    groups: Sequence[int],
    digests: Sequence[str],
    splits: Sequence[str | None],
    live: Sequence[bool],
    seed: int,
    share: float,
) -> list[int]:
    """Ids of the images that join the test, so that it has about ``share`` of each class.

    All sequences have length N, as of :func:`assign`; ``live``: whether an image counts. A group
    goes as a whole, in an order of its own, so that training and validation images are put aside
    alike. Each of these keeps an image of every class where it has one, a class at least two. What
    has no split yet is left to :func:`assign`.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    counts = Counter((labels[p], splits[p]) for p in range(len(groups)) if live[p])
    waiting: dict[int, list[list[int]]] = defaultdict(list)
    for positions in members.values():
        counting = [labels[p] for p in positions if live[p]]
        given = {splits[p] for p in positions} - {None}
        if counting and given and TEST not in given:
            waiting[_majority(counting)].append(positions)
    drawn: list[int] = []
    for label, own in sorted(waiting.items()):
        total = sum(counts[label, split] for split in (TRAIN, VALID, TEST))
        room = (max(1, round(total * share)) if total > 2 else 0) - counts[label, TEST]
        own.sort(key=lambda group: place(seed, "test " + min(digests[p] for p in group)))
        for positions in own:
            gone = Counter((labels[p], splits[p]) for p in positions if live[p])
            if sum(gone.values()) <= room and _spared(counts, gone):
                counts -= gone
                room -= sum(gone.values())
                drawn += (image_ids[p] for p in positions)
    return drawn


def _spared(counts: Counter[tuple[int, str | None]], gone: Counter[tuple[int, str | None]]) -> bool:
    """Whether training and validation keep enough of each class without the images ``gone``."""
    return all(counts[key] > number for key, number in gone.items()) and all(
        sum(counts[label, split] - gone[label, split] for split in (TRAIN, VALID)) > 1
        for label, _ in gone
    )


def _drawn(
    waiting: Sequence[Sequence[int]], elsewhere: int, inside: int, share: float, spare: int = 0
) -> set[int]:
    """Which positions of a class's ``waiting`` groups join the ``inside`` images of a split.

    ``spare``: images that are left for the other splits.
    """
    free = elsewhere + sum(len(positions) for positions in waiting)
    total = inside + free
    room = min((max(1, round(total * share)) if total > 1 else 0) - inside, free - spare)
    chosen: set[int] = set()
    for positions in waiting:
        if len(positions) <= room:
            chosen.update(positions)
            room -= len(positions)
    if not chosen and not inside and (len(waiting) > 1 or (waiting and elsewhere)):
        smallest = min(waiting, key=len)  # all are too large: the one that exceeds least
        chosen.update(smallest)
    return chosen


def _majority(labels: Sequence[int]) -> int:
    return max(sorted(set(labels)), key=list(labels).count)
