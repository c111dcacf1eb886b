"""Where the label of an imported file comes from: its folder, a table, or its name.

Labels come from the folder names (ImageFolder: ``root/[split/]class/file``), from a table
(fastai's ``cleaned.csv`` and any other with a name and a label column), or from a regular
expression on the file name. Nothing is opened here but the table.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from curator.collect.lists.caps import check_bytes, check_rows
from curator.errors import BadList, InputError
from curator.phrasing import utf8
from curator.spreadsheets import plain
from curator.store import schema

SUFFIXES = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp",
    ".gif", ".avif",
}  # fmt: skip
SPLITS = {
    "train": schema.TRAIN,
    "training": schema.TRAIN,
    "valid": schema.VALID,
    "val": schema.VALID,
    "validation": schema.VALID,
    "test": schema.TEST,
    "testing": schema.TEST,
}
NOT_UTF8 = "Its name is not UTF-8; rename it."
NAME_COLUMNS = ("name", "file_name", "filename", "file", "path", "image")
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category")


@dataclass(frozen=True)
class Labelled:
    """One file to import. ``path`` is relative to what is imported, with forward slashes."""

    path: str
    label: str
    split: str | None = None


def image_files(
    root: Path, others: list[Path] | None = None, is_over: Callable[[], bool] = lambda: False
) -> tuple[list[str], list[tuple[str, str]]]:
    """Files below ``root`` that are named like images, in order; hidden ones are left out.

    And (name, what is wrong) of those that are not taken. A link to a file within ``root`` is
    followed; one that leads out of it, and every link to a folder, is not. ``others`` gets the
    files that are not named like images. ``is_over`` is asked before each folder; once it is so,
    what was found until then is all.
    """
    home = root.resolve()
    found: list[str] = []
    refused: list[tuple[str, str]] = []
    for folder, below, files in os.walk(root):
        if is_over():
            break
        place = Path(folder)
        below[:] = [name for name in below if not name.startswith(".")]
        here = home / place.relative_to(root)
        # Windows has links to folders that are not told as such.
        for name in [name for name in below if _target(place / name) != here / name]:
            below.remove(name)
            refused.append((_named(place / name, root), "It is a link to a folder."))
        for name in files:
            path = place / name
            if name.startswith("."):
                continue
            if path.suffix.lower() not in SUFFIXES:
                if others is not None:
                    others.append(path)
                continue
            told = _named(path, root)
            if problem := _problem(path, told, root, home):
                refused.append((told, problem))
            elif path.is_file():
                found.append(told)
    return sorted(found), sorted(refused)


def _problem(path: Path, told: str, root: Path, home: Path) -> str:
    if told != path.relative_to(root).as_posix():
        return NOT_UTF8
    if not path.is_symlink():
        return ""
    if not _target(path).is_relative_to(home):
        return "It is a link that leads out of the folder."
    return "" if path.is_file() else "It is a link to no file."


def _named(path: Path, root: Path) -> str:
    return utf8(path.relative_to(root).as_posix())


def _target(path: Path) -> Path:
    """What ``path`` leads to; the root of all for a link in a circle, which leads nowhere."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return Path(path.anchor)


def from_folders(names: Iterable[str]) -> Iterator[Labelled]:
    """Files of an ImageFolder: the top folder is the label, or the split above it.

    A name without a folder has no label and is left out.
    """
    for name in names:
        parts = name.split("/")
        if len(parts) < 2:
            continue
        has_split = len(parts) > 2 and parts[0].lower() in SPLITS
        split = SPLITS[parts[0].lower()] if has_split else None
        yield Labelled(name, parts[1] if has_split else parts[0], split)


def unwrapped(names: Sequence[str]) -> dict[str, str]:
    """``names`` without the one folder that holds all others, by the names as they were.

    Who packs the folder ``bears`` gets ``bears/black/1.jpg``; its classes lie one level down.
    """
    parts = {name: name.split("/") for name in names}
    while (
        parts
        and len({item[0] for item in parts.values()}) == 1
        and all(len(item) > 2 for item in parts.values())
        and next(iter(parts.values()))[0].lower() not in SPLITS
    ):
        parts = {name: item[1:] for name, item in parts.items()}
    return {name: "/".join(item) for name, item in parts.items()}


def from_regex(names: Iterable[str], expression: str) -> tuple[list[Labelled], list[str]]:
    """Labels by the first group of ``expression`` searched in each file name; and what misses."""
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"{expression!r} is no regular expression: {error}.") from error
    if not pattern.groups:
        raise InputError(
            f"{expression!r} has no group.", r"Put the label in brackets: '(.+)_\d+\.jpg$'."
        )
    found, missed = [], []
    for name in names:
        match = pattern.search(name.rpartition("/")[2])
        if match and match.group(1):
            found.append(Labelled(name, match.group(1)))
        else:
            missed.append(name)
    return found, missed


def _next(rows: csv.DictReader[str], table: Path) -> dict[str, str] | None:
    try:
        return next(rows, None)
    except csv.Error as error:
        raise BadList(
            f"{table}, line {rows.line_num}: it is no row of a table: {error}.", "Mend that line."
        ) from error


def from_table(root: Path, table: Path) -> Iterator[Labelled]:
    """Rows of a CSV with a name and a label column; backslashes in names are understood.

    Raises BadList for a missing file or column, and for a name that leads out of ``root``.
    """
    try:
        check_bytes(table.stat().st_size, f"{table} has")
        text = table.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadList(f"{table} cannot be read: {error}.", "Name a CSV file in UTF-8.") from error
    check_rows(max(text.count("\n"), text.count("\r")), "lines")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    columns = {name.strip().lower(): name for name in rows.fieldnames or [] if name}
    name_column = next((columns[c] for c in NAME_COLUMNS if c in columns), None)
    label_column = next((columns[c] for c in LABEL_COLUMNS if c in columns), None)
    if name_column is None or label_column is None:
        raise BadList(
            f"{table} has the columns {', '.join(columns) or '(none)'}.",
            "It needs a name column (name, file_name, path) and a label column (label, class).",
        )
    while (row := _next(rows, table)) is not None:
        name = plain((row[name_column] or "").strip()).replace("\\", "/").removeprefix("./")
        label = plain((row[label_column] or "").strip())
        if not name or not label:
            continue
        if not (root / name).resolve().is_relative_to(root):
            raise BadList(
                f"{table}, line {rows.line_num}: {name!r} leads out of {root}.",
                "Names must be relative to the imported folder.",
            )
        parts = name.split("/")
        has_split = len(parts) > 1 and parts[0].lower() in SPLITS
        yield Labelled(name, label, SPLITS[parts[0].lower()] if has_split else None)
