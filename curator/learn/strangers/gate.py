"""The gate: a score of how much a picture is like the own images, and the threshold of a refusal.

It is fitted on the features of training images alone, with the same folds as the heads: each image
is measured by what the other folds' images gave (:mod:`curator.learn.strangers.subspace`), and the
threshold is what 95 % of them reach. What is delivered is fitted once more on all of them. No
stranger is needed. Where the reviewer marked images as showing none of the classes, one more
direction is learnt, from own images to those.

numpy only: neither torch nor a project is needed to ask it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.errors import BundleInvalid, InputError, NotEnoughData
from curator.learn.strangers.subspace import Subspace, even, fit_subspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT = 0.95
"""Share of own images that the threshold keeps, out-of-fold."""
FEWEST = 40
"""Own images below which 5 % are not even two images, and no gate is fitted."""
FEWEST_MARKED = 20
"""Images marked as of none of the classes from which on these are learnt from."""
MOST = 10_000
"""Own images that are learnt from: a sample, every so many, where there are more."""
REFUSED = (
    "On sets that it was not tuned on it refused every digit and vehicle beside bears, 72 % of\n"
    "seven digits beside three, and 31 % of five kinds of small pictures beside five others."
)
"""For the card; medians of benchmarks/strangers.py."""

_AGAIN = "Export the model again with `curator export-model`."
_LARGEST = 1 << 20  # of any dimension of a tensor that a file gives


@dataclass(frozen=True)
class Gate:
    """Says of a picture how much it is like the own images, and whether it is one of them."""

    subspace: Subspace
    marked: NDArray[np.float32]
    """(R,), the direction away from images marked as of none of the classes; zeros without any."""
    centre: NDArray[np.float64]
    """(3,), mean out-of-fold measures of own images: familiarity, response, away from marked."""
    spread: NDArray[np.float64]
    """(3,), their deviations; positive."""
    threshold: float
    """Lower scores are refused."""
    kept_share: float
    """Share of the images it was set on whose out-of-fold score reaches the threshold, 0..1."""
    images: int
    """On how many own images it was set."""
    marked_images: int
    """From how many images of none of the classes it learnt; 0 without."""

    @classmethod
    def fit(
        cls,
        features: NDArray[np.floating],
        labels: NDArray[np.integer],
        fold_of: NDArray[np.integer],
        marked: NDArray[np.floating] | None = None,
        *,
        classes: int | None = None,
    ) -> Gate:
        """Learn from own images, and set the threshold on out-of-fold scores.

        ``features`` (N, D) raw, may be a memory map; ``labels`` (N,) 0..K-1; ``fold_of`` (N,): the
        fold of each, near-duplicates together; ``marked`` (M, D): features of images that a
        reviewer marked as showing none of the classes, left out when fewer than FEWEST_MARKED.
        ``classes``: K, where the last classes may have no image.

        Raises :class:`NotEnoughData` for fewer than FEWEST images or a single fold,
        :class:`InputError` for shapes that do not fit and for features that are not finite.
        """
        strangers = np.empty((0, features.shape[-1]), np.float32) if marked is None else marked
        _check(features, labels, fold_of, strangers)
        step = -(-len(labels) // MOST)
        own, labels, fold_of = even(features[::step]), labels[::step], fold_of[::step]
        classes = int(labels.max()) + 1 if classes is None else classes
        if len(strangers) < FEWEST_MARKED:
            strangers = strangers[:0]
        away = even(strangers[:MOST])
        measures = np.empty((len(own), 3))
        for fold in np.unique(fold_of):
            held = fold_of == fold
            part = fit_subspace(own[~held], labels[~held], classes)
            measures[held] = _measures(part, _towards_own(part, own[~held], away), own[held])
        whole = fit_subspace(own, labels, classes)
        centre, spread = measures.mean(axis=0), measures.std(axis=0)
        spread = np.where(spread > 1e-9, spread, 1.0)
        scores = _scores(measures, centre, spread, len(away) > 0)
        threshold = float(np.quantile(scores, 1 - KEPT, method="lower"))
        return cls(
            subspace=whole,
            marked=_towards_own(whole, own, away),
            centre=centre,
            spread=spread,
            threshold=threshold,
            kept_share=float((scores >= threshold).mean()),
            images=len(own),
            marked_images=len(away),
        )

    def score(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """How much pictures are like the own images: (N,), higher is more, own ones are about 0.

        ``features`` (N, D): raw, of the network that it was fitted on. Raises
        :class:`InputError` for another shape and for features that are not finite.
        """
        dimension = self.subspace.directions.shape[1]
        if features.ndim != 2 or features.shape[1] != dimension:
            raise InputError(
                f"The gate takes features (N, {dimension}), not {features.shape}.",
                "Use the features of the network that it was exported with.",
            )
        _check_finite(features)
        measures = _measures(self.subspace, self.marked, even(features))
        return _scores(measures, self.centre, self.spread, self.marked_images > 0)

    def refuses(self, features: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each picture is of none of the classes: (N,). Raises as :meth:`score`."""
        refused: NDArray[np.bool_] = self.score(features) < self.threshold
        return refused

    @property
    def sentence(self) -> str:
        """What the gate promises, and on what it was set."""
        also = ""
        if self.marked_images:
            also = f" It also learnt from {self.marked_images} images marked as of none of them."
        return (
            f'A picture less like the training images than {1 - KEPT:.0%} of them are is "none of '
            f'these": {self.kept_share:.1%} of {self.images} training images are kept, each judged '
            f"by the others.{also}"
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything, as tensors for a safetensors file."""
        return {
            "directions": self.subspace.directions,
            "filled": self.subspace.filled,
            "heads": self.subspace.heads,
            "marked": self.marked,
            "centre": self.centre,
            "spread": self.spread,
            "threshold": np.array([self.threshold]),
            "kept_share": np.array([self.kept_share]),
            "images": np.array([self.images, self.marked_images], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], dimension: int, classes: int) -> Gate:
        """The gate of such a file, which anyone may have made, for D features and K classes.

        Raises :class:`BundleInvalid` for a tensor that is missing, of another type or shape, or out
        of its range.
        """
        rank = arrays["directions"].shape[0] if _is_matrix(arrays.get("directions")) else 0
        expected = {
            "directions": ((rank, dimension), np.float32, -1.01, 1.01),
            "filled": ((rank,), np.float32, 0.0, 1.0),
            "heads": ((classes, rank), np.float32, -1e6, 1e6),
            "marked": ((rank,), np.float32, -1e6, 1e6),
            "centre": ((3,), np.float64, -1e9, 1e9),
            "spread": ((3,), np.float64, 1e-12, 1e9),
            "threshold": ((1,), np.float64, -1e12, 1e12),
            "kept_share": ((1,), np.float64, 0.0, 1.0),
            "images": ((2,), np.int64, 0, 1 << 40),
        }
        for name, (shape, kind, low, high) in expected.items():
            tensor = arrays.get(name)
            if tensor is None or tensor.shape != shape or tensor.dtype != kind or 0 in shape:
                raise BundleInvalid(
                    f"The gate for strangers does not fit the model: {name} is not "
                    f"{np.dtype(kind).name} of the shape {shape}.",
                    _AGAIN,
                )
            if not bool(((tensor >= low) & (tensor <= high)).all()):  # NaN is in no range
                raise BundleInvalid(
                    f"The gate for strangers has numbers in {name} outside {low:g} to {high:g}.",
                    _AGAIN,
                )
        images, marked_images = (int(value) for value in arrays["images"])
        return cls(
            subspace=Subspace(arrays["directions"], arrays["filled"], arrays["heads"]),
            marked=arrays["marked"],
            centre=arrays["centre"],
            spread=arrays["spread"],
            threshold=float(arrays["threshold"][0]),
            kept_share=float(arrays["kept_share"][0]),
            images=images,
            marked_images=marked_images,
        )


def _measures(
    subspace: Subspace, marked: NDArray[np.float32], rows: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The three measures (N, 3) of even rows (N, D)."""
    place = subspace.coordinates(rows)
    return np.column_stack([subspace.measure(place), place @ marked.astype(np.float64)])


def _scores(
    measures: NDArray[np.float64],
    centre: NDArray[np.float64],
    spread: NDArray[np.float64],
    with_marked: bool,
) -> NDArray[np.float64]:
    """The mean of the standardised measures: (N,)."""
    count = 3 if with_marked else 2
    result: NDArray[np.float64] = ((measures - centre) / spread)[:, :count].mean(axis=1)
    return result


def _towards_own(
    subspace: Subspace, own: NDArray[np.float32], strangers: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weights (R,) by least squares: 1 for own, 0 for strangers, both sides counting the same.

    The regularisation is the subspace's. Zeros without strangers.
    """
    if not len(strangers):
        return np.zeros(len(subspace.filled), np.float32)
    sides = [subspace.coordinates(rows) for rows in (own, strangers)]
    gram = sides[0].T @ sides[0] / len(own) + sides[1].T @ sides[1] / len(strangers)
    ridge = np.trace(gram) / own.shape[1] * len(own) / min(len(own), len(strangers))
    target = sides[0].mean(axis=0)
    found = np.linalg.solve(gram + ridge * np.eye(len(gram)), target)
    return found.astype(np.float32)


def _is_matrix(tensor: NDArray[Any] | None) -> bool:
    return tensor is not None and tensor.ndim == 2 and max(tensor.shape) <= _LARGEST


def _check(
    features: NDArray[np.floating],
    labels: NDArray[np.integer],
    fold_of: NDArray[np.integer],
    strangers: NDArray[np.floating],
) -> None:
    rows = (len(features),)
    fitting = features.ndim == 2 and labels.shape == rows and fold_of.shape == rows
    if not fitting or strangers.ndim != 2 or strangers.shape[1] != features.shape[1]:
        raise InputError(
            f"Features {features.shape}, labels {labels.shape}, folds {fold_of.shape} and marked "
            f"images {strangers.shape} do not fit: they must be (N, D), (N,), (N,) and (M, D).",
            "Pass one label and one fold per row of features.",
        )
    if len(features) < FEWEST or len(np.unique(fold_of)) < 2:
        raise NotEnoughData(
            f"{len(features)} images in {len(np.unique(fold_of))} folds are too few to set a "
            f"threshold on; {FEWEST} in 2 folds are the fewest.",
            "Add images, or export without a gate.",
        )
    for part in (features, strangers):
        _check_finite(part)


def _check_finite(features: NDArray[np.floating]) -> None:
    for start in range(0, len(features), 4096):
        if not np.isfinite(features[start : start + 4096]).all():
            raise InputError("Some features are NaN or infinite.", "Compute them again.")
