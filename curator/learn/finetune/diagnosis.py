"""What the curves of a fine-tuning run say, in words.

Pure: it reads the training table of :func:`curator.learn.finetune.loop.fit` and knows nothing of
networks. Two facts carry most of the weight:

- ln K is the loss of a model that knows nothing of K classes. Only a step that was too long takes
  a network far above it on images that it learns from.
- The training loss of an epoch is the mean over the epoch, while the network still learns: it lags
  behind the validation loss while both fall. And few images can be learnt by heart in three
  passes: a training loss that is low by then was learnt from what the images show.

Training loss below validation loss is what learning looks like, not overfitting: only an error
rate that gets worse is called that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curator.errors import InputError

Row = Mapping[str, Any]

RATE_TOO_HIGH, RATE_TOO_LOW = "rate-too-high", "rate-too-low"
TOO_FEW_EPOCHS, OVERFITTING = "too-few-epochs", "overfitting"
UNINFORMATIVE_LABELS, PREPROCESSING = "uninformative-labels", "preprocessing"
WORSE_THAN_START, NO_GAIN = "worse-than-start", "no-gain"
NO_VALIDATION, WELL = "no-validation", "well"

_EXPLODED = 1.5  # times ln K; noise of a small epoch stays below 1.2
_STEEP = 0.05  # of ln K in the last epoch; the flat end of a healthy run falls by less than 0.01
_SLOW = 0.5  # of ln K still left at the end: half of what there was to learn
_LAGGING = 0.95  # training loss over validation loss; the second is of other images, so about 1
_EARLY, _BY_SIGHT = 3, 0.5  # epochs, and times ln K: see above
_FELL = 0.9  # of the first epoch's training loss: a network that learns anything gets there
_WORSE_POINTS, _WORSE_SHARE = 0.02, 0.25  # a rise of the error that is more than a few images


@dataclass(frozen=True)
class Finding:
    """One thing that the curves show. ``code`` is one of this module's constants."""

    code: str
    sentence: str
    next_step: str


@dataclass(frozen=True)
class _Curves:
    """Epochs with all their figures; the losses in nats, the errors 0..1."""

    train: list[float]
    valid: list[float]
    error: list[float]
    know_nothing: float
    """ln K."""
    majority: float
    images: int


def diagnose(
    history: Sequence[Row],
    classes: int,
    majority_error: float,
    valid_images: int = 0,
    train_error: float | None = None,
    valid_error: float | None = None,
    start_error: float | None = None,
) -> list[Finding]:
    """What went wrong in a run, most serious first; :data:`WELL` alone when nothing did.

    ``history``: one row an epoch with ``train_loss``, ``valid_loss`` and ``error_rate``, numbers or
    None; ``classes`` K, 2 or more; ``majority_error``: the error, 0..1, of always naming the most
    frequent class; ``valid_images``: how many there are, 0 for unknown: the fewer, the larger must
    a difference be. ``train_error`` and ``valid_error``, 0..1: of training and validation images,
    both predicted by the finished network in the same way. ``start_error``: of validation images by
    the model that the run began from, such as the instant recipe's head.

    Raises :class:`InputError` for no epoch, fewer than two classes, or an error outside 0..1.
    """
    if not history or classes < 2 or not 0 <= majority_error <= 1:
        raise InputError(
            f"{len(history)} epochs, {classes} classes and a majority error of {majority_error}.",
            "Pass at least one epoch, two classes, and an error from 0 to 1.",
        )
    whole = [row for row in history if _number(row["train_loss"])]
    judged = [row for row in whole if _number(row["valid_loss"]) and _number(row["error_rate"])]
    curves = _Curves(
        [float(row["train_loss"]) for row in judged],
        [float(row["valid_loss"]) for row in judged],
        [float(row["error_rate"]) for row in judged],
        math.log(classes),
        majority_error,
        valid_images,
    )
    unvalidated = all(row["valid_loss"] is None for row in history)
    if len(whole) < len(history) or (len(judged) < len(history) and not unvalidated):
        return [_too_high("the loss is no number any more")]
    if unvalidated:
        losses = [float(row["train_loss"]) for row in whole]
        if losses[-1] > _EXPLODED * curves.know_nothing:
            return [_too_high(f"the training loss ended at {losses[-1]:.3g}")]
        return [
            Finding(
                NO_VALIDATION,
                "No image was held out, so nothing can be said of how well it learnt.",
                "Hold some images out for validation.",
            )
        ]
    exploded = _exploded(curves)
    if exploded:
        return [exploded]
    checks = (_preprocessing(curves, train_error, valid_error), _nothing_learnt(curves))
    found = [finding for finding in checks if finding][:1]
    if not found:
        trends = (_worsened(curves), _overfitting(curves), _slow(curves))
        found = [finding for finding in trends if finding]
    ended = curves.error[-1] if valid_error is None else valid_error
    if start_error is not None and ended >= start_error:
        worse = worse_than_chance(ended, start_error, valid_images)
        found.append((_worse_than_start if worse else _no_gain)(ended, start_error))
    return found or [_well(curves, ended, start_error)]


def _number(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _too_high(what: str) -> Finding:
    return Finding(
        RATE_TOO_HIGH,
        f"The learning rate is too high: {what}.",
        "Train again with a tenth of the rate, or look for one with `curator lr-find`.",
    )


def _exploded(curves: _Curves) -> Finding | None:
    """Losses far above knowing nothing, unless the run recovered from them."""
    nothing, last = curves.know_nothing, curves.valid[-1]
    if curves.error[-1] < curves.majority / 2 and last < nothing:
        return None
    if max(curves.train) > _EXPLODED * nothing:
        return _too_high(
            f"the training loss went to {max(curves.train):.3g}, and a model that knows nothing has"
            f" {nothing:.2f}"
        )
    # Confident mistakes take the validation loss of any memorising network above ln K, but such a
    # network's training loss falls.
    rising = last > nothing and last > 1.1 * curves.valid[0]
    if (rising or last > 10 * nothing) and curves.train[-1] > 0.97 * curves.train[0]:
        return _too_high(
            f"the validation loss rose to {last:.3g} while the training loss did not fall"
        )
    return None


def _preprocessing(
    curves: _Curves, train_error: float | None, valid_error: float | None
) -> Finding | None:
    """Validation far worse than training from the first epoch on.

    Overfitting and labels without meaning end there too, but a training loss that is low after
    three passes tells them apart.
    """
    early = min(curves.train[:_EARLY])
    lowest = min(curves.valid)
    if early > _BY_SIGHT * curves.know_nothing or lowest < 1.5 * early:
        return None
    said = f"the validation loss never came below {lowest:.2f}"
    # A network that starts from trained weights may know the training images already, and so have
    # a low training loss on an honestly difficult task: the error must be bad as well.
    apart = min(curves.error) > curves.majority / 2
    if train_error is not None and valid_error is not None:
        apart = apart or valid_error > max(train_error + 0.15, 3 * train_error)
        said += f", the error is {valid_error:.1%} against {train_error:.1%} on training images"
    if not apart:
        return None
    return Finding(
        PREPROCESSING,
        f"Validation is far worse than training: {said}, while the training loss was down to"
        f" {early:.2f} after at most {_EARLY} epochs. Is the preprocessing the same?",
        "Look at a batch of each: size, crop, colours and normalisation must agree, and the "
        "validation images must be of the same kind.",
    )


def _nothing_learnt(curves: _Curves) -> Finding | None:
    """The error stays where naming the most frequent class is."""
    chance = math.sqrt(curves.majority * (1 - curves.majority) / max(1, curves.images))
    margin = max(0.1 * curves.majority, 2 * chance if curves.images else 0)
    best = min(curves.error)
    if best < curves.majority - margin:
        return None
    stays = f"the validation error stays at {best:.1%}, as when always naming the most frequent"
    fell = curves.train[-1] < _FELL * curves.train[0]
    if fell or curves.valid[-1] > 1.05 * curves.valid[0]:
        how = "though the training images are learnt by heart" if fell else "from epoch to epoch"
        return Finding(
            UNINFORMATIVE_LABELS,
            f"The labels say nothing about the images: {stays} class, {how}.",
            "Check that the labels belong to the images: look at a few of each class.",
        )
    return Finding(
        RATE_TOO_LOW,
        f"The learning rate is too low: {stays} class, and neither loss moves.",
        "Train again with ten times the rate, or look for one with `curator lr-find`; if that "
        "changes nothing, the labels may not belong to the images.",
    )


def worse_than_chance(error: float, before: float, images: int, deviations: float = 2) -> bool:
    """Whether ``error`` is above ``before``, both 0..1, by more than a few images.

    ``images``: how many there are, 0 for unknown; ``deviations``: of a count.
    """
    least = max(_WORSE_POINTS, _WORSE_SHARE * before)
    if images:
        spread = math.sqrt(max(before, 1 / images) / images)
        least = max(least, deviations * spread)
    return error - before >= least


def _worsened(curves: _Curves) -> Finding | None:
    """The error got worse, and the training loss did not fall either: the steps were too long.

    One epoch may be enough to see it, so the rise must be larger than for overfitting.
    """
    best = min(curves.error)
    at = len(curves.error) - 1 - curves.error[::-1].index(best)
    fell = curves.train[-1] < 0.97 * curves.train[at]
    if fell or not worse_than_chance(curves.error[-1], best, curves.images, 3):
        return None
    return _too_high(
        f"the validation error rose from {best:.1%} after epoch {at + 1} to {curves.error[-1]:.1%},"
        " and the training loss did not fall"
    )


def _worse_than_start(error: float, start_error: float) -> Finding:
    return Finding(
        WORSE_THAN_START,
        f"Fine-tuning made it worse: the validation error is {error:.1%}, and the head that it "
        f"began with had {start_error:.1%}.",
        "Keep the instant run; or fine-tune for more epochs with a lower rate, and without "
        "mirrored views where left and right matter.",
    )


def _no_gain(error: float, start_error: float) -> Finding:
    return Finding(
        NO_GAIN,
        f"Fine-tuning gained nothing: the validation error is {error:.1%}, and that of the head "
        f"that it began with was {start_error:.1%}.",
        "Keep the instant run.",
    )


def _overfitting(curves: _Curves) -> Finding | None:
    """The error rate got worse while the training loss went on falling."""
    best = min(curves.error)
    at = len(curves.error) - 1 - curves.error[::-1].index(best)
    later = curves.error[at + 1 :]
    if not later or curves.train[-1] >= curves.train[at]:
        return None
    # The mean of what came after: one bad epoch at the end is noise. With known numbers the rise
    # must be two standard deviations of a count.
    ended = sum(later[-3:]) / len(later[-3:])
    if len(later) < 2 or not worse_than_chance(ended, best, curves.images):
        return None
    return Finding(
        OVERFITTING,
        f"Overfitting: the validation error was {best:.1%} after epoch {at + 1} and "
        f"{later[-1]:.1%} at the end, while the training loss fell.",
        f"Stop after epoch {at + 1}, as a run that keeps its best epoch does, or add images; clean "
        "the labels if many are wrong.",
    )


def _slow(curves: _Curves) -> Finding | None:
    """Training loss not below validation loss at the end, and the latter still falling or high."""
    train, last = curves.train[-1], curves.valid[-1]
    nothing = curves.know_nothing
    alone = len(curves.valid) == 1
    before = nothing if alone else curves.valid[-2]
    if train < _LAGGING * last or last >= before:
        return None
    losses = f"the training loss ({train:.3g}) is not below the validation loss ({last:.3g})"
    # One epoch has no trend: a network that knows most after it needs no more of them.
    if before - last >= _STEEP * nothing and not (alone and last < _SLOW / 2 * nothing):
        return Finding(
            TOO_FEW_EPOCHS,
            f"Too few epochs: {losses}, which fell by {(before - last) / before:.0%} in the last "
            "epoch.",
            "Train for twice as many epochs.",
        )
    if last > _SLOW * nothing:
        return Finding(
            RATE_TOO_LOW,
            f"The learning rate is too low: {losses}, and both fall slowly.",
            "Train again with ten times the rate, or look for one with `curator lr-find`.",
        )
    return None


def _well(curves: _Curves, error: float, start_error: float | None) -> Finding:
    sentence = f"Nothing suspicious: the validation error is {error:.1%}"
    if start_error is not None:
        sentence += f", that of the head that it began with was {start_error:.1%}"
    if curves.train[-1] < curves.valid[-1]:
        sentence += "; a training loss below the validation loss is what learning looks like"
    return Finding(WELL, f"{sentence}.", "Review the images that it gets most wrong.")
