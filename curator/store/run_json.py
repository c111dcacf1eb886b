"""The JSON that is kept with a run: its figures, its settings and its training table, as types.

Rates and probabilities are 0..1, with the ends of their 95 % intervals; None stands where there was
no image to judge. An older project may lack what is marked as not required.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Quality(TypedDict):
    """How good the answers on some images are."""

    images: int
    wrong: int
    error: float | None
    low: float | None
    high: float | None
    log_loss: NotRequired[float | None]
    brier: NotRequired[float | None]
    brier_low: NotRequired[float | None]
    brier_high: NotRequired[float | None]
    calibration_error: NotRequired[float | None]
    calibration_by_chance: NotRequired[float | None]


class Interval(TypedDict):
    """A value with the ends of its interval."""

    value: float | None
    low: float | None
    high: float | None


class ClassFigures(TypedDict):
    """One class; ``support``: its images."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


ReliabilityBin = TypedDict(
    "ReliabilityBin",
    {
        "from": float | None,
        "to": float | None,
        "confidence": float | None,
        "accuracy": float | None,
        "images": int,
    },
)
"""Answers of about one confidence, ``from`` to ``to``, and how many of them are right."""


class Baselines(TypedDict):
    """Errors of what has learnt next to nothing."""

    majority: float | None
    nearest_mean_image: float | None


class FindingRow(TypedDict):
    """One thing that the curves of a fine-tuning show."""

    code: str
    sentence: str
    next_step: str


class ElsewhereFigures(TypedDict):
    """The error on pictures from sites that the heads had not seen, and the usual one of them."""

    images: int
    sites: int
    error: float
    low: float
    high: float
    usual: float


class Metrics(TypedDict):
    """The figures of a run. ``judged_on``: of which images those below it are."""

    out_of_fold: Quality
    valid: Quality
    judged_on: NotRequired[str]
    temperature: NotRequired[float | None]
    macro_f1: NotRequired[Interval]
    per_class: list[ClassFigures]
    confusion: list[list[int]]
    reliability: NotRequired[list[ReliabilityBin]]
    baselines: Baselines
    diagnosis: NotRequired[list[FindingRow]]
    elsewhere: NotRequired[ElsewhereFigures]
    seconds: NotRequired[float]
    seconds_features: NotRequired[float]


class StepRow(TypedDict):
    """A step of the instant recipe's training table."""

    step: int
    train_loss: float | None
    valid_loss: float | None
    error_rate: float | None
    seconds: float


class EpochRow(TypedDict):
    """An epoch of a fine-tuning; ``phase``: "head" or "all" of the network learns."""

    epoch: int
    phase: str
    train_loss: float | None
    valid_loss: float | None
    error_rate: float | None
    rate: float
    seconds: float


HistoryRow = StepRow | EpochRow


class Candidate(TypedDict):
    """A strength of regularisation that was tried, and the held-out loss it reached."""

    l2: float
    log_loss: float


class RunSettings(TypedDict, total=False):
    """What was asked for and what was chosen. Which keys there are depends on the recipe."""

    classes: list[int]
    images: int
    data_sha256: str
    """Of the data set that it learnt from; see :func:`curator.store.versions.data_digest`."""
    unreadable: int
    choice: str
    features: str
    device: str
    runtime: str
    versions: dict[str, str]
    weights_sha256: str | None
    """Of the file that the backbone's weights came from; None where it is not known."""
    notes: list[str]
    seed: int
    temperature: float
    # both recipes
    folds: int
    balance: bool
    mirror: bool
    # instant
    l2: float | None
    calibrate: bool
    doubt: bool
    l2_used: float
    candidates: list[Candidate]
    # finetune
    epochs: int
    frozen_epochs: int
    rate: float
    unfrozen_rate: float | None
    spread: float
    batch: int | None
    train_scale: float
    first_scale: float | None
    weight_average: float
    batch_statistics: bool
    weight_decay: float
    label_smoothing: float
    mixup: float
    clip: float | None
    patience: int | None
    keep: str
    min_scale: float
    stretch: float
    flip: bool | None
    rotate: float
    lighting: float
    out_of_fold: bool
    warm: bool
    precision: str
    epoch: int
    start_error: float | None
    pace: dict[str, float]
