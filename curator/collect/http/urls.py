"""One address of the web, from what people paste to what a request can send.

The same function reads list lines and redirect targets, so both obey the same rules. What arrives
valid stays byte for byte: signed query strings break when anything re-encodes them.
"""

from __future__ import annotations

import ipaddress
import re

import idna

MAX_LENGTH = 8000  # characters

_PARTS = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# RFC 3986 allows none of these in a path; a '%' must begin an escape.
_UNSAFE_IN_PATH = re.compile(r'[^!-~]|["<>\\^`{|}]|%(?![0-9A-Fa-f]{2})')
_UNSENDABLE = re.compile(r"[^!-~]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BadAddress(ValueError):
    """A text that is no address to fetch; the message says why in one sentence."""


def normalise(text: str) -> str:
    """``text`` as an ASCII address: http or https, host in lower case or punycode, no fragment.

    Escapes are added only where a request could not carry the character. Applying it twice changes
    nothing more. Raises :class:`BadAddress`.
    """
    if len(text) > MAX_LENGTH:
        raise BadAddress(f"It has {len(text):,} characters; at most {MAX_LENGTH:,} are accepted.")
    if _CONTROL.search(text):
        raise BadAddress("It holds a tab or another control character.")
    if re.search(r"\s\S*https?://", text, re.IGNORECASE):
        raise BadAddress("It holds more than one address; give one a line.")
    match = _PARTS.fullmatch(text)
    if match is None:
        if _SCHEME.match(text) and not re.match(r"https?:", text, re.IGNORECASE):
            raise BadAddress("Only http:// and https:// addresses are fetched.")
        raise BadAddress("It does not begin with http:// or https://.")
    scheme = match[1].lower()
    path = _UNSAFE_IN_PATH.sub(_escape, match[3]) or "/"
    query = _UNSENDABLE.sub(_escape, match[4] or "")
    result = f"{scheme}://{_authority(scheme, match[2])}{path}{query}"
    if len(result) > MAX_LENGTH:
        raise BadAddress(f"Encoded, it has more than the {MAX_LENGTH:,} characters accepted.")
    return result


def host_of(url: str) -> str:
    """Host and port of a normalised address."""
    return url.split("/", 3)[2]


def port_of(url: str) -> int:
    """Port of a normalised address, written or implied."""
    _, colon, port = host_of(url).rpartition(":")
    if colon and not port.endswith("]"):
        return int(port)
    return _DEFAULT_PORTS[url.split(":", 1)[0]]


def _escape(match: re.Match[str]) -> str:
    try:
        return "".join(f"%{byte:02X}" for byte in match[0].encode())
    except UnicodeEncodeError:  # half of a surrogate pair, from a damaged file
        raise BadAddress("It holds a character that no address can carry.") from None


def _authority(scheme: str, text: str) -> str:
    if "@" in text:
        raise BadAddress("It holds a user name or password, which is never sent.")
    host, _, port = text.partition(":")
    if text.startswith("["):
        host, closing, rest = text.partition("]")
        host, port = host + closing, rest.removeprefix(":")
        if rest and not rest.startswith(":"):
            raise BadAddress(f"{text!r} is no host.")
    name = _host(host)
    if not port:
        return name
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise BadAddress(f"{port!r} is no port number.")
    return name if int(port) == _DEFAULT_PORTS[scheme] else f"{name}:{int(port)}"


def _host(text: str) -> str:
    if not text:
        raise BadAddress("It names no host.")
    if text.startswith("["):
        try:
            if "%" in text or text.count("]") != 1:  # a zone names an interface of this machine
                raise ValueError
            return f"[{ipaddress.IPv6Address(text.strip('[]')).compressed}]"
        except ValueError:
            raise BadAddress(f"{text!r} is no IPv6 address.") from None
    if len(text) > 1000:  # no name of at most 254 bytes is written so long
        raise BadAddress(f"{text[:100]!r} is no valid host name.")
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            raise BadAddress(f"{text!r} is no valid host name.") from None
    text = text.lower()
    labels = text.removesuffix(".").split(".")
    if len(text) > 254 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddress(f"{text[:100]!r} is no valid host name.")
    return text
