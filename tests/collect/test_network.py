"""Fetching one address from a server that means no good."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from curator.collect import guarded, network
from curator.collect.network import Answer, FetchFailed, FetchSettings, fetch
from curator.collect.reasons import Reason
from tests.collect.hostile import BODIES, Hostile

if TYPE_CHECKING:
    from pathlib import Path


def never() -> bool:
    """Cancel nothing."""
    return False


def failure(url: str, settings: FetchSettings) -> FetchFailed:
    """Fetch what must fail; give the failure."""
    with pytest.raises(FetchFailed) as caught:
        fetch(url, settings, never)
    assert caught.value.detail
    return caught.value


def test_good_image(server: Hostile, quick: FetchSettings) -> None:
    """A good address gives its bytes with the facts of the answer."""
    answer = fetch(server.url("/good.jpg"), quick, never)

    assert BODIES["/good.jpg"] == answer.data
    assert (answer.http_status, answer.content_type, answer.attempts) == (200, "image/jpeg", 1)
    assert server.url("/good.jpg") == answer.final_address
    assert server.heard[0][1]["Accept-Encoding"] == "identity"
    assert server.heard[0][1]["User-Agent"].startswith("curator/")


def test_connection_is_kept(server: Hostile, quick: FetchSettings) -> None:
    """Two fetches in one thread go through one connection."""
    before = getattr(network._local, "adapter", None)
    for _ in range(2):
        fetch(server.url("/good.jpg"), quick, never)
    pool = network._local.adapter.poolmanager.connection_from_url(
        server.url("/"), pool_kwargs={"cert_reqs": "CERT_REQUIRED"}
    )
    assert before is None or before is network._local.adapter
    assert (pool.num_connections, pool.num_requests) == (1, 2)


@pytest.mark.parametrize(
    "target", ["/good.jpg?a=%2f%2F%7e~&b=a+b|{c}&sig=%20%c3%A4==", "/good.jpg?", "/good.jpg?x=//y"]
)
def test_query_is_sent_byte_for_byte(target: str, server: Hostile, quick: FetchSettings) -> None:
    """Signed addresses arrive at the server exactly as they stood in the list."""
    fetch(server.url(target), quick, never)

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
        ("/silent", Reason.TIMED_OUT, 2),
        ("/endless", Reason.TOO_BIG, 1),
        ("/announced", Reason.TOO_BIG, 1),
        ("/zipped", Reason.TOO_BIG, 1),
        ("/cut", Reason.INCOMPLETE, 2),
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
    answer = fetch(server.url(path), quick, never)

    assert (2, BODIES["/good.jpg"]) == (answer.attempts, answer.data)


def test_retry_after_beyond_the_deadline(server: Hostile, quick: FetchSettings) -> None:
    """A server that asks for a day's patience costs no waiting."""
    failed = failure(server.url("/patience"), quick)

    assert (failed.reason, failed.attempts) == (Reason.SERVER_ERROR, 1)
    assert failed.seconds < 1


@pytest.mark.parametrize("path", ["/slow_header", "/slow_body"])
def test_deadline(path: str, server: Hostile, quick: FetchSettings) -> None:
    """A server that sends a byte now and then cannot hold a fetch past its deadline."""
    failed = failure(server.url(path), quick)

    assert failed.reason == Reason.TIMED_OUT
    assert failed.seconds < quick.deadline + 3


@pytest.mark.parametrize("path", ["/slow_header", "/slow_body", "/silent", "/patience"])
def test_cancel(path: str, server: Hostile, quick: FetchSettings) -> None:
    """A cancelled fetch ends soon, wherever it was waiting."""
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    patient = quick.model_copy(update={"deadline": 90.0, "read_timeout": 20.0, "backoff": 20.0})
    began = time.monotonic()

    with pytest.raises(FetchFailed) as caught:
        fetch(server.url(path), patient, stop.is_set)

    assert caught.value.reason == Reason.CANCELLED
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(status: int, server: Hostile, quick: FetchSettings) -> None:
    """Redirects are followed, and the last address is reported."""
    answer = fetch(server.url(f"/redirect/{status}?/good.png?x=%2f"), quick, never)

    assert server.url("/good.png?x=%2f") == answer.final_address


def test_redirects_without_end(server: Hostile, quick: FetchSettings) -> None:
    """A chain of ever new addresses ends after the allowed number."""
    assert failure(server.url("/forever"), quick).reason == Reason.REDIRECTS
    assert quick.max_redirects + 1 == sum(server.hits.values())


def test_body_of_a_redirect_is_not_read(server: Hostile, quick: FetchSettings) -> None:
    """A redirect with an endless body is followed at once."""
    assert BODIES["/good.jpg"] == fetch(server.url("/endless_redirect"), quick, never).data


@pytest.mark.parametrize("target", ["ftp://host/x", "file:///etc/passwd", "http://u:p@host/"])
def test_redirect_to_no_web_address(target: str, server: Hostile, quick: FetchSettings) -> None:
    """A redirect to what no list may hold is refused."""
    failed = failure(server.url(f"/redirect/302?{target}"), quick)

    assert failed.reason == Reason.REFUSED_ADDRESS


@pytest.mark.parametrize("path", ["/robots/other.jpg", "/robots/harmless.jpg"])
def test_robots_for_others(path: str, server: Hostile, quick: FetchSettings) -> None:
    """Directives for another crawler, or without a meaning here, refuse nothing."""
    assert fetch(server.url(path), quick, never).data


def test_robots_switched_off(server: Hostile, quick: FetchSettings) -> None:
    """The user may decide to fetch in spite of the header."""
    settings = quick.model_copy(update={"respect_robots": False})

    assert fetch(server.url("/robots/noai.jpg"), settings, never).data


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_private_addresses_are_refused(host: str, quick: FetchSettings) -> None:
    """No spelling of a private address is connected to."""
    settings = quick.model_copy(update={"allow_private": False, "attempts": 1})

    failed = failure(f"http://{host}/x.jpg", settings)

    # A resolver may not know an odd spelling; what counts is that no connection is tried.
    assert failed.reason in {Reason.REFUSED_PRIVATE, Reason.UNKNOWN_HOST, Reason.REFUSED_ADDRESS}
    if host in {"127.0.0.1", "localhost", "2130706433", "[::1]", "169.254.169.254"}:
        assert failed.reason == Reason.REFUSED_PRIVATE


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("224.0.1.1", False),
        ("168.63.129.16", False),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("ff0e::1", False),
        ("255.255.255.255", False),
    ],
)
def test_public(address: str, expected: bool) -> None:
    """Public is what the registries give out for the whole internet, and nothing else."""
    assert expected == guarded.is_public(address)


def test_redirect_into_private_network(
    server: Hostile, quick: FetchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public host that forwards to the loopback is not followed."""
    port = server.server_address[1]
    monkeypatch.setattr(guarded, "is_public", lambda address: address == "127.0.0.1")
    settings = quick.model_copy(
        update={"allow_private": False, "ports": frozenset({port}), "attempts": 1}
    )

    failed = failure(server.url(f"/redirect/302?http://127.0.0.2:{port}/good.jpg"), settings)

    assert failed.reason == Reason.REFUSED_PRIVATE
    assert [f"/redirect/302?http://127.0.0.2:{port}/good.jpg"] == list(server.hits)


def test_ports(server: Hostile, quick: FetchSettings) -> None:
    """Other ports than those of the web are not asked."""
    settings = quick.model_copy(update={"allow_private": False})

    assert failure(server.url("/good.jpg"), settings).reason == Reason.REFUSED_ADDRESS
    assert not server.hits


def test_rebinding(server: Hostile, quick: FetchSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved once, the checked address is used, and the Host header stays."""
    answers: list[str] = []

    def resolver(host: str, port: int, **_: Any) -> list[Any]:
        answers.append(host)
        address = "127.0.0.1" if len(answers) == 1 else "10.9.9.9"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    fetch(server.url("/good.jpg", "images.example"), quick, never)

    assert answers == ["images.example"]
    assert f"images.example:{server.server_address[1]}" == server.heard[0][1]["Host"]


def test_one_private_address_among_public_ones(
    quick: FetchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with a private address among its public ones is refused as a whole."""

    def resolver(_host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.215.14", "10.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    settings = quick.model_copy(update={"allow_private": False})

    assert failure("http://images.example/x.jpg", settings).reason == Reason.REFUSED_PRIVATE


@pytest.mark.parametrize(("error", "requests"), [(socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 2)])
def test_unknown_host(
    error: int, requests: int, quick: FetchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown name is asked for once, a passing failure of the resolver again."""

    def resolver(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(error, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    failed = failure("http://images.example/x.jpg", quick)

    assert (Reason.UNKNOWN_HOST, requests) == (failed.reason, failed.attempts)


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

    assert fetch(server.url("/good.jpg"), quick, never).data


def certificate(folder: Path) -> Path:
    """Write a key and a certificate for images.example that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "images.example")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("images.example"),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.9")),
                ]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_tls(
    server: Hostile, quick: FetchSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Over TLS the certificate must be trusted and be for the original name."""
    pem = certificate(tmp_path)
    asked_for: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda _host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))],
    )
    monkeypatch.setattr(network, "_local", threading.local())
    right = server.url("/good.jpg", "images.example").replace("http:", "https:")
    wrong = right.replace("images.", "other.")

    assert failure(right, quick).reason == Reason.TLS

    trusting = ssl.create_default_context(cafile=pem)
    monkeypatch.setattr(guarded, "tls_context", lambda: trusting)
    monkeypatch.setattr(network, "_local", threading.local())
    answer: Answer = fetch(right, quick, never)
    assert BODIES["/good.jpg"] == answer.data
    assert asked_for[-1] == "images.example"
    assert failure(wrong, quick).reason == Reason.TLS
