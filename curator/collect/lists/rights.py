"""Whose pictures a list names: licence, creator and the page that a picture came from.

They are kept as texts that exports hand on, never read as paths or asked for as addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curator.collect.lists.caps import MAX_ROW
from curator.phrasing import utf8
from curator.spreadsheets import plain

_NAMES = {
    "license": "license",
    "licence": "license",
    "creator": "creator",
    "author": "creator",
    "source_page": "source_page",
}
"""What each column, or key of an object, says."""

_LONGEST = 1000  # characters that are kept of each
_MENTIONED = re.compile(rf'"(?:{"|".join(_NAMES)})"', re.IGNORECASE)
# Separators of lines and marks that change the direction could forge what a card or a table says.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Rights:
    """What a list says of one picture; "" where it says nothing."""

    license: str = ""
    creator: str = ""
    source_page: str = ""


UNKNOWN = Rights()


def columns_of(names: Sequence[str]) -> dict[str, int]:
    """The places of the columns that tell of rights, by the column's name; the first of each."""
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        cleaned = name.strip().strip("\ufeff").lower()
        if cleaned in _NAMES:
            found.setdefault(cleaned, place)
    return found


def rights_of(cells: Mapping[str, object]) -> Rights:
    """The rights in cells by their column's name; what is no text says nothing."""
    found: dict[str, str] = {}
    for name, value in cells.items():
        if isinstance(value, str) and (text := _cleaned(value)):
            found.setdefault(_NAMES[name.strip().strip("\ufeff").lower()], text)
    return Rights(**found) if found else UNKNOWN


def rights_in_json(text: str) -> dict[str, Rights]:
    """What the objects of a JSON document say of each text that stands beside it.

    Empty for a document that names no rights, is none, or is larger than is read at once
    (:data:`~curator.collect.lists.caps.MAX_ROW` characters).
    """
    if len(text) > MAX_ROW or not _MENTIONED.search(text):
        return {}
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        return {}
    found: dict[str, Rights] = {}
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            rights = rights_of({key: value[key] for key in value if columns_of([key])})
            if rights != UNKNOWN:
                texts = (item for item in value.values() if isinstance(item, str))
                found.update(dict.fromkeys(texts, rights))
    return found


def _cleaned(text: str) -> str:
    """One line, without what could steer a reader; what our own tables put before it goes."""
    return utf8(" ".join(_CONTROLS.sub(" ", plain(text.strip())[:_LONGEST]).split()))
