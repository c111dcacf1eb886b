"""What an import would take in, before it does: counted, never decoded.

The bounds beyond which an import is called far more than the project holds stand here and nowhere
else. An archive is listed by its table of contents; no file is read but the beginnings of what may
be lists of addresses.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curator.collect.imports.archives import Member
from curator.collect.imports.job import class_names, gather, known_files, nothing, sources_of
from curator.collect.imports.sources import Found, Gathered
from curator.jobs.report import Report
from curator.phrasing import many, utf8
from curator.store import images
from curator.store.arrivals import withdrawn
from curator.store.class_names import NO_LABEL
from curator.store.classes import all_classes, merged_ids, merged_names, names_by_id

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

SECONDS = 20.0  # of looking through folders; what was found until then is shown
ALWAYS_FINE = 1_000  # so many new images are never far more than a project holds
TIMES = 10  # and neither are up to so many times those that it holds
EXAMPLES = 5  # names that are shown of each kind of what is skipped

_LISTS = {".txt", ".csv", ".tsv", ".json", ".jsonl", ".ndjson"}
_HEAD = 16_384  # bytes in which a list of addresses shows its first one
_LISTS_READ = 200


@dataclass(frozen=True)
class ClassFiles:
    """How many files of a class there are; ``is_new``: the project lacks the class."""

    name: str
    files: int
    is_new: bool


@dataclass(frozen=True)
class Skipped:
    """Files that would not be taken for one and the same problem, and the names of the first."""

    problem: str
    files: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ListBeside:
    """A list of addresses beside the images, and the class that its name says, if any."""

    path: str
    class_name: str | None


@dataclass(frozen=True, kw_only=True)
class ImportPreview(Report):
    """What an import would take in."""

    files: int
    """Files that are named like images, with a label."""
    new: int
    """Of those, not taken in before from the same place; whether by content is not known yet."""
    bytes: int
    classes: tuple[ClassFiles, ...]
    splits: dict[str, int]
    """Files by the split that their folder names; others get theirs by check."""
    skipped: tuple[Skipped, ...]
    lists: tuple[ListBeside, ...]
    warnings: tuple[str, ...]
    """Why this may be the wrong folder."""
    is_whole: bool
    """False: the time was over before all was looked through."""


def preview(
    workspace: Workspace,
    things: Sequence[str] = (),
    labels: str | None = None,
    label_regex: str | None = None,
    class_name: str | None = None,
    new_class: bool = False,
    upload: str | None = None,
    seconds: float = SECONDS,
) -> ImportPreview:
    """Look what :func:`curator.collect.imports.job.run` would take in; nothing is written.

    Raises what ``run`` raises, but not for a folder that holds lists of addresses alone.
    """
    gathered = Gathered(is_preview=True, deadline=time.monotonic() + seconds)
    with ExitStack() as archives:
        what = gather(
            workspace,
            gathered,
            archives,
            things=things,
            labels=labels,
            label_regex=label_regex,
            class_name=class_name,
            new_class=new_class,
            upload=upload,
        )
        size = sum(map(_bytes, gathered.found))
    name_of = class_names(item.label for item in gathered.found)
    counts = Counter(name_of[item.label] for item in gathered.found)
    with workspace.database.read() as connection:
        known = {item.name.casefold(): item.name for item in all_classes(connection)}
        held = images.number_live(connection)
        roots = {item.root for item in gathered.found if item.root}
        out = sources_of(connection, withdrawn(connection))
        files = known_files(connection, roots)
        before = {(root, origin) for (root, origin, _), (key, _) in files.items() if key not in out}
        if not new_class:  # what came under a merged class is of what it became
            became, names = merged_ids(connection), names_by_id(connection)
            known |= {
                name: names[became[item.id]] for name, item in merged_names(connection).items()
            }
    new = sum((item.root, item.origin) not in before for item in gathered.found)
    classes: Counter[str] = Counter()
    for name, number in counts.items():
        classes[known.get(name.casefold(), name)] += number
    shown = tuple(
        ClassFiles(name, number, name.casefold() not in known and name != NO_LABEL)
        for name, number in sorted(classes.items(), key=lambda item: item[0].casefold())
    )
    lists = _lists(gathered.others, {*known.values(), *classes})
    if not gathered.found and not lists:
        raise nothing(workspace, what, gathered)
    unasked = [item.name for item in shown if item.is_new] if known and not new_class else []
    is_whole = not gathered.is_over
    return ImportPreview(
        files=len(gathered.found),
        new=new,
        bytes=size,
        classes=shown,
        splits=dict(Counter(item.split for item in gathered.found if item.split)),
        skipped=_skipped(gathered, {item.path for item in lists}),
        lists=lists,
        warnings=tuple(_warnings(new, held, unasked, is_whole)),
        is_whole=is_whole,
        sentence=_sentence(len(gathered.found), new, size, len(shown), is_whole),
    )


def _warnings(new: int, held: int, unasked: Sequence[str], is_whole: bool) -> Iterable[str]:
    if new > max(ALWAYS_FINE, TIMES * held):
        yield f"This adds {many(new, 'image')} to a project of {held}. Is it the right folder?"
    if unasked:
        named = ", ".join(unasked[:EXAMPLES]) + (" ..." if len(unasked) > EXAMPLES else "")
        yield (
            f"This makes {many(len(unasked), 'class', 'classes')} that the project does not "
            f"have: {named}."
        )
    if not is_whole:
        yield "The folder is so large that not all of it was looked through; there is more."


def _sentence(files: int, new: int, size: int, classes: int, is_whole: bool) -> str:
    least = "" if is_whole else "At least "
    before = f", {files - new} of them taken in before" if new < files else ""
    return (
        f"{least}{many(files, 'file')} in {many(classes, 'class', 'classes')}, "
        f"{_megabytes(size)}{before}."
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"


def _bytes(found: Found) -> int:
    if isinstance(found.content, Member):
        return found.content.size
    try:
        return found.content.stat().st_size if isinstance(found.content, Path) else 0
    except OSError:
        return 0  # named by a table and not there: the import says so of the file


def _skipped(gathered: Gathered, lists: set[str]) -> tuple[Skipped, ...]:
    names: dict[str, list[str]] = defaultdict(list)
    for refusal in gathered.refused:
        names[refusal.problem].append(refusal.name)
    for name in gathered.unlabelled:
        names["The expression does not match its name."].append(name)
    for path in gathered.others:
        if str(path) not in lists:
            names["It is not named like an image."].append(utf8(path.name))
    groups = [
        Skipped(problem, len(each), tuple(each[:EXAMPLES])) for problem, each in names.items()
    ]
    return tuple(sorted(groups, key=lambda group: -group.files))


def _lists(others: Sequence[Path], names: set[str]) -> tuple[ListBeside, ...]:
    """The text files that hold addresses; a class that is a word of the name is the list's."""
    likely = [path for path in others if path.suffix.lower() in _LISTS][:_LISTS_READ]
    of = {name.casefold(): name for name in names}
    found = []
    for path in sorted(likely):
        if utf8(str(path)) != str(path) or not _holds_addresses(path):
            continue
        words = re.split(r"[\s_.-]+", path.stem.casefold())
        said = [of[word] for word in [path.stem.casefold(), *words] if word in of]
        found.append(ListBeside(str(path), said[0] if said else None))
    return tuple(found)


def _holds_addresses(path: Path) -> bool:
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with path.open("rb") as stream:
            return re.search(rb"https?://", stream.read(_HEAD)) is not None
    except OSError:
        return False
