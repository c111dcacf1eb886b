"""Training again after 25 decisions: this project against scikit-learn's cross-validation.

    python benchmarks/retrain.py [--rows 50000]

Ten labels are changed, eight confirmed and seven images deleted; then folds, heads, out-of-fold
predictions, calibration and ranking are made anew, from the heads of the round before.

- 500 images: real features of handwritten digits (bundled backbone), ten classes.
- 50,000 images: the same features, each repeated with noise of its own (the difference of two other
  images of the class, and independent noise), 2 % of the labels wrong. Stands in for a large set.

The peer, on the large set: ``cross_val_predict(LogisticRegression)`` with the same standardised
features, folds and regularisation, at the loosest tolerance whose log-loss is within 1 % of ours.
That comparison is of one plain fit: without doubts and calibration, which the peer does not have.
The peer cannot start from the round before; that is part of what is compared. Both sides run in
this process with the same threads.
"""

from __future__ import annotations

import functools
import sys
import time
from dataclasses import dataclass

import numpy as np
import sides
from datasets import encoded, pictures

from curator.learn.evaluation.label_quality import is_label_issue, self_confidence
from curator.learn.evaluation.metrics import log_loss
from curator.learn.folds import assign_folds
from curator.learn.instant import fit as instant
from curator.learn.instant.settings import FitSettings

GOAL, SMALL_SECONDS, LARGE_SECONDS, EQUAL = 5.0, 0.3, 10.0, 0.01
CLASSES = 10
REPEATS = 3  # of the second training; the middle one counts
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass
class Round:
    """A data set as it stands: N images."""

    features: np.ndarray  # (N, D)
    labels: np.ndarray  # (N,)
    keys: np.ndarray  # (N,)
    trusted: np.ndarray  # (N,)

    def folds(self) -> np.ndarray:
        """The fold of each image."""
        return assign_folds(self.labels, self.keys, keys=self.keys)

    def learnt_from(self) -> np.ndarray:
        """The images, four in five, that the exported head learns from."""
        return self.keys % 5 > 0


def enlarged(features: np.ndarray, labels: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """``rows`` images like those given, classes overlapping more, 2 % of the labels wrong."""
    random = np.random.default_rng(0)
    source = random.integers(len(labels), size=rows)
    given = labels[source]
    result = features[source]
    for label in range(CLASSES):
        mine, pool = np.flatnonzero(given == label), np.flatnonzero(labels == label)
        first, second = random.choice(pool, (2, len(mine)))
        result[mine] += 0.7 * (features[first] - features[second])
    deviation = features.std(axis=0)
    for start in range(0, rows, 4096):
        piece = result[start : start + 4096]
        piece += 0.5 * deviation * random.standard_normal(piece.shape, dtype=np.float32)
    wrong = random.random(rows) < 0.02
    return result, np.where(wrong, (given + random.integers(1, CLASSES, rows)) % CLASSES, given)


def decide(before: Round, ranked: np.ndarray) -> Round:
    """The 25 most suspicious images: 10 relabelled, 8 confirmed, 7 deleted."""
    labels, trusted = before.labels.copy(), before.trusted.copy()
    labels[ranked[:10]] = (labels[ranked[:10]] + 1) % CLASSES
    trusted[ranked[:18]] = True
    keep = np.ones(len(labels), bool)
    keep[ranked[18:25]] = False
    return Round(before.features[keep], labels[keep], before.keys[keep], trusted[keep])


def train(
    data: Round, settings: FitSettings, last: instant.Fitted | None = None
) -> tuple[float, instant.Fitted, np.ndarray]:
    """Seconds from decisions to the new ranking, the fit, and the ranking."""
    began = time.perf_counter()
    fitted = instant.fit(
        data.features,
        data.labels,
        data.folds(),
        data.learnt_from(),
        CLASSES,
        settings,
        trusted=data.trusted,
        warm=last.heads if last else None,
        warm_l2=last.l2 if last else None,
    )
    flagged = is_label_issue(fitted.out_of_fold, data.labels, data.trusted)
    ranked = np.lexsort((self_confidence(fitted.out_of_fold, data.labels), ~flagged))
    return time.perf_counter() - began, fitted, ranked


def plain(data: Round, settings: FitSettings, last: instant.Fitted) -> sides.Figures:
    """Train once more, as far as the peer does."""
    seconds, fitted, _ = train(data, settings, last)
    return {"seconds": seconds, "log_loss": log_loss(fitted.out_of_fold, data.labels)}


def cross_validated(data: Round, l2: float, tolerance: float) -> sides.Figures:
    """The same by scikit-learn."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    folds = data.folds()
    per_fold = len(folds) * 4 / 5
    began = time.perf_counter()
    deviation = data.features.std(axis=0)
    deviation[deviation == 0] = 1
    features = (data.features - data.features.mean(axis=0)) / deviation
    model = LogisticRegression(C=1 / (l2 * per_fold), tol=tolerance, max_iter=1000)
    found = cross_val_predict(
        model, features, data.labels, cv=PredefinedSplit(folds), method="predict_proba"
    )
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "log_loss": log_loss(found, data.labels)}


def loose_enough(data: Round, l2: float, ours: float) -> float:
    """The loosest tolerance with which scikit-learn's log-loss comes near ``ours``."""
    for tolerance in TOLERANCES:
        loss = cross_validated(data, l2, tolerance)["log_loss"]
        print(f"  scikit-learn, tol {tolerance:g}: log-loss {loss:.4f}", flush=True)
        if abs(loss - ours) <= EQUAL * loss:
            break
    return tolerance


def measure(name: str, features: np.ndarray, labels: np.ndarray) -> tuple[float, Round, Round]:
    """Train, decide, train again; seconds of the second time, and the data of both."""
    keys = np.random.default_rng(1).permutation(len(labels))
    data = Round(features, labels, keys, np.zeros(len(labels), bool))
    settings = FitSettings()
    first, last, ranked = train(data, settings)
    after = decide(data, ranked)
    several = [train(after, settings, last) for _ in range(REPEATS)]
    seconds = float(np.median([one[0] for one in several]))
    fitted = several[0][1]
    print(
        f"{name}: first {first:.2f} s (l2 {last.l2:g} chosen), after 25 decisions {seconds:.2f} s,"
        f" log-loss {log_loss(fitted.out_of_fold, after.labels):.4f}",
        flush=True,
    )
    return seconds, data, after


def main() -> int:
    """Run both sides, print the figures, return the exit status."""
    parser = sides.Options(__doc__)
    parser.size("--rows", 50_000, 1000, "images of the large set")
    options = parser.parse_args()
    images, labels = pictures("digits")
    features = encoded(images)
    small, _, _ = measure("500 images", features[:500], labels[:500])
    good = [sides.verdict(SMALL_SECONDS / small, 1, "0.3 s / seconds, 500 images")]
    name = f"{options.rows} images"
    large, before, after = measure(name, *enlarged(features, labels, options.rows))
    good.append(sides.verdict(LARGE_SECONDS / large, 1, f"10 s / seconds, {name}"))
    settings = FitSettings(l2=0.01, calibrate=False, doubt=False)
    after.trusted[:] = False
    _, last, _ = train(before, settings)
    ours = functools.partial(plain, after, settings, last)
    tolerance = loose_enough(after, settings.l2 or 0, ours()["log_loss"])
    peer = functools.partial(cross_validated, after, settings.l2 or 0, tolerance)
    print("one plain fit each:", flush=True)
    result = sides.compare(
        [sides.Side(sides.OURS, ours), sides.Side("scikit-learn", peer)], options.repeats
    )
    result.tell("seconds", "s")
    result.tell("log_loss", "log-loss")
    sides.record(options, retrain=result)
    worse = result.spread(sides.OURS, "log_loss").median / (
        result.spread("scikit-learn", "log_loss").median
    )
    good.append(sides.verdict(worse, 1 + EQUAL, "log-loss, ours / scikit-learn", at_most=True))
    what = "seconds to out-of-fold ranking, scikit-learn / ours"
    good.append(sides.verdict(result.ratio("scikit-learn", "seconds"), GOAL, what))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
