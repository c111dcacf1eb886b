"""What a machine of the cluster does with a parcel: fetch, verify, and write one shard.

It runs the functions that one machine runs, on one core. Nothing here knows of Ray or a project.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cluster.machines import refuse_other_version
from curator.cluster.places import Place
from curator.cluster.shard import Features, Writer
from curator.collect.http.client import FetchSettings
from curator.collect.http.downloader import download
from curator.collect.http.frontier import host_name
from curator.encode.backbones import DEFAULT
from curator.encode.extract import BATCH
from curator.files import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from curator.cluster.parcels import Parcel
    from curator.collect.http.downloader import Outcome

_SCRATCH = "curator-parcel-"  # a task that is killed leaves its folder, which the next one removes


def fetch_parcel(parcel: Parcel) -> None:
    """Leave the shard of a parcel in its place. One that is there already is kept.

    Raises FileError, PackageMissing, InputError for another version of the curator, and what the
    network's weights may raise.
    """
    refuse_other_version(parcel.version)
    place = Place(parcel.place)
    if place.has(parcel.name):
        return
    settings = FetchSettings.of(parcel.settings)
    with scratch_folder(Path(tempfile.gettempdir()), _SCRATCH, mode=0o700) as scratch:
        originals, shard = scratch / "originals", scratch / "shard.tar"
        outcomes: Iterable[Outcome] = download(
            parcel.wanted,
            originals,
            settings,
            cancelled=lambda: False,
            verifiers=1,
            seen_by=DEFAULT if parcel.features else None,
            answered={host_name(item.url) for item in parcel.wanted[:1] if parcel.answered},
        )
        with Writer(shard, parcel.features) as writer:
            with_features = _encoded(outcomes) if parcel.features else ((o, None) for o in outcomes)
            for outcome, features in with_features:
                writer.add(outcome, originals, features)
        place.put(shard, parcel.name)


def _encoded(outcomes: Iterable[Outcome]) -> Iterator[tuple[Outcome, Features | None]]:
    """Outcomes with the features of their images, some at a time."""
    import numpy as np

    from curator.encode.backbones import choose
    from curator.encode.encoder import Encoder
    from curator.encode.preprocess import TINY_DIMENSION

    encoder = Encoder(choose(DEFAULT, "cpu"), threads=1)
    side = encoder.backbone.size

    def encode(some: list[Outcome]) -> Iterator[tuple[Outcome, Features]]:
        both = np.stack([np.frombuffer(o.image.view, np.uint8) for o in some if o.image])
        rows = encoder.encode(both[:, :-TINY_DIMENSION].reshape(-1, 3, side, side))
        for outcome, row, tiny in zip(some, rows, both[:, -TINY_DIMENSION:], strict=True):
            yield outcome, Features(row, tiny)

    waiting: list[Outcome] = []
    for outcome in outcomes:
        if outcome.image is None:
            yield outcome, None
            continue
        waiting.append(outcome)
        if len(waiting) == BATCH:
            yield from encode(waiting)
            waiting.clear()
    if waiting:
        yield from encode(waiting)
