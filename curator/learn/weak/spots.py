"""Weak spots of a run: clusters that it judges worse than the rest, and what gives classes away.

Looked for after each training that was asked for, and kept until the next; the check shows them as
findings. Only predictions by models that did not see the image count. What is compared are the
features of the bundled network, whatever was trained.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.encode.backbones import DEFAULT, describe
from curator.encode.feature_cache import StoredRows
from curator.encode.preprocess import TINY_SIDE
from curator.encode.project_features import feature_cache, tiny_cache
from curator.errors import NotEnoughData
from curator.frames import pd
from curator.jobs.report import Report
from curator.learn.weak.clusters import Weak, clustered, number_of_clusters, weak_clusters
from curator.learn.weak.shortcuts import GivenAway, Measures, shortcuts
from curator.records import Record
from curator.store import images, runs, schema, weak_spots
from curator.store.classes import merged_ids
from curator.store.weak_spots import Kept

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

FEWEST = 100  # judged images: below, no cluster is large enough to say anything of
_AT_ONCE = 4096
_OTHER = 40  # hosts that are told apart


@dataclass(frozen=True, kw_only=True)
class WeakSpot(Record):
    """A cluster of images that are judged worse than the rest."""

    code: str
    """Of the finding, such as "weak_spot_1"."""
    image_ids: tuple[int, ...]
    """Those judged wrong first."""
    wrong: int
    """Of the images as counted: near-duplicates as one."""
    counted: int
    error: float
    low: float
    """Ends of the interval of the error; those of all clusters hold at once with 95 %."""
    high: float
    elsewhere: float
    p_value: float
    """Corrected by Holm's method."""
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Shortcut(Record):
    """Something by which the class can be told without looking at what the picture shows."""

    code: str
    """Of the finding, such as "shortcut_host"."""
    image_ids: tuple[int, ...]
    """Whose class it gives away, the surest first."""
    accuracy: float
    """Cross-validated; the mean over the classes, 0..1."""
    low: float
    high: float
    guessing: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class WeakSpots(Report):
    """What was found, and how much was looked at."""

    run: int
    judged: int
    clusters: int
    measures: int
    spots: tuple[WeakSpot, ...]
    shortcuts: tuple[Shortcut, ...]


def find(workspace: Workspace, run_id: int | None = None) -> WeakSpots:
    """Look for weak spots, and keep what is found where the project may be written to.

    ``run_id``: by default the run that ranks, or the one in use. Raises NoRun, UnknownRun,
    NotEnoughData for fewer than :data:`FEWEST` judged images, FileError.
    """
    with workspace.database.read() as connection:
        run = runs.asked(connection, run_id)
        table = _judged(connection, run)
        measures = _measures(connection, table)
    cache = feature_cache(workspace, describe(DEFAULT))
    places = cache.places(table["sha256"].tolist())
    table, there = table[places >= 0].reset_index(drop=True), places >= 0
    if len(table) < FEWEST:
        raise NotEnoughData(
            f"{len(table)} images were judged by a model that did not see them, and have features.",
            f"Weak spots can be told from {FEWEST} images on: add more, and train again.",
        )
    measures = {
        name: {key: column[there] for key, column in each.items()}
        for name, each in measures.items()
    }
    measures["border"] = _border(workspace, table["sha256"].tolist())
    rows = StoredRows(cache.on_disk()[1], places[there])
    labels = table["class_id"].to_numpy(dtype=np.int64)
    groups = table["group_id"].to_numpy(dtype=np.int64)
    wrong = (table["predicted_id"] != table["class_id"]).to_numpy(dtype=bool)
    cluster = clustered(rows, number_of_clusters(len(table)), workspace.seed)
    weak, looked = weak_clusters(cluster, wrong, groups)
    given, tried = shortcuts(measures, labels, groups, workspace.seed)
    spots = tuple(
        _spot(code, item, table[cluster == item.cluster])
        for code, item in zip(weak_spots.SPOTS, weak, strict=False)
    )
    short = tuple(_shortcut(item, table) for item in given)
    if workspace.read_only is None:
        with workspace.database.write() as connection:
            weak_spots.keep(connection, run.id, _as_findings(spots, short, run, looked, tried))
    said = [*(item.sentence for item in spots), *(item.sentence for item in short)]
    found = " ".join(said) or "No cluster of like images is judged worse than the rest, and "
    if not said:
        found += "nothing that was tried gives the class away."
    return WeakSpots(
        run=run.id,
        judged=len(table),
        clusters=looked,
        measures=tried,
        spots=spots,
        shortcuts=short,
        sentence=found,
    )


def _judged(connection: Connection, run: runs.Run) -> pd.DataFrame:
    """The live images that were judged by a model that did not see them, under the given labels."""
    said, table, tag = schema.predictions.c, schema.images.c, schema.tags.c
    query = (
        images.present(
            table.id.label("image_id"),
            table.sha256,
            table.group_id,
            table.width,
            table.height,
            table.bytes,
            table.format,
            table.grayscale_score,
            schema.current.c.class_id,
            schema.classes.c.name.label("label"),
            said.predicted_id,
            tag.name.label("tag"),
            labelled=True,
        )
        .join(schema.predictions, said.image_id == table.id)
        .outerjoin(schema.tags, (tag.image_id == table.id) & (tag.place == 1))
        .where(images.LIVE, said.run_id == run.id, said.in_sample == 0)
        .order_by(table.sha256)  # so that nothing hangs on when they came, as in a training
    )
    found = images.frame(connection, query)
    merged = merged_ids(connection)
    found["predicted_id"] = found["predicted_id"].map(lambda key: merged.get(key, key))
    found["group_id"] = found["group_id"].fillna(found["image_id"])
    return found


def _measures(connection: Connection, table: pd.DataFrame) -> dict[str, Measures]:
    """What is known of the images (N,) without looking at what they show."""

    def column(name: str) -> NDArray[np.float64]:
        return table[name].to_numpy(dtype=np.float64, na_value=np.nan)

    width, height = np.maximum(column("width"), 1), np.maximum(column("height"), 1)
    return {
        "host": {"host": _hosts(connection, table["image_id"].tolist())},
        "size": {"longer": np.maximum(width, height), "shorter": np.minimum(width, height)},
        "shape": {"shape": width / height},
        "file": {
            "format": pd.factorize(table["format"])[0].astype(np.float64),
            "density": column("bytes") / (width * height),
        },
        "greyness": {"grey": column("grayscale_score")},
    }


def _hosts(connection: Connection, ids: list[int]) -> NDArray[np.float64]:
    """The number of each image's host (N,); of the files and of all rare hosts one each."""
    host_of = images.hosts(connection)
    names = [host_of.get(key) or "" for key in ids]
    common = {name: place for place, (name, _) in enumerate(Counter(names).most_common(_OTHER))}
    return np.array([common.get(name, _OTHER) for name in names], dtype=np.float64)


def _border(workspace: Workspace, digests: list[str]) -> Measures:
    """How bright and how even the outermost pixels of the 32 x 32 versions are; NaN without one."""
    cache = tiny_cache(workspace)
    lacking = set(cache.missing(digests))
    light, uneven = np.full(len(digests), np.nan), np.full(len(digests), np.nan)
    known = np.array([place for place, digest in enumerate(digests) if digest not in lacking])
    ring = np.ones((TINY_SIDE, TINY_SIDE), bool)
    ring[1:-1, 1:-1] = False
    for start in range(0, len(known), _AT_ONCE):
        places = known[start : start + _AT_ONCE]
        tiny = cache.rows([digests[place] for place in places])
        edge = tiny.reshape(-1, TINY_SIDE, TINY_SIDE, 3)[:, ring].mean(axis=2)
        light[places], uneven[places] = edge.mean(axis=1), edge.std(axis=1)
    return {"light": light, "uneven": uneven}


def _spot(code: str, weak: Weak, own: pd.DataFrame) -> WeakSpot:
    wrong = own["predicted_id"] != own["class_id"]
    ids = [*own["image_id"][wrong].tolist(), *own["image_id"][~wrong].tolist()]
    label, times = Counter(own["label"].tolist()).most_common(1)[0]
    named = Counter(own["tag"].dropna().tolist()).most_common(1)
    like = f", many of which look like {named[0][0].split(',')[0]}" if named else ""
    mostly = "all" if times == len(own) else "most"
    return WeakSpot(
        code=code,
        image_ids=tuple(int(key) for key in ids),
        wrong=weak.wrong,
        counted=weak.images,
        error=weak.error,
        low=weak.low,
        high=weak.high,
        elsewhere=weak.elsewhere,
        p_value=weak.p_value,
        sentence=(
            f"Of {weak.images} images that are alike, {mostly} of them {label[:100]}{like[:100]}, "
            f"{_percent(weak.error)} are judged wrong ({_percent(weak.low)} to "
            f"{_percent(weak.high)}), elsewhere {_percent(weak.elsewhere)}."
        ),
    )


def _shortcut(found: GivenAway, table: pd.DataFrame) -> Shortcut:
    label, _ = Counter(table["label"].to_numpy()[found.rows].tolist()).most_common(1)[0]
    return Shortcut(
        code=f"shortcut_{found.name}",
        image_ids=tuple(int(key) for key in table["image_id"].to_numpy()[found.rows]),
        accuracy=found.accuracy,
        low=found.low,
        high=found.high,
        guessing=found.guessing,
        sentence=(
            f"The class of an image can be told from {weak_spots.SHORTCUTS[found.name]} alone: "
            f"{_percent(found.accuracy)} right ({_percent(found.low)} to {_percent(found.high)}), "
            f"by guessing {_percent(found.guessing)}; most often of {label[:100]}."
        ),
    )


def _as_findings(
    spots: tuple[WeakSpot, ...],
    short: tuple[Shortcut, ...],
    run: runs.Run,
    looked: int,
    tried: int,
) -> list[Kept]:
    return [
        *(
            Kept(
                item.code,
                item.sentence,
                "Look at them: relabel what is wrong, or add more images like these.",
                f"Of {looked} clusters of like images this one has more errors than the others of "
                f"run {run.id} (p = {item.p_value:.2g}, Fisher's exact test, corrected for the "
                "number of clusters by Holm's method); the intervals of all hold at once.",
                list(item.image_ids),
            )
            for item in spots
        ),
        *(
            Kept(
                item.code,
                item.sentence,
                "A model can learn that in place of what they show, and will then fail on others: "
                "add images of each class that differ in it.",
                "Naive Bayes, cross-validated on five folds, the mean over the classes; the "
                f"intervals of all {tried} measures that were tried hold at once.",
                list(item.image_ids),
            )
            for item in short
        ),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
