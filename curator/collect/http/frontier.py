"""Whose turn it is: addresses of many hosts, fetched side by side without crowding any of them.

Each host gets the next fetch in turn, has a limited number of fetches out (fewer until it has once
answered), and is given up when it keeps silent. Only the calling thread of a download uses this;
nothing here waits or fetches.
"""

from __future__ import annotations

import functools
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from curator.collect.http.urls import BadAddress, host_of, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_AHEAD = 4096  # addresses read from the input before the first of them is done
_REMEMBERED = 10_000  # hosts whose failures are counted

# Silent fetches in a row until a host is given up; one that did answer before is given more time.
# A host that never answered has no more than that out, or a few dead ones would hold every thread.
_PATIENCE_WITH_STRANGERS, _PATIENCE_WITH_FRIENDS = 2, 20


@dataclass(frozen=True)
class Wanted:
    """An address to fetch; ``key`` is the caller's own and comes back with the outcome."""

    key: int
    url: str


@dataclass
class _Host:
    """The addresses of one host that wait, and how many are out."""

    waiting: deque[Wanted] = field(default_factory=deque)
    out: int = 0
    answered: bool = False  # ever
    failures: int = 0  # in a row
    listed: bool = False  # among those that may send the next address


@dataclass
class _Record:
    failures: int = 0  # in a row
    answered: bool = False  # ever

    @property
    def given_up(self) -> bool:
        limit = _PATIENCE_WITH_FRIENDS if self.answered else _PATIENCE_WITH_STRANGERS
        return self.failures >= limit


class Turns:
    """The addresses of ``source``, host by host in turn, at most ``per_host`` of one host out.

    Memory is bounded, however long the source: it is read a little ahead, and of hosts that are
    done only failures are remembered. ``answered``: hosts that have answered already.
    """

    def __init__(
        self, source: Iterator[Wanted], per_host: int, answered: Iterable[str] = ()
    ) -> None:
        self._source: Iterator[Wanted] | None = source
        self._per_host = per_host
        self._hosts: dict[str, _Host] = {}
        self._ready: deque[_Host] = deque()
        self._records = OrderedDict((name, _Record(answered=True)) for name in answered)
        self._given_up: deque[Wanted] = deque()
        self._waiting = 0

    @property
    def over(self) -> bool:
        """Nothing waits, and the source is at its end."""
        return self._source is None and self._waiting == 0 and not self._given_up

    def fill(self) -> None:
        """Read ahead as far as allowed."""
        while self._source is not None and self._waiting + len(self._given_up) < _AHEAD:
            item = next(self._source, None)
            if item is None:
                self._source = None
                return
            name = host_name(item.url)
            record = self._records.get(name)
            if record is not None and record.given_up:
                self._given_up.append(item)
                continue
            host = self._hosts.get(name)
            if host is None:
                host = self._hosts[name] = _Host()
                if record is not None:
                    host.answered, host.failures = record.answered, record.failures
            host.waiting.append(item)
            self._waiting += 1
            self._list(host)

    def take(self) -> Wanted | None:
        """Hand out the next address, or None while every host has enough out."""
        if not self._ready:
            return None
        host = self._ready.popleft()
        host.listed = False
        item = host.waiting.popleft()
        host.out += 1
        self._waiting -= 1
        self._list(host)
        return item

    def given_up(self) -> Iterator[Wanted]:
        """Hand out, once, the addresses of hosts that are not asked any more."""
        while self._given_up:
            yield self._given_up.popleft()

    def done(self, item: Wanted, silent: bool) -> None:
        """Note that ``item`` is done; ``silent``: its own host gave no answer at all."""
        name = host_name(item.url)
        host = self._hosts[name]
        host.out -= 1
        record = self._note(name, silent)
        host.answered, host.failures = record.answered, record.failures
        if record.given_up:
            self._given_up.extend(host.waiting)
            self._waiting -= len(host.waiting)
            host.waiting.clear()
            if host.listed:
                self._ready.remove(host)
                host.listed = False
        self._list(host)
        if not host.waiting and host.out == 0:
            del self._hosts[name]

    def _list(self, host: _Host) -> None:
        # A stranger has as many out as may still fail: one more would only wait for nothing.
        probes = _PATIENCE_WITH_STRANGERS - host.failures
        most = self._per_host if host.answered else min(self._per_host, probes)
        if host.waiting and host.out < most and not host.listed:
            host.listed = True
            self._ready.append(host)

    def _note(self, name: str, silent: bool) -> _Record:
        record = self._records.setdefault(name, _Record())
        self._records.move_to_end(name)
        if len(self._records) > _REMEMBERED:
            self._records.popitem(last=False)
        if silent:
            record.failures += 1
        else:
            record.failures, record.answered = 0, True
        return record


@functools.lru_cache(maxsize=2 * _AHEAD)
def host_name(url: str) -> str:
    """Host and port of an address; empty when it is none (such a fetch is refused at once)."""
    try:
        return host_of(normalise(url))
    except BadAddress:
        return ""
