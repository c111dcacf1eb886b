"""Fetching one address: limits, redirects, retries, and a named reason for every failure.

Nothing of the environment is used (proxies, .netrc, cookies), and no body of a redirect is read.
Bodies go
piece by piece to where the caller wants them, so that no size of them fills the memory. What an
answer means is for :mod:`curator.collect.http.responses`, whether the bytes are an image for
:mod:`curator.imaging.inspection`.
"""

from __future__ import annotations

import contextlib
import functools
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from pydantic import Field

from curator.collect.http.deadlines import Flight, Stop, flying
from curator.collect.http.responses import AGENT, explain, printable, refuse_status, unwilling
from curator.collect.http.transport import GuardedPools
from curator.collect.http.urls import BadAddress, normalise, port_of
from curator.imaging.inspection import MIN_SIDE
from curator.imaging.reasons import Reason
from curator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3.response import BaseHTTPResponse

    from curator.collect.http.body import Body

_CHUNK = 65536  # bytes
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = "image/jpeg,image/png,image/webp,image/*;q=0.8,*/*;q=0.5"


class FetchSettings(Settings):
    """How addresses are fetched. Times in seconds, sizes in bytes, sides in pixels.

    Raises InputError for a name that there is not, and for a value that cannot be.
    """

    connect_timeout: float = Field(
        default=8.0, gt=0, description="for name look-up, and per connection"
    )
    read_timeout: float = Field(
        default=8.0, gt=0, description="for an answer's header, and without a byte of its body"
    )
    deadline: float = Field(
        default=120.0, gt=0, description="for one address, all hops and attempts"
    )
    min_speed: int = Field(
        default=1000, ge=0, description="bytes a second, once read_timeout is over"
    )
    max_bytes: int = Field(default=50_000_000, gt=0, description="of one file")
    attempts: int = Field(default=3, ge=1, le=10, description="for one address")
    backoff: float = Field(
        default=0.5, ge=0, description="before the second attempt; doubles each time"
    )
    retry_after_cap: float = Field(
        default=30.0, ge=0, description="longest wait that a server may ask for"
    )
    threads: int = Field(
        default=128, ge=1, le=512, description="addresses fetched at the same time"
    )
    per_host: int = Field(default=16, ge=1, description="addresses of one host at the same time")
    max_redirects: int = Field(default=5, ge=0, le=20, description="of one address")
    allow_private: bool = Field(
        default=False, description="fetch from private networks and any port"
    )
    ports: frozenset[int] = Field(  # a list where it comes from JSON
        default=frozenset({80, 443}), strict=False, description="that addresses may name"
    )
    respect_robots: bool = Field(default=True, description="obey the header X-Robots-Tag")
    min_side: int = Field(
        default=MIN_SIDE, ge=1, description="shortest side of an image that is kept"
    )
    user_agent: str = Field(
        default=f"{AGENT}/0.1 (image data set builder)",
        pattern=r"^[ -~]+$",
        description="what servers are told, in printable ASCII",
    )


@dataclass(frozen=True)
class Answer:
    """What came with a body. ``bytes``: its size; ``seconds``: all attempts and waits together."""

    bytes: int
    final_address: str
    http_status: int
    content_type: str | None
    attempts: int
    seconds: float


class FetchFailed(Exception):
    """One address that gave no bytes. It becomes a row in a report, never a crash."""

    def __init__(
        self,
        reason: Reason,
        detail: str,
        final_address: str,
        http_status: int | None,
        content_type: str | None,
        attempts: int,
        seconds: float,
    ) -> None:
        self.reason = reason
        self.detail = detail
        self.final_address = final_address
        self.http_status = http_status
        self.content_type = content_type
        self.attempts = attempts
        self.seconds = seconds
        super().__init__(f"{reason}: {detail}")


@dataclass
class _Trace:
    """What is known of a fetch so far, and where its body goes."""

    body: Body
    final_address: str
    http_status: int | None = None
    content_type: str | None = None
    attempts: int = 0


def fetch(url: str, settings: FetchSettings, cancelled: Callable[[], bool], body: Body) -> Answer:
    """Fetch one address into ``body`` with retries.

    ``cancelled`` is asked often, and by another thread too. Raises :class:`FetchFailed`, and
    OSError when ``body`` cannot be written.
    """
    began = time.monotonic()
    trace = _Trace(body, url)
    flight = Flight(
        settings.allow_private,
        settings.connect_timeout,
        settings.read_timeout,
        settings.deadline,
        cancelled,
    )
    try:
        address = _allowed(url, settings)
        with flying(flight):
            size = _persist(address, settings, flight, trace)
    except _NotWritten as error:
        raise error.reason from error
    except Stop as stop:
        raise FetchFailed(
            stop.reason,
            stop.detail,
            trace.final_address,
            trace.http_status,
            trace.content_type,
            trace.attempts,
            time.monotonic() - began,
        ) from stop
    return Answer(
        size,
        trace.final_address,
        trace.http_status or 200,
        trace.content_type,
        trace.attempts,
        time.monotonic() - began,
    )


def _persist(url: str, settings: FetchSettings, flight: Flight, trace: _Trace) -> int:
    """Try with growing pauses, as long as that may help and the deadline allows."""
    while True:
        trace.attempts += 1
        try:
            return _follow(url, settings, flight, trace)
        except Stop as stop:
            if not stop.again or trace.attempts >= settings.attempts:
                raise
            # Half of it random, so that many waiting for one host do not come back together.
            pause = settings.backoff * 2 ** (trace.attempts - 1) * random.uniform(0.5, 1.0)  # noqa: S311
            if stop.after is not None:
                pause = max(pause, min(stop.after, settings.retry_after_cap))
            if pause >= flight.remaining():
                raise
        flight.wait(pause)


def _follow(url: str, settings: FetchSettings, flight: Flight, trace: _Trace) -> int:
    seen = {url}
    for _ in range(settings.max_redirects + 1):
        trace.final_address, trace.http_status, trace.content_type = url, None, None
        flight.answer_by = None  # that of an earlier attempt
        flight.check()
        try:
            response = _send(url, settings, flight)
            flight.answer_by = None
            try:
                trace.http_status = response.status
                trace.content_type = printable(response.headers.get("Content-Type", "")) or None
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    return _body(response, settings, flight, trace.body)
            finally:
                response.close()  # what was not read must not be heard by the next fetch
                response.release_conn()
        except (Stop, _NotWritten):
            raise
        except Exception as error:  # noqa: BLE001 -- what hostile answers raise has no common base
            flight.check()
            explain(error)
        url = _allowed(_joined(url, location), settings)
        if url in seen:
            raise Stop(Reason.REDIRECTS, f"It forwards in a circle, through {url[:200]}.")
        seen.add(url)
    raise Stop(Reason.REDIRECTS, f"It forwards more than {settings.max_redirects} times.")


class _NotWritten(Exception):
    """The disk refused a piece of a body: not a failure of the address."""

    def __init__(self, reason: OSError) -> None:
        self.reason = reason
        super().__init__(str(reason))


@functools.cache
def _pools(allow_private: bool) -> GuardedPools:  # noqa: ARG001
    """The transport; a connection kept under lax rules must not serve strict ones."""
    return GuardedPools()


def close_connections() -> None:
    """Let go of the connections that are kept for further fetches."""
    for allow_private in (False, True):
        _pools(allow_private).clear()


def _send(url: str, settings: FetchSettings, flight: Flight) -> BaseHTTPResponse:
    headers = {"User-Agent": settings.user_agent, "Accept": _ACCEPT, "Accept-Encoding": "identity"}
    flight.target = "/" + url.split("/", 3)[3]
    read = min(settings.read_timeout, flight.remaining() + 0.1)
    return _pools(settings.allow_private).get(url, headers, settings.connect_timeout, read)


def _body(response: BaseHTTPResponse, settings: FetchSettings, flight: Flight, body: Body) -> int:
    """Write the body of a good answer to the file, and give its size in bytes."""
    status = response.status
    if status not in (200, 203):
        refuse_status(status, response.headers.get("Retry-After", ""))
    if settings.respect_robots:
        said = unwilling(response.headers.getlist("X-Robots-Tag"))
        if said:
            raise Stop(Reason.REFUSED_ROBOTS, f"The header X-Robots-Tag says {said!r}.")
    too_big = Stop(Reason.TOO_BIG, f"The file has more than {settings.max_bytes:,} bytes.")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced[:20]) > settings.max_bytes:
        raise too_big
    body.clear()  # of what an earlier attempt wrote
    size, began = 0, time.monotonic()
    while piece := response.read1(_CHUNK, decode_content=True):
        flight.check()
        size += len(piece)
        if size > settings.max_bytes:
            raise too_big
        took = time.monotonic() - began
        if took > settings.read_timeout and size < settings.min_speed * took:
            raise Stop(Reason.TIMED_OUT, f"It sends fewer than {settings.min_speed:,} bytes/s.")
        _write(body, piece)
    # The watcher's cut looks like the regular end of a body without an announced length.
    flight.check()
    if not size:
        raise Stop(Reason.EMPTY, "The answer holds no bytes.")
    return size


def _write(body: Body, piece: bytes) -> None:
    try:
        body.write(piece)
    except OSError as error:
        raise _NotWritten(error) from error


def _allowed(url: str, settings: FetchSettings) -> str:
    """Give the address in its normal form, when its form and port may be fetched."""
    try:
        address = normalise(url)
    except BadAddress as error:
        raise Stop(Reason.REFUSED_ADDRESS, f"{url[:200]!r} is not fetched. {error}") from error
    port = port_of(address)
    if port not in settings.ports and not settings.allow_private:
        raise Stop(Reason.REFUSED_ADDRESS, f"Port {port} is not fetched.")
    return address


def _joined(url: str, location: str) -> str:
    # Header bytes come as Latin-1, whatever they were; most servers mean UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(url, location.strip())
    except ValueError:
        raise Stop(Reason.REDIRECTS, f"It forwards to {location[:200]!r}.") from None
