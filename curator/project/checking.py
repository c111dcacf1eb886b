"""What the check finds, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from curator.project.verbs import Verbs
from curator.store import ledger

if TYPE_CHECKING:
    from curator.check.report import CheckReport
    from curator.jobs.progress import Listener
    from curator.review.duplicates import DuplicateGroup


class Checking(Verbs):
    """The check, its findings, and near-duplicates."""

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
