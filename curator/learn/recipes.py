"""The recipes: the ways to get from images to a model, as one interface.

Whoever handles runs asks the recipe for what differs, never for its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from curator.errors import InputError
from curator.learn.finetune.recipe import FinetuneRecipe
from curator.learn.finetune.settings import FinetuneSettings
from curator.learn.instant.recipe import InstantRecipe
from curator.learn.instant.settings import InstantSettings

if TYPE_CHECKING:
    from pathlib import Path

    from curator.cluster.settings import ClusterSettings
    from curator.encode.backbones import Backbone
    from curator.jobs.progress import Progress
    from curator.learn.recording import Outcome
    from curator.learn.training_set import TrainingSet
    from curator.store.run_json import FindingRow, Metrics
    from curator.store.workspace import Workspace

Settings = InstantSettings | FinetuneSettings


class Recipe(Protocol):
    """A way to train, with its settings."""

    name: ClassVar[str]
    """As it is kept with the run."""
    takes_minutes: ClassVar[bool]
    """Whether it is long work, whose cost is worth measuring before."""
    backbone_is: ClassVar[str]
    """What the backbone is in the model, in a word: "frozen", "fine-tuned"."""
    keeps_head: ClassVar[bool]
    """Whether the kept head judges images by the features that are stored of them."""

    @property
    def needs_mirrored_features(self) -> bool:
        """Whether features of the mirrored images are needed, too."""

    def fit(self, workspace: Workspace, progress: Progress, data: TrainingSet) -> Outcome:
        """Train, and judge every image. Raises NotEnoughData, InputError, JobCancelled."""

    @staticmethod
    def findings(data: TrainingSet, outcome: Outcome, figures: Metrics, /) -> list[FindingRow]:
        """What the training table says, most serious first."""

    @staticmethod
    def model(folder: Path, backbone: Backbone, /) -> bytes:
        """Backbone and head of a run, from what is kept in its ``folder``, as one file."""


RECIPES: dict[str, type[InstantRecipe] | type[FinetuneRecipe]] = {
    InstantRecipe.name: InstantRecipe,
    FinetuneRecipe.name: FinetuneRecipe,
}


def recipe_named(name: str) -> type[InstantRecipe] | type[FinetuneRecipe]:
    """The recipe of that name. Raises InputError."""
    if name not in RECIPES:
        raise InputError(f"There is no recipe {name!r}.", f"Use one of {', '.join(RECIPES)}.")
    return RECIPES[name]


def recipe_with(settings: Settings, cluster: ClusterSettings | None = None) -> Recipe:
    """The recipe that these are the settings of; ``cluster``: where it computes, None: here.

    Raises InputError for one that computes on one machine alone.
    """
    if isinstance(settings, InstantSettings):
        return InstantRecipe(settings, cluster)
    if cluster is not None:
        raise InputError(
            "Fine-tuning runs on one machine.",
            "Leave the cluster out, or train by the recipe instant.",
        )
    return FinetuneRecipe(settings)
