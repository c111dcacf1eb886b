"""Pictures without labels: what the model says of them, and which to look at first.

They came under no class and count nowhere until somebody gives them one. Until then the head of the
run that ranks says what each may be, with calibrated probabilities, from the features that are on
disk: nothing is encoded here, and nothing is kept of what was said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.encode.backbones import describe
from curator.encode.project_features import feature_cache
from curator.errors import InputError, NoRun
from curator.find.features import features_of
from curator.hashing import draws
from curator.jobs.report import Report
from curator.learn.evaluation.label_quality import as_counted
from curator.learn.evaluation.metrics import softmax
from curator.learn.recipes import recipe_named
from curator.learn.recording import HEAD_FILE, kept_tensors
from curator.phrasing import many
from curator.store import images, ledger, runs
from curator.store.classes import merged_ids, present_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

REFERENCES = 4000  # labelled images that a picture's newness is measured against
CANDIDATES, SPREAD = 1000, 200  # of which so many are chosen to be unlike each other


@dataclass(frozen=True, eq=False)
class Said:
    """What the model says of n pictures without a label that it can judge.

    ``ids`` (n,) rising; ``class_ids`` (K,) present classes; ``probabilities`` (n, K), rows sum to
    1; ``features`` (n, D) raw, of the run's backbone.
    """

    ids: NDArray[np.int64]
    class_ids: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]

    @property
    def best(self) -> NDArray[np.int64]:
        """(n,) the likeliest class of each."""
        found: NDArray[np.int64] = self.class_ids[self.probabilities.argmax(axis=1)]
        return found

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(n,) its probability, 0..1."""
        found: NDArray[np.float32] = self.probabilities.max(axis=1)
        return found


def said_of(
    workspace: Workspace, connection: Connection, among: Sequence[int] | None = None
) -> Said | None:
    """What the run that ranks says of all pictures without a label, or of those ``among`` them.

    None where nothing was trained, where the run's network was fine-tuned, so that it keeps no
    features, or where its files are gone.
    """
    found = runs.ranking_id(connection)
    if found is None:
        return None
    run = runs.get(connection, found)
    if not recipe_named(run.recipe).keeps_head:
        return None
    head = kept_tensors(workspace.runs_folder / str(run.id), HEAD_FILE, {"weight": 2, "bias": 1})
    backbone = describe(run.backbone)
    shape = (len(run.class_ids), backbone.dimension)
    if head is None or head["weight"].shape != shape or head["bias"].shape != shape[:1]:
        return None
    table = images.unlabelled(connection)
    if among is not None:
        table = table[table["image_id"].isin(list(among))]
    cache = feature_cache(workspace, backbone)
    gone = set(cache.missing(table["sha256"].tolist()))
    table = table[~table["sha256"].isin(gone)]
    features = cache.rows(table["sha256"].tolist())
    shares = softmax(features @ head["weight"].T + head["bias"])
    classes, shares = as_counted(shares, run.class_ids, merged_ids(connection))
    ids = table["image_id"].to_numpy(dtype=np.int64)
    return Said(ids, classes, shares.astype(np.float32), features)


def surest(
    workspace: Workspace, connection: Connection, label: str = ""
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids (n,) rising and the probability (n,) of the likeliest class, 0..1; see :class:`Said`.

    ``label``: only where that is the likeliest. Raises NoRun.
    """
    said = _trained(workspace, connection)
    names = present_names(connection)
    chosen = np.array([not label or names[key] == label for key in said.best.tolist()], dtype=bool)
    return said.ids[chosen], said.confidence[chosen]


def strangest(
    workspace: Workspace, connection: Connection
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids (n,) rising and how unlikely (n,) it is that the picture shows any of the classes.

    By the gate that a delivered model refuses with, where it can be fitted; else by how small the
    largest probability is. Larger is stranger. Raises NoRun.
    """
    from curator.learn.strangers.from_run import fit_gate

    said = _trained(workspace, connection)
    gate = fit_gate(workspace, runs.ranking(connection))
    if gate is None or not len(said.ids):
        return said.ids, 1 - said.confidence
    return said.ids, -gate.score(said.features).astype(np.float32)


def most_useful(
    workspace: Workspace, connection: Connection
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids (n,) rising and how much a label would teach (n,): larger is more, see :func:`useful`.

    Without a model those come first that are unlike what is labelled and unlike each other. What
    has no features is left out. Raises FileError.
    """
    every = images.unlabelled(connection)["image_id"].to_numpy(dtype=np.int64)
    features = features_of(workspace, connection)
    ids = every[np.isin(every, features.ids)]
    if not len(ids):
        return ids, np.empty(0, np.float32)
    live = images.live(connection).sort_values("sha256")["image_id"].to_numpy(dtype=np.int64)
    known = live[np.isin(live, features.ids)][:REFERENCES]
    said = said_of(workspace, connection)
    doubt = np.ones(len(ids), np.float32)
    if said is not None and len(said.class_ids) > 1:
        two = np.sort(said.probabilities, axis=1)[:, -2:]
        place = np.searchsorted(ids, said.ids)
        doubt[place] = 1 - (two[:, 1] - two[:, 0])
    return ids, useful(features.units(ids), doubt, features.units(known))


def useful(
    units: NDArray[np.float32], doubt: NDArray[np.float32], known: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How much a label of each picture (n,) would teach; the order counts, larger first.

    ``units`` (n, D) of length 1; ``doubt`` (n,): 1 less the lead of the likeliest class, 0..1;
    ``known`` (m, D): labelled images. Doubt times distance from the nearest labelled image, and
    among the first candidates one after the other from those that were chosen already.
    """
    near = np.full(len(units), -1.0, np.float32)
    for start in range(0, len(units), 2048) if len(known) else ():
        near[start : start + 2048] = (units[start : start + 2048] @ known.T).max(axis=1)
    score = doubt * (1 - near)
    first = np.argsort(-score, kind="stable")[:CANDIDATES]
    found = score / (2 * max(float(score.max(initial=0.0)), 1e-9))  # 0..0.5: after the chosen
    left, nearest = units[first], near[first].copy()
    waiting = np.ones(len(first), dtype=bool)
    for turn in range(min(SPREAD, len(first))):
        worth = np.where(waiting, doubt[first] * (1 - nearest), -1.0)
        best = int(worth.argmax())
        waiting[best] = False
        found[first[best]] = 1 - turn / (2 * SPREAD)  # 0.5..1: in the order of the choice
        nearest = np.maximum(nearest, left @ left[best])
    return found


@dataclass(frozen=True)
class Wrong:
    """How many of n labels are likely wrong: the mean, and the ends of the 95 % interval, 0..n."""

    mean: float
    low: int
    high: int

    def of(self, what: str) -> str:
        """In words, such as "about 2 of these 48 are likely wrong (0 to 5)"."""
        number = round(self.mean)
        some = f"about {number} of {what} {'is' if number == 1 else 'are'} likely wrong"
        said = some if number else f"likely none of {what} is wrong"
        return f"{said} ({self.low} to {self.high})"


def expected_wrong(confidences: Sequence[float]) -> Wrong:
    """How many of n labels that the model gives are wrong; ``confidences``: their probabilities."""
    wrong = 1 - np.asarray(confidences, dtype=np.float64)
    mean, spread = float(wrong.sum()), 1.96 * float(np.sqrt((wrong * (1 - wrong)).sum()))
    low, high = int(np.floor(mean - spread)), int(np.ceil(mean + spread))
    return Wrong(mean, max(0, low), min(len(wrong), high))


def random_tenth(workspace: Workspace, image_ids: Sequence[int]) -> tuple[int, ...]:
    """A tenth of some images, rounded up, by chance but the same every time; ascending."""
    ids = np.unique(np.asarray(image_ids, dtype=np.int64))
    chosen = np.argsort(draws(ids, workspace.seed), kind="stable")[: -(-len(ids) // 10)]
    return tuple(np.sort(ids[chosen]).tolist())


@dataclass(frozen=True, kw_only=True)
class Accepted(Report):
    """Labels that were taken over from the model, or would be."""

    images: int
    expected_wrong: float
    """How many of them are wrong, by the model's own probabilities."""
    low: int
    high: int
    """Ends of its 95 % interval, as far as the probabilities are right."""
    decided: tuple[int, ...]
    """Ids of the images that have a label now; empty where it was only asked."""
    batch: int
    """The act in the ledger; 0 where nothing was decided."""
    audit: tuple[int, ...]
    """A random tenth of ``decided``, to be looked at."""


def accept(
    workspace: Workspace,
    image_ids: Sequence[int],
    *,
    by: str | None = None,
    seen: Mapping[int, int | None] | None = None,
    dry_run: bool = False,
) -> Accepted:
    """Give pictures without a label the class that the model takes them for, as one act.

    They are undecided afterwards: the review finds the wrong ones among them, as it does of labels
    that came with a list, and a random audit counts them.

    ``dry_run``: only say how many would be wrong. ``seen``: as of
    :func:`curator.store.ledger.decide_each`. Raises NoRun, and InputError for an image that
    has a label or that the model cannot judge; then nothing is decided.
    """
    wanted = list(dict.fromkeys(int(key) for key in image_ids))
    with workspace.database.read() as connection:
        said = _trained(workspace, connection, wanted)
        run_id = runs.ranking_id(connection)
    if unknown := sorted(set(wanted) - set(said.ids.tolist())):
        raise InputError(
            f"Image {unknown[0]} has a label, or the model has not seen it.",
            "Accept pictures of the queue `surest`. Nothing was decided.",
        )
    wrong = expected_wrong(said.confidence.tolist())
    done = ledger.Decided(0, ())
    if not dry_run:
        choices = [
            ledger.Choice(key, "relabel", label)
            for key, label in zip(said.ids.tolist(), said.best.tolist(), strict=True)
        ]
        done = ledger.decide_each(workspace.database, choices, by, run_id, seen, of_the_model=True)
    verb = "would get" if dry_run else "got"
    sentence = (
        f"{many(len(wanted), 'image')} {verb} the label that the model gives; {wrong.of('them')}, "
        "if it is as right as it says."
    )
    return Accepted(
        images=len(wanted),
        expected_wrong=round(wrong.mean, 2),
        low=wrong.low,
        high=wrong.high,
        decided=done.image_ids,
        batch=done.batch,
        audit=random_tenth(workspace, done.image_ids),
        sentence=sentence,
    )


def _trained(
    workspace: Workspace, connection: Connection, among: Sequence[int] | None = None
) -> Said:
    said = said_of(workspace, connection, among)
    if said is None:
        raise NoRun(
            "No model can say what pictures without a label show.",
            "Label some and train with the recipe instant.",
        )
    return said
