"""What the check finds, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from curator.project.verbs import Verbs
from curator.store import ledger

if TYPE_CHECKING:
    from curator.check.held_out import HeldOut
    from curator.check.report import CheckReport
    from curator.cluster.settings import ClusterSettings
    from curator.jobs.progress import Listener
    from curator.review.duplicates import DuplicateGroup


class Checking(Verbs):
    """The check, its findings, and near-duplicates."""

    def check(
        self, *, cluster: ClusterSettings | None = None, listener: Listener | None = None
    ) -> CheckReport:
        """Measure and compare images, give every one its split, and say what is wrong.

        ``cluster``: features that lack are computed there, by Ray; of the settings the address
        alone counts. Raises WeightsMissing, WeightsAltered, FileError; on a cluster also
        PackageMissing without Ray, JobError where none answers.
        """
        from curator.check import job

        arguments: dict[str, object] = {}
        if cluster is not None:
            arguments["cluster"] = cluster.given()
        return self._run("check", job.run, arguments, listener)

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

    def draw_test(self, share: float, by: str | None = None) -> HeldOut:
        """Put a share of each class's images, 0..0.5, aside as a test that no training sees.

        Near-duplicates stay together, images of an imported test folder stay where they are, and
        training and validation keep some of each class. The share holds for images that come later;
        a smaller one than before takes none back, 0 gives all back. One step of undo. A run from
        before has learnt from these images, so :meth:`evaluate` judges it on none of them. Raises
        InputError, ProjectReadOnly.
        """
        from curator.check import held_out

        return held_out.draw(self, share, by)

    def preview_test(self, share: float) -> HeldOut:
        """What :meth:`draw_test` would do. Raises InputError."""
        from curator.check import held_out

        return held_out.preview(self, share)

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
