"""Which projects were opened lately, where each was left, and who reviews.

Kept in the user's state folder, so that a project that is handed on holds none of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

from curator.errors import FileError
from curator.files import write_atomic
from curator.store import moving
from curator.store.database import now

KEPT = 12


def home() -> Path:
    """Where new projects go unless the user says otherwise."""
    return Path(os.environ.get("CURATOR_HOME") or Path.home() / "curator-projects")


def listed() -> list[dict[str, str]]:
    """Name and path of recent projects that still exist, newest first.

    ``opened``: when it was last open, ISO 8601 in UTC; "" where that was not kept.
    """
    return [
        {"name": entry["name"], "path": entry["path"], "opened": str(entry.get("opened", ""))}
        for entry in _read()
        if moving.place(Path(entry["path"])) is not None
    ]


def name_in_address(name: str, path: Path) -> str:
    """How an address names a project: by its name, and by a digest of its folder if others have it.

    Only what is listed is found again by it, so an address leads to no folder that was not opened.
    """
    others = any(each["name"] == name and each["path"] != str(path) for each in listed())
    return f"{name}~{_digest(str(path))}" if others else name


def paths_named(name: str) -> list[str]:
    """Folders of the recent projects that an address may mean by ``name``, newest first."""
    exact = [each["path"] for each in listed() if name == f"{each['name']}~{_digest(each['path'])}"]
    return exact or [each["path"] for each in listed() if each["name"] == name]


def _digest(path: str) -> str:
    """8 hexadecimal digits."""
    return hashlib.sha256(path.encode()).hexdigest()[:8]


def last_open() -> str:
    """The project that was open last if it is still there; "" if the start page was."""
    try:
        path = _file().with_name("open.txt").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
    return path if path in {each["path"] for each in listed()} else ""


def remember_open(path: Path | None) -> None:
    """Remember what is open, None for the start page; a refusing disk is no reason to stop."""
    with contextlib.suppress(OSError, FileError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_atomic(_file().with_name("open.txt"), str(path or "").encode())


def place_of(path: Path) -> dict[str, Any]:
    """Where the project was left: station, queue, filter and position; empty if never opened."""
    for entry in _read():
        if entry["path"] == str(path):
            return dict(entry.get("place", {}))
    return {}


def remember(name: str, path: Path, place: dict[str, Any] | None = None) -> None:
    """Put the project first in the list; a disk that refuses is no reason to stop the user."""
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=5):
            entries = _read()
            before = next((e for e in entries if e["path"] == str(path)), {})
            kept = {**before, "name": name, "path": str(path), "opened": now()}
            if place is not None:
                kept["place"] = place
            rest = [entry for entry in entries if entry["path"] != str(path)]
            write_atomic(file, json.dumps([kept, *rest][:KEPT], indent=1).encode())
    except (OSError, FileError, TimeoutError):
        return


def reviewer() -> str:
    """The name that the user signs decisions with; empty: none was given."""
    try:
        return _file().with_name("reviewer.txt").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def sign(name: str) -> None:
    """Remember the name; a disk that refuses is no reason to stop the user."""
    with contextlib.suppress(OSError, FileError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_atomic(_file().with_name("reviewer.txt"), name.encode())


def _file() -> Path:
    state = os.environ.get("CURATOR_STATE") or platformdirs.user_state_dir("curator")
    return Path(state) / "recent.json"


def _read() -> list[dict[str, Any]]:
    try:
        entries = json.loads(_file().read_text(encoding="utf-8"))
        return [entry for entry in entries if {"name", "path"} <= set(entry)]
    except (OSError, ValueError, TypeError):
        return []
