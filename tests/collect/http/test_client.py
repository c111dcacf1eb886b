"""Fetching one address from a server that means no good."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from curator.collect.http.client import FetchFailed, FetchSettings
from curator.imaging.reasons import Reason
from tests.collect.fetching import failure, fetched
from tests.collect.hostile import BODIES, Hostile


def test_good_image(server: Hostile, quick: FetchSettings) -> None:
    """A good address gives its bytes with the facts of the answer."""
    body, answer = fetched(server.url("/good.jpg"), quick)

    assert BODIES["/good.jpg"] == body
    assert (answer.http_status, answer.content_type, answer.attempts) == (200, "image/jpeg", 1)
    assert server.url("/good.jpg") == answer.final_address
    assert server.heard[0][1]["Accept-Encoding"] == "identity"
    assert server.heard[0][1]["User-Agent"].startswith("curator/")


def test_connection_is_kept(server: Hostile, quick: FetchSettings) -> None:
    """Two fetches, one after the other, go through one connection."""
    for _ in range(2):
        fetched(server.url("/good.jpg"), quick)

    assert server.connections == 1


@pytest.mark.parametrize(
    "target", ["/good.jpg?a=%2f%2F%7e~&b=a+b|{c}&sig=%20%c3%A4==", "/good.jpg?", "/good.jpg?x=//y"]
)
def test_query_is_sent_byte_for_byte(target: str, server: Hostile, quick: FetchSettings) -> None:
    """Signed addresses arrive at the server exactly as they stood in the list."""
    fetched(server.url(target), quick)

    assert target == server.heard[0][0]


@pytest.mark.parametrize(
    ("path", "reason", "requests"),
    [
        ("/404", Reason.DEAD, 1),
        ("/410", Reason.DEAD, 1),
        ("/403", Reason.FORBIDDEN, 1),
        ("/451", Reason.FORBIDDEN, 1),
        ("/418", Reason.HTTP_ERROR, 1),
        ("/500", Reason.SERVER_ERROR, 2),
        ("/zero.jpg", Reason.EMPTY, 1),
        ("/silent", Reason.TIMED_OUT, 1),
        ("/endless", Reason.TOO_BIG, 1),
        ("/announced", Reason.TOO_BIG, 1),
        ("/gzip-bomb", Reason.TOO_BIG, 1),
        ("/too-long", Reason.INCOMPLETE, 2),
        ("/garbage", Reason.BAD_ANSWER, 2),
        ("/hangup", Reason.UNREACHABLE, 2),
        ("/loop", Reason.REDIRECTS, 1),
        ("/robots/noai.jpg", Reason.REFUSED_ROBOTS, 1),
        ("/robots/mine.jpg", Reason.REFUSED_ROBOTS, 1),
    ],
)
def test_failures(
    path: str, reason: Reason, requests: int, server: Hostile, quick: FetchSettings
) -> None:
    """Each bad answer has its own reason, and only passing ones are asked for again."""
    failed = failure(server.url(path), quick)

    assert (reason, requests) == (failed.reason, server.hits[path])
    assert requests == failed.attempts


@pytest.mark.parametrize("path", ["/limited", "/recovers"])
def test_recovery(path: str, server: Hostile, quick: FetchSettings) -> None:
    """A server that was busy once is asked again and then gives the image."""
    body, answer = fetched(server.url(path), quick)

    assert (2, BODIES["/good.jpg"]) == (answer.attempts, body)


def test_retry_after_beyond_the_deadline(server: Hostile, quick: FetchSettings) -> None:
    """A server that asks for a day's patience costs no waiting."""
    failed = failure(server.url("/patience"), quick)

    assert (failed.reason, failed.attempts) == (Reason.SERVER_ERROR, 1)
    assert failed.seconds < 1


@pytest.mark.parametrize("path", ["/slow-header", "/slow-body"])
def test_deadline(path: str, server: Hostile, quick: FetchSettings) -> None:
    """A server that sends a byte now and then cannot hold a fetch past its deadline."""
    failed = failure(server.url(path), quick)

    assert failed.reason == Reason.TIMED_OUT
    assert failed.seconds < quick.deadline + 3


@pytest.mark.parametrize("path", ["/slow-header", "/slow-body", "/silent", "/patience"])
def test_cancel(path: str, server: Hostile, quick: FetchSettings) -> None:
    """A cancelled fetch ends soon, wherever it was waiting."""
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    patient = quick.model_copy(update={"deadline": 90.0, "read_timeout": 20.0, "backoff": 20.0})
    began = time.monotonic()

    with pytest.raises(FetchFailed) as caught:
        fetched(server.url(path), patient, stop.is_set)

    assert caught.value.reason == Reason.CANCELLED
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(status: int, server: Hostile, quick: FetchSettings) -> None:
    """Redirects are followed, and the last address is reported."""
    _, answer = fetched(server.url(f"/redirect/{status}?/good.png?x=%2f"), quick)

    assert server.url("/good.png?x=%2f") == answer.final_address


def test_redirects_without_end(server: Hostile, quick: FetchSettings) -> None:
    """A chain of ever new addresses ends after the allowed number."""
    assert failure(server.url("/forever"), quick).reason == Reason.REDIRECTS
    assert quick.max_redirects + 1 == sum(server.hits.values())


def test_body_of_a_redirect_is_not_read(server: Hostile, quick: FetchSettings) -> None:
    """A redirect with an endless body is followed at once."""
    assert BODIES["/good.jpg"] == fetched(server.url("/endless-redirect"), quick)[0]


@pytest.mark.parametrize("target", ["ftp://host/x", "file:///etc/passwd", "http://u:p@host/"])
def test_redirect_to_no_web_address(target: str, server: Hostile, quick: FetchSettings) -> None:
    """A redirect to what no list may hold is refused."""
    failed = failure(server.url(f"/redirect/302?{target}"), quick)

    assert failed.reason == Reason.REFUSED_ADDRESS


@pytest.mark.parametrize("path", ["/robots/other.jpg", "/robots/harmless.jpg"])
def test_robots_for_others(path: str, server: Hostile, quick: FetchSettings) -> None:
    """Directives for another crawler, or without a meaning here, refuse nothing."""
    assert fetched(server.url(path), quick)[0]


def test_robots_switched_off(server: Hostile, quick: FetchSettings) -> None:
    """The user may decide to fetch in spite of the header."""
    settings = quick.model_copy(update={"respect_robots": False})

    assert fetched(server.url("/robots/noai.jpg"), settings)[0]


def test_refused_connection(quick: FetchSettings) -> None:
    """A port where nobody listens is unreachable."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert failure(f"http://127.0.0.1:{port}/", quick).reason == Reason.UNREACHABLE


def test_environment_is_not_used(
    server: Hostile, quick: FetchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment is not asked."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert fetched(server.url("/good.jpg"), quick)[0]
