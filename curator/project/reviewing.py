"""Queues, decisions, and how far the review is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from curator.project.verbs import Verbs
from curator.store import classes, ledger, ledger_log
from curator.store.vocabulary import Action

if TYPE_CHECKING:
    import pandas as pd

    from curator.review.advice.fixes import Suggestion
    from curator.review.advice.stopping import Advice
    from curator.review.queue.details import Details
    from curator.review.queue.filters import Filters
    from curator.review.queue.kinds import Queue
    from curator.review.status import Status


class Reviewing(Verbs):
    """Looking at images and deciding on them."""

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

    def details(self, image_id: int, run_id: int | None = None) -> Details:
        """All that is known of one image, and why it was flagged. Raises UnknownImage, UnknownRun.

        ``run_id``: whose scores are told; the newest run that ranks when left out.
        """
        from curator.review.queue.details import details

        return details(self, image_id, run_id)

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

    def confusion(self) -> pd.DataFrame:
        """Out-of-fold confusion matrix of the latest run: rows given, columns predicted."""
        from curator.review.confusion.matrix import confusion

        return confusion(self)

    def decide(
        self,
        image_ids: Sequence[int],
        action: Action,
        label: str | int | None = None,
        by: str | None = None,
        run_id: int | None = None,
        seen: Mapping[int, int | None] | None = None,
        reached: Callable[[int], None] = lambda _: None,
    ) -> ledger.Decided:
        """Record a decision on images: "keep", "delete", "relabel" (with ``label``), "unsure".

        And "several" (it shows things of more than one class) and "none" (of none of them).
        ``label`` may be a name that the class had before it was renamed, or its id.
        ``run_id``: the run whose scores were looked at; the one that ranks when left out.
        ``seen``: the last decision on each image that the reviewer saw; see
        :func:`curator.store.ledger.decide_each`. ``reached``: is told now and then how many images
        are done. Raises UnknownImage, UnknownClass, UnknownRun;
        then nothing is recorded.
        """
        class_id = label if isinstance(label, int) else None
        if isinstance(label, str):
            with self.database.read() as connection:
                class_id = classes.find_class(connection, label, renamed=True).id
        run_id = self.ranking_run() if run_id is None else run_id
        return ledger.decide(self.database, image_ids, action, class_id, by, run_id, seen, reached)

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

    def undo(self, steps: int = 1, by: str | None = None) -> list[ledger.Decided]:
        """Take back the last acts, on images or classes, newest first. Raises NothingToUndo."""
        return ledger.undo(self.database, steps, by)

    def redo(self, steps: int = 1, by: str | None = None) -> list[ledger.Decided]:
        """Do again what was just undone, the last undone first. Raises NothingToRedo."""
        return ledger.redo(self.database, steps, by)

    def log(self, limit: int | None = None) -> pd.DataFrame:
        """The ledger of decisions, newest first."""
        return ledger_log.log(self.database, limit)

    def status(self) -> Status:
        """Counts for every station: images, addresses, decisions, the newest run, what is left."""
        from curator.review.status import status

        return status(self)
