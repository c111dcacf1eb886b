"""Who is answered; and what every answer has: headers that keep others out, a line, figures.

A page of another site that a visitor of this machine has open is refused: by its Origin, and, on
the loopback, by the name that it calls this service (a name that its DNS has turned here).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from curator.serve.settings import LOOPBACK

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from curator.serve.figures import Figures
    from curator.serve.settings import ServeSettings

log = logging.getLogger("curator.serve")
SLOW = 408  # Request Timeout
DRAIN_SECONDS = 3.0
OPEN = {"/", "/page.css", "/page.js", "/healthz", "/openapi.json"}
GUARDED = {"/classify", "/classify-url", "/metrics"}


class Gate:
    """The application ``app``, for those who may ask it."""

    def __init__(self, app: ASGIApp, settings: ServeSettings, figures: Figures) -> None:
        self._app = app
        self._figures = figures
        self._token = settings.token.encode() if settings.token else None
        self._names = {name.lower() for name in settings.names}
        if settings.local:
            self._names |= {"[::1]" if ":" in name else name for name in LOOPBACK}
        self._headers = {
            "Content-Security-Policy": _policy(settings.framed_by),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(self)",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse; note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, answered = time.perf_counter(), 500, False
        body = _Body(scope, receive)

        async def sending(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                if not body.ended and not await body.drained(patient=status != SLOW):
                    headers["Connection"] = "close"
            await send(message)

        try:
            refused = self._refusal(scope)
            await (refused or self._app)(scope, body.receive, sending)
        except asyncio.CancelledError:  # the end does not wait any longer
            if answered:
                raise
            said = "The service is stopping. Ask again in a moment."
            await _no(503, "stopping", said, {"Retry-After": "5"})(scope, receive, sending)
        finally:
            path = scope["path"] if scope["path"] in OPEN | GUARDED else "other"
            seconds = time.perf_counter() - began
            self._figures.requests[path, status] += 1
            self._figures.seconds.add(seconds)
            # The path alone: a query may hold what is nobody's business.
            log.info("%s %s %d %.0f ms", scope["method"], path, status, seconds * 1000)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if self._names and _name(host) not in self._names:
            return _no(403, "wrong_name", "This service does not go by that name.")
        if scope["path"] in OPEN:
            return None
        origin = headers.get("origin")
        elsewhere = origin is not None and urlsplit(origin).netloc.lower() != host
        if elsewhere or headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return _no(403, "other_page", "A page of another site asks, which is not answered.")
        if self._token is not None and scope["path"] in GUARDED:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            given_bytes = given.strip().encode("latin-1", "replace")
            same = hmac.compare_digest(given_bytes, self._token)
            if scheme.lower() != "bearer" or not same:
                said = "Send the token as `Authorization: Bearer TOKEN`."
                return _no(401, "token", said, {"WWW-Authenticate": "Bearer"})
        return None


class _Body:
    """The body of a request, as far as it was read."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        self.ended = length == "0" and "transfer-encoding" not in headers
        # Who waits for leave to send the body is told no instead.
        self._awaits_leave = "expect" in headers
        self._receive = receive

    async def receive(self) -> Message:
        """Give the next piece."""
        message = await self._receive()
        self.ended = self.ended or not message.get("more_body", False)
        return message

    async def drained(self, patient: bool) -> bool:
        """Read what is left and forget it; whether it came to its end soon.

        A connection that is closed before its sender is done loses the answer on its way.
        """
        if self._awaits_leave or not patient:
            return False
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self.ended:
                    await self.receive()
        except TimeoutError:
            return False
        return True


def _name(host: str) -> str:
    """The name of a Host header, without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _no(
    status: int, error: str, detail: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    said = {"error": error, "detail": detail}
    return JSONResponse(said, status, headers)


def _policy(framed_by: str) -> str:
    """Give the content security policy: what came with the page, and nothing of other hosts."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {framed_by}",
        ]
    )
