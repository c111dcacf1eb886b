"""Every behaviour of the hostile server: where it is met, what happens there, and what must follow.

``expected`` None: an image, and exactly the bytes that were served are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from curator.imaging.reasons import Reason
from tests.collect.hostile.files import UNWANTED, WANTED


@dataclass(frozen=True)
class Behaviour:
    """One row. ``host``: by default one of its own; ``server``: which of the world's servers.

    ``scheme``: where it is not the server's own. ``kept``: path of the file that is kept.
    """

    path: str
    does: str
    expected: Reason | None
    host: str = ""
    server: str = "plain"
    scheme: str = ""
    kept: str = "/good.jpg"

    @property
    def name(self) -> str:
        """Short and unique."""
        return f"{self.host or self.path[:40]}{'' if self.server == 'plain' else self.server}"

    @property
    def at_host(self) -> str:
        """The host's name in the address."""
        slug = re.sub("[^a-z0-9]+", "-", self.path[:40].lower()).strip("-")
        return self.host or f"{slug}.example"


_IMAGES = tuple(Behaviour(path, "a good image, however odd", None, kept=path) for path in WANTED)

_OTHER_CONTENT = (
    Behaviour("/page.jpg", "an HTML page under an image's name", Reason.PAGE_NOT_IMAGE),
    Behaviour("/page-fragment.jpg", "a script behind a byte order mark", Reason.PAGE_NOT_IMAGE),
    Behaviour("/cookie-page", "a consent page that sets a cookie", Reason.PAGE_NOT_IMAGE),
    Behaviour("/text.jpg", "plain text", Reason.NOT_AN_IMAGE),
    Behaviour("/json.jpg", "an error in JSON", Reason.NOT_AN_IMAGE),
    Behaviour("/movie.jpg", "a film", Reason.NOT_AN_IMAGE),
    Behaviour("/document.jpg", "a PDF file", Reason.NOT_AN_IMAGE),
    Behaviour("/packed.jpg", "a good image in a gzip file", Reason.NOT_AN_IMAGE),
    Behaviour("/zero.jpg", "no bytes", Reason.EMPTY),
    Behaviour("/pixel.gif", "one pixel", Reason.TOO_SMALL),
    Behaviour("/line.png", "a line of 500 x 2 pixels", Reason.TOO_SMALL),
    Behaviour("/drawing.svg", "a drawing", Reason.UNSUPPORTED_FORMAT),
    Behaviour("/drawing-behind.svg", "a drawing behind a long comment", Reason.UNSUPPORTED_FORMAT),
    Behaviour("/icon.ico", "a Windows icon", Reason.UNSUPPORTED_FORMAT),
    Behaviour("/photo.heic", "a HEIC photo", Reason.UNSUPPORTED_FORMAT),
    Behaviour("/jpeg2000.jp2", "a JPEG 2000 image", Reason.UNSUPPORTED_FORMAT),
    Behaviour("/layers.psd", "a Photoshop file", Reason.UNSUPPORTED_FORMAT),
)

_BROKEN_FILES = (
    Behaviour("/truncated.jpg", "the first half of a JPEG", Reason.BROKEN),
    Behaviour("/truncated.png", "the first half of a PNG", Reason.BROKEN),
    Behaviour("/truncated.webp", "the first half of a WebP", Reason.BROKEN),
    Behaviour("/truncated.gif", "the first half of a GIF", Reason.BROKEN),
    *(
        Behaviour(path, "the first part of an AVIF", Reason.BROKEN)
        for path in ("/truncated.avif",)
        if path in UNWANTED  # not every Pillow can write one
    ),
    Behaviour("/truncated.tiff", "the first half of a TIFF", Reason.BROKEN),
    Behaviour("/empty-picture.png", "a PNG of 0 x 0 pixels", Reason.BROKEN),
    Behaviour("/tiff-tag.tiff", "a TIFF tag of four billion values", Reason.BROKEN),
    Behaviour("/tiff-strip.tiff", "a TIFF of two billion rows", Reason.TOO_BIG),
    Behaviour("/bomb.png", "a PNG header of 60,000 x 60,000 pixels", Reason.TOO_BIG),
    Behaviour("/text-bomb.png", "a PNG with 5 MB in a zTXt chunk", Reason.TOO_BIG),
    Behaviour("/text-bomb-2.png", "a PNG with 5 MB in an iTXt chunk", Reason.TOO_BIG),
    Behaviour("/profile-bomb.png", "a PNG with a colour profile of 5 MB", Reason.TOO_BIG),
    Behaviour("/many-scans.jpg", "a JPEG that passes 5,000 times over its pixels", Reason.TOO_BIG),
    Behaviour("/screen.gif", "a GIF screen of 65,535 x 65,535 pixels", Reason.TOO_BIG),
    Behaviour("/frame.gif", "a GIF frame far larger than its screen", Reason.TOO_BIG),
    Behaviour("/top-down-bomb.bmp", "a BMP of -2,147,483,648 rows", Reason.TOO_BIG),
)

_STATUSES = (
    Behaviour("/204", "204, no content", Reason.EMPTY),
    Behaviour("/206", "206, though no part was asked for", Reason.HTTP_ERROR),
    Behaviour("/304", "304, though nothing is cached", Reason.HTTP_ERROR),
    Behaviour("/401", "401, who are you", Reason.FORBIDDEN),
    Behaviour("/402", "402, pay", Reason.FORBIDDEN),
    Behaviour("/403", "403, not for you", Reason.FORBIDDEN),
    Behaviour("/404", "404, with a good image in its body", Reason.DEAD),
    Behaviour("/408", "408, you were too slow", Reason.TIMED_OUT),
    Behaviour("/410", "410, gone", Reason.DEAD),
    Behaviour("/418", "418, a teapot", Reason.HTTP_ERROR),
    Behaviour("/451", "451, for legal reasons", Reason.FORBIDDEN),
    Behaviour("/500", "500, always", Reason.SERVER_ERROR),
    Behaviour("/503", "503, always", Reason.SERVER_ERROR),
    Behaviour("/recovers", "500 once, then the image", None),
    Behaviour("/limited", "429 once with Retry-After in seconds", None),
    Behaviour("/limited-until", "429 once with Retry-After as a date", None),
    Behaviour("/patience", "503 with Retry-After of a day", Reason.SERVER_ERROR),
    Behaviour("/patience-absurd", "429 with Retry-After of 5,000 digits", Reason.RATE_LIMITED),
    Behaviour("/patience-nonsense", "429 with Retry-After: soon", Reason.RATE_LIMITED),
)

_REDIRECTS = (
    Behaviour("/loop", "a redirect to itself", Reason.REDIRECTS),
    Behaviour("/cookies", "a redirect to itself until a cookie comes back", Reason.REDIRECTS),
    Behaviour("/forever", "redirects to ever new addresses", Reason.REDIRECTS),
    Behaviour("/nowhere", "a redirect without a target", Reason.HTTP_ERROR),
    Behaviour("/endless-redirect", "a redirect with an endless body", None),
    Behaviour("/to-nonsense", "a redirect to what is no address", Reason.REDIRECTS),
    Behaviour("/to-long", "a redirect to 10,000 characters", Reason.REFUSED_ADDRESS),
    Behaviour("/to-file", "a redirect to file:///etc/passwd", Reason.REFUSED_ADDRESS),
    Behaviour("/to-script", "a redirect to javascript:", Reason.REFUSED_ADDRESS),
    Behaviour("/to-password", "a redirect with user and password", Reason.REFUSED_ADDRESS),
    Behaviour("/to-mail-port", "a redirect to port 25", Reason.REFUSED_ADDRESS),
    Behaviour("/to-next-host", "a redirect to a private address", Reason.REFUSED_PRIVATE),
    Behaviour("/to-metadata", "a redirect to the cloud's metadata", Reason.REFUSED_PRIVATE),
    Behaviour(
        "/to-number", "a redirect to a private address as one number", Reason.REFUSED_PRIVATE
    ),
)

_NAMES = (
    Behaviour("/good.jpg", "a name of a private address", Reason.REFUSED_PRIVATE, "inside.example"),
    Behaviour(
        "/good.jpg",
        "a name of a public and a private address",
        Reason.REFUSED_PRIVATE,
        "two-faced.example",
    ),
    Behaviour("/good.jpg", "a name that is private when asked again", None, "later.example"),
    Behaviour(
        "/turncoat",
        "a redirect to the same name, which is private by then",
        Reason.REFUSED_PRIVATE,
        "turncoat.example",
    ),
    Behaviour("/good.jpg", "a name that nobody knows", Reason.UNKNOWN_HOST, "unknown.example"),
    Behaviour(
        "/good.jpg", "a name the resolver rejects", Reason.UNKNOWN_HOST, "x" * 60 + ".invalid"
    ),
)

_ENCRYPTION = (
    Behaviour("/good.jpg", "a trusted certificate", None, "right.example", "trusted"),
    Behaviour("/good.jpg", "for another name", Reason.TLS, "wrong.example", "trusted"),
    Behaviour("/good.jpg", "signed by itself", Reason.TLS, "right.example", "self-signed"),
    Behaviour("/good.jpg", "expired", Reason.TLS, "right.example", "expired"),
    Behaviour(
        "/good.jpg",
        "plain HTTP where TLS was asked for",
        Reason.TLS,
        "bare.example",
        scheme="https",
    ),
    Behaviour(
        "/good.jpg",
        "TLS where plain HTTP was asked for",
        Reason.UNREACHABLE,
        "right.example",
        "trusted",
        "http",
    ),
)

_SLOW = (
    Behaviour("/silent", "no answer", Reason.TIMED_OUT),
    Behaviour("/slow-header", "a byte of the header now and then", Reason.TIMED_OUT),
    Behaviour("/slow-body", "a byte of the body now and then", Reason.TIMED_OUT),
    Behaviour("/stalls", "half the body, then nothing", Reason.TIMED_OUT),
)

_ENDLESS = (
    Behaviour("/endless", "a body without an end", Reason.TOO_BIG),
    Behaviour("/endless-chunks", "chunks without an end", Reason.TOO_BIG),
    Behaviour("/endless-header", "header lines without an end", Reason.BAD_ANSWER),
    Behaviour("/endless-line", "one header line without an end", Reason.BAD_ANSWER),
    Behaviour("/endless-status", "a status line without an end", Reason.BAD_ANSWER),
    Behaviour("/endless-continue", "100 Continue without an end", Reason.TIMED_OUT),
    Behaviour("/endless-chunk-size", "a chunk's size without an end", Reason.BAD_ANSWER),
    Behaviour("/endless-trailer", "trailers without an end", Reason.TIMED_OUT),
    Behaviour("/huge-chunk", "a chunk of 2^72 bytes", Reason.TOO_BIG),
    Behaviour("/announced", "a length of a terabyte", Reason.TOO_BIG),
    Behaviour("/deflate-bomb", "30 MB packed by deflate", Reason.TOO_BIG),
    Behaviour("/gzip-bomb", "200 MB packed by gzip", Reason.TOO_BIG),
    Behaviour("/gzip-twice-bomb", "200 MB packed by gzip twice", Reason.TOO_BIG),
)

_HTTP = (
    Behaviour("/wrong-type.jpg", "a good image called text/html", None),
    Behaviour("/terminal-codes", "a long type with terminal codes", None),
    Behaviour("/attachment", "a file name that climbs out of its folder", None),
    Behaviour("/../../escaped.jpg", "a path that climbs out of its folder", None),
    Behaviour("/%2e%2e/%2e%2e/escaped.jpg", "the same, escaped", None),
    Behaviour("/long/" + "x" * 7_900, "an address of 7,900 characters", None),
    Behaviour(
        "/long/" + "x" * 10_000, "of 10,000 characters", Reason.REFUSED_ADDRESS, "long.example"
    ),
    Behaviour("/chunked", "chunks and a trailer, as they should be", None),
    Behaviour("/same-lengths", "the same length twice", None),
    Behaviour("/negative-length", "a length of -5", None),
    Behaviour("/gzip", "a good image, packed though not asked for", None),
    Behaviour("/unknown-encoding", "a Content-Encoding that does not exist", None),
    Behaviour("/too-long", "a length greater than the body", Reason.INCOMPLETE),
    Behaviour("/too-short", "a length smaller than the body", Reason.BROKEN),
    Behaviour("/two-lengths", "two different lengths", Reason.BAD_ANSWER),
    Behaviour("/cut-chunk", "an end within a chunk", Reason.INCOMPLETE),
    Behaviour("/cut-between-chunks", "an end between chunks", Reason.INCOMPLETE),
    Behaviour("/bad-chunk", "a chunk size that is no number", Reason.INCOMPLETE),
    Behaviour("/negative-chunk", "a chunk of -5 bytes", Reason.INCOMPLETE),
    Behaviour("/gzip-cut", "a packed image that is cut off", Reason.BROKEN),
    Behaviour("/gzip-lie", "called packed, and is not", Reason.BAD_ANSWER),
    Behaviour("/long-header", "a header of 100 kB", Reason.BAD_ANSWER),
    Behaviour("/headers", "a thousand headers", Reason.BAD_ANSWER),
    Behaviour("/garbage", "bytes that are no HTTP", Reason.BAD_ANSWER),
    Behaviour("/http09", "an image without any header", Reason.BAD_ANSWER),
    Behaviour("/hangup", "the connection closed at once", Reason.UNREACHABLE),
    Behaviour("/robots/noai.jpg", "X-Robots-Tag against training", Reason.REFUSED_ROBOTS),
    Behaviour("/robots/mine.jpg", "the same for this crawler", Reason.REFUSED_ROBOTS),
    Behaviour("/robots/second.jpg", "the same in a second header", Reason.REFUSED_ROBOTS),
    Behaviour("/robots/other.jpg", "the same for another crawler", None),
    Behaviour("/robots/harmless.jpg", "X-Robots-Tag without a meaning here", None),
    Behaviour("/robots/date.jpg", "X-Robots-Tag with a date", None),
)

BEHAVIOURS = (
    *_IMAGES,
    *_OTHER_CONTENT,
    *_BROKEN_FILES,
    *_STATUSES,
    *_REDIRECTS,
    *_NAMES,
    *_ENCRYPTION,
    *_SLOW,
    *_ENDLESS,
    *_HTTP,
)
