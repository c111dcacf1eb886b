"""Connections that cannot be led astray, and fetches that cannot be held up.

A host name is resolved once; every address it gives is checked, and the socket goes to a checked
address while the Host header and the TLS name stay the original. A second look-up that answers
differently (DNS rebinding) therefore changes nothing. Time-outs of sockets restart with each byte,
so one watcher thread shuts the socket of any fetch that is past its deadline or cancelled.

What a status or a body means is for :mod:`curator.collect.network`.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import queue
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import certifi
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from curator.collect.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TICK = 0.1  # seconds between looks at deadlines and cancel flags

# Public by the registries, yet leading inside: translation prefixes carry any IPv4 address, and
# one cloud serves machine credentials from a public number.
_LEADING_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local
        "2002::/16",  # 6to4
        "2001::/23",  # Teredo and other protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's machine service
    )
)
_GLOBAL_UNICAST_6 = ipaddress.ip_network("2000::/3")

_Resolved: TypeAlias = list[tuple[Any, Any, int, str, tuple[Any, ...]]]


class Stop(Exception):
    """A fetch attempt ends here. Not an OSError, so urllib3 and requests let it pass unchanged.

    ``again``: another attempt may help; ``after``: seconds that the server asked to wait.
    """

    def __init__(
        self, reason: Reason, detail: str, again: bool = False, after: float | None = None
    ) -> None:
        self.reason = reason
        self.detail = detail
        self.again = again
        self.after = after
        super().__init__(f"{reason}: {detail}")


class Flight:
    """One fetch under way: its limits, and a handle on the socket that it waits for."""

    def __init__(
        self,
        allow_private: bool,
        connect_timeout: float,
        deadline: float,
        cancelled: Callable[[], bool],
    ) -> None:
        self.allow_private = allow_private
        self.connect_timeout = connect_timeout
        self.target = "/"  # path and query of the present hop, as they go over the wire
        self._deadline = deadline
        self._ends = time.monotonic() + deadline
        self._cancelled = cancelled
        self._verdict: Reason | None = None
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def remaining(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self._ends - time.monotonic())

    def check(self) -> None:
        """Raise :class:`Stop` when the fetch is cancelled or past its deadline."""
        if self._verdict is None:
            if self._cancelled():
                self._verdict = Reason.CANCELLED
            elif self.remaining() <= 0:
                self._verdict = Reason.TIMED_OUT
        if self._verdict is Reason.CANCELLED:
            raise Stop(Reason.CANCELLED, "The download was stopped.")
        if self._verdict is Reason.TIMED_OUT:
            raise Stop(Reason.TIMED_OUT, f"It was not done after {self._deadline:g} s.")

    def wait(self, seconds: float) -> None:
        """Sleep, but raise :class:`Stop` at once when there is reason to."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(_TICK, left))
            self.check()

    def attach(self, connected: socket.socket) -> None:
        """Watch this socket from now on, through a second handle.

        The connection's own object changes under TLS and is closed early by ``Connection: close``.
        """
        handle = socket.fromfd(connected.fileno(), connected.family, connected.type)
        with self._lock:
            previous, self._handle = self._handle, handle
        if previous is not None:
            previous.close()

    def land(self) -> None:
        """Let go of the socket: it may serve another fetch now."""
        with self._lock:
            previous, self._handle = self._handle, None
        if previous is not None:
            previous.close()

    def look(self) -> None:
        """Shut the socket when the fetch has to end; the watcher asks for it."""
        try:
            self.check()
        except Stop:
            with self._lock, contextlib.suppress(OSError):
                if self._handle is not None:
                    self._handle.shutdown(socket.SHUT_RDWR)


class _Watcher:
    """The thread that looks after all flights of the process."""

    def __init__(self) -> None:
        self._flights: set[Flight] = set()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, flight: Flight) -> None:
        with self._change:
            self._flights.add(flight)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="fetch-watch", daemon=True)
                self._thread.start()
            self._change.notify()

    def remove(self, flight: Flight) -> None:
        with self._change:
            self._flights.discard(flight)

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._flights:
                    self._change.wait()
                flights = list(self._flights)
            for flight in flights:
                # A faulty cancel function must not end the watch over all other fetches; the
                # fetch itself calls it too, and there the error shows.
                with contextlib.suppress(Exception):
                    flight.look()
            time.sleep(_TICK)


_watcher = _Watcher()
_present = threading.local()


@contextlib.contextmanager
def flying(flight: Flight) -> Iterator[None]:
    """Make ``flight`` the one that this thread's connections obey."""
    _present.flight = flight
    _watcher.add(flight)
    try:
        yield
    finally:
        _watcher.remove(flight)
        flight.land()
        _present.flight = None


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, without any way around."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _GLOBAL_UNICAST_6:
        return False  # also every form with an IPv4 address inside
    if not ip.is_global or ip.is_private or ip.is_reserved or ip.is_multicast:
        return False
    return not any(ip.version == net.version and ip in net for net in _LEADING_INSIDE)


def checked_addresses(host: str, port: int, flight: Flight) -> _Resolved:
    """Resolve ``host`` once; refuse it when any of its addresses is not public.

    Raises :class:`Stop`: unknown host, refused as private, past the deadline or cancelled.
    """
    found = _resolve(host, port, flight)
    if not flight.allow_private:
        for *_, address in found:
            if not is_public(str(address[0])):
                raise Stop(
                    Reason.REFUSED_PRIVATE,
                    f"{host} leads to {address[0]}, which is not on the public internet.",
                )
    return found


def _resolve(host: str, port: int, flight: Flight) -> _Resolved:
    # A look-up cannot be interrupted, so it runs in a thread that is left behind when it hangs.
    answers: queue.SimpleQueue[_Resolved | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="fetch-resolve", daemon=True).start()
    until = time.monotonic() + flight.connect_timeout
    while True:
        with contextlib.suppress(queue.Empty):
            answer = answers.get(timeout=_TICK)
            break
        flight.check()
        if time.monotonic() > until:
            raise Stop(Reason.TIMED_OUT, f"The name {host} was not resolved in time.", again=True)
    if isinstance(answer, list) and answer:
        return answer
    passing = isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN
    raise Stop(Reason.UNKNOWN_HOST, f"The host name {host} is not known.", again=passing)


def _connect(host: str, port: int) -> socket.socket:
    flight: Flight = _present.flight
    trouble: OSError | None = None
    for family, kind, protocol, _, address in checked_addresses(host.strip("[]"), port, flight):
        flight.check()
        try:
            connected = socket.socket(family, kind, protocol)
        except OSError as error:  # no IPv6 on this machine
            trouble = error
            continue
        try:
            connected.settimeout(max(0.01, min(flight.connect_timeout, flight.remaining())))
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.connect(address)
            flight.attach(connected)
        except OSError as error:
            connected.close()
            trouble = error
            continue
        return connected
    if isinstance(trouble, TimeoutError):
        raise Stop(Reason.TIMED_OUT, f"{host} did not accept a connection in time.", again=True)
    raise Stop(Reason.UNREACHABLE, f"No connection to {host}: {trouble}.", again=True)


class _Checked(HTTPConnection):
    """Connects to checked addresses only, and sends the address as it is."""

    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port)

    def request(
        self,
        method: str,
        url: str,  # noqa: ARG002
        *args: Any,
        **kwargs: Any,
    ) -> None:
        flight: Flight = _present.flight
        if self.sock is not None:  # kept from an earlier fetch, or just made for TLS
            flight.attach(self.sock)
        # urllib3 re-encodes what it is given, which breaks signed addresses.
        super().request(method, flight.target, *args, **kwargs)


class _CheckedTLS(_Checked, HTTPSConnection):
    """The same over TLS; the certificate must be for the original host name."""


class _Pool(HTTPConnectionPool):
    ConnectionCls: Any = _Checked


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls: Any = _CheckedTLS


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One for all connections: reading the authorities' certificates takes 10 ms and more."""
    return ssl.create_default_context(cafile=certifi.where())


class GuardedAdapter(HTTPAdapter):
    """A transport of requests that keeps one checked connection; for one thread only."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools with the checked connections."""
        super().init_poolmanager(*args, ssl_context=tls_context(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the pool as made: its context demands a valid certificate already."""
