"""Which addresses are fetched together: parcels, of which no two hold the same host at a time.

What holds for a host in one download (its limit, its turn, being given up) then holds in the whole
cluster. A host of more than one parcel is a stream: its parcels go one after the other.
"""

from __future__ import annotations

import heapq
from array import array
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.collect.http.frontier import Wanted, host_name
from curator.hashing import sha256_of_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FEWEST = 50  # addresses of a parcel; starting a task and taking in its shard cost some 0.1 s
_TURNS = 3  # parcels for each core, so that all end at about the same time


@dataclass
class Stream:
    """Parcels that go one after the other, by their keys; where there are several, of one host."""

    waiting: deque[array[int]]
    answered: bool = False
    """Whether the host has, ever."""
    given_up: bool = False


@dataclass(frozen=True)
class Parcel:
    """What one task does: the addresses by their key, and how. It goes to other machines."""

    addresses: dict[int, str]
    settings: Mapping[str, object]
    """Of :class:`~curator.collect.http.client.FetchSettings`, as JSON has them."""
    place: str
    features: bool
    answered: bool
    """Whether its host, of which it is not the first parcel, has answered before."""
    version: str
    """Of the curator that asks."""

    @property
    def wanted(self) -> list[Wanted]:
        """The addresses in their order."""
        return [Wanted(key, url) for key, url in self.addresses.items()]

    @property
    def name(self) -> str:
        """What its shard is called: the same for the same work."""
        work = [list(self.addresses.items()), dict(self.settings), self.features]
        return sha256_of_json(work)


def plan(wanted: Iterable[Wanted], most: int, cores: int) -> list[Stream]:
    """Divide addresses into streams of parcels of up to ``most``; the longest streams first.

    Where they are few, parcels are smaller, so that each of ``cores`` gets some. Takes 8 bytes an
    address and some 200 a host.
    """
    hosts: dict[str, array[int]] = {}
    total = 0
    for item in wanted:
        hosts.setdefault(host_name(item.url), array("q")).append(item.key)
        total += 1
    size = min(most, max(FEWEST, -(-total // (_TURNS * cores))))
    large = [keys for keys in hosts.values() if len(keys) >= size]
    streams = [
        Stream(deque(keys[at : at + size] for at in range(0, len(keys), size))) for keys in large
    ]
    streams += _together([keys for keys in hosts.values() if len(keys) < size], size, most, cores)
    return sorted(
        streams, key=lambda stream: (len(stream.waiting), len(stream.waiting[0])), reverse=True
    )


def _together(hosts: list[array[int]], size: int, most: int, cores: int) -> Iterator[Stream]:
    """Parcels of about ``size`` and up to ``most``, each of several whole hosts.

    The largest host that is left goes to the smallest parcel (Graham, Bounds on Multiprocessing
    Timing Anomalies, 1969), and cores share the parcels evenly, or at the end most of them wait for
    one.
    """
    total = sum(map(len, hosts))
    count = -(-total // size)
    even = -(-count // cores) * cores
    if even * FEWEST <= total:
        count = even
    smallest = [(0, number, array("q")) for number in range(count)]
    for keys in sorted(hosts, key=len, reverse=True):
        length, number, parcel = smallest[0]
        if length + len(keys) > most:
            heapq.heappush(smallest, (len(keys), len(smallest), keys))
            continue
        parcel.extend(keys)
        heapq.heapreplace(smallest, (len(parcel), number, parcel))
    for _, _, parcel in sorted(smallest, key=lambda item: item[1]):
        if parcel:
            yield Stream(deque([parcel]))
