"""Listening, until the service is told to stop: what is in work is answered first."""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from curator.errors import InputError
from curator.serve.app import make_app
from curator.serve.decoding import Decoders
from curator.serve.model import Model
from curator.serve.service import PROBE
from curator.serve.settings import ServeSettings

if TYPE_CHECKING:
    import asyncio

Say = Callable[[str], None]
CONNECTIONS = 900  # below the usual limit of 1,024 open files
STOP_SECONDS = 10  # that work in hand is waited for
KEPT_SECONDS = 15  # that an idle connection is kept


def serve_model(
    folder: str | Path,
    settings: ServeSettings | None = None,
    *,
    say: Say = print,
    warn: Say = print,
) -> None:
    """Serve an exported model until SIGINT or SIGTERM; ``say`` its address once it answers.

    Raises BundleInvalid for a model that cannot be read, InputError when the address cannot be
    listened on.
    """
    settings = settings or ServeSettings()
    listening = listen(settings.host, settings.port)
    with contextlib.closing(listening):
        model = Model(Path(folder), settings.threads)
        _log_plainly()
        port = listening.getsockname()[1]
        ready = functools.partial(_announce, model, settings, port, say, warn)
        Server(configured(model, settings), ready).run(sockets=[listening])


def try_model(folder: Path) -> str:
    """Decode a made-up picture and ask the model about it; say what it answers.

    Raises BundleInvalid, and JobError when no process can decode.
    """
    model = Model(folder)
    with Decoders(model.backbone, 64 * 64, count=1, seconds=60) as decoders:
        verdict = decoders.submit(PROBE).result()
    label, share = model.ask([verdict.pixels])[0]["predictions"][0]
    return f"A grey picture: {label} {share:.0%}. The model of {len(model.classes)} classes works."


class Server(uvicorn.Server):
    """Uvicorn, which says when it is ready, and ends by a signal as by any other way."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal; unlike the original, do not raise it again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        caught = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Protocol(H11Protocol):
    """A connection; closed when a header takes too long, which uvicorn would wait for for ever."""

    header_seconds = 10.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first header."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; wait on where it is not a whole header yet."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timer."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def configured(model: Model, settings: ServeSettings) -> uvicorn.Config:
    """What uvicorn is told."""
    protocol = type("Protocol", (Protocol,), {"header_seconds": settings.header_seconds})
    return uvicorn.Config(
        make_app(model, settings),
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEPT_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _announce(model: Model, settings: ServeSettings, port: int, say: Say, warn: Say) -> None:
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
    say(f"The model of {len(model.classes)} classes answers at {address}. Stop it with Ctrl+C.")
    if not settings.local:
        who = "whoever has the token" if settings.token else "everybody who can reach it"
        warn(
            f"It listens on {settings.host} and answers {who}; nothing that passes is encrypted. "
            "Put a proxy with TLS before it."
        )


def _log_plainly() -> None:
    """A line a request, and what uvicorn complains of, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    for name, level in (("curator.serve", logging.INFO), ("uvicorn.error", logging.ERROR)):
        log = logging.getLogger(name)
        log.handlers[:] = [handler]
        log.setLevel(level)
        log.propagate = False


def listen(host: str, port: int) -> socket.socket:
    """Take the port. Raises InputError when that cannot be."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.create_server(address[:2], family=family, backlog=512)
        # By the name of its protocol asyncio knows that it may send without waiting for more: an
        # answer of two parts took 40 ms longer on a connection that is kept.
        return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, bound.detach())
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)}:
            raise InputError(
                f"Port {port} on {host} is taken.", "Name another with --port, or 0 for any."
            ) from error
        raise InputError(
            f"{host}, port {port}, cannot be listened on: {error.strerror or error}.",
            "Name an address of this machine with --host, or leave it out.",
        ) from error
