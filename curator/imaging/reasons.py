"""Why an address or a file gave no image: one code each, with its meaning in plain words.

The codes are stored with every failed source and shown in reports, so they never change their
meaning. ``retryable`` says whether asking again later may help without any change by the user.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Code of a failure; its value is what the store keeps."""

    # The address leads nowhere.
    DEAD = "dead"
    FORBIDDEN = "forbidden"
    HTTP_ERROR = "http_error"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    # The host or the way to it.
    UNKNOWN_HOST = "unknown_host"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    TLS = "tls"
    BAD_ANSWER = "bad_answer"
    INCOMPLETE = "incomplete"
    REDIRECTS = "redirects"
    HOST_GIVEN_UP = "host_given_up"
    # Not asked for, on purpose.
    REFUSED_ADDRESS = "refused_address"
    REFUSED_PRIVATE = "refused_private"
    REFUSED_ROBOTS = "refused_robots"
    CANCELLED = "cancelled"
    # Something came, but no usable image.
    EMPTY = "empty"
    PAGE_NOT_IMAGE = "page_not_image"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_SMALL = "too_small"
    TOO_BIG = "too_big"
    BROKEN = "broken"
    UNREADABLE = "unreadable"

    @property
    def explanation(self) -> str:
        """What the code means, in one sentence for a person who knows no HTTP."""
        return _EXPLANATIONS[self]

    @property
    def retryable(self) -> bool:
        """Whether the same address may work later, with nothing changed here."""
        return self in _RETRYABLE


_EXPLANATIONS = {
    Reason.DEAD: "The server says that nothing is at this address any more.",
    Reason.FORBIDDEN: "The server does not hand this file out without permission.",
    Reason.HTTP_ERROR: "The server turned the request down with an unusual status.",
    Reason.RATE_LIMITED: "The server asked for fewer requests; fetch again later.",
    Reason.SERVER_ERROR: "The server had an error of its own; fetch again later.",
    Reason.UNKNOWN_HOST: "No such host name is known; check the address for a typing error.",
    Reason.UNREACHABLE: "No connection to the host could be made.",
    Reason.TIMED_OUT: "The host took too long to answer or to send the file.",
    Reason.TLS: "The host's certificate or encryption could not be verified.",
    Reason.BAD_ANSWER: "The host's answer does not follow the rules of HTTP.",
    Reason.INCOMPLETE: "The connection ended before the whole file had come.",
    Reason.REDIRECTS: "The address forwards in a circle, too often, or to nowhere.",
    Reason.HOST_GIVEN_UP: "This host kept silent several times in a row; it was not asked again.",
    Reason.REFUSED_ADDRESS: "The address has a form or port that is not fetched.",
    Reason.REFUSED_PRIVATE: "The address leads into a private network, which is not fetched "
    "unless private hosts are allowed.",
    Reason.REFUSED_ROBOTS: "The site asks that its images are not used for data sets.",
    Reason.CANCELLED: "The download was stopped before this address was done.",
    Reason.EMPTY: "The answer holds no bytes.",
    Reason.PAGE_NOT_IMAGE: "A web page came instead of an image.",
    Reason.NOT_AN_IMAGE: "The content is no image.",
    Reason.UNSUPPORTED_FORMAT: "The content is an image in a format that is not read here.",
    Reason.TOO_SMALL: "The image has too few pixels to be of use.",
    Reason.TOO_BIG: "The file or the image is larger than allowed.",
    Reason.BROKEN: "The image is cut off or damaged.",
    Reason.UNREADABLE: "The file could not be read from the disk.",
}

_RETRYABLE = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.SERVER_ERROR,
        Reason.UNKNOWN_HOST,
        Reason.UNREACHABLE,
        Reason.TIMED_OUT,
        Reason.BAD_ANSWER,
        Reason.INCOMPLETE,
        Reason.HOST_GIVEN_UP,
        Reason.CANCELLED,
        Reason.EMPTY,
    }
)
