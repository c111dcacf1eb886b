"""Connections that go where they should and nowhere else."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from curator.collect.http import client as network
from curator.collect.http import transport as guarded
from curator.collect.http.client import FetchSettings
from curator.collect.http.transport import GuardedPools
from curator.imaging.reasons import Reason
from tests.collect.fetching import failure, fetched
from tests.collect.hostile import BODIES, Hostile, serving
from tests.collect.hostile.certificates import authority, certificate

if TYPE_CHECKING:
    from pathlib import Path


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
    fetched(server.url("/good.jpg", "images.example"), quick)

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


def test_connection_of_laxer_rules(server: Hostile, quick: FetchSettings) -> None:
    """A connection to a private host that is kept open serves no fetch that may not go there."""
    strict = quick.model_copy(update={"allow_private": False, "ports": frozenset({server.port})})

    assert fetched(server.url("/good.jpg"), quick)
    assert failure(server.url("/good.jpg"), strict).reason == Reason.REFUSED_PRIVATE
    assert server.connections == 1


def test_name_under_tls(
    quick: FetchSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A host that was resolved here is still asked for by its name, and shows it is that host."""
    signer = authority(tmp_path)
    asked_for: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, "images.example", signer))
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)

    def resolver(_host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    trusting = ssl.create_default_context(cafile=signer.file)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(guarded, "tls_context", lambda: trusting)
    monkeypatch.setattr(network, "_pools", lambda _: GuardedPools())
    with serving(tls=context) as server:
        body, _ = fetched(server.url("/good.jpg", "images.example"), quick)
        assert BODIES["/good.jpg"] == body
        assert asked_for == ["images.example"]
        assert failure(server.url("/good.jpg", "other.example"), quick).reason == Reason.TLS
