"""A project: the verbs that work on one folder, each of them one method.

This module ties the stations together: it alone, the command line and the page know
:class:`Project`; the stations take the :class:`~curator.store.workspace.Workspace` that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from curator.store import class_changes, classes, copies, ledger, runs
from curator.store.workspace import DATABASE, Workspace

if TYPE_CHECKING:
    import pandas as pd

    from curator.check.report import CheckReport
    from curator.collect.adding import Added, Preview
    from curator.collect.fetch import FetchReport
    from curator.collect.http.client import FetchSettings
    from curator.collect.imports.job import ImportReport
    from curator.collect.imports.preview import ImportPreview
    from curator.deliver.bundle import ModelReport
    from curator.deliver.dataset import VersionDiff
    from curator.deliver.evaluate import EvaluationReport
    from curator.deliver.folder import ExportReport
    from curator.deliver.formats import FormatName
    from curator.deliver.preview import ExportPreview
    from curator.deliver.recipe.rebuild import RebuildReport
    from curator.deliver.recipe.write import RecipeReport
    from curator.find.concepts import Concept
    from curator.find.subsets import Subset, Way
    from curator.jobs.marks import WaitingJob
    from curator.jobs.progress import Listener
    from curator.jobs.report import Report
    from curator.learn.curve.measure import CurveReport
    from curator.learn.finetune.cost_job import CostReport
    from curator.learn.finetune.rate_job import RateReport
    from curator.learn.finetune.settings import FinetuneSettings
    from curator.learn.instant.refit_job import RefitReport
    from curator.learn.instant.settings import InstantSettings
    from curator.learn.tracing import Stage
    from curator.learn.train import TrainReport
    from curator.review.advice.fixes import Suggestion
    from curator.review.advice.stopping import Advice
    from curator.review.comparison.compare import Comparison
    from curator.review.duplicates import DuplicateGroup
    from curator.review.queue.details import Details
    from curator.review.queue.filters import Filters
    from curator.review.queue.kinds import Queue
    from curator.review.status import Status
    from curator.serve.trying import Tried
    from curator.store.classes import Class, ClassSize
    from curator.store.runs import Run
    from curator.store.versions import TaggedVersion

AnyReport = TypeVar("AnyReport", bound="Report")


class Project(Workspace):
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
    def from_recipe(cls, path: str | Path, recipe: str | Path) -> Self:
        """Make the project that a recipe describes, still empty, or open one that it was begun in.

        :meth:`take_recipes` fills it. Raises BadRecipe, ProjectExists, and what ``create`` and
        ``open`` raise.
        """
        from curator.deliver.recipe import form, rebuild
        from curator.errors import ProjectExists

        described = form.read(recipe)
        header = described.header
        if not (Path(path).expanduser() / DATABASE).exists():
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

    # Classes and addresses

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

    # Long work. One such job runs at a time, whoever asks: JobRunning is raised meanwhile. What is
    # interrupted goes on where it was when it is asked for again.

    def fetch(
        self,
        settings: FetchSettings | None = None,
        *,
        retry: str = "passing",
        listener: Listener | None = None,
    ) -> FetchReport:
        """Download and verify what is listed and missing.

        ``retry``: which failed addresses are asked again: "passing", "all", "none", or codes of
        reasons, separated by commas. Raises InputError.
        """
        from curator.collect import fetch

        chosen = {} if settings is None else settings.model_dump(mode="json", exclude_unset=True)
        return self._run("fetch", fetch.run, {"retry": retry, "settings": chosen}, listener)

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

    def check(self, *, listener: Listener | None = None) -> CheckReport:
        """Measure and compare images, give every one its split, and say what is wrong.

        Raises WeightsMissing, WeightsAltered, FileError.
        """
        from curator.check import job

        return self._run("check", job.run, {}, listener)

    def dismiss(
        self,
        finding: str,
        image_ids: Sequence[int] = (),
        label: str | None = None,
        by: str | None = None,
    ) -> ledger.Decided:
        """Say that a finding of the check, by its code, is no problem; undo takes it back.

        ``image_ids``: of which of its images, by default of all; ``label``: the class, of a finding
        of one class. Raises InputError, UnknownClass.
        """
        from curator.check.dismissing import dismiss

        return dismiss(self, finding, image_ids, label, by)

    def bring_back(
        self,
        finding: str,
        image_ids: Sequence[int] = (),
        label: str | None = None,
        by: str | None = None,
    ) -> ledger.Decided:
        """Let a finding that was dismissed count again; see :meth:`dismiss`."""
        from curator.check.dismissing import dismiss

        return dismiss(self, finding, image_ids, label, by, back=True)

    def trace(self, image_id: int | None = None) -> tuple[Stage, ...]:
        """One image, by default the first, through every stage: what to look at when one fails.

        Raises UnknownImage, NotEnoughData.
        """
        from curator.learn.tracing import trace

        return trace(self, image_id)

    def train(
        self,
        settings: InstantSettings | FinetuneSettings | None = None,
        *,
        backbone: str | None = None,
        device: str | None = None,
        tensorboard: str | Path | None = None,
        listener: Listener | None = None,
    ) -> TrainReport:
        """Train on every live image, score them all, and record a run.

        The settings' type says by which recipe; None: the instant one as it comes. ``backbone``: a
        name of `curator backbones`, or timm:NAME; ``device``: "cpu", "cuda" or "mps"; both chosen
        when None. ``tensorboard``: a folder that gets the curves, too. Raises NotEnoughData,
        InputError, WeightsMissing, WeightsAltered, FileError.
        """
        from curator.learn import train
        from curator.learn.instant.settings import InstantSettings
        from curator.learn.recipes import recipe_with

        chosen = InstantSettings() if settings is None else settings
        arguments = {
            "recipe": recipe_with(chosen).name,
            "backbone": backbone,
            "device": device,
            "tensorboard": None if tensorboard is None else str(tensorboard),
            **chosen.model_dump(),
        }
        return self._run("train", train.run, arguments, listener)

    def refit(self, *, listener: Listener | None = None) -> RefitReport:
        """Train the newest instant run's recipe again, as an interim run of a review.

        Raises WeightsMissing, WeightsAltered, FileError.
        """
        from curator.learn.instant import refit_job

        return self._run("refit", refit_job.run, {}, listener)

    def estimate_cost(
        self,
        settings: FinetuneSettings | None = None,
        *,
        backbone: str | None = None,
        device: str | None = None,
        listener: Listener | None = None,
    ) -> CostReport:
        """Measure how long a fine-tuning would take; nothing is trained. Raises as ``train``."""
        from curator.learn.finetune import cost_job

        arguments = _tuning(settings, backbone, device)
        return self._run("cost", cost_job.run, arguments, listener)

    def find_rate(
        self,
        settings: FinetuneSettings | None = None,
        *,
        backbone: str | None = None,
        device: str | None = None,
        all_layers: bool = False,
        listener: Listener | None = None,
    ) -> RateReport:
        """Search for a learning rate to fine-tune with; nothing is trained. Raises as ``train``.

        A random head alone learns, or ``all_layers`` do.
        """
        from curator.learn.finetune import rate_job

        arguments = {**_tuning(settings, backbone, device), "all_layers": all_layers}
        return self._run("lr-find", rate_job.run, arguments, listener)

    def learning_curve(
        self,
        *,
        backbone: str | None = None,
        device: str | None = None,
        points: int = 6,
        repeats: int = 3,
        listener: Listener | None = None,
    ) -> CurveReport:
        """Measure whether more images would help; no run is recorded. Raises as ``train``."""
        from curator.learn.curve import measure

        arguments: dict[str, object] = {"backbone": backbone, "device": device}
        arguments |= {"points": points, "repeats": repeats}
        return self._run("learning-curve", measure.run, arguments, listener)

    def evaluate(
        self, run_id: int | None = None, *, listener: Listener | None = None
    ) -> EvaluationReport:
        """Judge the model of a run, by default of the one in use, on the test images.

        Nothing else looks at them. The run records each time, and the model card tells how often.
        Raises NotEnoughData where there is no test image, NoRun, UnknownRun, WeightsMissing.
        """
        from curator.deliver import evaluate

        return self._run("evaluate", evaluate.run, {"run_id": run_id}, listener)

    def export(
        self,
        folder: str | Path,
        formats: Sequence[FormatName] = ("imagefolder",),
        *,
        link: bool = False,
        version: str | None = None,
        listener: Listener | None = None,
    ) -> ExportReport:
        """Write every live image to a new folder with manifest.csv and a card, README.md.

        ``formats``: one or several at once; those that read folders share the pictures. ``link``:
        hard links to the project's originals, read-only, where the disk cannot share blocks.
        ``version``: one that was tagged, instead of the data set as it is.

        It appears whole or not at all. Raises TargetNotEmpty, InputError, UnknownVersion,
        NotEnoughData, FileError.
        """
        from curator.deliver import folder as data_set

        arguments: dict[str, object] = {"out": str(folder), "formats": list(formats)}
        arguments |= {"link": link, "version": version}
        return self._run("export", data_set.run, arguments, listener)

    def write_recipe(self, file: str | Path) -> RecipeReport:
        """Write the data set as addresses, hashes, labels, splits and decisions: no pictures.

        Raises TargetNotEmpty, NotEnoughData, FileError.
        """
        from curator.deliver.recipe.write import write

        return write(self, file)

    def take_recipes(
        self,
        *files: str | Path,
        pictures: str | Path | None = None,
        fetch: bool = True,
        settings: FetchSettings | None = None,
        listener: Listener | None = None,
    ) -> RebuildReport:
        """Take in recipes of other projects: fetch what is missing, and replay their decisions.

        ``pictures``: a folder whose images are taken in by their SHA-256 first; ``fetch``: get the
        rest from the addresses. Where two reviewers decided differently the image becomes unsure
        and stands in the queue "disputed". Decisions of a recipe are a step of undo, second ones on
        an image another. The same again goes on where it was, and adds nothing.

        Raises BadRecipe, BadFolder; then nothing is taken in.
        """
        from curator.deliver.recipe import rebuild

        arguments: dict[str, object] = {
            "files": [str(Path(file).expanduser().absolute()) for file in files],
            "pictures": None if pictures is None else str(Path(pictures).expanduser().absolute()),
            "fetch": fetch,
            "settings": {}
            if settings is None
            else settings.model_dump(mode="json", exclude_unset=True),
        }
        return self._run("rebuild", rebuild.run, arguments, listener)

    def preview_export(
        self,
        formats: Sequence[FormatName] = ("imagefolder",),
        *,
        version: str | None = None,
        folder: str | Path | None = None,
    ) -> ExportPreview:
        """What :meth:`export` would write: files, about how many bytes, and the card.

        ``folder``: where, to tell the room on its disk. Raises InputError, UnknownVersion.
        """
        from curator.deliver.preview import preview

        out = None if folder is None else Path(folder).expanduser().resolve()
        return preview(self, formats, version, out)

    def try_picture(self, picture: str | Path | bytes) -> Tried:
        """What the model of the run in use says of a picture, with the training images like it.

        ``picture``: a file, its bytes, or an http address, which is fetched as lists are. For many
        pictures :class:`curator.serve.trying.Trial` loads the model once. Raises NoRun, InputError,
        DataError, ProjectAltered, WeightsMissing, WeightsAltered, BundleInvalid.
        """
        from curator.serve.trying import Trial, content_of

        content = content_of(picture)
        with Trial(self) as trial:
            return trial.ask(content)

    def tag_version(self, name: str, by: str | None = None) -> TaggedVersion:
        """Give the data set as it is a name, by which it can be exported and compared for ever.

        Raises InputError for a name that is taken or none, NotEnoughData before a check.
        """
        from curator.deliver.dataset import tag

        return tag(self, name, by)

    def versions(self) -> list[TaggedVersion]:
        """The versions that were tagged, oldest first."""
        from curator.store import versions

        with self.database.read() as connection:
            return versions.every(connection)

    def diff_versions(self, before: str, after: str = "now") -> VersionDiff:
        """What was added, deleted, relabelled or changed its split between two versions.

        "now" is the data set as it is. Raises UnknownVersion.
        """
        from curator.deliver.dataset import diff

        return diff(self, before, after)

    def export_model(
        self,
        folder: str | Path,
        run_id: int | None = None,
        *,
        pt2: bool = False,
        int8: bool = True,
        listener: Listener | None = None,
    ) -> ModelReport:
        """Write the model of a run, by default the one in use, to a new folder.

        ``pt2``: as a program of torch.export, too. ``int8``: a smaller model in 8 bits beside the
        others, where its answers agree. Raises TargetNotEmpty, NoRun, UnknownRun, FileError,
        WeightsMissing, BundleInvalid.
        """
        from curator.deliver import bundle

        arguments = {"out": str(folder), "run_id": run_id, "pt2": pt2, "int8": int8}
        return self._run("export-model", bundle.run, arguments, listener)

    def _run(
        self,
        kind: str,
        function: Callable[..., AnyReport],
        arguments: Mapping[str, object],
        listener: Listener | None,
    ) -> AnyReport:
        from curator.jobs import runner

        return runner.run(self, kind, function, arguments, listener)

    def waiting_jobs(self) -> list[WaitingJob]:
        """Jobs that were found in the project and that this user did not ask for: not run.

        Whoever made the project asked for them. :func:`curator.worker.run_waiting` runs one,
        :func:`curator.jobs.marks.dismiss` drops it.
        """
        from curator.jobs import marks

        return marks.offered(self)

    # Review

    def rank(self, top: int | None = None) -> pd.DataFrame:
        """Live images, most suspicious first, by the latest run. Raises NoRun."""
        from curator.review.queue.ranking import rank

        return rank(self, top)

    def queue(
        self, kind: str = "suspicious", filters: Filters | None = None, run_id: int | None = None
    ) -> Queue:
        """A review queue, as in :data:`curator.review.queue.kinds.QUEUES`: ids, words and a table.

        Spelt with blanks or hyphens: "top losses", "top-losses". ``filters``: such as
        ``Filters(label="black", split="test", host="example.org")``. ``run_id``: the run whose
        scores count; the newest one that ranks when left out. Raises InputError, UnknownClass,
        UnknownRun, NoRun.
        """
        from curator.review.queue.kinds import open_queue

        return open_queue(self, kind, filters, run_id)

    def similar(
        self,
        image_ids: Sequence[int] = (),
        *pictures: str | Path | bytes,
        filters: Filters | None = None,
        settings: FetchSettings | None = None,
    ) -> Queue:
        """The live images by their likeness to some of them, or to pictures from outside.

        ``pictures``: addresses, paths or bytes of files, which are not added to the project;
        ``settings``: how they are fetched. The queue's table has a column ``likeness``, a cosine
        of the features, -1..1. Raises InputError, UnknownImage, UnknownClass, NotEnoughData before
        the first check, and for pictures ProjectReadOnly, FileError, WeightsMissing,
        WeightsAltered.
        """
        from dataclasses import replace

        from curator.find.likeness import written
        from curator.review.queue.filters import Filters
        from curator.review.queue.kinds import open_queue

        taken = []
        if pictures:
            from curator.find.outside import take_in

            taken = [take_in(self, picture, settings) for picture in pictures]
        chosen = replace(filters or Filters(), like=written(image_ids, taken))
        return open_queue(self, "similar", chosen)

    def subset(
        self,
        number: int,
        way: Way = "diverse",
        *,
        filters: Filters | None = None,
        balanced: bool = False,
        without_duplicates: bool = False,
    ) -> Subset:
        """Choose live images: "diverse", "typical" of their class, or "random".

        The same choice for the same images and seed. ``balanced``: as many of each class;
        ``without_duplicates``: of near-duplicates only the best to keep. Raises InputError,
        UnknownClass, and NotEnoughData before the first check.
        """
        from curator.find.subsets import subset
        from curator.review.queue.kinds import open_queue

        return subset(
            self,
            open_queue(self, "all", filters).ids,
            number,
            way,
            balanced=balanced,
            without_duplicates=without_duplicates,
        )

    def concepts(self) -> list[Concept]:
        """What is looked for by name, with how many images likely show it. Raises NotEnoughData."""
        from curator.find.concepts import concept
        from curator.store import concepts

        with self.database.read() as connection:
            return [concept(self, connection, name) for name in concepts.names(connection)]

    def add_concept(
        self, name: str, shown_by: Sequence[int], missing_in: Sequence[int] = ()
    ) -> Concept:
        """Look for what some images show, and some others do not, under a name.

        ``queue("concept", Filters(like=name))`` holds the others in its order, and
        ``Filters(concept=name)`` narrows any queue to what likely shows it. One that was removed is
        back with its marks. Raises InputError, UnknownImage, NotEnoughData.
        """
        from curator.store import concepts

        with self.database.write() as connection:
            key = concepts.add(connection, name)
            concepts.mark(connection, key, shown_by, shows=True, picked=True)
            concepts.mark(connection, key, missing_in, shows=False, picked=True)
        return self._concept(name)

    def mark_concept(self, name: str, image_ids: Sequence[int], shows: bool) -> Concept:
        """Answer whether images of its queue show a concept. Raises InputError, UnknownImage."""
        from curator.store import concepts

        with self.database.write() as connection:
            key = concepts.marks(connection, name).id
            concepts.mark(connection, key, image_ids, shows, picked=False)
        return self._concept(name)

    def remove_concept(self, name: str) -> None:
        """Look for it no longer; its marks are kept. Raises InputError."""
        from curator.store import concepts

        with self.database.write() as connection:
            concepts.remove(connection, name)

    def _concept(self, name: str) -> Concept:
        from curator.find.concepts import concept

        with self.database.read() as connection:
            return concept(self, connection, " ".join(name.split()))

    def details(self, image_id: int, run_id: int | None = None) -> Details:
        """All that is known of one image, and why it was flagged. Raises UnknownImage, UnknownRun.

        ``run_id``: whose scores are told; the newest run that ranks when left out.
        """
        from curator.review.queue.details import details

        return details(self, image_id, run_id)

    def compare(self, before: int | None = None, after: int | None = None) -> Comparison:
        """Errors of two runs, by default the first and the newest, on the same validation images.

        Raises NoRun, UnknownRun.
        """
        from curator.review.comparison.compare import compare

        return compare(self, before, after)

    def advice(self) -> Advice:
        """Whether to go on reviewing: hits of the last pages, wrong labels that are left."""
        from curator.review.advice.stopping import advice

        return advice(self)

    def suggestions(self) -> list[Suggestion]:
        """Fixes that can be made as a batch; see :meth:`apply_suggestion`."""
        from curator.review.advice.fixes import suggestions

        return suggestions(self)

    def apply_suggestion(
        self, key: str, by: str | None = None, leave_out: Sequence[int] = ()
    ) -> ledger.Decided:
        """Make one of the suggested fixes, as one step of undo. Raises InputError."""
        from curator.review.advice.fixes import apply

        return apply(self, key, by=by, leave_out=leave_out)

    def duplicate_groups(self, start: int = 0, stop: int | None = None) -> list[DuplicateGroup]:
        """Groups of near-duplicates side by side, those of several classes first.

        ``start``, ``stop``: which of them, from 0. Dismissed groups are left out.
        """
        from curator.review.duplicates import described, groups

        return described(self, groups(self)[start:stop])

    def keep_duplicates(self, image_ids: Sequence[int], by: str | None = None) -> ledger.Decided:
        """Keep these of their groups of near-duplicates, and delete the others of those groups.

        All of a group: they are no duplicates, and it is dismissed. One step of undo. Raises
        InputError, UnknownImage.
        """
        from curator.review.duplicates import keep

        return keep(self, image_ids, by)

    def keep_best_duplicates(self, by: str | None = None) -> ledger.Decided:
        """Keep the best of every group whose labels agree, and delete the others undecided.

        One step of undo; dismissed groups stay.
        """
        from curator.review.duplicates import keep_best

        return keep_best(self, by)

    def confusion(self) -> pd.DataFrame:
        """Out-of-fold confusion matrix of the latest run: rows given, columns predicted."""
        from curator.review.confusion.matrix import confusion

        return confusion(self)

    def decide(
        self,
        image_ids: Sequence[int],
        action: ledger.Action,
        label: str | int | None = None,
        by: str | None = None,
        run_id: int | None = None,
        seen: Mapping[int, int | None] | None = None,
    ) -> ledger.Decided:
        """Record a decision on images: "keep", "delete", "relabel" (with ``label``), "unsure".

        And "several" (it shows things of more than one class) and "none" (of none of them).
        ``label`` may be a name that the class had before it was renamed, or its id.
        ``run_id``: the run whose scores were looked at; the one that ranks when left out.
        ``seen``: the last decision on each image that the reviewer saw; see
        :func:`curator.store.ledger.decide_each`. Raises UnknownImage, UnknownClass, UnknownRun;
        then nothing is recorded.
        """
        class_id = label if isinstance(label, int) else None
        if isinstance(label, str):
            with self.database.read() as connection:
                class_id = classes.find_class(connection, label, renamed=True).id
        run_id = self.ranking_run() if run_id is None else run_id
        return ledger.decide(self.database, image_ids, action, class_id, by, run_id, seen)

    def decide_each(
        self,
        choices: Sequence[ledger.Choice],
        by: str | None = None,
        run_id: int | None = None,
        seen: Mapping[int, int | None] | None = None,
    ) -> ledger.Decided:
        """Record a decision of its own for each image, all as one step of undo; see ``decide``."""
        run_id = self.ranking_run() if run_id is None else run_id
        return ledger.decide_each(self.database, choices, by, run_id, seen)

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
        return runs.table(self.database)

    def ranking_run(self) -> int | None:
        """Id of the newest run whose scores order the queues; None before the first."""
        with self.database.read() as connection:
            return runs.ranking_id(connection)

    def use_run(self, run_id: int | None) -> None:
        """Choose the run that is exported and reviewed from now on; None: always the newest.

        Without a choice it is the newest that was asked for, never an automatic refit, which may be
        chosen, however. Raises UnknownRun, NoRun.
        """
        runs.choose(self.database, run_id)

    def run_to_export(self) -> Run:
        """The run in use, whose model an export takes. Raises NoRun."""
        with self.database.read() as connection:
            return runs.to_export(connection)

    def status(self) -> Status:
        """Counts for every station: images, addresses, decisions, the newest run, what is left."""
        from curator.review.status import status

        return status(self)

    def _class_id(self, name: str | int) -> int:
        if isinstance(name, int):
            return name
        with self.database.read() as connection:
            return classes.find_class(connection, name).id


def _tuning(
    settings: FinetuneSettings | None, backbone: str | None, device: str | None
) -> dict[str, object]:
    """The arguments of a job that fine-tunes nothing yet."""
    chosen = {} if settings is None else settings.model_dump()
    return {"backbone": backbone, "device": device, **chosen}
