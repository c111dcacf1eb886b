"""A project: the verbs that work on one folder, each of them one method; one file a station.

This package ties the stations together: it alone, the command line and the page know
:class:`Project`; the stations take the :class:`~curator.store.workspace.Workspace` that it is.

Long work is a job. One runs at a time, whoever asks: JobRunning is raised meanwhile. What is
interrupted goes on where it was when it is asked for again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from curator.project.checking import Checking
from curator.project.collecting import Collecting
from curator.project.delivering import Delivering
from curator.project.finding import Finding
from curator.project.learning import Learning
from curator.project.reviewing import Reviewing
from curator.store import copies, moving
from curator.store.backend import DATABASE


class Project(Collecting, Checking, Learning, Finding, Reviewing, Delivering):
    """An open project. Make one with :meth:`create` or :meth:`open`.

    >>> project = Project.create("bears", ["black", "grizzly", "teddys"])
    >>> project.add("black", "https://example.org/1.jpg")
    >>> project.fetch()
    >>> project.train()
    >>> project.rank().head(24)
    """

    @classmethod
    def restore(cls, path: str | Path) -> copies.Restored:
        """Put the newest whole copy in the place of a damaged database, which is kept.

        What was decided since the copy was made is not in it. Raises NotAProject, InputError when
        the database is whole, JobRunning when a process works on it, ProjectDamaged when no copy
        is whole, ProjectReadOnly.
        """
        from curator.jobs import locks

        folder = Path(path).expanduser().resolve()
        with locks.alone(folder):
            return copies.restore(folder / DATABASE)

    @classmethod
    def move_database(cls, path: str | Path) -> moving.Moved:
        """Move the database to the server that CURATOR_DATABASE names, or back into the folder.

        Everything else stays in the folder. Whoever has the project open is told to open it again.
        Raises InputError where no server is named, JobRunning when a process works on the project,
        ProjectReadOnly, ServerUnreachable, and what ``open`` raises.
        """
        from curator.jobs import locks

        folder = Path(path).expanduser().resolve()
        with locks.alone(folder):
            return moving.move(folder)

    @classmethod
    def from_recipe(cls, path: str | Path, recipe: str | Path) -> Self:
        """Make the project that a recipe describes, still empty, or open one that it was begun in.

        :meth:`take_recipes` fills it. Raises BadRecipe, ProjectExists, and what ``create`` and
        ``open`` raise.
        """
        from curator.deliver.recipe import form, rebuild
        from curator.errors import ProjectExists

        described = form.read(recipe)
        header = described.header
        if moving.place(Path(path).expanduser()) is None:
            share = header.test_share
            return cls.create(path, header.classes, header.name, header.seed, share)
        project = cls.open(path)
        if not rebuild.was_begun(project, described):
            project.close()
            raise ProjectExists(
                f"{project.path} holds another project.",
                "Name a new folder, or take the recipe into that project: `curator recipe merge`.",
            )
        return project
