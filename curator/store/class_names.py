"""What can be the name of a class: one that works as a folder's name on every system."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from curator.errors import BadClassName

LONGEST_NAME = 100  # characters
LONGEST_BYTES = 240  # of UTF-8; file systems take 255, and exports may append to a name
NO_LABEL = "no label yet"  # what images are listed under that have none; no class's name
FORBIDDEN = '<>:"/\\|?*'
RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{device}{number}" for device in ("com", "lpt") for number in "123456789\u00b9\u00b2\u00b3"
}


def validated_name(name: str) -> str:
    """``name`` without surrounding blanks, or :class:`BadClassName` with the reason."""
    # Composed, since some systems decompose the names of folders.
    cleaned = unicodedata.normalize("NFC", name.strip())
    problem = ""
    if not cleaned:
        problem = "it is empty"
    elif len(cleaned) > LONGEST_NAME:
        problem = f"it has {len(cleaned)} characters, and {LONGEST_NAME} are the most"
    elif (size := len(cleaned.encode("utf-8", "surrogatepass"))) > LONGEST_BYTES:
        problem = f"it has {size} bytes, and {LONGEST_BYTES} are the most"
    elif not cleaned.isprintable():
        problem = "it has unprintable characters"
    elif cleaned.startswith(".") or cleaned.endswith("."):
        problem = "it starts or ends with a dot"
    elif found := sorted(set(cleaned) & set(FORBIDDEN)):
        problem = f"it holds {' '.join(found)}"
    elif cleaned.split(".")[0].strip().lower() in RESERVED:
        problem = "Windows reserves that name"
    elif cleaned.casefold() == NO_LABEL:
        problem = "images without a label are called so"
    if problem:
        raise BadClassName(
            f"{cleaned[:40]!r} cannot be a class name: {problem}.",
            "Class names become folder names; use letters, digits, blanks, - and _.",
        )
    return cleaned


def validated_names(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """``names``, each valid and, in whatever case, neither ``taken`` nor there twice."""
    known = {name.casefold(): name for name in taken}
    cleaned = [validated_name(name) for name in names]
    for name in cleaned:
        twin = known.get(name.casefold())
        if twin is not None:
            same = "is there already" if twin == name else f"differs from {twin!r} only by case"
            raise BadClassName(f"The class {name!r} {same}.", "Give each class a name of its own.")
        known[name.casefold()] = name
    return cleaned


def valid_as_they_are(names: list[str]) -> list[str]:
    """``names`` of a file that anyone may have made. Raises ValueError where one would be changed.

    For pydantic, which makes that error its own.
    """
    try:
        if validated_names(names) == names:
            return names
    except BadClassName as error:
        raise ValueError(str(error)) from error
    raise ValueError("a class name has blanks around it")
