"""Fetching one address: limits, redirects, retries, and a named reason for every failure.

Nothing of the environment is used (proxies, .netrc, cookies). Requests go through a transport of
the thread's own rather than ``Session.send``, which reads bodies of redirects without any limit.
Whether the bytes are an image is for :mod:`curator.collect.verify`.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urljoin

import requests
import urllib3.exceptions as transport_errors
from pydantic import BaseModel, ConfigDict, Field

from curator.collect.addresses import BadAddress, normalise, port_of
from curator.collect.guarded import Flight, GuardedAdapter, Stop, flying
from curator.collect.reasons import Reason
from curator.collect.verify import MIN_SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65536  # bytes
_AGENT = "curator"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_NOT_ALLOWED = frozenset({401, 402, 403, 407, 451})
_UNWILLING = frozenset({"noai", "noimageai", "noindex", "noimageindex", "noml", "none"})
_ACCEPT = "image/jpeg,image/png,image/webp,image/*;q=0.8,*/*;q=0.5"


class FetchSettings(BaseModel):
    """How addresses are fetched. Times in seconds, sizes in bytes, sides in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_timeout: float = Field(10.0, gt=0, description="for name look-up, and per connection")
    read_timeout: float = Field(15.0, gt=0, description="without a single byte")
    deadline: float = Field(45.0, gt=0, description="for one address, all hops and attempts")
    max_bytes: int = Field(50_000_000, gt=0, description="of one file")
    attempts: int = Field(3, ge=1, le=10, description="for one address")
    backoff: float = Field(0.5, ge=0, description="before the second attempt; doubles each time")
    retry_after_cap: float = Field(30.0, ge=0, description="longest wait that a server may ask for")
    threads: int = Field(64, ge=1, le=512, description="addresses fetched at the same time")
    per_host: int = Field(16, ge=1, description="addresses of one host at the same time")
    max_redirects: int = Field(5, ge=0, le=20)
    allow_private: bool = Field(False, description="fetch from private networks and any port")
    ports: frozenset[int] = frozenset({80, 443})
    respect_robots: bool = Field(True, description="obey the header X-Robots-Tag")
    min_side: int = Field(MIN_SIDE, ge=1, description="shortest side of an image that is kept")
    user_agent: str = Field(f"{_AGENT}/0.1 (image data set builder)", pattern=r"^[ -~]+$")


@dataclass(frozen=True)
class Answer:
    """A fetched body. ``seconds``: all attempts and waits together."""

    data: bytes
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
    """What is known of a fetch so far."""

    final_address: str
    http_status: int | None = None
    content_type: str | None = None
    attempts: int = 0


def fetch(url: str, settings: FetchSettings, cancelled: Callable[[], bool]) -> Answer:
    """Fetch one address, with retries. ``cancelled`` is asked often, and by another thread too.

    Raises :class:`FetchFailed`.
    """
    began = time.monotonic()
    trace = _Trace(url)
    flight = Flight(settings.allow_private, settings.connect_timeout, settings.deadline, cancelled)
    try:
        address = _allowed(url, settings)
        with flying(flight):
            data = _persist(address, settings, flight, trace)
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
        data,
        trace.final_address,
        trace.http_status or 200,
        trace.content_type,
        trace.attempts,
        time.monotonic() - began,
    )


def _persist(url: str, settings: FetchSettings, flight: Flight, trace: _Trace) -> bytes:
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


def _follow(url: str, settings: FetchSettings, flight: Flight, trace: _Trace) -> bytes:
    seen = {url}
    for _ in range(settings.max_redirects + 1):
        trace.final_address, trace.http_status, trace.content_type = url, None, None
        flight.check()
        try:
            response = _send(url, settings, flight)
            try:
                trace.http_status = response.status_code
                trace.content_type = response.headers.get("Content-Type")
                location = response.headers.get("Location")
                if response.status_code not in _REDIRECTS or not location:
                    return _body(response, settings, flight)
            finally:
                response.close()
        except Stop:
            raise
        except Exception as error:  # noqa: BLE001 -- what hostile answers raise has no common base
            flight.check()
            _explain(error)
        url = _allowed(_joined(url, location), settings)
        if url in seen:
            raise Stop(Reason.REDIRECTS, f"It forwards in a circle, through {url[:200]}.")
        seen.add(url)
    raise Stop(Reason.REDIRECTS, f"It forwards more than {settings.max_redirects} times.")


_local = threading.local()


def _send(url: str, settings: FetchSettings, flight: Flight) -> requests.Response:
    adapter = getattr(_local, "adapter", None)
    if adapter is None:
        adapter = _local.adapter = GuardedAdapter()
    if getattr(_local, "private", None) != settings.allow_private:
        adapter.close()  # a connection kept under laxer rules must not serve stricter ones
        _local.private = settings.allow_private
    request = requests.PreparedRequest()
    request.method, request.url = "GET", url
    request.headers = requests.structures.CaseInsensitiveDict(
        {"User-Agent": settings.user_agent, "Accept": _ACCEPT, "Accept-Encoding": "identity"}
    )
    flight.target = "/" + url.split("/", 3)[3]
    limits = (settings.connect_timeout, min(settings.read_timeout, flight.remaining() + 0.1))
    response: requests.Response = adapter.send(request, stream=True, timeout=limits)
    return response


def _body(response: requests.Response, settings: FetchSettings, flight: Flight) -> bytes:
    status = response.status_code
    if status not in (200, 203):
        _refuse_status(status, response)
    if settings.respect_robots:
        unwilling = _robots(response.raw.headers.getlist("X-Robots-Tag"))
        if unwilling:
            raise Stop(Reason.REFUSED_ROBOTS, f"The header X-Robots-Tag says {unwilling!r}.")
    too_big = Stop(Reason.TOO_BIG, f"The file has more than {settings.max_bytes:,} bytes.")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced[:20]) > settings.max_bytes:
        raise too_big
    data = bytearray()
    while piece := response.raw.read(_CHUNK, decode_content=True):
        flight.check()
        data += piece
        if len(data) > settings.max_bytes:
            raise too_big
    # The watcher's cut looks like the regular end of a body without an announced length.
    flight.check()
    if not data:
        raise Stop(Reason.EMPTY, "The answer holds no bytes.")
    return bytes(data)


def _refuse_status(status: int, response: requests.Response) -> NoReturn:
    said = f"The server answered with status {status}."
    if status in _GONE:
        raise Stop(Reason.DEAD, said)
    if status in _NOT_ALLOWED:
        raise Stop(Reason.FORBIDDEN, said)
    after = _retry_after(response.headers.get("Retry-After", ""))
    if status in (425, 429):
        raise Stop(Reason.RATE_LIMITED, said, again=True, after=after)
    if status == 408:
        raise Stop(Reason.TIMED_OUT, said, again=True, after=after)
    if 500 <= status < 600:
        raise Stop(Reason.SERVER_ERROR, said, again=True, after=after)
    if status == 204:
        raise Stop(Reason.EMPTY, said)
    raise Stop(Reason.HTTP_ERROR, said)


def _retry_after(text: str) -> float | None:
    """Seconds to wait, from a number or a date; None when there is none or it is nonsense."""
    text = text.strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _robots(headers: list[str]) -> str | None:
    """Find the first directive against collecting; None without any.

    A header may begin with a crawler's name and a colon; those for other crawlers do not count.
    """
    for header in headers:
        for directive in header.lower().split(","):
            name, colon, rest = directive.partition(":")
            if colon and name.strip() != _AGENT:
                # Also ends at `unavailable_after: date`, whose date may hold a comma.
                break
            word = (rest if colon else directive).strip()
            if word in _UNWILLING:
                return word
    return None


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


def _explain(error: Exception) -> NoReturn:
    """Raise the :class:`Stop` that tells what a transport error means."""
    chain: list[BaseException] = [error]
    for link in chain:
        inner = (link.__cause__, link.__context__, getattr(link, "reason", None), *link.args)
        chain += [item for item in inner if isinstance(item, BaseException) and item not in chain]

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in chain)

    said = str(chain[-1]).strip().rstrip(".")[:200] or type(chain[-1]).__name__
    if has(requests.exceptions.SSLError, transport_errors.SSLError):
        raise Stop(Reason.TLS, f"No trusted connection: {said}.") from error
    if has(TimeoutError, requests.Timeout, transport_errors.TimeoutError):
        raise Stop(Reason.TIMED_OUT, "The host stopped answering.", again=True) from error
    if has(http.client.IncompleteRead, transport_errors.IncompleteRead):
        raise Stop(Reason.INCOMPLETE, "The connection ended early.", again=True) from error
    if has(ConnectionError, BrokenPipeError):
        raise Stop(Reason.UNREACHABLE, f"The connection broke: {said}.", again=True) from error
    raise Stop(Reason.BAD_ANSWER, f"The answer is not understood: {said}.", again=True) from error
