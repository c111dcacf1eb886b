"""What leaves a project: data sets, recipes, versions and models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from curator.project.verbs import Verbs

if TYPE_CHECKING:
    from curator.collect.http.client import FetchSettings
    from curator.deliver.bundle import ModelReport
    from curator.deliver.dataset import VersionDiff
    from curator.deliver.evaluate import EvaluationReport
    from curator.deliver.folder import ExportReport
    from curator.deliver.formats import FormatName
    from curator.deliver.preview import ExportPreview
    from curator.deliver.recipe.rebuild import RebuildReport
    from curator.deliver.recipe.write import RecipeReport
    from curator.jobs.progress import Listener
    from curator.serve.trying import Tried
    from curator.store.versions import TaggedVersion


class Delivering(Verbs):
    """Exports and what they are made from."""

    def evaluate(
        self, run_id: int | None = None, *, listener: Listener | None = None
    ) -> EvaluationReport:
        """Judge the model of a run, by default of the one in use, on the test images.

        Nothing else looks at them. The run records each time, and the model card tells how often.
        Raises NotEnoughData where there is no test image, or none that the run did not learn from,
        NoRun, UnknownRun, WeightsMissing.
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
        selection: str = "",
        listener: Listener | None = None,
    ) -> ExportReport:
        """Write every live image to a new folder with manifest.csv and a card, README.md.

        ``formats``: one or several at once; those that read folders share the pictures. ``link``:
        hard links to the project's originals, read-only, where the disk cannot share blocks.
        ``version``: one that was tagged, instead of the data set as it is. ``selection``: only the
        images of :meth:`select`.

        It appears whole or not at all. Raises TargetNotEmpty, InputError, UnknownVersion,
        NotEnoughData, FileError.
        """
        from curator.deliver import folder as data_set

        arguments: dict[str, object] = {"out": str(folder), "formats": list(formats)}
        arguments |= {"link": link, "version": version, "selection": selection}
        return self._run("export", data_set.run, arguments, listener)

    def preview_export(
        self,
        formats: Sequence[FormatName] = ("imagefolder",),
        *,
        version: str | None = None,
        selection: str = "",
        folder: str | Path | None = None,
    ) -> ExportPreview:
        """What :meth:`export` would write: files, about how many bytes, and the card.

        ``folder``: where, to tell the room on its disk. Raises InputError, UnknownVersion.
        """
        from curator.deliver.preview import preview

        out = None if folder is None else Path(folder).expanduser().resolve()
        return preview(self, formats, version, out, selection)

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
            "settings": {} if settings is None else settings.given(),
        }
        return self._run("rebuild", rebuild.run, arguments, listener)

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
