"""One picture in, one answer out: admission, fetching, decoding and the network, in turn."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.collect.http.body import Body
from curator.collect.http.client import FetchFailed, FetchSettings, close_connections, fetch
from curator.imaging.reasons import Reason
from curator.platform import cpu_count
from curator.serve.batching import Batcher
from curator.serve.decoding import Decoders
from curator.serve.figures import Figures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from curator.serve.model import Model
    from curator.serve.settings import ServeSettings

PROBE = b"P5 64 64 255\n" + bytes([128]) * 64 * 64  # a grey picture
RETRY_AFTER = 1  # seconds; a full house is worked off in about that
# What an address that gave no picture is answered with; any other reason with 422.
STATUS = {
    Reason.REFUSED_ADDRESS: 400,
    Reason.REFUSED_PRIVATE: 403,
    Reason.TOO_BIG: 413,
    Reason.TIMED_OUT: 504,
    Reason.UNKNOWN_HOST: 502,
    Reason.UNREACHABLE: 502,
    Reason.TLS: 502,
    Reason.BAD_ANSWER: 502,
    Reason.INCOMPLETE: 502,
    Reason.SERVER_ERROR: 502,
    Reason.RATE_LIMITED: 502,
    Reason.DEAD: 502,
    Reason.FORBIDDEN: 502,
    Reason.HTTP_ERROR: 502,
    Reason.REDIRECTS: 502,
    Reason.CANCELLED: 503,
}


class Refused(Exception):
    """A request that is answered with ``status`` and a sentence."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        self.status = status
        self.error = error
        self.detail = detail
        super().__init__(detail)

    def to_dict(self) -> dict[str, str]:
        """As it is answered: a code for programs, and a sentence."""
        return {"error": self.error, "detail": self.detail}


class Service:
    """Answers about pictures while :meth:`running`; used from one event loop."""

    def __init__(self, model: Model, settings: ServeSettings) -> None:
        self.model = model
        self.settings = settings
        self.figures = Figures()
        self.working = 0  # pictures that were let in and are not answered yet
        self.held = 0  # bytes of bodies
        self._fetching = 0
        self._stopping = threading.Event()
        self._numbers = itertools.count()
        self._fetch_settings = FetchSettings(
            max_bytes=settings.max_bytes,
            deadline=settings.fetch_seconds,
            attempts=1,
            allow_private=settings.allow_private,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start what answers; at the end, stop it."""
        settings = self.settings
        self._batcher = Batcher(
            self._ask, settings.batch, settings.batch_seconds, coming=lambda: self.working
        )
        self._decoders = Decoders(
            self.model.backbone, settings.max_pixels, settings.processes, settings.decode_seconds
        )
        for _ in range(settings.processes or cpu_count()):
            self._decoders.submit(PROBE)  # so that the processes are there before they are needed
        self._fetchers = ThreadPoolExecutor(settings.fetches, "fetch")
        batches = asyncio.create_task(self._batcher.run())
        with tempfile.TemporaryDirectory(
            prefix="curator-serve-", ignore_cleanup_errors=True
        ) as self._folder:
            try:
                yield
            finally:
                self._stopping.set()
                batches.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await batches
                self._fetchers.shutdown(cancel_futures=True)
                await asyncio.to_thread(self._decoders.close)
                close_connections()

    @contextlib.contextmanager
    def admitted(self, pictures: int = 1) -> Iterator[None]:
        """Let that many pictures in. Raises :class:`Refused` (503) when the house is full."""
        if self.working + pictures > self.settings.waiting:
            raise _busy(f"{self.working} pictures are in work, and that is the most.")
        self.working += pictures
        try:
            yield
        finally:
            self.working -= pictures

    @contextlib.contextmanager
    def holding(self) -> Iterator[Held]:
        """Count the bytes of a body for as long as it is here."""
        held = Held(self)
        try:
            yield held
        finally:
            self.held -= held.bytes

    async def classify(self, content: bytes | Path) -> dict[str, Any]:
        """Answer about a picture that was let in. Raises :class:`Refused`."""
        # Not cancelled with this task: a process is at work on it.
        verdict = await asyncio.shield(asyncio.wrap_future(self._decoders.submit(content)))
        if verdict.reason is not None:
            self.figures.pictures[verdict.reason.value] += 1
            status = 413 if verdict.reason is Reason.TOO_BIG else 422
            raise Refused(status, verdict.reason.value, verdict.detail)
        answer: dict[str, Any] = await self._batcher.answer(verdict.pixels)
        self.figures.pictures["none_of_these" if answer["none_of_these"] else "answered"] += 1
        return answer

    async def classify_address(self, address: str) -> dict[str, Any]:
        """Fetch a picture, guarded as downloads are, and answer. Raises :class:`Refused`."""
        if self._fetching >= 2 * self.settings.fetches:
            raise _busy(f"{self._fetching} addresses are being fetched, and that is the most.")
        self._fetching += 1
        path = Path(self._folder, str(next(self._numbers)))
        try:
            content = await asyncio.get_running_loop().run_in_executor(
                self._fetchers, self._fetched, address, path
            )
            return await self.classify(content)
        except FetchFailed as failed:
            self.figures.pictures[failed.reason.value] += 1
            # Where a private name leads to is nobody's business out there.
            private = failed.reason is Reason.REFUSED_PRIVATE
            raise Refused(
                STATUS.get(failed.reason, 422),
                failed.reason.value,
                failed.reason.explanation if private else failed.detail,
            ) from failed
        finally:
            self._fetching -= 1
            path.unlink(missing_ok=True)

    def _fetched(self, address: str, path: Path) -> bytes | Path:
        with Body(path) as body:
            fetch(address, self._fetch_settings, self._stopping.is_set, body)
        return body.content()

    def _ask(self, pictures: Sequence[bytes]) -> list[dict[str, Any]]:
        self.figures.batches.add(len(pictures))
        return self.model.ask(pictures)


class Held:
    """The bytes of one request, among those of all."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.bytes = 0

    def add(self, size: int) -> None:
        """Count ``size`` more. Raises :class:`Refused` (413, 503)."""
        most = self._service.settings
        self.bytes += size
        self._service.held += size
        if self.bytes > most.max_request:
            raise Refused(413, "too_big", f"A request has at most {most.max_request:,} bytes.")
        if self._service.held > most.max_held:
            raise _busy("The requests at work fill the memory that is set aside for them.")


def _busy(detail: str) -> Refused:
    return Refused(503, "busy", f"{detail} Ask again in {RETRY_AFTER} s.")
