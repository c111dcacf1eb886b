"""What the benchmarks measure on: pictures, their features, and labels that are planted wrong.

- bears: 480 pictures of an image search, three classes;
- digits: scikit-learn's 1,797 handwritten digits, drawn as pictures, ten classes;
- cifar10n: 4,000 pictures of ten classes with the labels that people gave them (CIFAR-10N).

Look-alikes stand in for people's mistakes, of which no labels could be had here: a model of another
kind (logistic regression on the pixels, out-of-fold) says how likely each wrong class is, and
images are drawn, and renamed, by that. People's real mistakes are correlated in other ways.
"""

from __future__ import annotations

import io
import struct
import time
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("black", "grizzly", "teddys")
CONFUSED = {3: 5, 5: 3, 8: 9, 9: 8, 1: 7, 7: 1, 4: 6, 6: 4, 0: 6, 2: 3}


def bear_files(bears: Path) -> list[Path]:
    """The files, class by class, in a fixed order."""
    return [file for name in CLASSES for file in sorted((bears / name).glob("*.jpg"))]


def once_per_machine(_work: Path) -> dict[str, float]:
    """Make sure that what the backbone needs once per machine is there; the seconds it took."""
    began = time.perf_counter()
    from curator.encode.backbones import BUNDLED, DEFAULT
    from curator.encode.classifier import load_classifier
    from curator.encode.encoder import graph_file

    graph_file(BUNDLED[DEFAULT])
    load_classifier(BUNDLED[DEFAULT])
    return {"seconds": time.perf_counter() - began}


def distinct(jpeg: bytes, note: str) -> bytes:
    """The same picture as a file of other bytes: with a comment behind the first mark."""
    comment = note.encode()
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


def pictures(
    name: str, bears: Path | None = None, most: int | None = None
) -> tuple[list[Any], np.ndarray]:
    """The (``most`` first) pictures of a set, and their labels (N,)."""
    from PIL import Image
    from sklearn.datasets import load_digits

    from curator.sample.digits import draw

    if name == "digits":
        data = load_digits()
        return [draw(values) for values in data.images[:most]], data.target[:most]
    assert bears is not None
    files = bear_files(bears)[:most]
    labels = np.array([CLASSES.index(file.parent.name) for file in files])
    return [Image.open(file).convert("RGB") for file in files], labels


def human(folder: Path, most: int | None = None) -> tuple[list[Any], dict[str, np.ndarray]]:
    """The (``most`` first) pictures below ``folder``; each set of labels (N,), by its name."""
    import pandas as pd
    from PIL import Image

    table = pd.read_csv(folder / "labels.csv", dtype=str)[:most]
    with zipfile.ZipFile(folder / "images.zip") as archive:
        files = {name.rpartition("/")[2]: name for name in archive.namelist()}
        images = [
            Image.open(io.BytesIO(archive.read(files[name]))).convert("RGB")
            for name in table.pop("name")
        ]
    classes = np.unique(table["true"])
    return images, {name: np.searchsorted(classes, table[name]) for name in table}


def encoded(images: list[Any]) -> np.ndarray:
    """Features (N, D) of pictures by the bundled backbone on the CPU."""
    from curator.encode.backbones import DEFAULT, choose
    from curator.encode.encoder import Encoder
    from curator.encode.preprocess import prepare_image

    encoder = Encoder(choose(DEFAULT, "cpu"))
    features = []
    for start in range(0, len(images), 32):
        batch = [prepare_image(image, encoder.backbone) for image in images[start : start + 32]]
        features.append(encoder.encode(np.stack(batch)))
    return np.concatenate(features)


def prepared(
    name: str, bears: Path, most: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (N, D), labels (N,), and probabilities (N, K) of a model on pixels."""
    from PIL import Image
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    images, labels = pictures(name, bears, most)
    small = [image.resize((16, 16), Image.Resampling.BOX) for image in images]
    pixels = np.stack([np.asarray(image, float).ravel() for image in small]) / 255
    model = LogisticRegression(C=0.02, max_iter=1000)
    found = cross_val_predict(model, pixels - pixels.mean(0), labels, method="predict_proba")
    return encoded(images), labels, found


def planted(
    data: tuple[np.ndarray, np.ndarray, np.ndarray], kind: str, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, given labels and true labels of one case."""
    features, truth, alike = data
    random = np.random.default_rng(seed)
    classes = alike.shape[1]
    if kind == "unbalanced":
        sizes = [
            int((truth == label).sum() * 10 ** (-label / (classes - 1))) for label in range(classes)
        ]
        keep = np.sort(
            np.concatenate(
                [
                    random.permutation(np.flatnonzero(truth == label))[:size]
                    for label, size in enumerate(sizes)
                ]
            )
        )
        features, truth, alike = features[keep], truth[keep], alike[keep]
    count = round(share * len(truth))
    given = truth.copy()
    if kind == "look-alikes":
        wrong = alike.copy()
        wrong[np.arange(len(truth)), truth] = 0
        chances = wrong.max(axis=1)
        chosen = random.choice(len(truth), count, replace=False, p=chances / chances.sum())
        given[chosen] = [random.choice(classes, p=row / row.sum()) for row in wrong[chosen]]
        return features, given, truth
    chosen = random.choice(len(truth), count, replace=False)
    if kind == "confused pairs":
        given[chosen] = [CONFUSED[int(label)] for label in truth[chosen]]
    else:
        given[chosen] = (truth[chosen] + random.integers(1, classes, count)) % classes
    return features, given, truth
