"""What may be set of a fine-tuning run. Light: imports no torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Literal

from curator.errors import InputError


@dataclass(frozen=True)
class EngineSettings:
    """How to train. Raises :class:`~curator.errors.InputError` for a value out of its range."""

    epochs: int = 4
    """Passes over the training images with all layers learning; 0 or more."""
    frozen_epochs: int = 1
    """Passes before those, in which the head alone learns; 0 or more."""
    rate: float = 3e-3
    """Peak learning rate of the head while the body is frozen; above 0, at most 10."""
    unfrozen_rate: float | None = None
    """Peak learning rate of the last layers once all layers learn; None: a tenth of ``rate``."""
    spread: float = 10.0
    """The first layers' rate is the last layers' divided by this; 1 or more, 1: all alike."""
    batch: int | None = None
    """Images a step; None: 64 on a GPU, 32 on a CPU, fewer where an epoch had under 8 steps."""
    train_scale: float = 1.0
    """Side of the training views over the side that predictions use, 0.25 to 1.5. Smaller is
    faster by about its square; networks that take one size alone (ViT) need 1."""
    batch_statistics: bool = False
    """Let batch normalisation follow the batches while all layers learn. Needed from random
    weights; with pretrained ones and a few hundred images it doubles the errors (480 bears, two
    epochs: 8 and 9 of 96 wrong, against 4 and 4 with the statistics that came with the weights)."""
    weight_decay: float = 0.01
    """Decoupled (AdamW), on weight matrices and filters alone; 0 to 1."""
    label_smoothing: float = 0.1
    """Share of the target that is spread over all classes; 0 or more, below 1."""
    mixup: float = 0.0
    """Alpha of the Beta distribution that two images are mixed by; 0: off; at most 10."""
    clip: float | None = 1.0
    """Longest gradient, as the norm over all parameters; above 0; None: as long as it is."""
    patience: int | None = None
    """Stop after this many epochs in which neither validation loss nor error got better, and keep
    the best epoch; 1 or more; None: never."""
    keep: Literal["last", "best"] = "last"
    """Which epoch's weights are the result. "best" picks by the validation images, whose error then
    flatters: it is no estimate for new images any more."""
    balance: bool = False
    """Draw images of rare classes as often as those of frequent ones."""
    min_scale: float = 0.75
    """Least area of a training view over that of the centre crop; above 0, at most 1."""
    stretch: float = 4 / 3
    """Largest ratio of a view's width to its height, and of height to width, 1 to 4."""
    flip: bool = True
    """Mirror half of the views left to right; wrong where left and right matter, as in text."""
    rotate: float = 10.0
    """Largest turn of a view in degrees, 0 to 180."""
    lighting: float = 0.2
    """Largest change of brightness and contrast, as a share; 0 or more, below 1."""
    seed: int = 42
    """Of every random number drawn; 0 or more."""

    def __post_init__(self) -> None:
        _whole("epochs", self.epochs, 0)
        _whole("frozen_epochs", self.frozen_epochs, 0)
        if self.epochs + self.frozen_epochs == 0:
            raise InputError("epochs=0 and frozen_epochs=0 train nothing.", "Ask for one epoch.")
        _between("rate", self.rate, 0, 10, above=True)
        if self.unfrozen_rate is not None:
            _between("unfrozen_rate", self.unfrozen_rate, 0, 10, above=True)
        _between("spread", self.spread, 1, 1e6)
        if self.batch is not None:
            _whole("batch", self.batch, 1)
        _between("train_scale", self.train_scale, 0.25, 1.5)
        _between("weight_decay", self.weight_decay, 0, 1)
        _between("label_smoothing", self.label_smoothing, 0, 1, below=True)
        _between("mixup", self.mixup, 0, 10)
        if self.clip is not None:
            _between("clip", self.clip, 0, math.inf, above=True)
        if self.patience is not None:
            _whole("patience", self.patience, 1)
        if self.keep not in {"last", "best"}:
            raise InputError(f"keep={self.keep!r} is no choice.", 'Use "last" or "best".')
        _between("min_scale", self.min_scale, 0, 1, above=True)
        _between("stretch", self.stretch, 1, 4)
        _between("rotate", self.rotate, 0, 180)
        _between("lighting", self.lighting, 0, 1, below=True)
        _whole("seed", self.seed, 0)

    @property
    def total_epochs(self) -> int:
        """Frozen and unfrozen ones."""
        return self.frozen_epochs + self.epochs

    @property
    def upper_rate(self) -> float:
        """Peak learning rate of the last layers once all layers learn."""
        return self.rate / 10 if self.unfrozen_rate is None else self.unfrozen_rate

    def batch_for(self, device: str, rows: int) -> int:
        """Images a step for ``rows`` training images on ``device`` ("cpu", "cuda" or "mps")."""
        if self.batch is not None:
            return min(self.batch, rows)
        usual = 32 if device == "cpu" else 64
        # Fewer than some eight steps an epoch leave a one-cycle schedule no room.
        return max(1, min(usual, max(8, rows // 8), rows))

    def record(self) -> dict[str, object]:
        """All of it, for the run's settings and its fingerprint."""
        return asdict(self)


@dataclass(frozen=True)
class FinetuneSettings(EngineSettings):
    """What a user may set of a fine-tuning: the engine's settings, and how the run is judged."""

    out_of_fold: bool = False
    """Train once more for each fold, to judge every image out-of-fold."""
    folds: int = 5
    """2 or more."""
    mirror: bool = False
    """Average each prediction with that of the mirrored image."""
    warm: bool = True
    """Begin with the head that the instant recipe finds on the same images, not with a random one.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.folds < 2:
            raise InputError(f"folds={self.folds} holds nothing out.", "Use 2 or more.")

    @property
    def engine(self) -> EngineSettings:
        """What the engine is to know, and a checkpoint must agree in."""
        return EngineSettings(**{f.name: getattr(self, f.name) for f in fields(EngineSettings)})


def _whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(
            f"{name}={value!r} is not a whole number of at least {least}.",
            f"Set {name} to {least} or more.",
        )


def _between(
    name: str, value: float, low: float, high: float, *, above: bool = False, below: bool = False
) -> None:
    """``above``, ``below``: the end itself is refused."""
    good = not isinstance(value, bool) and isinstance(value, int | float) and low <= value <= high
    if not good or (above and value == low) or (below and value == high) or math.isinf(value):
        start = f"above {low:g}" if above else f"at least {low:g}"
        end = "" if high == math.inf else f" and {'below' if below else 'at most'} {high:g}"
        raise InputError(f"{name}={value!r} is out of its range.", f"Use {start}{end}.")
