"""The job `import`: take in images that lie on the disk already.

They come from folders, zip archives, single files, or an upload of the page's. What is there, and
under which label, is for :mod:`curator.collect.imports.sources`. Files are copied, never moved or
changed; an upload, which is a copy itself, is removed once it is taken in.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, insert, select

from curator.collect.imports.archives import Refusal
from curator.collect.imports.sources import (
    Content,
    Found,
    Gathered,
    from_labels,
    from_things,
    from_upload,
)
from curator.collect.ingest import Ended, ended, keep
from curator.collect.verification.pool import Verdict, Verifiers
from curator.encode.arriving import Arriving
from curator.errors import BadClassName, BadFolder, InputError
from curator.files import sweep
from curator.imaging.decoding import Rejected
from curator.jobs.report import Report
from curator.phrasing import many, utf8
from curator.platform import shell_command
from curator.store import schema
from curator.store.arrivals import Arrivals, withdrawn
from curator.store.class_names import NO_LABEL, validated_name, validated_names
from curator.store.classes import (
    add_classes,
    all_classes,
    find_class,
    listed_class,
    merged_names,
)
from curator.store.database import rows_of

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

Item = TypeVar("Item")

BATCH = 32
SHOWN_REFUSALS = 100


@dataclass(frozen=True, kw_only=True)
class ImportReport(Report):
    """How an import ended."""

    files: int
    images: int
    """New by content."""
    same: int
    """Files with the content of another."""
    failed: int
    """Files that are no usable image; each is recorded with its reason."""
    unlabelled: int
    """Names that the table or the expression does not match."""
    refused: int
    """Files, and members of archives, that were not taken."""
    refusals: tuple[Refusal, ...]
    """The first 100 of those."""


def run(
    workspace: Workspace,
    progress: Progress,
    folder: str | None = None,
    labels: str | None = None,
    label_regex: str | None = None,
    things: Sequence[str] = (),
    class_name: str | None = None,
    new_class: bool = False,
    upload: str | None = None,
) -> ImportReport:
    """Import ``folder``, ``things`` (folders, zip archives, image files) or an ``upload``.

    ``labels``: path of a table, for one folder; ``label_regex``: one group is the label.
    ``class_name``: all are of this class, which is made with ``new_class``; otherwise folders name
    the classes, and those that the project lacks are added. ``upload``: name of a folder below
    :func:`uploads_of`, removed at the end.

    Raises BadFolder, BadList, InputError, BadClassName, UnknownClass before anything is imported;
    a file that is no image is recorded with its reason, a member of an archive that cannot be
    taken is among the report's ``refusals``, and the rest goes on.
    """
    with ExitStack() as archives:
        gathered = Gathered()
        what = gather(
            workspace,
            gathered,
            archives,
            things=[*([folder] if folder else []), *things],
            labels=labels,
            label_regex=label_regex,
            class_name=class_name,
            new_class=new_class,
            upload=upload,
        )
        answer = _import(workspace, progress, gathered, what, follow=not new_class)
    if upload is not None:
        shutil.rmtree(uploads_of(workspace) / upload, ignore_errors=True)
    return answer


def gather(
    workspace: Workspace,
    gathered: Gathered,
    archives: ExitStack,
    *,
    things: Sequence[str],
    labels: str | None,
    label_regex: str | None,
    class_name: str | None,
    new_class: bool,
    upload: str | None,
) -> str:
    """Look what an import with these arguments of :func:`run` has; say what it is, in few words.

    ``archives`` keeps opened archives open. Raises what :func:`run` raises.
    """
    target = _target(workspace, class_name, new_class)
    if upload is not None:
        place = uploads_of(workspace) / _checked(upload)
        if not place.is_dir():
            raise BadFolder("The uploaded files are gone.", "Drop them again.")
        from_upload(gathered, place, target, archives)
    elif labels or label_regex:
        if len(things) != 1 or target is not None:
            raise InputError(
                "A table or an expression gives the labels of one folder, without a class.",
                "Name one folder, and leave --class out.",
            )
        from_labels(gathered, Path(things[0]).expanduser().resolve(), labels, label_regex)
    else:
        from_things(gathered, things, target, archives)
    return "files" if upload or len(things) != 1 else utf8(Path(things[0]).name)


def uploads_of(workspace: Workspace) -> Path:
    """Where the page puts what is dropped on it, a folder an upload."""
    return workspace.path / "uploads"


def _checked(upload: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{8,64}", upload):
        raise InputError(f"{upload!r} is no upload.")
    return upload


def _target(workspace: Workspace, class_name: str | None, new_class: bool) -> str | None:
    if class_name is None or class_name == NO_LABEL:
        return class_name
    with workspace.database.read() as connection:
        if not new_class:
            return find_class(connection, class_name).name
        return validated_names([class_name], (item.name for item in all_classes(connection)))[0]


def _import(
    workspace: Workspace, progress: Progress, gathered: Gathered, what: str, follow: bool
) -> ImportReport:
    found, refused, unlabelled = gathered.found, gathered.refused, gathered.unlabelled
    if not found:
        raise nothing(workspace, what, gathered)
    arrivals = Arrivals()
    fresh = _enter(workspace, found, arrivals, follow)
    progress.begin(f"importing {what}", len(fresh))
    images = bad = 0
    with Arriving(workspace) as arriving:
        for batch in batches(verified(workspace, fresh, progress, arriving), BATCH):
            images += keep(workspace, batch, arrivals)
            failed = sum(item.image is None for item in batch)
            bad += failed
            progress.advance(len(batch), imported=len(batch) - failed, failed=failed)
            arriving.offer((item.image for item in batch), check=progress.check)
    same = len(fresh) - bad - images
    notes = [f"{many(images, 'new image')} of {many(len(found), 'file')}"]
    notes += [f"{len(found) - len(fresh)} imported before"] if len(fresh) < len(found) else []
    notes += [f"{same} with the same content as another"] if same else []
    notes += [f"{bad} not usable"] if bad else []
    notes += [f"{len(refused)} refused"] if refused else []
    notes += [f"{many(len(unlabelled), 'name does', 'names do')} not match"] if unlabelled else []
    return ImportReport(
        files=len(found),
        images=images,
        same=same,
        failed=bad,
        unlabelled=len(unlabelled),
        refused=len(refused),
        refusals=tuple(refused[:SHOWN_REFUSALS]),
        sentence=", ".join(notes) + ". Next: check the data.",
    )


def nothing(workspace: Workspace, what: str, gathered: Gathered) -> BadFolder:
    """The error of an import that has no image with a label."""
    if gathered.bare:
        return _bare(workspace, gathered.bare)
    refused, unlabelled = gathered.refused, len(gathered.unlabelled)
    missed = many(unlabelled, "file name does", "file names do")
    hint = f" {missed} not match the expression." if unlabelled else ""
    if refused:
        hint += f" {many(len(refused), 'file')} refused: {refused[0].name}: {refused[0].problem}"
    return BadFolder(
        f"{what} holds no labelled image.{hint}",
        "Expected CLASS/image.jpg or train/CLASS/image.jpg in it; otherwise name the class, or "
        "give --labels or --label-regex.",
    )


def _bare(workspace: Workspace, folders: Mapping[Path, int]) -> BadFolder:
    """The error of folders that are classes themselves, with the command that takes them in."""
    named = ", ".join(utf8(path.name) for path in folders)
    holds = "holds" if len(folders) == 1 else "hold"
    images = many(sum(folders.values()), "image")
    first = next(iter(folders))
    command = ["curator", "import", str(workspace.path)]
    beside = {path for path in first.parent.iterdir() if path.is_dir()}
    if len(folders) > 1 and beside == folders.keys():
        how, command = "Import the folder above", [*command, str(first.parent)]
    else:
        with workspace.database.read() as connection:
            known = {item.name.casefold() for item in all_classes(connection)}
        new = [] if first.name.casefold() in known else ["--new-class"]
        how = "Name the class" if len(folders) == 1 else "Import each with its class"
        command += [str(first), "--class", first.name, *new]
    return BadFolder(
        f"{named} {holds} {images} and no folder that names their class.",
        f"{how}: {shell_command(*command)}",
    )


def class_names(labels: Iterable[str]) -> dict[str, str]:
    """The class that each label names. Raises BadClassName, also for two that differ by case."""
    name_of = {label: _named(label) for label in set(labels)}
    names = _sorted(name_of.values())
    spellings = Counter(name.casefold() for name in names)
    if twins := [name for name in names if spellings[name.casefold()] > 1]:
        raise BadClassName(
            f"The labels {', '.join(map(repr, twins))} differ only by case.",
            "Give them one spelling and import again. Nothing was imported.",
        )
    return name_of


def _named(label: str) -> str:
    return label if label == NO_LABEL else validated_name(label)


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(set(names), key=lambda name: (name.casefold(), name))


def _enter(
    workspace: Workspace, found: Sequence[Found], arrivals: Arrivals, follow: bool = True
) -> list[tuple[int, Content]]:
    """Add classes and source rows; return (source id, content) of those that gave no image yet.

    ``follow``: files of a class that was merged belong to it, and so to what it became; otherwise
    its name is that of a new class.
    """
    name_of = class_names(item.label for item in found)
    names = _sorted(name_of.values())
    with workspace.database.write() as connection:
        known = {item.name.casefold(): item for item in all_classes(connection)}
        if follow:
            known |= merged_names(connection)
        labels = [name for name in names if name != NO_LABEL]
        fresh_names = [name for name in labels if name.casefold() not in known]
        all_now = add_classes(connection, fresh_names)
        known |= {item.name.casefold(): item for item in all_now}
        if NO_LABEL in names:
            known[NO_LABEL] = listed_class(connection, NO_LABEL)
        made = {name.casefold() for name in fresh_names}
        arrivals.made_classes(
            connection, [item.id for item in all_now if item.name.casefold() in made]
        )
        wanted = {
            (item.root, item.origin, known[name_of[item.label].casefold()].id): item
            for item in found
        }
        before = known_files(connection, {item.root for item in found})
        rows = [
            {
                "kind": "file",
                "root": root,
                "origin": origin,
                "class_id": class_id,
                "split": item.split,
                "state": schema.PENDING,
            }
            for (root, origin, class_id), item in wanted.items()
            if (root, origin, class_id) not in before
        ]
        if rows:
            connection.execute(insert(schema.sources), rows)
        # Failed ones too: a file may have been mended, and asking the disk again costs little.
        after = known_files(connection, {item.root for item in found})
        undone = sources_of(connection, withdrawn(connection))
    fresh = [
        (source_id, wanted[key].content)
        for key, (source_id, state) in after.items()
        if (state != schema.FETCHED or source_id in undone) and key in wanted
    ]
    return sorted(fresh, key=lambda item: item[0])


def sources_of(connection: Connection, image_ids: Collection[int]) -> set[int]:
    """The ids of all sources of these images."""
    table = schema.sources
    query = select(table.c.id)
    return {row.id for row in rows_of(connection, query, table.c.image_id, image_ids)}


def known_files(connection: Connection, roots: Iterable[str]) -> dict[Any, tuple[int, str]]:
    """(source id, state) of every file of these roots, by (root, origin, class id)."""
    table = schema.sources
    query = (
        select(table.c.id, table.c.root, table.c.origin, table.c.class_id, table.c.state)
        .where(table.c.kind == "file")
        .order_by(table.c.id)
    )
    return {
        (row.root, row.origin, row.class_id): (row.id, row.state)
        for row in rows_of(connection, query, table.c.root, sorted(roots))
    }


def verified(
    workspace: Workspace,
    items: Iterable[tuple[int, Content]],
    progress: Progress,
    arriving: Arriving,
) -> Iterator[Ended]:
    """Verify in other processes, a bounded number ahead, and yield in the order of ``items``."""
    sweep(workspace.originals)  # the lock of long work is held: no one else writes there
    with Verifiers(workspace.originals, seen_by=arriving.wanted) as verifiers:
        waiting: deque[tuple[int, Future[Verdict]]] = deque()
        rest = iter(items)
        while True:
            for source_id, content in islice(rest, BATCH - len(waiting)):
                waiting.append((source_id, _submit(verifiers, content)))
            if not waiting:
                return
            source_id, future = waiting.popleft()
            while not future.done():
                progress.check()
                wait([future], timeout=0.1)
            yield ended(source_id, future.result())


def _submit(verifiers: Verifiers, content: Content) -> Future[Verdict]:
    if isinstance(content, Path):
        return verifiers.submit(content)
    try:
        return verifiers.submit(content.read_bytes())
    except Rejected as rejected:
        refused: Future[Verdict] = Future()
        refused.set_result(Verdict(None, None, rejected.reason, rejected.detail, 0))
        return refused


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """``items`` in lists of ``size``, the last one shorter; one list is held at a time."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
