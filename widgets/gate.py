"""Who is let in: the one place that every request and websocket of the dashboard passes.

The door (``/``) takes the token of the printed address and gives a cookie for it; everything else
lies below a path that is made up anew by each process, and asks for that cookie. Cookies go to
every port of a host, and other ports of 127.0.0.1 may belong to other people: the cookie's path
keeps it from their servers, as their pages do not know it.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.escape import utf8
from tornado.log import access_log
from tornado.routing import URLSpec
from tornado.web import Application, OutputTransform, RequestHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tornado.httputil import HTTPHeaders, HTTPServerRequest


EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 -- compared with, never listened on unasked
LOGIN_NEEDED = (
    "This page needs the address that the terminal printed, with its token. Open that one."
)
OTHER_PAGE = "This was asked for by another page, which the dashboard does not answer."
OTHER_NAME = "The dashboard does not go by this name. Use the address that the terminal printed."


@dataclass(frozen=True)
class Keys:
    """What opens one dashboard, made anew by each process; 256 bits, 256 bits and 128 bits."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    below: str = field(default_factory=lambda: f"/{secrets.token_hex(16)}/")


def names(host: str, port: int) -> Callable[[str], bool]:
    """Give the test for a Host header: a page under any other name was led here by its DNS."""
    ends = ("", f":{port}") if port == 80 else (f":{port}",)
    spelled = f"[{host}]" if ":" in host else host
    known = {name + end for name in ("127.0.0.1", "localhost", spelled) for end in ends}
    if host not in EVERY_ADDRESS:
        return known.__contains__
    known |= {
        name.lower() + end for name in (socket.gethostname(), socket.getfqdn()) for end in ends
    }

    def named(said: str) -> bool:
        """An address as a number needs no DNS, so nobody can turn it to this machine."""
        if said in known:
            return True
        number = next((said.removesuffix(end) for end in reversed(ends) if said.endswith(end)), "")
        try:
            return bool(ipaddress.ip_address(number.strip("[]")))
        except ValueError:
            return False

    return named


class Headers(OutputTransform):
    """Put on every answer what tells the browser to keep others out."""

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._host = request.host

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers; those that a handler set itself stay, but for the policy."""
        del finishing
        headers["Content-Security-Policy"] = policy(self._host)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        # Not `no-referrer`: the browser would leave out the Origin of our own requests, too.
        headers.setdefault("Referrer-Policy", "same-origin")
        return status_code, headers, chunk


def policy(host: str) -> str:
    """Give the content security policy for pages under the (checked) name ``host``.

    Widgets bring their modules as blobs, and the page's frame writes style elements and attributes;
    the rest is closed: no inline script, no eval, no other host.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' ws://{host}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


@dataclass(frozen=True)
class Route:
    """One path, a regular expression, and what answers there.

    ``open``: without login, for the reason that ``why`` gives; else with the cookie alone.
    ``query``: the arguments that it is given; others are dropped.
    """

    path: str
    handler: type[RequestHandler]
    why: str
    methods: tuple[str, ...] = ("GET", "HEAD")
    open: bool = False
    websocket: bool = False
    query: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> URLSpec:
        """The route as Tornado takes it."""
        return URLSpec(self.path, self.handler, dict(self.arguments))

    def matches(self, path: str) -> bool:
        """Whether ``path`` is served by this route."""
        return re.fullmatch(self.path, path) is not None


class Gate(Application):
    """The web application: serves the routes of the table, to whom they are meant for."""

    def __init__(
        self, routes: Sequence[Route], keys: Keys, host: str, port: int, **settings: Any
    ) -> None:
        self.routes = routes
        self.keys = keys
        self.cookie_name = f"curator-{port}-{secrets.token_hex(4)}"
        self._named = names(host, port)
        super().__init__(
            [route.rule for route in routes],
            transforms=[Headers],
            log_function=note,
            **settings,
        )

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Give the handler of a request, or the one that refuses it."""
        route = next((each for each in self.routes if each.matches(request.path)), None)
        refused = self.refusal(request, route)
        # Nothing that follows sees more of the query than its route needs, and none of it as text:
        # so no log, no error and no kernel's environment can hold a token.
        request.uri, request.query = request.path, ""
        kept = route.query if route and not refused else ()
        for arguments in (request.arguments, request.query_arguments):
            for name in [name for name in arguments if name not in kept]:
                del arguments[name]
        if refused:
            return self.get_handler_delegate(request, Refusal, {"why": refused})
        return super().find_handler(request, **kwargs)

    def refusal(self, request: HTTPServerRequest, route: Route | None) -> str:
        """Say why a request is not let in; empty when it is."""
        if not self._named(request.host.lower()):
            return OTHER_NAME
        if route is not None and route.open and request.method in route.methods:
            return ""
        if not self.knows(request):
            return LOGIN_NEEDED
        if not self._own_page(request, websocket=route is not None and route.websocket):
            return OTHER_PAGE
        if route is None or request.method not in route.methods:
            return "There is nothing here."
        return ""

    def knows(self, request: HTTPServerRequest) -> bool:
        """Whether the request brings this dashboard's cookie."""
        given = request.cookies.get(self.cookie_name)
        return given is not None and hmac.compare_digest(utf8(given.value), utf8(self.keys.cookie))

    def opens(self, token: bytes) -> bool:
        """Whether ``token`` is this dashboard's."""
        return hmac.compare_digest(token, utf8(self.keys.token))

    @staticmethod
    def _own_page(request: HTTPServerRequest, websocket: bool) -> bool:
        """Whether a page of ours (or the user, by the address bar) asks, as the browser says.

        What changes something, and websockets, must say the Origin. Pages of other ports are
        "same-site" for the browser and send cookies; they are refused here.
        """
        origin = request.headers.get("Origin")
        if origin is None and (websocket or request.method not in {"GET", "HEAD"}):
            return False
        if origin is not None and origin.lower() != f"{request.protocol}://{request.host.lower()}":
            return False
        return request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}


class Refusal(RequestHandler):
    """Says no, the same way to whatever was asked for: nobody learns which paths there are."""

    def initialize(self, why: str) -> None:
        """Take the sentence to show."""
        self._why = why

    def prepare(self) -> None:
        """Answer, whatever the method."""
        self.set_status(403)
        self.finish(small_page(self._why))

    def check_xsrf_cookie(self) -> None:
        """Nothing: it refuses anyway."""


class Door(RequestHandler):
    """Takes the token, gives the cookie, and leads on to the page by an address without either."""

    application: Gate

    def get(self) -> None:
        """Let in who has the token."""
        gate = self.application
        tokens = self.request.query_arguments.get("token", [])
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        if len(tokens) != 1 or not gate.opens(tokens[0]):
            self.set_status(403)
            self.finish(small_page(LOGIN_NEEDED))
            return
        gate.settings["entered"].set()
        below = gate.keys.below
        self.set_cookie(
            gate.cookie_name, gate.keys.cookie, path=below, httponly=True, samesite="Strict"
        )
        # Not a redirect by status: the browser leaves the cookie out of one that began elsewhere,
        # at the file that opened it. This page is ours, so what it asks for carries the cookie.
        self.finish(
            small_page("Opening the curator…", f'<meta http-equiv=refresh content="0;url={below}">')
        )

    head = get


def small_page(sentence: str, head: str = "") -> str:
    """A page of one sentence that asks for nothing more."""
    return (
        '<!DOCTYPE html><html lang=en><meta charset=utf-8><link rel=icon href="data:;base64,=">'
        f"{head}<title>curator</title><p>{sentence}</p></html>"
    )


class Visitor(IdentityProvider):
    """Tells Jupyter's handlers who asks: who passed the gate. It knows no token of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "token": ""})

    def get_user(self, handler: RequestHandler) -> User | None:
        """Give the one user, if the request carries the cookie."""
        gate = handler.application
        assert isinstance(gate, Gate)
        return User("curator") if gate.knows(handler.request) else None


def note(handler: RequestHandler) -> None:
    """Log refusals and failures, by their path alone."""
    status = handler.get_status()
    if status >= 500:
        access_log.error("%d %s %s", status, handler.request.method, handler.request.path)
    elif status >= 400:
        access_log.info("%d %s", status, handler.request.method)
