"""The job `fetch`: on this machine, or with the fetching on the machines of a Ray cluster.

On a cluster parcels of addresses go out, shards come back, and the project takes in one after the
other, in batches; a shard goes once what it holds is recorded. So a machine, a task or this job may
die at any instant: a shard that lies there is taken in when the job is run again, and whatever has
none was not fetched.
"""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.cluster import shard
from curator.cluster.engine import TICK, Engine, Lost
from curator.cluster.parcels import Parcel, plan
from curator.cluster.places import Place, absolute
from curator.cluster.settings import ClusterSettings
from curator.cluster.task import fetch_parcel
from curator.collect import fetch
from curator.collect.fetch import FetchReport, asked_addresses, ended_of, gather, missing
from curator.collect.http.client import FetchSettings
from curator.collect.http.downloader import given_up
from curator.collect.http.frontier import Wanted, host_name
from curator.encode.backbones import DEFAULT, describe
from curator.encode.project_features import feature_cache, tiny_cache
from curator.errors import JobError
from curator.files import put_file_once
from curator.hashing import sha256_of_json
from curator.imaging.reasons import Reason
from curator.phrasing import many
from curator.store import schema
from curator.store.database import rows_of
from curator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from curator.cluster.parcels import Stream
    from curator.collect.ingest import Ended
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

_AHEAD = 2  # parcels for each core, so that none waits for the next
_MOST_LOST = 5  # parcels in a row, before anything came, until it is no use
_SHOWN_HOSTS = 3  # of a parcel that was lost


def run(
    workspace: Workspace,
    progress: Progress,
    retry: str = "passing",
    settings: Mapping[str, object] | None = None,
    cluster: Mapping[str, object] | None = None,
) -> FetchReport:
    """Fetch what is missing. ``retry``, ``settings``: see :func:`curator.collect.fetch.run`.

    ``cluster``: fields of ClusterSettings to override; None: on this machine, without Ray. Raises
    InputError; on a cluster PackageMissing without Ray, JobError where none answers, FileError
    where shards cannot be kept.
    """
    if cluster is None:
        return fetch.run(workspace, progress, retry, settings)
    chosen = FetchSettings.of(settings or {})
    told = ClusterSettings.of(cluster)
    with contextlib.ExitStack() as stack:
        fetching = _Fetching(workspace, progress, chosen, told, stack)
        report = gather(
            workspace, progress, retry, fetching.fetched, fetching.left_over(), fetching.saved
        )
    return fetching.told(report)


class _Fetching:
    """Sends parcels out and takes shards in, for one run of the job."""

    def __init__(
        self,
        workspace: Workspace,
        progress: Progress,
        settings: FetchSettings,
        told: ClusterSettings,
        stack: contextlib.ExitStack,
    ) -> None:
        self._workspace = workspace
        self._progress = progress
        self._settings = settings
        self._told = told
        self._stack = stack
        self._place = Place(_place(workspace, told.place))
        self._engine: Engine[Parcel, None] | None = None
        self._taken: list[str] = []  # shards that were handed over and are not recorded yet
        self._again: set[int] = set()  # failures of shards from before: not asked for once more
        self._lost: list[str] = []
        self._left = 0
        self._came = False

    def left_over(self) -> Iterator[Ended]:
        """What shards hold that an earlier run of the job did not take in."""
        for name in self._place.names():
            if self._progress.cancelled():
                return
            for ended in self._from_shard(name, None):
                if ended.image is None:
                    self._again.add(ended.source_id)
                yield ended

    def fetched(self, retry: str, after: int, moment: Callable[[], None]) -> Iterator[Ended]:
        """Fetch what is missing; see :data:`curator.collect.fetch.Fetching`."""
        asked = asked_addresses(self._workspace, retry, after)
        wanted = (item for item in asked if item.key not in self._again)
        first = next(wanted, None)
        if first is None:
            return
        if self._engine is None:
            self._engine = self._stack.enter_context(Engine(self._told.address, fetch_parcel))
        engine = self._engine
        waiting = deque(plan(chain([first], wanted), self._told.parcel, engine.cores))
        under_way: dict[str, Stream] = {}
        while (waiting or under_way) and not self._progress.cancelled():
            moment()
            room = _AHEAD * engine.cores - len(under_way)
            for _ in range(min(room, len(waiting))):
                stream = waiting.popleft()
                parcel = self._parcel(stream)
                under_way[parcel.name] = stream
                engine.submit(parcel)
            for parcel, came in engine.finished(TICK):
                stream = under_way.pop(parcel.name)
                yield from self._come_back(parcel, came, stream)
                if stream.given_up:
                    yield from self._given_up(stream)
                elif stream.waiting:
                    waiting.appendleft(stream)

    def _come_back(self, parcel: Parcel, came: Lost | None, stream: Stream) -> Iterator[Ended]:
        """How a parcel's addresses ended, and what its host is to be thought of."""
        if came is not None:
            self._lose(parcel.addresses, came)
            return
        for ended in self._from_shard(parcel.name, parcel.addresses):
            stream.answered = stream.answered or ended.facts["http_status"] is not None
            stream.given_up = stream.given_up or ended.reason == Reason.HOST_GIVEN_UP
            yield ended

    def _given_up(self, stream: Stream) -> Iterator[Ended]:
        """What is left of one host that keeps silent."""
        for keys in stream.waiting:
            for key, url in self._addresses(keys).items():
                yield ended_of(given_up(Wanted(key, url)))

    def saved(self) -> None:
        """All that was handed over is recorded: shards that are through can go."""
        while self._taken:
            self._place.remove(self._taken.pop())

    def told(self, report: FetchReport) -> FetchReport:
        """The report, with what was lost."""
        if not self._lost:
            return report
        some = many(self._left, "address", "addresses")
        return replace(
            report,
            left=self._left,
            notes=tuple(self._lost),
            sentence=f"{report.sentence} {some} could not be fetched and stay on the list: "
            "run it again.",
        )

    def _parcel(self, stream: Stream) -> Parcel:
        """The next of a stream."""
        return Parcel(
            self._addresses(stream.waiting.popleft()),
            self._settings.given(),
            self._place.address,
            self._told.features,
            stream.answered,
            __version__,
        )

    def _addresses(self, keys: Iterable[int]) -> dict[int, str]:
        table = schema.sources
        query = select(table.c.id, table.c.origin)
        with self._workspace.database.read() as connection:
            return {
                row.id: row.origin for row in rows_of(connection, query, table.c.id, list(keys))
            }

    def _from_shard(self, name: str, asked: dict[int, str] | None) -> Iterator[Ended]:
        """Take in a shard; ``asked``: address by key, None for what is missing in the project.

        One that is gone or altered is told of, and its addresses stay to be fetched.
        """
        rest = set(asked or ())
        digests, rows, small = [], [], []
        try:
            with contextlib.ExitStack() as stack:
                originals, most = self._workspace.originals, self._settings.max_bytes
                path = stack.enter_context(self._place.opened(name, originals))
                reader = stack.enter_context(shard.opened(path))
                asked = self._still_missing(dict(reader.asked())) if asked is None else asked
                rest = set(asked)
                stays = None
                if asked and reader.has_images and self._told.keep == "shards":
                    stays = put_file_once(originals, path)
                    reader = stack.enter_context(shard.opened(originals / stays))
                for outcome, features in reader.outcomes(asked, originals, most, stays):
                    rest.discard(outcome.key)
                    self._came = True
                    if outcome.image is not None and features is not None:
                        digests.append(outcome.image.sha256)
                        rows.append(features.row)
                        small.append(features.tiny)
                    yield ended_of(outcome)
        except FileNotFoundError:
            there = f"Its shard is not in {self._place.address}, which every machine must reach."
            self._lose({key: (asked or {})[key] for key in rest}, there)
            return
        except shard.ShardAltered as error:
            self._lose({key: (asked or {})[key] for key in rest}, str(error))
        else:
            if rest and asked:
                self._lose({key: asked[key] for key in rest}, "Its shard does not speak of them.")
        if digests:
            backbone = describe(DEFAULT)
            feature_cache(self._workspace, backbone).append(digests, np.stack(rows))
            tiny_cache(self._workspace).append(digests, np.stack(small))
        self._taken.append(name)

    def _still_missing(self, found: dict[int, str]) -> dict[int, str]:
        table = schema.sources
        query = select(table.c.id, table.c.origin).where(missing("all"))
        with self._workspace.database.read() as connection:
            rows = rows_of(connection, query, table.c.id, list(found))
            return {row.id: row.origin for row in rows if found[row.id] == row.origin}

    def _lose(self, addresses: Mapping[int, str], problem: str) -> None:
        """Note addresses that stay to be fetched, and why. Raises JobError when all are lost."""
        if not addresses:
            return
        hosts = Counter(host_name(url) for url in addresses.values())
        named = ", ".join(host for host, _ in hosts.most_common(_SHOWN_HOSTS))
        more = f" and {len(hosts) - _SHOWN_HOSTS} more hosts" if len(hosts) > _SHOWN_HOSTS else ""
        self._left += len(addresses)
        self._lost.append(
            f"{many(len(addresses), 'address', 'addresses')} of {named}{more}: {problem}"
        )
        if not self._came and len(self._lost) >= _MOST_LOST:
            raise JobError(
                f"No machine of the cluster gets anything done. {problem}",
                "Mend that and run it again: nothing is lost.",
            )


def _place(workspace: Workspace, place: str) -> str:
    """Where the shards of this project lie; several projects may share a place."""
    if not place:
        return str(workspace.path / "shards")
    made = [workspace.database.meta("created_at"), workspace.seed]
    return f"{absolute(place).rstrip('/')}/{sha256_of_json(made)[:16]}"
