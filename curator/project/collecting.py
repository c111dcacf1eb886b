"""Classes, addresses, and the files that come by them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from curator.project.verbs import Verbs
from curator.store import class_changes, classes, ledger

if TYPE_CHECKING:
    from curator.cluster.settings import ClusterSettings
    from curator.collect.adding import Added, Preview
    from curator.collect.fetch import FetchReport
    from curator.collect.http.client import FetchSettings
    from curator.collect.imports.job import ImportReport
    from curator.collect.imports.preview import ImportPreview
    from curator.jobs.progress import Listener
    from curator.store.classes import Class, ClassSize


class Collecting(Verbs):
    """What brings images and classes into a project."""

    def class_names(self) -> list[str]:
        """The labels, in the model's order."""
        return [item.name for item in self.classes()]

    def classes(self) -> list[Class]:
        """The classes by name and id, in the model's order; an id stays when a name changes."""
        with self.database.read() as connection:
            return classes.all_classes(connection)

    def class_sizes(self) -> list[ClassSize]:
        """The classes with the number of their images, live ones and others."""
        with self.database.read() as connection:
            return classes.class_sizes(connection)

    def class_called(self, class_id: int) -> str:
        """What a class is called now; a merged one as what it was merged into."""
        with self.database.read() as connection:
            return classes.present_names(connection)[class_id]

    def add_class(self, *names: str) -> None:
        """Append classes. Raises BadClassName; then none is added."""
        with self.database.write() as connection:
            classes.add_classes(connection, names)

    def new_class(self, name: str, by: str | None = None) -> ledger.Decided:
        """Make a class as a step that undo takes back. Raises BadClassName."""
        return class_changes.new_class(self.database, name, by)

    def rename_class(self, old: str | int, new: str, by: str | None = None) -> ledger.Decided:
        """Give a class another name; ``old`` may be its id. Raises UnknownClass, BadClassName."""
        return class_changes.rename(self.database, self._class_id(old), new, by)

    def merge_classes(
        self, name: str | int, into: str | int, by: str | None = None
    ) -> ledger.Decided:
        """Make all images of one class images of another. Raises UnknownClass, InputError."""
        ids = self._class_id(name), self._class_id(into)
        return class_changes.merge(self.database, *ids, by)

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

    def fetch(
        self,
        settings: FetchSettings | None = None,
        *,
        retry: str = "passing",
        cluster: ClusterSettings | None = None,
        listener: Listener | None = None,
    ) -> FetchReport:
        """Download and verify what is listed and missing.

        ``retry``: which failed addresses are asked again: "passing", "all", "none", or codes of
        reasons, separated by commas. ``cluster``: Ray does it, on other machines or the cores of
        this one; without it this process does. Raises InputError; on a cluster also
        PackageMissing without Ray, JobError where none answers, FileError where shards cannot be
        kept.
        """
        from curator.cluster import job

        chosen = {} if settings is None else settings.given()
        arguments: dict[str, object] = {"retry": retry, "settings": chosen}
        if cluster is not None:
            arguments["cluster"] = cluster.given()
        return self._run("fetch", job.run, arguments, listener)

    def import_files(
        self,
        *things: str | Path,
        class_name: str | None = None,
        new_class: bool = False,
        labels: str | Path | None = None,
        label_regex: str | None = None,
        listener: Listener | None = None,
    ) -> ImportReport:
        """Take in images on this machine: folders, zip archives, image files. They are copied.

        Folders name the classes, unless ``class_name`` does; ``new_class``: it is made.
        ``labels``, a table of names and labels, or ``label_regex``, whose first group on a file's
        name is its label, serve for one folder. Raises BadFolder, BadList, InputError,
        BadClassName, UnknownClass; then nothing is imported.
        """
        from curator.collect.imports import job

        arguments = {
            "things": [str(thing) for thing in things],
            "class_name": class_name,
            "new_class": new_class,
            "labels": None if labels is None else str(labels),
            "label_regex": label_regex,
        }
        return self._run("import", job.run, arguments, listener)

    def preview_import(
        self,
        *things: str | Path,
        class_name: str | None = None,
        new_class: bool = False,
        labels: str | Path | None = None,
        label_regex: str | None = None,
        upload: str | None = None,
    ) -> ImportPreview:
        """What :meth:`import_files` would take in with the same arguments; nothing is written.

        No image is decoded: it takes seconds, and at most 20. ``upload``: one that the page
        received, instead of ``things``. Raises what ``import_files`` raises.
        """
        from curator.collect.imports.preview import preview

        return preview(
            self,
            [str(thing) for thing in things],
            None if labels is None else str(labels),
            label_regex,
            class_name,
            new_class,
            upload,
        )

    def take_sample(self, *, listener: Listener | None = None) -> FetchReport:
        """Add the sample's classes and addresses, and fetch them; nothing leaves this machine."""
        from curator.sample import job

        return self._run("sample", job.run, {}, listener)
