"""What a server's answer, or the lack of one, means: the reason, and whether to ask again.

Nothing is sent or read here; that is for :mod:`curator.collect.http.client`.
"""

from __future__ import annotations

import http.client
from typing import NoReturn

import urllib3.exceptions as transport_errors
from urllib3.util import Retry

from curator.collect.http.deadlines import Stop
from curator.imaging.reasons import Reason

AGENT = "curator"  # how this crawler calls itself, in requests and in the rules of sites
_RETRY_AFTER_LETTERS = 64  # a date has 29
_GONE = frozenset({404, 410})
_NOT_ALLOWED = frozenset({401, 402, 403, 407, 451})
_UNWILLING = frozenset({"noai", "noimageai", "noindex", "noimageindex", "noml", "none"})


def refuse_status(status: int, retry_after: str) -> NoReturn:
    """Raise the :class:`Stop` of an answer that is no file; ``retry_after``: header or empty."""
    said = f"The server answered with status {status}."
    if status in _GONE:
        raise Stop(Reason.DEAD, said)
    if status in _NOT_ALLOWED:
        raise Stop(Reason.FORBIDDEN, said)
    after = _retry_after(retry_after)
    if status in (425, 429):
        raise Stop(Reason.RATE_LIMITED, said, again=True, after=after)
    if status == 408:
        raise Stop(Reason.TIMED_OUT, said, again=True, after=after)
    if 500 <= status < 600:
        raise Stop(Reason.SERVER_ERROR, said, again=True, after=after)
    if status == 204:
        raise Stop(Reason.EMPTY, said)
    raise Stop(Reason.HTTP_ERROR, said)


def _retry_after(text: str) -> float | None:
    """Seconds to wait, from a number or a date; None when there is none or it is nonsense."""
    try:  # cut short: no number of thousands of digits is worth reading
        return float(Retry().parse_retry_after(text.strip()[:_RETRY_AFTER_LETTERS]))
    except (transport_errors.InvalidHeader, ValueError, TypeError, OverflowError, OSError):
        return None


def unwilling(headers: list[str]) -> str | None:
    """Find the first directive against collecting; None without any.

    A header may begin with a crawler's name and a colon; those for other crawlers do not count.
    """
    for header in headers:
        for directive in header.lower().split(","):
            name, colon, rest = directive.partition(":")
            if colon and name.strip() != AGENT:
                # Also ends at `unavailable_after: date`, whose date may hold a comma.
                break
            word = (rest if colon else directive).strip()
            if word in _UNWILLING:
                return word
    return None


def printable(text: str) -> str:
    """A server's words, cut short and without control characters: they reach a terminal."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:200]
    )


def explain(error: Exception) -> NoReturn:
    """Raise the :class:`Stop` that tells what a transport error means."""
    chain: list[BaseException] = [error]
    for link in chain:
        inner = (link.__cause__, link.__context__, getattr(link, "reason", None), *link.args)
        chain += [item for item in inner if isinstance(item, BaseException) and item not in chain]

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in chain)

    said = printable(str(chain[-1]).strip().rstrip(".")) or type(chain[-1]).__name__
    if has(transport_errors.SSLError):
        raise Stop(Reason.TLS, f"No trusted connection: {said}.") from error
    if has(TimeoutError, transport_errors.TimeoutError):
        # Not again: whoever is silent for so long mostly stays so; a later fetch asks anew.
        raise Stop(Reason.TIMED_OUT, "The host stopped answering.") from error
    if has(http.client.IncompleteRead, transport_errors.IncompleteRead):
        raise Stop(Reason.INCOMPLETE, "The connection ended early.", again=True) from error
    if has(ConnectionError, BrokenPipeError):
        raise Stop(Reason.UNREACHABLE, f"The connection broke: {said}.", again=True) from error
    raise Stop(Reason.BAD_ANSWER, f"The answer is not understood: {said}.", again=True) from error
