"""A project: one folder that holds everything, and the verbs that work on it.

    PROJECT/
      project.db        what is known of every image (see curator.store.schema)
      originals/        the fetched bytes, named by their SHA-256, never changed
      thumbnails.db     small pictures for the page
      features/         what the backbone makes of each image, computed once
      runs/             the head of each training run
      backups/          whole copies of project.db (see curator.store.copies)
      log.txt           the worker's output

This module ties the stations together; each station works on what it is given. Long verbs run
through ``curator.jobs``: in the foreground with :meth:`Project.run`, in the worker process with
:meth:`Project.submit`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import NotAProject, ProjectExists, ProjectReadOnly
from curator.files import sweep_dead
from curator.store import class_changes, classes, copies, ledger
from curator.store.database import Database, now
from curator.store.thumbnails import Thumbnails
from curator.trust import check_folder, original_path

if TYPE_CHECKING:
    import pandas as pd

    from curator.collect.adding import Added, Preview
    from curator.jobs.progress import Progress
    from curator.store.jobs import Job

DATABASE = "project.db"
PARTS = ("originals", "features", "runs")
VALID_SHARE = 0.2


class Project:
    """An open project. Make one with :meth:`create` or :meth:`open`.

    >>> project = Project.create("bears", ["black", "grizzly", "teddys"])
    >>> project.add("black", "https://example.org/1.jpg")
    >>> project.run("fetch"); project.run("train")
    >>> project.rank().head(24)
    """

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self.database = database
        self.name = database.meta("name")
        self.seed = int(database.meta("seed"))
        self.thumbnails = Thumbnails(path / "thumbnails.db", database.read_only is not None)

    @classmethod
    def create(
        cls, path: str | Path, class_names: Sequence[str] = (), name: str = "", seed: int = 42
    ) -> Project:
        """Make a project in a new or empty folder.

        ``seed`` fixes the split into training and validation images and the folds. Raises
        ProjectExists, BadClassName, ProjectReadOnly.
        """
        folder = Path(path).expanduser().resolve()
        if (folder / DATABASE).exists():
            raise ProjectExists(f"{folder} already holds a project.", "Open it instead.")
        if folder.exists() and not _is_free(folder):
            raise ProjectExists(
                f"{folder} already holds files.", "Name a new folder for the project."
            )
        classes.validated_names(class_names)
        try:
            for part in PARTS:
                (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectReadOnly(
                f"{folder} cannot be made: {error.strerror or error}.", "Choose another folder."
            ) from error
        Thumbnails(folder / "thumbnails.db").create()
        # The database comes last and appears in one step: a folder with one is a whole project.
        unfinished = folder / f".new-{os.getpid()}.db"
        database = Database.create(
            unfinished, {"name": name or folder.name, "seed": str(seed), "created_at": now()}
        )
        try:
            with database.write() as connection:
                classes.add_classes(connection, class_names)
            database.close()
            os.replace(unfinished, folder / DATABASE)
        finally:
            database.close()
            for rest in folder.glob(f"{unfinished.name}*"):
                rest.unlink()
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Path) -> Project:
        """Open an existing project; one that cannot be written for reading (:attr:`read_only`).

        Nothing in it is run: see :meth:`waiting_jobs`. Raises NotAProject, ProjectTooNew,
        ProjectDamaged, ProjectAltered, FileError.
        """
        folder = Path(path).expanduser().resolve()
        if not (folder / DATABASE).is_file():
            if copies.copies_of(folder / DATABASE):
                raise copies.damaged(folder / DATABASE, FileNotFoundError())
            raise NotAProject(
                f"{folder} is not a project: it holds no {DATABASE}.",
                "Make one with `curator new`, or name the right folder.",
            )
        check_folder(folder)
        return cls(folder, Database.open(folder / DATABASE))

    @classmethod
    def restore(cls, path: str | Path) -> copies.Restored:
        """Put the newest whole copy in the place of a damaged database, which is kept.

        What was decided since the copy was made is not in it. Raises NotAProject, InputError when
        the database is whole, JobRunning when a process works on it, ProjectDamaged when no copy
        is whole, ProjectReadOnly.
        """
        from curator.jobs import runner

        folder = Path(path).expanduser().resolve()
        with runner.alone(folder):
            return copies.restore(folder / DATABASE)

    def close(self) -> None:
        """Let go of the database file; it is copied if it was changed and the copy is old."""
        self.thumbnails.close()
        self.database.close()
        if self.database.wrote:
            self.database.wrote = False
            copies.keep_when_due(self.database.path)

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Project({str(self.path)!r})"

    @property
    def read_only(self) -> ProjectReadOnly | None:
        """Why nothing can be written in the project, with the next step; None: it can."""
        return self.database.read_only

    # Places

    @property
    def originals(self) -> Path:
        """Folder of the fetched bytes."""
        return self.path / "originals"

    def original(self, file: str) -> Path:
        """Path of the original that the database calls ``file``; it may be missing.

        Raises ProjectAltered for what is no name of an original, and no plain file.
        """
        return original_path(self.originals, file)

    @property
    def inbox(self) -> Path:
        """Folder of pictures that were pasted themselves, not by address, until the next fetch."""
        return self.path / "inbox"

    @property
    def features(self) -> Path:
        """Folder of the feature caches."""
        return self.path / "features"

    @property
    def runs_folder(self) -> Path:
        """Folder with a subfolder for each run."""
        return self.path / "runs"

    @property
    def log_file(self) -> Path:
        """Where the worker writes what it has to say."""
        return self.path / "log.txt"

    # Classes and addresses

    def class_names(self) -> list[str]:
        """The labels, in the model's order."""
        with self.database.read() as connection:
            return [item.name for item in classes.all_classes(connection)]

    def add_class(self, *names: str) -> None:
        """Append classes. Raises BadClassName; then none is added."""
        with self.database.write() as connection:
            classes.add_classes(connection, names)

    def add(
        self,
        class_name: str,
        addresses: str | bytes | Path,
        listed_in: str = "pasted",
        new_class: bool = False,
    ) -> Added:
        """Add a list of addresses to a class: pasted text, a file's bytes, or a Path to a file.

        The list may be of any kind; see :mod:`curator.collect.lists`. ``listed_in``: its name.
        ``new_class``: make the class, in one step with the addresses. Nothing is fetched yet. Lines
        that hold no usable address are in the answer, by line number. Raises UnknownClass,
        BadClassName, and BadList when nothing at all is usable; then nothing is added or made.
        """
        from curator.collect.adding import add

        return add(self, class_name, [(addresses, listed_in)], new_class)[0]

    def preview(
        self,
        class_name: str,
        addresses: str | bytes | Path,
        listed_in: str = "pasted",
        new_class: bool = False,
    ) -> Preview:
        """What :meth:`add` would do with the same arguments; nothing is written.

        ``new_class``: the class is still to be made. Raises what ``add`` raises, and BadClassName.
        """
        from curator.collect.adding import preview

        return preview(self, class_name, addresses, listed_in, new_class)

    # Long work

    def run(
        self, kind: str, listener: Callable[[Progress], None] | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Run a job here and now, such as "fetch"; see :data:`curator.jobs.runner.FUNCTIONS`."""
        from curator.jobs import runner

        return runner.run(self, kind, arguments, listener)

    def submit(self, kind: str, **arguments: Any) -> int:
        """Hand a job to the project's worker process; return its id at once."""
        from curator.jobs import worker

        return worker.submit(self, kind, arguments)

    def waiting_jobs(self) -> list[Job]:
        """Jobs that were found in the project and that this user did not ask for: not run.

        Whoever made the project asked for them. :func:`curator.jobs.marks.run_waiting` runs one,
        :func:`curator.jobs.marks.dismiss` drops it.
        """
        from curator.jobs import marks

        return marks.waiting(self)

    # Review

    def rank(self, top: int | None = None) -> pd.DataFrame:
        """Live images, most suspicious first, by the latest run. Raises NoRun."""
        from curator.review.ranking import rank

        return rank(self, top)

    def queue(self, kind: str = "suspicious", **filters: Any) -> pd.DataFrame:
        """The images of a review queue in its order, as in :data:`curator.review.queues.QUEUES`.

        Spelt with blanks or hyphens: "top losses", "top-losses".

        ``filters``: of :class:`curator.review.filters.Filters`, such as ``label="black"``,
        ``split="valid"``, ``host="example.org"``, ``text="zoo"``. Raises InputError, NoRun.
        """
        from curator.review.queues import open_queue

        return open_queue(self, kind, **filters)

    def advice(self) -> dict[str, Any]:
        """Whether to go on reviewing; see :func:`curator.review.advice.advice`."""
        from curator.review.advice import advice

        return advice(self)

    def suggestions(self) -> list[dict[str, Any]]:
        """Fixes that can be made as a batch; see :mod:`curator.review.suggestions`."""
        from curator.review.suggestions import suggestions

        return suggestions(self)

    def apply_suggestion(
        self, key: str, by: str | None = None, leave_out: Sequence[int] = ()
    ) -> ledger.Decided:
        """Make one of the suggested fixes, as one step of undo. Raises InputError."""
        from curator.review.suggestions import apply

        return apply(self, key, by, leave_out)

    def confusion(self) -> pd.DataFrame:
        """Out-of-fold confusion matrix of the latest run: rows given, columns predicted."""
        from curator.review.confusion import confusion

        return confusion(self)

    def decide(
        self,
        image_ids: Sequence[int],
        action: ledger.Action,
        label: str | None = None,
        by: str | None = None,
        run_id: int | None = None,
        seen: Mapping[int, int | None] | None = None,
    ) -> ledger.Decided:
        """Record a decision on images: "keep", "delete", "relabel" (with ``label``), "unsure".

        And "several" (it shows things of more than one class) and "none" (of none of them).
        ``label`` may be a name that the class had before it was renamed.
        ``run_id``: the run whose scores were looked at; the one that ranks when left out.
        ``seen``: the last decision on each image that the reviewer saw; see
        :func:`curator.store.ledger.decide_each`. Raises UnknownImage, UnknownClass, UnknownRun;
        then nothing is recorded.
        """
        class_id = None
        if label is not None:
            with self.database.read() as connection:
                class_id = classes.find_class(connection, label, renamed=True).id
        run_id = self._ranking_run() if run_id is None else run_id
        return ledger.decide(self.database, image_ids, action, class_id, by, run_id, seen)

    def decide_each(
        self,
        choices: Sequence[ledger.Choice],
        by: str | None = None,
        run_id: int | None = None,
        seen: Mapping[int, int | None] | None = None,
    ) -> ledger.Decided:
        """Record a decision of its own for each image, all as one step of undo; see ``decide``."""
        run_id = self._ranking_run() if run_id is None else run_id
        return ledger.decide_each(self.database, choices, by, run_id, seen)

    def new_class(self, name: str, by: str | None = None) -> ledger.Decided:
        """Make a class as a step that undo takes back. Raises BadClassName."""
        return class_changes.new_class(self.database, name, by)

    def rename_class(self, old: str, new: str, by: str | None = None) -> ledger.Decided:
        """Give a class another name. Raises UnknownClass, BadClassName."""
        return class_changes.rename(self.database, self._class_id(old), new, by)

    def merge_classes(self, name: str, into: str, by: str | None = None) -> ledger.Decided:
        """Make all images of one class images of another. Raises UnknownClass, InputError."""
        ids = self._class_id(name), self._class_id(into)
        return class_changes.merge(self.database, *ids, by)

    def undo(self, steps: int = 1, by: str | None = None) -> list[ledger.Decided]:
        """Take back the last acts, on images or classes, newest first. Raises NothingToUndo."""
        return ledger.undo(self.database, steps, by)

    def redo(self, steps: int = 1, by: str | None = None) -> list[ledger.Decided]:
        """Do again what was just undone, the last undone first. Raises NothingToRedo."""
        return ledger.redo(self.database, steps, by)

    def log(self, limit: int | None = None) -> pd.DataFrame:
        """The ledger of decisions, newest first."""
        return ledger.log(self.database, limit)

    def runs(self) -> pd.DataFrame:
        """All runs, oldest first, with their figures."""
        from curator.store import runs

        return runs.table(self.database)

    def status(self) -> dict[str, Any]:
        """Counts for every station; see :func:`curator.review.status.status`."""
        from curator.review.status import status

        return status(self)

    def _class_id(self, name: str) -> int:
        with self.database.read() as connection:
            return classes.find_class(connection, name).id

    def _ranking_run(self) -> int | None:
        from curator.store import runs

        with self.database.read() as connection:
            return runs.ranking_id(connection)


def _is_free(folder: Path) -> bool:
    """Whether a project may be made there: nothing, or what a killed creation left."""
    if not folder.is_dir():
        return False
    sweep_dead(folder)
    names = {path.name for path in folder.iterdir()}
    begun = {*PARTS, *(f"thumbnails.db{ending}" for ending in ("", "-wal", "-shm"))}
    empty = all(not any((folder / part).iterdir()) for part in names & set(PARTS))
    return not names or (names <= begun and set(PARTS) <= names and empty)
