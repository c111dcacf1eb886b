"""The job `import`: take in images that lie in a folder already.

Labels come from the folder names (ImageFolder: ``root/[split/]class/file``), from a table
(fastai's ``cleaned.csv`` and any other with a name and a label column), or from a regular
expression on the file name. The files are copied, never moved or changed.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, insert, select

from curator.collect.decoding import Rejected
from curator.collect.keeping import Ended, keep
from curator.collect.reasons import Reason
from curator.collect.verify import verify
from curator.errors import BadClassName, BadFolder, BadList, InputError
from curator.files import store_once
from curator.platform import cpu_count
from curator.store import schema
from curator.store.classes import add_classes, all_classes, validated_name
from curator.words import many

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.project import Project

SUFFIXES = {
    ".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif", ".avif"
}  # fmt: skip
SPLITS = {
    "train": schema.TRAIN,
    "training": schema.TRAIN,
    "valid": schema.VALID,
    "val": schema.VALID,
    "validation": schema.VALID,
    "test": schema.VALID,
}
NAME_COLUMNS = ("name", "file_name", "filename", "file", "path", "image")
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category")
BATCH = 32


@dataclass(frozen=True)
class Labelled:
    """One file to import. ``path`` is relative to the imported folder, with forward slashes."""

    path: str
    label: str
    split: str | None = None


def run(
    project: Project,
    progress: Progress,
    folder: str,
    labels: str | None = None,
    label_regex: str | None = None,
) -> dict[str, Any]:
    """Import ``folder``. ``labels``: path of a table; ``label_regex``: one group is the label.

    Classes that the project lacks are added. Raises BadFolder, BadList, InputError, BadClassName
    before anything is imported; a file that is no image is recorded with its reason and the rest
    goes on.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise BadFolder(f"{root} is not a folder.", "Name the folder that holds the images.")
    unlabelled: list[str] = []
    if labels and label_regex:
        raise InputError("Labels come either from a table or from a regular expression.")
    if labels:
        found = list(from_table(root, Path(labels)))
    elif label_regex:
        found, unlabelled = from_regex(root, label_regex)
    else:
        found = list(from_folders(root))
    if not found:
        missed = many(len(unlabelled), "file name does", "file names do")
        hint = f" {missed} not match the expression." if unlabelled else ""
        raise BadFolder(
            f"{root} holds no labelled image.{hint}",
            "Expected CLASS/image.jpg or train/CLASS/image.jpg below it, or give --labels or "
            "--label-regex.",
        )
    fresh = _enter(project, root, found)
    progress.begin(f"importing {root.name}", len(fresh))
    images = bad = 0
    for batch in _batches(_verified(project, root, fresh, progress), BATCH):
        images += keep(project, batch)
        failed = sum(item.image is None for item in batch)
        bad += failed
        progress.advance(len(batch), imported=len(batch) - failed, failed=failed)
    same = len(fresh) - bad - images
    notes = [f"{many(images, 'new image')} of {many(len(found), 'file')}"]
    notes += [f"{len(found) - len(fresh)} imported before"] if len(fresh) < len(found) else []
    notes += [f"{same} with the same content as another"] if same else []
    notes += [f"{bad} not usable"] if bad else []
    notes += [f"{many(len(unlabelled), 'name does', 'names do')} not match"] if unlabelled else []
    return {
        "files": len(found),
        "images": images,
        "same": same,
        "failed": bad,
        "unlabelled": len(unlabelled),
        "sentence": ", ".join(notes) + ". Next: check the data.",
    }


def from_folders(root: Path) -> Iterator[Labelled]:
    """Files of an ImageFolder: the parent folder is the label, a grandparent may be the split."""
    for path in _image_files(root):
        parts = path.relative_to(root).parts
        if len(parts) < 2:
            continue
        has_split = len(parts) > 2 and parts[0].lower() in SPLITS
        split = SPLITS[parts[0].lower()] if has_split else None
        label = parts[1] if has_split else parts[0]
        yield Labelled("/".join(parts), label, split)


def from_regex(root: Path, expression: str) -> tuple[list[Labelled], list[str]]:
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
    for path in _image_files(root):
        relative = path.relative_to(root).as_posix()
        match = pattern.search(path.name)
        if match and match.group(1):
            found.append(Labelled(relative, match.group(1)))
        else:
            missed.append(relative)
    return found, missed


def from_table(root: Path, table: Path) -> Iterator[Labelled]:
    """Rows of a CSV with a name and a label column; backslashes in names are understood.

    Raises BadList for a missing file or column, and for a name that leads out of ``root``.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadList(f"{table} cannot be read: {error}.", "Name a CSV file in UTF-8.") from error
    rows = csv.DictReader(text.splitlines())
    columns = {name.strip().lower(): name for name in rows.fieldnames or [] if name}
    name_column = next((columns[c] for c in NAME_COLUMNS if c in columns), None)
    label_column = next((columns[c] for c in LABEL_COLUMNS if c in columns), None)
    if name_column is None or label_column is None:
        raise BadList(
            f"{table} has the columns {', '.join(columns) or '(none)'}.",
            "It needs a name column (name, file_name, path) and a label column (label, class).",
        )
    for row in rows:
        name = (row[name_column] or "").strip().replace("\\", "/").removeprefix("./")
        label = (row[label_column] or "").strip()
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


def _image_files(root: Path) -> list[Path]:
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


def _enter(project: Project, root: Path, found: Sequence[Labelled]) -> list[tuple[int, str]]:
    """Add classes and source rows; return (source id, path) of those that gave no image yet."""
    name_of = {label: validated_name(label) for label in {item.label for item in found}}
    names = sorted(set(name_of.values()), key=lambda name: (name.casefold(), name))
    spellings = Counter(name.casefold() for name in names)
    if twins := [name for name in names if spellings[name.casefold()] > 1]:
        raise BadClassName(
            f"The labels {', '.join(map(repr, twins))} differ only by case.",
            "Give them one spelling and import again. Nothing was imported.",
        )
    with project.database.write() as connection:
        known = {item.name.casefold(): item for item in all_classes(connection)}
        add_classes(connection, [name for name in names if name.casefold() not in known])
        known = {item.name.casefold(): item for item in all_classes(connection)}
        before = _ids(connection, root)
        wanted = {
            (item.path, known[name_of[item.label].casefold()].id): item.split for item in found
        }
        rows = [
            {
                "kind": "file",
                "root": str(root),
                "origin": origin,
                "class_id": class_id,
                "split": split,
                "state": schema.PENDING,
            }
            for (origin, class_id), split in wanted.items()
            if (origin, class_id) not in before
        ]
        if rows:
            connection.execute(insert(schema.sources), rows)
        # Failed ones too: a file may have been mended, and asking the disk again costs little.
        return [
            (source_id, origin)
            for (origin, class_id), (source_id, state) in _ids(connection, root).items()
            if state != schema.FETCHED and (origin, class_id) in wanted
        ]


def _ids(connection: Connection, root: Path) -> dict[tuple[str, int], tuple[int, str]]:
    table = schema.sources
    query = select(table.c.id, table.c.origin, table.c.class_id, table.c.state).where(
        table.c.kind == "file", table.c.root == bindparam("root")
    )
    rows = connection.execute(query.order_by(table.c.id), {"root": str(root)})
    return {(row.origin, row.class_id): (row.id, row.state) for row in rows}


def _verified(
    project: Project, root: Path, items: Iterable[tuple[int, str]], progress: Progress
) -> Iterator[Ended]:
    """Verify in threads, a bounded number ahead; Pillow decodes outside the interpreter's lock."""
    with ThreadPoolExecutor(cpu_count()) as pool:
        waiting: list[Future[Ended]] = []
        rest = iter(items)
        try:
            while True:
                for source_id, path in islice(rest, BATCH - len(waiting)):
                    waiting.append(pool.submit(_take_in, project, root, source_id, path))
                if not waiting:
                    return
                progress.check()
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def _take_in(project: Project, root: Path, source_id: int, path: str) -> Ended:
    try:
        data = (root / path).read_bytes()
        image = verify(data)
    except Rejected as rejected:
        return Ended(source_id, None, None, rejected.reason.value, rejected.detail)
    except OSError as error:
        return Ended(source_id, None, None, Reason.UNREADABLE.value, f"{path}: {error.strerror}")
    file = store_once(project.originals, data, image.sha256, image.suffix)
    return Ended(source_id, image, file, facts={"bytes": len(data)})


def _batches(items: Iterable[Ended], size: int) -> Iterator[list[Ended]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
