"""A picture that the page sends in pieces, or names by its address: the kernel's side of it.

The page's side is ``static/picture_source.js``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from curator.serve.trying import LARGEST, fetched
from widgets.panel import Handler

Content = Callable[[], bytes]
"""Gives a picture's bytes; it may fetch them, and raise DataError."""


class PictureReceiver:
    """Hands on what comes whole.

    ``given`` is called with a name and what gives the content, ``refused`` with a sentence that
    says why a picture is not taken.
    """

    def __init__(
        self, given: Callable[[str, Content], None], refused: Callable[[str], None]
    ) -> None:
        self._given = given
        self._refused = refused
        self._parts: list[bytes] = []
        self.handlers: dict[str, Handler] = {"picture": self._piece, "address": self._address}

    def forget(self) -> None:
        """Drop what has come of a picture."""
        self._parts = []

    def _piece(self, message: dict[str, Any]) -> None:
        if message["first"]:
            self._parts = []
        self._parts += [bytes(piece) for piece in message["buffers"]]
        if sum(map(len, self._parts)) > LARGEST:
            self._parts = []
            self._refused("It is larger than 50 MB. Try a smaller one.")
        elif message["last"]:
            content, self._parts = b"".join(self._parts), []
            self._given(str(message["name"])[:200], lambda: content)

    def _address(self, message: dict[str, Any]) -> None:
        address = str(message["address"]).strip()
        if not address.lower().startswith(("http://", "https://")):
            self._refused("That is no address. Paste one that begins with https://.")
            return
        parts = urlsplit(address)
        name = f"{parts.hostname or 'address'}{parts.path}"[:200]
        self._given(name, lambda: fetched(address))
