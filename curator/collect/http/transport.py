"""Connections that cannot be led astray.

A host name is resolved once; every address it gives is checked, and the socket goes to a checked
address while the Host header and the TLS name stay the original. A second look-up that answers
differently (DNS rebinding) therefore changes nothing. How long things may take is for
:mod:`curator.collect.http.deadlines`.

What comes over them is for :mod:`curator.collect.http.client`.
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
from urllib3 import PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from curator.collect.http.deadlines import TICK, Flight, Stop, present
from curator.collect.ranges import is_public
from curator.imaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3.response import BaseHTTPResponse

_HOSTS_KEPT, _KEPT = 100, 512  # hosts whose idle connections are kept, and connections of each

_Resolved: TypeAlias = list[tuple[Any, Any, int, str, tuple[Any, ...]]]


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
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # no look-up, no waiting
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
            answer = answers.get(timeout=TICK)
            break
        flight.check()
        if time.monotonic() > until:
            raise Stop(Reason.TIMED_OUT, f"The name {host} was not resolved in time.")
    if isinstance(answer, list) and answer:
        return answer
    passing = isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN
    raise Stop(Reason.UNKNOWN_HOST, f"The host name {host} is not known.", again=passing)


def _connect(host: str, port: int) -> socket.socket:
    flight = present()
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
        raise Stop(Reason.TIMED_OUT, f"{host} did not accept a connection in time.")
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
        flight = present()
        if self.sock is not None:  # kept from an earlier fetch, or just made for TLS
            flight.attach(self.sock)
        # urllib3 re-encodes what it is given, which breaks signed addresses.
        super().request(method, flight.target, *args, **kwargs)
        # A header that comes byte by byte never runs into the socket's own time-out.
        flight.answer_by = time.monotonic() + flight.read_timeout


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


class GuardedPools(PoolManager):
    """A transport for all threads; checked connections are kept and used again.

    Below ``requests``, whose objects around each answer cost more than the fetch itself does.
    """

    def __init__(self) -> None:
        # The context demands a valid certificate.
        super().__init__(_HOSTS_KEPT, maxsize=_KEPT, ssl_context=tls_context())
        self.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}

    def get(
        self, url: str, headers: Mapping[str, str], connect: float, read: float
    ) -> BaseHTTPResponse:
        """Ask for the address and hear the header of the answer; its body is not read yet.

        ``connect``, ``read``: time-outs in seconds. Nothing is followed and nothing tried again.
        Raises what urllib3 raises, and :class:`Stop`.
        """
        return self.connection_from_url(url).urlopen(
            "GET",
            "/",  # the connection sends the present flight's target
            headers=headers,
            redirect=False,
            retries=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(connect=connect, read=read),
        )
