"""The folder of a project, as the stations are given it: places, database, thumbnails, seed.

    PROJECT/
      project.db        what is known of every image (see curator.store.schema)
      originals/        the fetched bytes, or shards of them, named by their SHA-256, never changed
      inbox/            pictures that were pasted themselves, until the next fetch
      thumbnails.db     small pictures for the page
      features/         what the backbone makes of each image, computed once
      runs/             the head of each training run
      shards/           what a cluster fetched, until it is taken in (see curator.cluster)
      backups/          whole copies of project.db (see curator.store.copies)
      log.txt           the worker's output

It knows no station: what can be done with a project is :class:`curator.Project`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from curator.errors import InputError, NotAProject, ProjectExists, ProjectReadOnly
from curator.files import sweep_dead
from curator.store import classes, copies, moving
from curator.store.backend import DATABASE
from curator.store.class_names import validated_names
from curator.store.database import Database, now
from curator.store.originals import Original
from curator.store.server import is_named
from curator.store.thumbnails import Thumbnails
from curator.trust import check_folder, original_place

PARTS = ("originals", "features", "runs")
TEST_SHARE, USUAL_TEST_SHARE, LARGEST_TEST_SHARE = "test_share", 0.15, 0.5


class Workspace:
    """An open project folder."""

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self.database = database
        self.name = database.meta("name")
        self.seed = int(database.meta("seed"))
        self.thumbnails = Thumbnails(path / "thumbnails.db", database.read_only is not None)

    @classmethod
    def create(
        cls,
        path: str | Path,
        class_names: Sequence[str] = (),
        name: str = "",
        seed: int = 42,
        test_share: float = 0.0,
    ) -> Self:
        """Make a project in a new or empty folder.

        ``seed`` fixes the split into training, validation and test images and the folds.
        ``test_share``: of the images of each class that are put aside to judge a finished model,
        0..0.5; 0: only those of an imported test folder. Raises ProjectExists, BadClassName,
        ProjectReadOnly, InputError.
        """
        require_test_share(test_share)
        folder = Path(path).expanduser().resolve()
        if moving.place(folder):
            raise ProjectExists(f"{folder} already holds a project.", "Open it instead.")
        if folder.exists() and not _is_free(folder):
            raise ProjectExists(
                f"{folder} already holds files.", "Name a new folder for the project."
            )
        validated_names(class_names)
        try:
            for part in PARTS:
                (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectReadOnly(
                f"{folder} cannot be made: {error.strerror or error}.", "Choose another folder."
            ) from error
        Thumbnails(folder / "thumbnails.db").create()
        values = {
            "name": name or folder.name,
            "seed": str(seed),
            "created_at": now(),
            TEST_SHARE: repr(float(test_share)),
        }
        # The database comes last and appears in one step: a folder with one is a whole project.
        with moving.new_database(folder, is_named()) as database:
            database.make(values)
            with database.write() as connection:
                classes.add_classes(connection, class_names)
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open an existing project; one that cannot be written for reading (:attr:`read_only`).

        Nothing in it is run. Raises NotAProject, ProjectTooNew,
        ProjectDamaged, ProjectAltered, FileError.
        """
        folder = Path(path).expanduser().resolve()
        database = moving.place(folder)
        if database is None:
            if copies.copies_of(folder / DATABASE):
                raise copies.damaged(folder / DATABASE, FileNotFoundError())
            raise NotAProject(
                f"{folder} is not a project: it holds no {DATABASE}.",
                "Make one with `curator new`, or name the right folder.",
            )
        check_folder(folder)
        return cls(folder, Database.open(database))

    def close(self) -> None:
        """Let go of the database file; it is copied if it was changed and the copy is old."""
        self.thumbnails.close()
        self.database.close()
        if self.database.wrote:
            self.database.wrote = False
            if self.database.is_file:
                copies.keep_when_due(self.database.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def read_only(self) -> ProjectReadOnly | None:
        """Why nothing can be written in the project, with the next step; None: it can."""
        return self.database.read_only

    @property
    def test_share(self) -> float:
        """The share of each class's images that is put aside for the test, 0..0.5."""
        try:
            share = float(self.database.meta(TEST_SHARE))
        except (KeyError, ValueError):  # an older project, or somebody else's
            return 0.0
        return share if 0 <= share <= LARGEST_TEST_SHARE else 0.0

    # Places

    @property
    def originals(self) -> Path:
        """Folder of the fetched bytes."""
        return self.path / "originals"

    def original(self, file: str) -> Original:
        """The original that the database calls ``file``; it may be missing.

        Raises ProjectAltered for what is no name of an original, and no plain file.
        """
        return Original(*original_place(self.originals, file))

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


def require_test_share(share: float) -> None:
    """Raise InputError unless it can be the share of the test."""
    if not 0 <= share <= LARGEST_TEST_SHARE:
        raise InputError(
            f"A share of {share} cannot be put aside for the test.",
            f"Use 0 to {LARGEST_TEST_SHARE}, such as 0.15.",
        )


def _is_free(folder: Path) -> bool:
    """Whether a project may be made there: nothing, or what a killed creation left."""
    if not folder.is_dir():
        return False
    sweep_dead(folder)
    names = {path.name for path in folder.iterdir()}
    begun = {*PARTS, *(f"thumbnails.db{ending}" for ending in ("", "-wal", "-shm"))}
    empty = all(not any((folder / part).iterdir()) for part in names & set(PARTS))
    return not names or (names <= begun and set(PARTS) <= names and empty)
