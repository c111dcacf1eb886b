"""Files that come in pieces, as those dropped on the page: receiving them, removing what was left.

What comes lies in ``uploads/ID.part`` of the project until all of it is there; images and archives
then become ``uploads/ID``, which the job `import` takes in and removes. This process holds
``uploads/ID.lock`` meanwhile, so that another one can tell an upload that goes on from one whose
page is gone: that is removed as a whole and told, so that nothing half-done stays. Names are the
sender's: each part is made safe, and they decide nothing but whether a file is worth sending.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from filelock import FileLock, Timeout

from curator.collect.imports.job import uploads_of
from curator.collect.imports.labels import SUFFIXES
from curator.errors import FileError, InputError
from curator.phrasing import many
from curator.store import jobs
from curator.store.class_names import FORBIDDEN, RESERVED

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

LISTS = {
    *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet"),
    *(".html", ".htm", ".mhtml", ".mht", ".md"),
}
LARGEST = 50_000_000  # bytes of one image; archives are bounded by the disk
LARGEST_LIST = 250_000_000  # bytes; a saved web page may hold its pictures
SPARE = 200_000_000  # bytes that an upload leaves free on the disk
DEEPEST = 8  # folders of a name that are kept
_JUNK = {"thumbs.db", "desktop.ini", "__macosx"}


class Upload:
    """One drop on its way in: ``files`` are those that are wanted, by the sender's number.

    ``sent``: name and size in bytes of everything that was dropped. Raises InputError when none of
    it is wanted, FileError when the disk has no room.
    """

    def __init__(self, workspace: Workspace, key: str, sent: Sequence[tuple[str, int]]) -> None:
        if not re.fullmatch(r"[0-9a-f]{8,64}", key):
            raise InputError(f"{key!r} is no upload.")
        self.key = key
        self.refused: list[dict[str, str]] = []
        self.files: dict[int, tuple[Path, int]] = {}  # number: (path below the folder, bytes)
        self._root = uploads_of(workspace)
        self._folder = self._root / f"{key}.part"
        self._choose(sent)
        self.names = {number: sent[number][0] for number in self.files}
        self.total = sum(size for _, size in self.files.values())
        self.received = 0
        self.complete = 0  # files
        self._open: tuple[int, BinaryIO] | None = None
        self._holders = 1
        if not self.files:
            raise InputError(self._nothing(sent))
        self._lock = self._begin()

    @property
    def title(self) -> str:
        """What it is, in few words."""
        if len(self.names) == 1:
            return next(iter(self.names.values()))
        return many(len(self.names), "file")

    @property
    def is_whole(self) -> bool:
        """Whether everything has come."""
        return self.complete == len(self.files)

    def take(self, number: int, offset: int, data: bytes | memoryview) -> None:
        """Write the next piece of a file. Raises FileError, or InputError for a wrong piece."""
        path, size = self.files.get(number, (Path(), -1))
        try:
            if self._open is None and offset == 0 and size >= 0:
                target = self._folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                self._open = number, target.open("wb")
            if self._open is None or self._open[0] != number or self._open[1].tell() != offset:
                raise InputError("The pieces of a file came in disorder.", "Drop the files again.")
            stream = self._open[1]
            stream.write(data)
            self.received += len(data)
            if stream.tell() >= size:
                stream.close()
                self._open = None
                self.complete += 1
        except OSError as error:
            raise FileError(
                f"{self.names.get(number, 'A file')} could not be written: "
                f"{error.strerror or error}.",
                "Free some space on the project's disk and drop the files again.",
            ) from error

    def finish(self) -> tuple[bool, list[Path]]:
        """Hand over: whether ``uploads/ID`` holds images for the job `import`, and the lists.

        The lists stay, and so does the lock, until :meth:`discard`.
        """
        images = self._folder / "images"
        found = images.is_dir()
        if found:
            images.replace(self._root / self.key)
        lists = self._folder / "lists"
        return found, sorted(lists.iterdir()) if lists.is_dir() else []

    def hold(self) -> None:
        """One more will call :meth:`discard`, which does nothing before the last call."""
        self._holders += 1

    def remove_images(self) -> None:
        """Remove the images that were handed over: they are not wanted."""
        shutil.rmtree(self._root / self.key, ignore_errors=True)

    def discard(self) -> None:
        """Remove what was not handed over, and let go."""
        self._holders -= 1
        if self._holders > 0:
            return
        if self._open is not None:
            self._open[1].close()
            self._open = None
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink()

    def _choose(self, sent: Sequence[tuple[str, int]]) -> None:
        taken: set[str] = set()
        for number, (name, size) in enumerate(sent):
            parts = safe_parts(name)
            if any(part.startswith(".") or part.lower() in _JUNK for part in parts):
                continue
            suffix = Path(parts[-1]).suffix.lower()
            is_list = suffix in LISTS and len(parts) == 1
            if len(parts) > 1 and suffix not in {*SUFFIXES, ".zip", ""}:
                continue  # what lies beside the images of a folder
            if problem := _problem(size, suffix, is_list):
                self.refused.append({"name": name[:200], "problem": problem})
                continue
            path = Path("lists" if is_list else "images", *parts)
            copy = 2
            while str(path).casefold() in taken:
                path = path.with_name(f"{Path(parts[-1]).stem} ({copy}){suffix}")
                copy += 1
            taken.add(str(path).casefold())
            self.files[number] = (path, size)

    def _nothing(self, sent: Sequence[tuple[str, int]]) -> str:
        if self.refused:
            return "{name}: {problem}".format(**self.refused[0])
        if sent:
            return "There is no image, zip archive or list of addresses among these files."
        return "The folder is empty."

    def _begin(self) -> FileLock:
        try:
            self._root.mkdir(exist_ok=True)
            free = shutil.disk_usage(self._root).free
            if self.total + SPARE > free:
                raise FileError(
                    f"{self.title} takes {_megabytes(self.total)}, and the project's disk has "
                    f"{_megabytes(free)} left.",
                    "Free some space, or import them from where they are with `curator import`.",
                )
            lock = FileLock(self._root / f"{self.key}.lock")
            lock.acquire(timeout=0)
            self._folder.mkdir()
            about = {"title": self.title, "files": len(self.files)}
            (self._folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
        except (OSError, Timeout) as error:
            raise FileError(
                f"The project's folder cannot take the upload: {error}.",
                "Check that you may write there.",
            ) from error
        return lock


def safe_parts(name: str) -> list[str]:
    """The parts of a sender's path as names that every system takes: at least one, never "..".

    Separators of all systems part them; drives, empty parts and dots alone fall away.
    """
    parts = []
    for part in re.split(r"[/\\]", unicodedata.normalize("NFC", name)):
        cleaned = "".join("_" if c in FORBIDDEN or not c.isprintable() else c for c in part)
        cleaned = cleaned.strip().rstrip(". ")
        if not cleaned:
            continue
        if cleaned.split(".")[0].lower() in RESERVED:
            cleaned = f"_{cleaned}"
        stem, dot, suffix = cleaned.rpartition(".")
        if len(cleaned.encode(errors="replace")) > 150:  # file systems take 255 bytes at most
            short = (stem or suffix).encode(errors="replace")[:120].decode(errors="ignore")
            cleaned = short + (dot + suffix[:10] if stem else "")
        parts.append(cleaned)
    return parts[-DEEPEST:] or ["file"]


def _problem(size: int, suffix: str, is_list: bool) -> str:
    most = LARGEST_LIST if is_list else LARGEST
    if size <= 0:
        return "The file is empty."
    if size > most and suffix != ".zip":
        return f"It has {_megabytes(size)}; at most {_megabytes(most)} are taken."
    return ""


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB".replace(",", "\u2009")


def interrupted(workspace: Workspace) -> tuple[list[str], bool]:
    """Remove uploads that no process receives any more; say what they were.

    The second: whether there are others, which some process still receives. Also removed are
    folders that no job can ask for again.
    """
    if workspace.read_only:
        return [], False
    root = uploads_of(workspace)
    notices, alive = [], False
    for folder in sorted(root.glob("*.part")):
        with _held(folder.with_suffix(".lock")) as held:
            if not held:
                alive = True
                continue
            notices.append(_notice(folder))
            shutil.rmtree(folder, ignore_errors=True)
    if root.is_dir():
        _remove_orphans(workspace, root)
    return notices, alive


def _remove_orphans(workspace: Workspace, root: Path) -> None:
    """Remove uploads whose job has ended, unless it is the newest and may be started again."""
    newest = jobs.latest(workspace.database)
    known = jobs.of_states(workspace.database, (*jobs.OPEN, jobs.OFFERED))
    asked = {str(job.arguments.get("upload")) for job in [*known, *([newest] if newest else [])]}
    for folder in root.iterdir():
        if folder.is_dir() and folder.suffix != ".part" and folder.name not in asked:
            with _held(folder.with_suffix(".lock")) as held:
                if held:
                    shutil.rmtree(folder, ignore_errors=True)


def _notice(folder: Path) -> str:
    about: dict[str, Any] = {"title": "some files"}
    with contextlib.suppress(OSError, ValueError):
        about |= json.loads((folder / "about.json").read_text(encoding="utf-8"))
    return (
        f"The upload of {about['title']} was cut off when its page was closed or reloaded. "
        "Nothing of it was taken in; drop it again."
    )


@contextlib.contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Whether the lock could be taken, which then is gone."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            path.unlink()
