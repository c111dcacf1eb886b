"""How the hostile server answers, by the first part of a path.

``PROPER`` is HTTP as it should be, with a strange status, header or body; ``RAW`` are bytes on the
wire; ``ACTING`` takes its time or changes its mind. What each means is said in
:mod:`tests.collect.hostile.table`.
"""

from __future__ import annotations

import email.utils
import gzip
import time
import zlib
from typing import TYPE_CHECKING, TypeAlias

from tests.collect.hostile.files import PAGE, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.collect.hostile.server import Request

Headers: TypeAlias = tuple[tuple[str, str], ...]

_GOOD = picture()
_BLOCK = b"x" * 65_536
_ZEROS = gzip.compress(bytes(2_000_000)) * 100  # 200 MB in 200 kB


def _with(name: str, value: str) -> tuple[int, Headers, bytes]:
    return 200, ((name, value),), _GOOD


def _to(target: str) -> tuple[int, Headers, bytes]:
    return 302, (("Location", target),), b""


def _encoded(encoding: str, body: bytes) -> tuple[int, Headers, bytes]:
    return 200, (("Content-Encoding", encoding),), body


#: Path to status, headers and body.
PROPER: dict[str, tuple[int, Headers, bytes]] = {
    **{
        f"/{code}": (code, (), _GOOD)
        for code in (206, 401, 402, 403, 404, 408, 410, 418, 451, 500, 503)
    },
    "/patience": (503, (("Retry-After", "86400"),), b""),
    "/patience-absurd": (429, (("Retry-After", "9" * 5000),), b""),
    "/patience-nonsense": (429, (("Retry-After", "soon"),), b""),
    "/nowhere": (302, (), b""),
    "/loop": _to("/loop"),
    "/cookies": (302, (("Location", "/cookies"), ("Set-Cookie", "seen=1")), b""),
    "/to-file": _to("file:///etc/passwd"),
    "/to-script": _to("javascript:alert(1)"),
    "/to-password": _to("http://user:secret@images.example/x.jpg"),
    "/to-mail-port": _to("http://127.0.0.1:25/good.jpg"),
    "/to-metadata": _to("http://169.254.169.254/latest/meta-data/"),
    "/to-number": _to("http://2130706434/good.jpg"),
    "/to-nonsense": _to("http://[oops"),
    "/to-long": _to("/" + "x" * 10_000),
    "/wrong-type.jpg": _with("Content-Type", "text/html"),
    "/terminal-codes": _with("Content-Type", "image/jpeg\x1b[2J" + "x" * 9_000),
    "/attachment": _with(
        "Content-Disposition", 'attachment; filename="../../../../tmp/escaped.jpg"'
    ),
    "/long-header": _with("X-Long", "x" * 100_000),
    "/headers": (200, tuple((f"X-{n}", "x") for n in range(1_000)), _GOOD),
    "/cookie-page": (200, (("Set-Cookie", "consent=please"),), PAGE),
    "/robots/noai.jpg": _with("X-Robots-Tag", "noai, noimageai"),
    "/robots/other.jpg": _with("X-Robots-Tag", "otherbot: noindex"),
    "/robots/mine.jpg": _with("X-Robots-Tag", "curator: noimageindex"),
    "/robots/second.jpg": (200, (("X-Robots-Tag", "nofollow"), ("X-Robots-Tag", "NOAI")), _GOOD),
    "/robots/harmless.jpg": _with("X-Robots-Tag", "nofollow"),
    "/robots/date.jpg": _with("X-Robots-Tag", "unavailable_after: Wed, 1 Jan 2020 0:0:0"),
    "/gzip": _encoded("gzip", gzip.compress(_GOOD)),
    "/gzip-cut": _encoded("gzip", gzip.compress(_GOOD)[:-300]),
    "/gzip-lie": _encoded("gzip", _GOOD),
    "/gzip-bomb": _encoded("gzip", _ZEROS),
    "/gzip-twice-bomb": _encoded("gzip, gzip", gzip.compress(_ZEROS)),
    "/deflate-bomb": _encoded("deflate", zlib.compress(bytes(30_000_000))),
    "/unknown-encoding": _encoded("utf-8", _GOOD),
    "/..": (200, (), _GOOD),
    "/%2e%2e": (200, (), _GOOD),
    "/long": (200, (), _GOOD),
}


def _head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


_TO_THE_END = _head("Connection: close")
_CHUNKED = _head("Transfer-Encoding: chunked")
_LENGTH = f"Content-Length: {len(_GOOD)}"

#: Path to what is sent once, and what is then sent again and again until the client leaves.
RAW: dict[str, tuple[bytes, bytes]] = {
    "/204": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "/304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
    "/turncoat": (_head("Location: /good.jpg", "Connection: close", status="302 Found"), b""),
    "/endless": (_TO_THE_END, _BLOCK),
    "/endless-chunks": (_CHUNKED, _chunk(_BLOCK)),
    "/endless-header": (b"HTTP/1.1 200 OK\r\n", b"X-More: more\r\n" * 1000),
    "/endless-line": (b"HTTP/1.1 200 OK\r\nX-Line: ", _BLOCK),
    "/endless-status": (b"", _BLOCK),
    "/endless-continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "/endless-chunk-size": (_CHUNKED, b"0" * 65_536),
    "/endless-trailer": (
        _CHUNKED + _chunk(_GOOD) + b"0\r\n",
        b"X-Trailer: " + _BLOCK[:1000] + b"\r\n",
    ),
    "/endless-redirect": (
        _head("Location: /good.jpg", "Connection: close", status="302 Found"),
        _BLOCK,
    ),
    "/huge-chunk": (_CHUNKED + b"ffffffffffffffffff\r\n", _BLOCK),
    "/announced": (_head("Content-Length: 999999999999"), b""),
    "/too-long": (_head(f"Content-Length: {len(_GOOD) + 1000}") + _GOOD, b""),
    "/too-short": (_head("Content-Length: 500") + _GOOD, b""),
    "/negative-length": (_head("Content-Length: -5", "Connection: close") + _GOOD, b""),
    "/same-lengths": (_head(_LENGTH, _LENGTH) + _GOOD, b""),
    "/two-lengths": (_head(_LENGTH, "Content-Length: 7") + _GOOD, b""),
    "/chunked": (
        _CHUNKED + _chunk(_GOOD[:100]) + _chunk(_GOOD[100:]) + b"0\r\nX-Trailer: y\r\n\r\n",
        b"",
    ),
    "/cut-chunk": (_CHUNKED + _chunk(_GOOD)[:500], b""),
    "/cut-between-chunks": (_CHUNKED + _chunk(_GOOD[:500]), b""),
    "/bad-chunk": (_CHUNKED + b"zz\r\n" + _GOOD + b"\r\n0\r\n\r\n", b""),
    "/negative-chunk": (_CHUNKED + b"-5\r\n" + _GOOD + b"\r\n0\r\n\r\n", b""),
    "/garbage": (b"\x00\x1b]0;title\x07 this is no HTTP\r\n\r\n", b""),
    "/http09": (_GOOD, b""),
    "/hangup": (b"", b""),
}


def _redirect(request: Request) -> None:
    """/redirect/STATUS?TARGET."""
    status = int(request.path.split("?")[0].split("/")[2])
    request.send(b"", status, (("Location", request.path.split("?", 1)[1]),))


def _forever(request: Request) -> None:
    request.send(b"", 302, (("Location", request.path + "/x"),))


def _to_next_host(request: Request) -> None:
    target = f"http://127.0.0.2:{request.server.port}/good.jpg"
    request.send(b"", 302, (("Location", target),))


def _limited(request: Request) -> None:
    _at_first(request, 429, (("Retry-After", "0"),))


def _limited_until(request: Request) -> None:
    past = email.utils.formatdate(time.time() - 3600, usegmt=True)
    _at_first(request, 429, (("Retry-After", past),))


def _recovers(request: Request) -> None:
    _at_first(request, 500, ())


def _at_first(request: Request, status: int, headers: Headers) -> None:
    if request.first_time:
        request.send(b"", status, headers)
    else:
        request.send(_GOOD)


def _silent(request: Request) -> None:
    request.close_connection = True
    request.pause(20)


def _slow_header(request: Request) -> None:
    request.drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")


def _slow_body(request: Request) -> None:
    request.drip(_TO_THE_END)


def _stalls(request: Request) -> None:
    request.close_connection = True
    request.wfile.write(_head(_LENGTH) + _GOOD[:500])
    request.pause(20)


#: Path to what the server does.
ACTING: dict[str, Callable[[Request], None]] = {
    "/redirect": _redirect,
    "/forever": _forever,
    "/to-next-host": _to_next_host,
    "/limited": _limited,
    "/limited-until": _limited_until,
    "/recovers": _recovers,
    "/silent": _silent,
    "/slow-header": _slow_header,
    "/slow-body": _slow_body,
    "/stalls": _stalls,
}
