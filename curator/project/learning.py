"""Runs: training, what it would cost, and comparing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from curator.project.verbs import Verbs
from curator.store import runs

if TYPE_CHECKING:
    import pandas as pd

    from curator.cluster.settings import ClusterSettings
    from curator.jobs.progress import Listener
    from curator.learn.curve.measure import CurveReport
    from curator.learn.finetune.cost_job import CostReport
    from curator.learn.finetune.rate_job import RateReport
    from curator.learn.finetune.settings import FinetuneSettings
    from curator.learn.instant.refit_job import RefitReport
    from curator.learn.instant.settings import InstantSettings
    from curator.learn.networks import BackbonesReport
    from curator.learn.tracing import Stage
    from curator.learn.train import TrainReport
    from curator.learn.weak.spots import WeakSpots
    from curator.review.comparison.compare import Comparison
    from curator.store.runs import Run


class Learning(Verbs):
    """Training and its runs."""

    def train(
        self,
        settings: InstantSettings | FinetuneSettings | None = None,
        *,
        backbone: str | None = None,
        device: str | None = None,
        tensorboard: str | Path | None = None,
        cluster: ClusterSettings | None = None,
        listener: Listener | None = None,
    ) -> TrainReport:
        """Train on every live image, score them all, and record a run.

        The settings' type says by which recipe; None: the instant one as it comes. ``backbone``: a
        name of `curator backbones`, or timm:NAME; ``device``: "cpu", "cuda" or "mps"; both chosen
        when None. ``tensorboard``: a folder that gets the curves, too. ``cluster``: the instant
        heads' sums over the images are made there, by Ray; of the settings the address alone
        counts. Raises NotEnoughData, InputError, WeightsMissing, WeightsAltered, FileError; on a
        cluster also PackageMissing without Ray, JobError where none answers.
        """
        from curator.learn import train
        from curator.learn.instant.settings import InstantSettings
        from curator.learn.recipes import recipe_with

        chosen = InstantSettings() if settings is None else settings
        arguments = {
            "recipe": recipe_with(chosen, cluster).name,
            "backbone": backbone,
            "device": device,
            "tensorboard": None if tensorboard is None else str(tensorboard),
            **chosen.model_dump(),
        }
        if cluster is not None:
            arguments["cluster"] = cluster.given()
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

    def weak_spots(self, run_id: int | None = None) -> WeakSpots:
        """Clusters of like images that are judged worse than the rest, and shortcuts.

        A shortcut is something like the host or the border by which the class can be told without
        looking at what the pictures show. ``run_id``: by default the run that ranks. What is found
        is kept, and the check shows it; each training looks by itself. Raises NoRun, UnknownRun,
        NotEnoughData.
        """
        from curator.learn.weak.spots import find

        return find(self, run_id)

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

    def try_backbones(
        self,
        *,
        images: int = 500,
        device: str | None = None,
        listener: Listener | None = None,
    ) -> BackbonesReport:
        """Compare the networks whose weights are on this machine on some of this project's images.

        ``images``: at least 20, about as many of each class. Nothing is downloaded and no run is
        recorded; what is encoded is kept. Raises InputError, NotEnoughData, WeightsAltered,
        FileError.
        """
        from curator.learn import networks

        arguments: dict[str, object] = {"images": images, "device": device}
        return self._run("backbones", networks.run, arguments, listener)

    def trace(self, image_id: int | None = None) -> tuple[Stage, ...]:
        """One image, by default the first, through every stage: what to look at when one fails.

        Raises UnknownImage, NotEnoughData.
        """
        from curator.learn.tracing import trace

        return trace(self, image_id)

    def runs(self) -> pd.DataFrame:
        """All runs, oldest first, with their figures."""
        return runs.table(self.database)

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

    def held_back_run(self) -> Run | None:
        """The newest run, where it was no better than the one that therefore stays in use."""
        with self.database.read() as connection:
            return runs.held_back(connection)

    def compare(self, before: int | None = None, after: int | None = None) -> Comparison:
        """Errors of two runs, by default the first and the newest, on the same validation images.

        Raises NoRun, UnknownRun.
        """
        from curator.review.comparison.compare import compare

        return compare(self, before, after)


def _tuning(
    settings: FinetuneSettings | None, backbone: str | None, device: str | None
) -> dict[str, object]:
    """The arguments of a job that fine-tunes nothing yet."""
    chosen = {} if settings is None else settings.model_dump()
    return {"backbone": backbone, "device": device, **chosen}
