"""The hostile server with names, certificates and a resolver: a small internet on the loopback.

To this internet 127.0.0.1 is public and every other address of the machine is private, so that the
guards against private addresses are at work while it is fetched from.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.collect.http import client as network
from curator.collect.http import transport as guarded
from curator.collect.http.client import FetchSettings
from tests.collect.hostile.certificates import authority, certificate
from tests.collect.hostile.server import Hostile, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from tests.collect.hostile.table import Behaviour

# What the resolver says of a name, one answer after another; the last one stays.
_ANSWERS: dict[str, list[list[str]]] = {
    "inside.example": [["10.9.9.9"]],
    "two-faced.example": [["127.0.0.1", "10.9.9.9"]],
    "later.example": [["127.0.0.1"], ["10.9.9.9"]],
    "turncoat.example": [["127.0.0.1"], ["10.9.9.9"]],
    "unknown.example": [[]],
}


@dataclass(frozen=True)
class World:
    """The servers by name, and settings to fetch from them with short limits."""

    servers: dict[str, Hostile]
    settings: FetchSettings
    asked: Counter[str]

    def url(self, behaviour: Behaviour) -> str:
        """Give the address where a behaviour is met."""
        server = self.servers[behaviour.server]
        scheme = behaviour.scheme or server.scheme
        return f"{scheme}://{behaviour.at_host}:{server.port}{behaviour.path}"

    def begin(self) -> None:
        """Forget every request and look-up."""
        self.asked.clear()
        for server in self.servers.values():
            server.hits.clear()


@contextlib.contextmanager
def world(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[World]:
    """Run the servers and put the resolver in place; ``folder`` is for certificates."""
    signer = authority(folder)
    asked: Counter[str] = Counter()
    patch.setattr(socket, "getaddrinfo", functools.partial(_resolve, asked, socket.getaddrinfo))
    patch.setattr(guarded, "is_public", lambda address: address == "127.0.0.1")
    patch.setattr(guarded, "tls_context", lambda: ssl.create_default_context(cafile=signer.file))
    network._pools.cache_clear()  # it holds the certificates that it trusts
    certificates = {
        "trusted": certificate(folder, "right.example", signer),
        "expired": certificate(folder, "right.example", signer, days=-1),
        "self-signed": certificate(folder, "right.example"),
    }
    with contextlib.ExitStack() as stack:
        servers = {"plain": stack.enter_context(serving())}
        for name, file in certificates.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file)
            servers[name] = stack.enter_context(serving(tls=context))
        settings = FetchSettings(
            connect_timeout=3.0,
            read_timeout=1.5,
            deadline=3.0,
            max_bytes=2_000_000,
            attempts=2,
            backoff=0.01,
            threads=32,
            ports=frozenset({80, 443, *(server.port for server in servers.values())}),
        )
        yield World(servers, settings, asked)
    network._pools.cache_clear()


def _resolve(asked: Counter[str], real: Any, host: str, port: int, *rest: Any, **more: Any) -> Any:
    if not host.endswith((".example", ".invalid")):
        return real(host, port, *rest, **more)
    answers = _ANSWERS.get(host, [["127.0.0.1"]])
    addresses = answers[min(asked[host], len(answers) - 1)]
    asked[host] += 1
    if not addresses or host.endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]
