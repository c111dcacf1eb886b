"""What is like what: by features, subsets and concepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from curator.project.verbs import Verbs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from curator.collect.http.client import FetchSettings
    from curator.find.concepts import Concept
    from curator.find.map.colours import Colouring
    from curator.find.map.kept import ImageMap
    from curator.find.map.region import WrongShare
    from curator.find.subsets import Subset, Way
    from curator.find.unlabelled import Accepted
    from curator.find.why import Explanation
    from curator.find.words import FindNeeds
    from curator.jobs.progress import Listener
    from curator.review.queue.filters import Filters
    from curator.review.queue.kinds import Queue
    from curator.store.concepts import Marks
    from curator.store.ledger import Decided


class Finding(Verbs):
    """What is alike in a project."""

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

    def find(
        self,
        text: str,
        *,
        filters: Filters | None = None,
        device: str | None = None,
        listener: Listener | None = None,
    ) -> Queue:
        """The live images by their likeness to words, such as "a drawing of a bear".

        By a network that is downloaded once (:mod:`curator.encode.backbones.clip`) and looks once
        at every image. The queue's table has a column ``likeness``, a cosine, -1..1, whose order
        alone says something. ``device``: "cpu", "cuda" or "mps", the fastest there unless told.
        Raises InputError, UnknownClass, PackageMissing without the extra ``text``, NotEnoughData
        without an image, WeightsMissing, WeightsAltered, ProjectReadOnly, FileError.
        """
        from dataclasses import replace

        from curator.find import words, words_job
        from curator.review.queue.filters import Filters
        from curator.review.queue.kinds import open_queue

        if not words.is_ready(self, text):
            self._run("find", words_job.run, {"text": text, "device": device}, listener)
        chosen = replace(filters or Filters(), like=words.normalised(text))
        return open_queue(self, "words", chosen)

    def find_needs(self) -> FindNeeds:
        """What has to be there before :meth:`find` can answer; it gets that. Raises FileError."""
        from curator.find.words import needs

        return needs(self)

    def accept(
        self,
        image_ids: Sequence[int],
        *,
        by: str | None = None,
        seen: Mapping[int, int | None] | None = None,
        dry_run: bool = False,
    ) -> Accepted:
        """Give pictures without a label the class that the model takes them for, as one act.

        Nobody has decided on them then: they come to the review as those of a list do.

        They are of the queues "surest", "label next" and "strangest". Says how many are likely
        wrong; with ``dry_run`` that alone. ``seen``: see :meth:`decide`. Raises NoRun, InputError.
        """
        from curator.find.unlabelled import accept

        return accept(self, image_ids, by=by, seen=seen, dry_run=dry_run)

    def select(self, image_ids: Sequence[int] | NDArray[np.int64]) -> str:
        """Keep images under a name: ``Filters(selection=name)`` narrows any queue to them.

        The same images, the same name. Raises InputError for none, ProjectReadOnly, FileError.
        """
        import numpy as np

        from curator.find import selections

        return selections.keep(self, np.asarray(image_ids, dtype=np.int64))

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

    def map(self, anew: bool = False, *, listener: Listener | None = None) -> ImageMap:
        """Lay out all live images in a plane, or place those that came since; the map.

        Those that are on it stay where they are, but with ``anew``. Features that lack are computed
        first. Raises NotEnoughData without an image, WeightsMissing, WeightsAltered, FileError.
        """
        from curator.find.map import job, kept

        self._run("map", job.run, {"anew": anew}, listener)
        found = kept.read(self)
        assert found is not None
        return found

    def kept_map(self) -> ImageMap | None:
        """The map as it was computed last, of the images that are still live. None: never.

        Raises ProjectAltered for a file that is none.
        """
        from curator.find.map import kept

        return kept.read(self)

    def region(self, polygon: NDArray[np.floating]) -> NDArray[np.int64]:
        """Ids of the images in a polygon (k, 2) on the map, ascending. Raises InputError.

        Raises NotEnoughData before the first map, ProjectAltered.
        """
        from curator.errors import NotEnoughData
        from curator.find.map import region

        shown = self.kept_map()
        if shown is None:
            raise NotEnoughData("There is no map yet.", "Compute it: `curator map PROJECT`.")
        return shown.image_ids[region.inside(shown.points, polygon)]

    def colouring(self, image_ids: NDArray[np.int64], by: str) -> Colouring:
        """What dots of the map are coloured by; ``image_ids`` (n,) ascending.

        ``by``: one of :data:`curator.find.map.colours.COLOURS` or "concept:NAME". Raises
        InputError, NotEnoughData.
        """
        from curator.find.map.colours import colouring

        return colouring(self, image_ids, by)

    def wrong_within(self, image_ids: Sequence[int] | NDArray[np.int64]) -> WrongShare:
        """How many labels are likely wrong among these images, with a 95 % interval."""
        import numpy as np

        from curator.find.map.region import wrong_within

        return wrong_within(self, np.asarray(image_ids, dtype=np.int64))

    def concepts(self) -> list[Concept]:
        """What is looked for by name, with how many images likely show it."""
        from curator.find.concepts import concept
        from curator.store import concepts

        with self.database.read() as connection:
            return [concept(self, connection, name) for name in concepts.names(connection)]

    def concept(self, name: str) -> Concept:
        """What is looked for under this name. Raises InputError."""
        from curator.find.concepts import concept

        with self.database.read() as connection:
            return concept(self, connection, name)

    def concept_names(self) -> list[str]:
        """The names of :meth:`concepts`, in their order."""
        from curator.store import concepts

        with self.database.read() as connection:
            return concepts.names(connection)

    def concept_called(self, concept_id: int) -> str | None:
        """What the concept of this id is called now; None where it was removed."""
        from curator.store import concepts

        with self.database.read() as connection:
            return concepts.called(connection, concept_id)

    def concept_marks(self, name: str) -> Marks:
        """Which images a person said show a concept, and which not. Raises InputError."""
        from curator.store import concepts

        with self.database.read() as connection:
            return concepts.marks(connection, name)

    def add_concept(
        self, name: str, shown_by: Sequence[int], missing_in: Sequence[int] = ()
    ) -> Concept:
        """Look for what some images show, and some others do not, under a name.

        ``queue("concept", Filters(like=name))`` holds the others in its order, and
        ``Filters(concept=name)`` narrows any queue to what likely shows it. One that was removed is
        back with its marks. All of it is one step of undo. Raises InputError, UnknownImage.
        """
        from curator.store import concept_changes

        answers = {**dict.fromkeys(shown_by, True), **dict.fromkeys(missing_in, False)}
        with self.database.write() as connection:
            concept_changes.look_for(connection, name, answers)
        return self.concept(name)

    def mark_concept(self, name: str, image_ids: Sequence[int], shows: bool) -> Decided:
        """Answer whether images of its queue show a concept, as one step of undo.

        :meth:`concept` says what is known then. Raises InputError, UnknownImage.
        """
        from curator.store import concepts

        with self.database.write() as connection:
            answers = dict.fromkeys(image_ids, shows)
            return concepts.mark(connection, name, answers, picked=False)

    def rename_concept(self, name: str, new: str) -> Decided:
        """Look for it under another name, as one step of undo. Raises InputError."""
        from curator.store import concept_changes

        with self.database.write() as connection:
            return concept_changes.rename(connection, name, new)

    def remove_concept(self, name: str) -> Decided:
        """Look for it no longer, as one step of undo; its marks are kept. Raises InputError."""
        from curator.store import concept_changes

        with self.database.write() as connection:
            return concept_changes.remove(connection, name)

    def explain(self, image_id: int, run_id: int | None = None) -> Explanation:
        """Tell what in an image speaks for its label and for what the model says, place by place.

        Exact where the network ends in a mean over places and a linear head, frozen or fine-tuned;
        else approximate, and ``exact`` is False. ``run_id``: of which run, by default the one whose
        scores order the review. Raises NoRun, UnknownRun, UnknownImage, OriginalMissing,
        OriginalAltered, ProjectAltered, WeightsMissing, WeightsAltered.
        """
        from curator.find.why import explain

        return explain(self, image_id, run_id)
