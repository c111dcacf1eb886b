"""What may be set of a fine-tuning run. Light: imports no torch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from curator.errors import InputError
from curator.settings import Settings


class EngineSettings(Settings):
    """How to train. Raises :class:`~curator.errors.InputError` for a value out of its range."""

    epochs: int = Field(
        default=4, ge=0, description="passes over the training images with all layers learning"
    )
    frozen_epochs: int = Field(
        default=1, ge=0, description="passes before those, in which the head alone learns"
    )
    rate: float = Field(
        default=3e-3,
        gt=0,
        le=10,
        description="peak learning rate of the head while the body is frozen",
    )
    unfrozen_rate: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="peak learning rate of the last layers once all layers learn; None: a tenth of"
        " rate",
    )
    spread: float = Field(
        default=10.0,
        ge=1,
        le=1e6,
        description="the first layers' rate is the last layers' divided by this; 1: all alike",
    )
    batch: int | None = Field(
        default=None,
        ge=1,
        description="images a step; None: 64 on a GPU, 32 on a CPU, fewer where an epoch had under"
        " 25 steps, but 8",
    )
    train_scale: float = Field(
        default=1.0,
        ge=0.25,
        le=1.5,
        description="side of the training views over the side that predictions use; smaller is"
        " faster by about its square; networks that take one size alone (ViT) need 1",
    )
    first_scale: float | None = Field(
        default=None,
        ge=0.25,
        le=1.5,
        description="train_scale of the first epoch; it grows evenly to train_scale in the last;"
        " None: the same in all. Small first saves time",
    )
    weight_average: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="judge and keep an exponential moving average of the weights, of which each"
        " step leaves this share; 0.99 spans some hundred steps; 0: off",
    )
    # With pretrained weights and a few hundred images it doubles the errors (480 bears, two epochs:
    # 8 and 9 of 96 wrong, against 4 and 4 with the statistics that came with the weights).
    batch_statistics: bool = Field(
        default=False,
        description="let batch normalisation follow the batches while all layers learn; needed from"
        " random weights, harmful with pretrained ones and a few hundred images",
    )
    weight_decay: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="decoupled (AdamW), on weight matrices and filters alone",
    )
    label_smoothing: float = Field(
        default=0.1, ge=0, lt=1, description="share of the target that is spread over all classes"
    )
    mixup: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="alpha of the Beta distribution that two images are mixed by; 0: off",
    )
    clip: float | None = Field(
        default=1.0,
        gt=0,
        description="longest gradient, as the norm over all parameters; None: as long as it is",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="stop after this many epochs in which neither validation loss nor error got"
        " better, and keep the best epoch; None: never",
    )
    keep: Literal["last", "best"] = Field(
        default="last",
        description="which epoch's weights are the result; best picks by the validation images,"
        " whose error then flatters: it is no estimate for new images any more",
    )
    balance: bool = Field(
        default=False, description="draw images of rare classes as often as those of frequent ones"
    )
    min_scale: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="least area of a training view over that of the centre crop",
    )
    stretch: float = Field(
        default=4 / 3,
        ge=1,
        le=4,
        description="largest ratio of a view's width to its height, and of height to width",
    )
    flip: bool | None = Field(
        default=None,
        description="mirror half of the views left to right; wrong where left and right matter, as"
        " in text; None: unless the instant head takes mirrored validation images for others",
    )
    rotate: float = Field(
        default=10.0, ge=0, le=180, description="largest turn of a view in degrees"
    )
    lighting: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="largest change of brightness and contrast, as a share",
    )
    seed: int = Field(default=42, ge=0, description="of every random number drawn")

    @model_validator(mode="after")
    def _trains(self) -> Self:
        if self.epochs + self.frozen_epochs == 0:
            raise InputError("epochs=0 and frozen_epochs=0 train nothing.", "Ask for one epoch.")
        return self

    @property
    def total_epochs(self) -> int:
        """Frozen and unfrozen ones."""
        return self.frozen_epochs + self.epochs

    @property
    def upper_rate(self) -> float:
        """Peak learning rate of the last layers once all layers learn."""
        return self.rate / 10 if self.unfrozen_rate is None else self.unfrozen_rate

    def scale_in(self, epoch: int) -> float:
        """Side of the training views in ``epoch``, from 1, over the side that predictions use."""
        if self.first_scale is None or self.total_epochs == 1:
            return self.train_scale
        done = (epoch - 1) / (self.total_epochs - 1)
        return self.first_scale + (self.train_scale - self.first_scale) * done

    def batch_for(self, device: str, rows: int) -> int:
        """Images a step for ``rows`` training images on ``device`` ("cpu", "cuda" or "mps")."""
        if self.batch is not None:
            return min(self.batch, rows)
        usual = 32 if device == "cpu" else 64
        # Few steps leave the network worse than it was: docs/experiments.md, "Fine-tuning".
        return max(1, min(usual, max(8, rows // 25), rows))


class FinetuneSettings(EngineSettings):
    """What a user may set of a fine-tuning: the engine's settings, and how the run is judged."""

    frozen_epochs: int = Field(
        default=0,
        ge=0,
        description="passes before those, in which the head alone learns; not needed where it"
        " begins with the instant head",
    )
    out_of_fold: bool = Field(
        default=False,
        description="train once more for each fold, to judge every image out-of-fold",
    )
    folds: int = Field(
        default=5, ge=2, description="parts that are held out in turn, when out_of_fold is set"
    )
    mirror: bool = Field(
        default=False, description="average each prediction with that of the mirrored image"
    )
    warm: bool = Field(
        default=True,
        description="begin with the head that the instant recipe finds on the same images, not with"
        " a random one, which frozen_epochs must teach first",
    )

    @property
    def engine(self) -> EngineSettings:
        """What the engine is to know, and a checkpoint must agree in."""
        return EngineSettings(**{name: getattr(self, name) for name in EngineSettings.model_fields})
